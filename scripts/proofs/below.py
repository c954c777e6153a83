"""Attacks below the layer that counts requests: what TLS lets a client have the server do without one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from server_process import ServerProcess

from proofs.caller import ANSWER_S, frame
from proofs.expensive import uploads
from proofs.ground import Ground
from proofs.history import Upload, now
from proofs.tls_caller import TlsCaller, certificate

KEYS_AT_ONCE = (3, 100)  # beside each ping
MAX_KEYS = 2_000  # of one connection that says little else
HELLOS = 5  # clients at once
HELLO_BYTES = 1 << 20  # of a first message that claims to be long, a byte in each record
HELLO = b"\x01" + (131_390).to_bytes(3, "big")  # the longest that OpenSSL waits for
RECORD = b"\x16\x03\x01\x00\x01"
MAX_HELLO_MS = 100.0  # of the processor, for one of them
CALLERS = 60  # that read nothing
PAGES = 20  # that each of them asks for
PAGE = frame("t", {"tag": "big", "limit": 200})
UPLOADS = 110  # that fill the page
RECENT = 1_500  # tweets that the server has in memory
LONG = frame("u", "#big " + "\U0001f600" * 145)
MAX_UNREAD_KIB = 640  # of memory, for a page of 256 KiB at most that one client does not read


def new_keys(ground: Ground) -> Iterator[str]:
    """Change keys again and again, beside requests and with none, whether the server is to answer them or not."""
    most = 0
    with _server(ground) as (server, ca):
        for at_once in KEYS_AT_ONCE:
            for answered in (False, True):
                with TlsCaller(server.port, ca) as one:
                    most = max(most, _change_keys(one, at_once, answered=answered))
        yield from _is_served(ground, server, ca)
    ground.figures.append(f"keys={most}")
    if most > MAX_KEYS:
        yield f"a connection may change its key {most} times"


def _change_keys(one: TlsCaller, at_once: int, *, answered: bool) -> int:
    """Change them until the server has had enough, or more than it may take; returns how often."""
    taken = 0
    with suppress(OSError):
        while taken <= MAX_KEYS:
            one.send_keys(at_once, answered=answered)
            one.ask(frame("p", ""))
            taken += at_once
    return taken


def endless_hellos(ground: Ground) -> Iterator[str]:
    """Send a first message of TLS that does not end, a byte in each record."""
    with _server(ground) as (server, ca):
        yield from _is_served(ground, server, ca)
        began = server.processor_ms()
        for _ in range(HELLOS):
            _say_hello_forever(server.port)
        each = (server.processor_ms() - began) / HELLOS
        yield from _is_served(ground, server, ca)
        server.stop()
    ground.figures.append(f"hello={each:.0f}ms")
    if each > MAX_HELLO_MS:
        yield f"a hello that does not end takes {each:.0f} ms of the server's processor"
    if (said := ground.stage.sample.read_text().count("KiB before the handshake is done")) != HELLOS:
        yield f"{said} of {HELLOS} hellos without an end were refused for it"


def _say_hello_forever(port: int) -> None:
    message = HELLO + bytes(HELLO_BYTES // len(RECORD))
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), ANSWER_S) as sock:
        sock.sendall(b"".join([RECORD + message[place : place + 1] for place in range(len(message))]))
        while sock.recv(1 << 16):
            pass


def unread_pages(ground: Ground) -> Iterator[str]:
    """Ask for long pages, or follow from the first tweet on, and read nothing."""
    fill = [uploads(1, "y" * 90, "big").data for _ in range(UPLOADS)]
    yield from _unread(ground, "unread", fill, lambda _: PAGE * PAGES)
    yield from _unread(ground, "behind", [LONG * 50] * (RECENT // 50), _follow)


def _follow(number: int) -> bytes:
    """Return a request to follow a popular tag and one that no other client follows."""
    return frame("s", {"tags": ["big", f"own{number}"], "after": 0})


def _unread(ground: Ground, name: str, fill: list[bytes], request: Callable[[int], bytes]) -> Iterator[str]:
    """Have each client of a crowd ask and read nothing, once the server has what there is to read."""
    with _server(replace(ground, stage=replace(ground.stage, folder=ground.stage.folder / name))) as (server, ca):
        with TlsCaller(server.port, ca) as one:
            for frames in [*fill, PAGE]:
                one.ask(frames)
        with ExitStack() as stack:
            crowd = [stack.enter_context(TlsCaller(server.port, ca, room=4096)) for _ in range(CALLERS)]
            server.forget_peak()
            before = server.peak_kib()
            for number, one in enumerate(crowd):
                one.send(request(number))
            yield from _is_served(ground, server, ca)
            each = (server.peak_kib() - before) / CALLERS
    ground.figures.append(f"{name}={each:.0f}KiB")
    if each > MAX_UNREAD_KIB:
        yield f"what one client does not read takes {each:.0f} KiB ({name})"


@contextmanager
def _server(ground: Ground) -> Iterator[tuple[ServerProcess, Path]]:
    """A server that speaks TLS, and the certificate to trust."""
    cert, key = certificate(ground.stage.folder)
    options = ("--rate", "none", "--tls-cert", str(cert), "--tls-key", str(key))
    with ground.with_options(*options).server() as server:
        yield server, cert


def _is_served(ground: Ground, server: ServerProcess, ca: Path) -> Iterator[str]:
    """Whether an honest client gets the page, has its upload stored and catches up with all tweets."""
    with TlsCaller(server.port, ca) as one:
        upload = Upload(len(ground.history.uploads), "an honest upload", (), None, now())
        for request in (PAGE, frame("u", upload.text)):
            if not (said := one.ask(request)).startswith(b'["ok"'):
                yield f"an honest client got {said[:100]!r}"
                return
        upload.outcome = "ok"
        ground.history.uploads.append(upload)
        one.ask(frame("s", {"tags": ["nosuch"], "after": 0}), lines=2)  # it has caught up, as have those before it
