"""The attacks of hostile clients: `python -m proofs.attacks NAME PORT SCALE SEED` runs one in a process of its own.

It lasts for ATTACK_S at least. With `--give-way` it has the lowest priority: an attacker has a machine of his own and
does not use ours. An answer that must not be given ends it with an AssertionError.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from proofs.caller import ANSWER_S, PlainCaller, end_with_reset, frame

ATTACK_S = 3.0  # for an attack that would not end
AT_ONCE_S = 5.0  # for the end of a connection: the server gives a slow client ten seconds
BYTE_S = 1.0  # between two bytes of a slow client
SLOW_S = 11.0  # of slowness: then the server has had enough

NOT_FRAMES = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b'POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\n["u","never stored"]\n',
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    b"\xef\xbb\xbf" + b'["u","never stored"]\n',
    '["u","never stored"]\n'.encode("utf-16"),
)
"""Bytes that begin no protocol of ours: answered with an error at most, and closed at once."""

BAD_FRAMES = (
    b"[" * 16_000 + b"\n",
    b'["u",' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"]\n",
    b'["t",{"tag":"x","limit":' + b"9" * 10_000 + b"}]\n",
    b'["t",{"tag":"x","limit":1e999}]\n',
    b'["t",{"tag":"x","before":NaN}]\n',
    b'["u",NaN]\n',
    b'["u","\\ud800"]\n',
    b'["u","never\\u0000stored"]\n',
    b'["u","\xed\xa0\x80"]\n',
    b'["u","\xc0\xaf"]\n',
    b'["u","\xff\xfe"]\n',
    b'["u",{"text":"never stored","tags":[["x"]]}]\n',
    b'["u",{"text":"never stored","key":{}}]\n',
    b'["u","never stored","and more"]\n',
    b"[null,null]\n",
)
"""Bytes that begin like a frame, but cannot be carried out: answered with an error."""


def duration_s(scale: float) -> float:
    """Return how long an attack lasts that would not end."""
    return ATTACK_S * min(1.0, 0.1 + scale)


def connect(port: int) -> socket.socket:
    """Connect to the server."""
    return socket.create_connection(("127.0.0.1", port), ANSWER_S)


@contextmanager
def many(port: int, number: int) -> Iterator[list[socket.socket]]:
    """Connect to the server so many times."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(port)) for _ in range(number)]


def byte_by_byte(port: int, _: random.Random, scale: float) -> None:
    """Frames that never end; at full length until the server rejects each."""
    message = b'["u","' + b"slow" * 100
    with many(port, max(10, int(200 * scale))) as slow:
        end = time.monotonic() + SLOW_S * min(1.0, scale)
        for place in range(len(message)):
            for one in slow:
                with suppress(OSError):
                    one.send(message[place : place + 1])
            time.sleep(BYTE_S * min(1.0, scale))
            if time.monotonic() > end:
                break
        if scale >= 1:
            for one in slow:
                all_of(one)  # a TimeoutError where the server still waits; the reset may have overtaken its error


def silence(port: int, _: random.Random, scale: float) -> None:
    """More connections than the server takes, which say nothing; at full length until it has had enough of each.

    A later client with a request is served.
    """
    with many(port, max(50, int(2000 * scale))) as silent:
        with PlainCaller(port) as newcomer:
            assert (said := newcomer.ask("p")) == "ok", f"who comes beside the silent was answered with {said}"
        time.sleep(SLOW_S * min(1.0, scale))
        for one in silent if scale >= 1 else ():
            assert (words := all_of(one)).startswith(b'["err"'), f"silence was answered with {words[:60]!r}"


def served_crowd(port: int, _: random.Random, scale: float) -> None:
    """More connections of one address than the server takes, which make a request each and stay.

    A client that comes from another address after them is served.
    """
    with many(port, max(50, int(2000 * scale))) as served:
        for one in served:
            with suppress(OSError):
                one.sendall(frame("p", ""))
        for one in served:
            with suppress(OSError):
                one.recv(1000)
        with PlainCaller(port, came_from="127.0.0.9") as newcomer:
            assert (said := newcomer.ask("p")) == "ok", f"a newcomer of another address was answered with {said}"
        time.sleep(duration_s(scale))


def coming_and_going(port: int, _: random.Random, scale: float) -> None:
    """Connections, one after another."""
    for _number in range(max(200, int(10_000 * scale))):
        with suppress(OSError):
            connect(port).close()


