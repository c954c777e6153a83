"""The server's end of both protocols: a client's bytes to requests. No I/O, no storage, no trio.

One connection speaks one protocol, and its first byte says which: `[` is framed; `u` or `d` followed by a line feed
is classic; anything else is an error. A request that is not carried out (`Refused`) leaves the connection open; bytes
that are not the protocol (`ProtocolError`) end it. Both come as values among the requests, in their place.
"""

from collections.abc import Callable

from ttweet.model.errors import ProtocolError, Refused, TtweetError
from ttweet.model.requests import (
    Identify,
    Last,
    ListNames,
    ListTags,
    Ping,
    Request,
    TweetsOfAuthor,
    TweetsOfTag,
)
from ttweet.model.tweets import MAX_TEXT_BYTES
from ttweet.protocol import frames
from ttweet.protocol.classic import ClassicDownload, ClassicUpload
from ttweet.protocol.json_codec import STDLIB_JSON, Json
from ttweet.protocol.requests import parse, parse_first

TLS_BEGINS = b"\x16"  # a handshake record, see RFC 8446, 5.1; no other byte is awaited, as reads are cut anywhere
IS_PLAIN = "no TLS on this port; ask the operator"
IS_TLS = "this port requires TLS; set TTWEET_CA to the certificates to trust"

MAX_KNOWN = 1024  # frames of queries that are parsed once, about 400 KiB
MAX_KNOWN_BYTES = 128  # of such a frame

ReaderEvent = Request | Identify | ClassicUpload | ClassicDownload | TtweetError

_KEPT = frozenset({Last, TweetsOfTag, ListTags, ListNames, TweetsOfAuthor, Ping})


class KnownFrames:
    """Frames whose requests are known: many clients send the same few queries again and again.

    Frames with tweets, sign-ins and tokens are not among them.
    """

    __slots__ = ("_requests", "get")

    def __init__(self) -> None:
        self._requests: dict[bytes, ReaderEvent] = {}
        self.get = self._requests.get
        """Returns the request of a frame, or None if it is not known."""

    def __len__(self) -> int:
        return len(self._requests)

    def note(self, frame: bytes, request: ReaderEvent) -> None:
        """Keep the request of a frame, if it is a query; forget all of them when they are too many."""
        if type(request) in _KEPT and len(frame) <= MAX_KNOWN_BYTES:
            if len(self._requests) >= MAX_KNOWN:
                self._requests.clear()
            self._requests[frame] = request


_known = KnownFrames()


class RequestReader:
    """One client's bytes on their way to requests. `json` reads the frames; a faster library may be given."""

    __slots__ = ("_classic", "_frames", "_json", "_parse", "classic", "understood")

    def __init__(self, json: Json = STDLIB_JSON) -> None:
        self._json = json
        self._parse: Callable[[str, object], Request | Identify] = parse_first
        self._frames: frames.FrameReader | None = None
        self._classic = b""
        self.classic = False
        self.understood = False
        """Whether a request has come that is one of ours."""

    @property
    def begun(self) -> bool:
        """Whether the first byte has come."""
        return self._frames is not None or self.classic

    @property
    def unfinished(self) -> bool:
        """Whether a frame, or a classic message, has begun and not ended."""
        return self.classic or (self._frames is not None and self._frames.rest != b"")

    def receive_data(self, data: bytes) -> list[ReaderEvent]:
        """Return the requests that these bytes complete, in order. A ProtocolError is the last of all."""
        if self._frames is not None:
            return self._read_frames(self._frames.receive_data(data))
        if data and not self.classic:
            if data[:1] == b"[":
                self._frames = frames.FrameReader()
                return self._read_frames(self._frames.receive_data(data))
            self.classic = data[:1] in (b"u", b"d")
        return self._read_classic(data)

    def receive_end(self) -> list[ReaderEvent]:
        """Return the classic upload that the clean end of the stream completes. An unfinished frame is dropped."""
        if self.classic and len(self._classic) == 1:
            return [ProtocolError("bad_protocol", f"the connection ended after {ascii(self._classic)[1:]}")]
        if not self._classic.startswith(b"u\n"):
            return []
        try:
            upload = ClassicUpload(self._classic[2:].decode())
        except UnicodeDecodeError as exc:
            return [ProtocolError("bad_text", f"invalid message: byte {exc.start + 1} is not UTF-8")]
        self.understood = True
        return [upload]

    def _read_frames(self, lines: list[bytes]) -> list[ReaderEvent]:
        events: list[ReaderEvent] = []
        for line in lines:
            event = _known.get(line)
            if event is None:
                event = self._read_frame(line)
            events.append(event)
            if isinstance(event, TtweetError):
                if isinstance(event, ProtocolError):
                    break
            else:
                self.understood = True
            self._parse = parse
        return events

    def _read_frame(self, line: bytes) -> ReaderEvent:
        try:
            request = self._parse(*frames.decode(line, self._json.loads))
        except (Refused, ProtocolError) as error:
            return error
        _known.note(line, request)
        return request

    def _read_classic(self, data: bytes) -> list[ReaderEvent]:
        self._classic += data
        if self._classic[:1] == TLS_BEGINS:
            return [ProtocolError("tls", IS_PLAIN)]
        if not self.classic or self._classic[1:2] not in (b"", b"\n"):
            first = ascii(self._classic[:8])[1:]
            return [ProtocolError("bad_protocol", f'invalid first bytes {first}: begin with [ or "u" LF or "d" LF')]
        if self._classic[:2] == b"d\n":
            self._classic = b""
            self.understood = True
            return [ClassicDownload()]
        if len(self._classic) > 2 + MAX_TEXT_BYTES:
            return [ProtocolError("too_long", f"message too long: use at most {MAX_TEXT_BYTES} bytes")]
        return []
