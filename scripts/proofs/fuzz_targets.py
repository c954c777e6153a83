"""The targets of the fuzzer: `python -m proofs.fuzz_targets NAME ...` runs one in atheris, with libFuzzer's options.

Each target takes any bytes and raises AssertionError, or whatever was not declared, when something is wrong; that it
takes more than MAX_INPUT_S of the processor for them is wrong too.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from proofs.report_log import is_hidden

if TYPE_CHECKING:
    from ttweet.server.http.request import HttpRequest

Target = Callable[[bytes], None]
MAX_CUTS = 8  # of one stream of bytes
MAX_INPUT_S = 2.0


def decoder(data: bytes) -> None:
    """Bytes from a client: requests or declared errors come of them, and the same ones wherever reads are cut.

    The first byte says how many cuts there are, two more for each where it is.
    """
    from ttweet.protocol import codecs
    from ttweet.protocol.json_codec import STDLIB_JSON

    stream, parts = _cut(data)
    for reads in (STDLIB_JSON, codecs.JSON):
        whole, cut = _requests([stream] if stream else [], reads), _requests(parts, reads)
        assert whole == cut, f"{whole} in one read, {cut} in {len(parts)}"


def http(data: bytes) -> None:
    """Check that bytes by HTTP give requests or declared errors, and the same ones wherever reads are cut.

    Each request is posted as a tweet, looked for among the routes, and asked for its token, its query and its host.
    """
    stream, parts = _cut(data)
    whole, cut = _http_requests([stream] if stream else []), _http_requests(parts)
    assert whole == cut, f"{whole} in one read, {cut} in {len(parts)}"


def _cut(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return a stream of bytes whole and in parts, cut where the first bytes of the data say."""
    cuts = data[0] % (MAX_CUTS + 1) if data else 0
    head, stream = data[1 : 1 + 2 * cuts], data[1 + 2 * cuts :]
    places = sorted(int.from_bytes(head[at : at + 2], "big") % (len(stream) + 1) for at in range(0, len(head), 2))
    return stream, [stream[start:end] for start, end in pairwise([0, *places, len(stream)]) if start < end]


def _http_requests(parts: list[bytes]) -> list[str]:
    """Return the requests in the parts, and the status of the error that ends them, if there is one."""
    from ttweet.server.http.parser import RequestParser
    from ttweet.server.http.problems import Malformed

    parser, found = RequestParser(), list[str]()
    try:
        for part in [*parts, b""]:
            parser.receive_data(part)
            while (request := parser.next_request()) is not None:
                found.append(f"{request}")
                _look_at(request)
    except Malformed as error:
        found.append(f"{error.status}")
    return found


def proxy(data: bytes) -> None:
    """Check that the first bytes of a proxy name the same client, or are the same error, wherever reads are cut."""
    stream, parts = _cut(data)
    whole, cut = _proxy_header([stream]), _proxy_header(parts)
    assert whole == cut, f"{whole} in one read, {cut} in {len(parts)}"


def _proxy_header(parts: list[bytes]) -> str:
    """Return the header at the front of the parts, the status of its error, or nothing for one without an end."""
    from ttweet.server.http.problems import Malformed
    from ttweet.server.http.proxy_header import MAX_BINARY_BYTES, read_header

    data = b""
    for part in parts:
        data += part
        try:
            header = read_header(data)
        except Malformed as error:
            return f"{error.status}"
        if header is not None:
            assert header.size <= min(len(data), MAX_BINARY_BYTES)
            return f"{header}"
        assert len(data) < MAX_BINARY_BYTES, "more bytes are wanted than a header has"
    return ""


def _look_at(request: HttpRequest) -> None:
    """Do all that a server does with a request before it knows the client's rights."""
    from ttweet.model.errors import Refused
    from ttweet.server.http import api, guard, posting
    from ttweet.server.http.forwarded import Requester, requester_of
    from ttweet.server.http.routes import Routes

    for look in (
        lambda: guard.check(request, (), trusted=True),
        lambda: posting.post_of(request),
        lambda: Routes(api.routes({})).find(request),
        lambda: request.token,
        lambda: request.cookie,
        lambda: requester_of(request, Requester(("127.0.0.1", 1), False), ("127.0.0.1",)),
    ):
        with suppress(Refused):
            look()


def _requests(parts: list[bytes], reads: object) -> list[str]:
    """Return the requests in the parts, as far as the connection lasts; the last may be a protocol error."""
    from ttweet.model.errors import ProtocolError
    from ttweet.protocol.classic import ClassicDownload
    from ttweet.protocol.reader import ReaderEvent, RequestReader

    reader = RequestReader(reads)  # type: ignore[arg-type]  # one of the two there are
    events: list[ReaderEvent] = []
    for part in parts:
        events += reader.receive_data(part)
        if events and isinstance(events[-1], ProtocolError | ClassicDownload):
            break
    else:
        events += reader.receive_end()
    return [event.code if isinstance(event, ProtocolError) else f"{type(event).__name__} {event}" for event in events]


def escapes(data: bytes) -> None:
    """Any text: a report line, a draft and a frame made of it are one line each, and no harm to a terminal."""
    from ttweet.model import reports, tweets
    from ttweet.model.errors import Refused
    from ttweet.protocol import frames

    text = data.decode(errors="surrogateescape")  # as the arguments of a command come
    for line in (
        reports.escape(text),
        reports.message_received(text).line,
        reports.from_client(text).line,
        reports.message_shown(text).line,
    ):
        assert not [character for character in line if is_hidden(character)], f"{text!r} became {line!r}"
        assert len(line.splitlines()) <= 1
        line.encode()
    assert reports.from_client(text).side == "CLIENT"
    with suppress(Refused):
        draft = tweets.draft(text)
        frame = frames.encode("u", draft.text)
        assert frame.count(b"\n") == 1
        assert json.loads(frame) == ["u", draft.text]


TARGETS: dict[str, Target] = {target.__name__: target for target in (decoder, escapes, http, proxy)}


def timed(target: Target) -> Target:
    """The target with a limit of time, which is the processor's: what else the machine does is not its fault."""

    def within_limit(data: bytes) -> None:
        began = time.process_time()
        target(data)
        took_s = time.process_time() - began
        assert took_s < MAX_INPUT_S, f"{took_s:.1f} s for {len(data)} bytes"

    return within_limit


def main() -> None:
    """Fuzz what the first argument names."""
    atheris = importlib.import_module("atheris")
    target = TARGETS[sys.argv.pop(1)]
    with atheris.instrument_imports(include=["ttweet"]):
        target(b"")  # imports what it fuzzes
    atheris.Setup(sys.argv, timed(target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