def crowd(port: int, _: random.Random, scale: float) -> None:
    """Connections that stay, as many as there may be on this machine: most of them find the server full."""
    with ExitStack() as stack:
        for _number in range(max(200, int(10_000 * scale))):
            with suppress(OSError):
                stack.enter_context(connect(port))


def endless_frame(port: int, _: random.Random, scale: float) -> None:
    """A hundred million bytes without an end of line."""
    with connect(port) as one, suppress(OSError):
        one.sendall(b'["u","')
        for _number in range(max(1, int(100 * scale))):
            one.sendall(b"x" * 1_000_000)


def unread(port: int, _: random.Random, scale: float) -> None:
    """Very many requests, and no answer is read."""
    with connect(port) as one:
        one.settimeout(duration_s(scale))
        with suppress(OSError):
            one.sendall(frame("d", "") * int(100_000 * max(scale, 0.1)))
        time.sleep(duration_s(scale))


def standing_still(port: int, _: random.Random, scale: float) -> None:
    """Clients that follow everything and ask much, and are stopped by SIGSTOP with all of it unread."""
    with stopped_clients(port, max(2, int(20 * scale))):
        time.sleep(duration_s(scale))


@contextmanager
def stopped_clients(port: int, number: int) -> Iterator[int]:
    """So many of them, or how many there are if the server goes away meanwhile; they are killed in the end."""
    children: list[int] = []
    try:
        children += [child for _ in range(number) if (child := _stopped_client(port))]
        yield len(children)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _stopped_client(port: int) -> int:
    """Its process id, once it stands still; 0 if it could not come."""
    if child := os.fork():
        _, status = os.waitpid(child, os.WUNTRACED)
        return child if os.WIFSTOPPED(status) else 0
    try:
        with connect(port) as one:
            one.setblocking(False)
            one.send(frame("s", "") + frame("l", "") * 1000)
            os.kill(os.getpid(), signal.SIGSTOP)
    finally:
        os._exit(0)


def noise(port: int, chance: random.Random, scale: float) -> None:
    """Random bytes, and a reset instead of an end."""
    for number in range(max(50, int(1000 * scale))):
        with suppress(OSError), connect(port) as one:
            one.sendall((b"[" if number % 2 else b"") + chance.randbytes(chance.randrange(1, 5000)))
            end_with_reset(one)


def no_frames(port: int, _: random.Random, __: float) -> None:
    """Other protocols and encodings: closed at once."""
    for data in NOT_FRAMES:
        with connect(port) as one:
            one.sendall(data)
            began = time.monotonic()
            said = all_of(one)
            assert time.monotonic() - began < AT_ONCE_S, f"{data[:20]!r} was not hung up on"
            assert said == b"" or said.startswith(b'["err"'), f"{data[:20]!r} was answered with {said[:60]!r}"


def bad_frames(port: int, _: random.Random, __: float) -> None:
    """Frames that cannot be carried out: one error each, and nothing else."""
    for data in BAD_FRAMES:
        with connect(port) as one:
            one.sendall(data)
            with suppress(OSError):
                one.shutdown(socket.SHUT_WR)
            said = all_of(one)
            assert said.startswith(b'["err"'), f"{data[:40]!r} was answered with {said[:60]!r}"
            assert said.count(b"\n") == 1, f"{data[:40]!r} has more than one answer"


def all_of(sock: socket.socket) -> bytes:
    """Return the bytes until the end, or a reset."""
    said = b""
    with suppress(ConnectionError):
        while more := sock.recv(65536):
            said += more
    return said


Attack = Callable[[int, random.Random, float], None]
ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        bad_frames,
        no_frames,
        noise,
        endless_frame,
        unread,
        byte_by_byte,
        standing_still,
        coming_and_going,
        crowd,
        silence,
        served_crowd,
    )
}
"""The attack on the port; the random source; a scale for the numbers, 1 in the long form."""


def give_way() -> None:
    """Take the lowest priority there is; a container may forbid to change how processes are scheduled."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        os.nice(19)


def main(attacks: Mapping[str, Attack]) -> None:
    """Carry out one of the attacks, as the arguments say."""
    name, port, scale, seed, *modest = sys.argv[1:]
    if modest:
        give_way()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    chance, end = random.Random(int(seed)), time.monotonic() + duration_s(float(scale))
    while time.monotonic() < end:
        attacks[name](int(port), chance, float(scale))


if __name__ == "__main__":
    main(ATTACKS)
