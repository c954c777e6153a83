"""The framed protocol's syntax, for both ends: bytes to frames and frames to bytes.

A frame is one line of UTF-8 JSON, an array of exactly two elements `[operation, data]`, ended by LF (CRLF is taken
too). Knows no operations and no sockets. Quick to import: the classic commands use it.
"""

from __future__ import annotations

import json

from ttweet.model.errors import ProtocolError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Loads = Callable[[bytes], object]

MAX_FRAME_BYTES = 16 * 1024  # of a frame with its LF; a tweet has less than 1 KiB, h11 allows 16 KiB, beanstalkd 64 KiB
# The exceptions that strange data raises.
MISFITS = (
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits} is too large")
    return number


encode_value = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite).raw_decode


def loads(line: bytes) -> object:
    """Strict JSON of the standard library: UTF-8 only, no byte order mark, no NaN or infinity. Raises ValueError."""
    text = line.decode().strip(" \t\n\r")
    value, end = _decode(text)
    if end != len(text):
        raise ValueError(f"more than one value: {text[end:][:40]!a}")
    return value


def encode(operation: str, data: object) -> bytes:
    """One frame, its LF included. Raises Refused `bad_text` for a lone surrogate, which has no form in UTF-8."""
    encoded = _encode_object(data) if type(data) is dict else encode_value(data)
    try:
        return f"[{encode_value(operation)},{encoded}]\n".encode()
    except UnicodeEncodeError as exc:
        raise Refused("bad_text", "invalid text: a lone surrogate; use valid UTF-8") from exc


def _encode_object(fields: dict[str, object]) -> str:
    """As `encode_value`, in half the time: strings and numbers need no encoder of arrays, which takes long to make."""
    members = [
        f"{encode_value(name)}:{value if type(value) is int else encode_value(value)}" for name, value in fields.items()
    ]
    return "{" + ",".join(members) + "}"


def template(operation: str, data: bytes) -> bytes:
    """Return a frame to fill in with `%`: its data is JSON with %d and %b in place of values."""
    return b'["%b",%b]\n' % (operation.encode(), data)


def decode(line: bytes, loads: Loads = loads) -> tuple[str, object]:
    """One line, with or without its end, to operation and data. Raises ProtocolError `bad_frame`."""
    if len(line) >= MAX_FRAME_BYTES:
        raise ProtocolError("bad_frame", f"frame too long: use at most {MAX_FRAME_BYTES} bytes")
    try:
        frame = loads(line)
    except (ValueError, RecursionError) as exc:
        raise ProtocolError("bad_frame", f"invalid JSON: {_short(line)}") from exc
    if type(frame) is not list or len(frame) != 2 or type(frame[0]) is not str:
        raise ProtocolError("bad_frame", f'invalid frame: {_short(line)}; use ["operation", data]')
    return frame[0], frame[1]


class FrameReader:
    """Cuts a stream of bytes into lines. Holds at most one unfinished frame."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""
        """The bytes of a frame that has begun and not ended."""

    def receive_data(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete, in order, without their LF and without empty ones.

        A line that has grown too long is handed out as far as it has come: `decode` refuses it.
        """
        lines = (self.rest + data if self.rest else data).split(b"\n")
        self.rest = lines.pop()
        if len(self.rest) >= MAX_FRAME_BYTES:
            lines.append(self.rest)
            self.rest = b""
        if b"" in lines or b"\r" in lines:
            return [line for line in lines if line and line != b"\r"]
        return lines


def _short(line: bytes) -> str:
    return repr(line if len(line) <= 60 else line[:60] + b"...")[1:]
