"""Attacks by HTTP: `python -m proofs.http_attacks NAME PORT SCALE SEED` carries one out; see attacks."""

from __future__ import annotations

import random
import socket
import time
from contextlib import suppress

from proofs import attacks
from proofs.attacks import SLOW_S, Attack, all_of, connect, duration_s, many

HEAD = b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
POST = HEAD + b"Content-Length: 12\r\n\r\nnever stored"
LONG_POST = HEAD + b"Content-Length: 12000\r\n\r\n"
FOLLOW = b"GET /tweets.sse?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
FOLLOW_NOTHING = FOLLOW.replace(b"after=0", b"tag=never_posted")

REFUSED = {
    "two lengths": HEAD + b"Content-Length: 12\r\nContent-Length: 13\r\n\r\nnever stored",
    "length and chunks": HEAD + b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + POST,
    "hidden chunks": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\nc\r\nnever stored\r\n0\r\n\r\n",
    "huge chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nnever stored",
    "folded": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "space before a colon": HEAD + b"Content-Length : 12\r\n\r\nnever stored",
    "no host": b"GET /tweets HTTP/1.1\r\n\r\n",
    "long head": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "other host": POST.replace(b"localhost", b"evil.example"),
    "other site": POST.replace(b"Content-Type", b"Sec-Fetch-Site: cross-site\r\nContent-Type"),
    "other origin": POST.replace(b"Content-Type", b"Origin: http://evil.example\r\nContent-Type"),
    "proxy": POST.replace(b"Content-Type", b"X-Forwarded-For: 127.0.0.1\r\nContent-Type"),
    "proxy header": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 8080\r\n" + POST,
}
"""Requests that are answered with one error; none of them is carried out."""
FRAME = b'["u","never stored"]\n'
"""A request of the other protocol, which is answered with an error of that one."""


def refused_requests(port: int, _: random.Random, __: float) -> None:
    """Smuggled, malformed and foreign requests: one error each."""
    for name, data in REFUSED.items():
        with connect(port) as one:
            one.sendall(data)
            with suppress(OSError):
                one.shutdown(socket.SHUT_WR)
            said = all_of(one)
            assert said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), f"{name}: {said[:60]!r}"
            assert said.count(b"\r\nDate: ") == 1, f"{name} has more than one answer"
    with connect(port) as one:
        one.sendall(FRAME)
        said = all_of(one)
        assert said.startswith(b'["err",{"code":"bad_protocol",'), f"frame: {said[:60]!r}"
        assert said.count(b"\n") == 1, "a frame has more than one answer"


def endless_body(port: int, _: random.Random, scale: float) -> None:
    """A hundred million bytes of a body in chunks."""
    with connect(port) as one, suppress(OSError):
        one.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _number in range(max(1, int(100 * scale))):
            one.sendall(b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n")


def slow_requests(port: int, _: random.Random, scale: float) -> None:
    """Heads and bodies at a byte a second; at full length until the server has closed each."""
    with many(port, max(10, int(200 * scale))) as slow:
        end = time.monotonic() + SLOW_S * min(1.0, scale)
        for one in slow[::2]:
            one.sendall(LONG_POST)
        for place in range(len(HEAD)):
            for one in slow:
                with suppress(OSError):
                    one.send(HEAD[place : place + 1])
            time.sleep(min(1.0, scale))
            if time.monotonic() > end:
                break
        if scale >= 1:
            for one in slow:
                all_of(one)


def unread_streams(port: int, _: random.Random, scale: float) -> None:
    """Followers that read nothing of a long history."""
    with many(port, max(10, int(200 * scale))) as unread:
        for one in unread:
            with suppress(OSError):
                one.sendall(FOLLOW)
        time.sleep(duration_s(scale))


def flooding_streams(port: int, _: random.Random, scale: float) -> None:
    """Followers of a tag without tweets that send bytes without end."""
    with many(port, max(4, int(8 * scale))) as flooding:
        for one in flooding:
            one.sendall(FOLLOW_NOTHING)
            one.setblocking(False)
        end = time.monotonic() + duration_s(scale)
        while time.monotonic() < end:
            for one in flooding:
                with suppress(OSError):
                    one.send(bytes(100_000))


def pipelined(port: int, _: random.Random, scale: float) -> None:
    """Very many requests at once, and no answer is read."""
    with connect(port) as one:
        one.settimeout(duration_s(scale))
        with suppress(OSError):
            one.sendall(b"GET /tweets HTTP/1.1\r\nHost: localhost\r\n\r\n" * int(100_000 * max(scale, 0.1)))
        time.sleep(duration_s(scale))


HTTP_ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (refused_requests, endless_body, slow_requests, unread_streams, flooding_streams, pipelined)
}


if __name__ == "__main__":
    attacks.main(HTTP_ATTACKS)
