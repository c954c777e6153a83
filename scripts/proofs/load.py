"""Clients that work and write down what they did: threads with a plain socket each, and their own way to read answers.

A client posts windows of uploads, half of them with a key; asks for the last message and for tags; and asks again with
the same key for what it had no answer to, and now and then for what it had.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from proofs.followers import followers
from proofs.history import History, Read, Upload, now
from proofs.simple_tags import fold
from proofs.stage import Broken
from proofs.talk import ANSWER_S, Target, Visitor, answer, frame

CLIENTS = 6
MAX_WINDOW = 16  # uploads sent together
WORK_S = 0.3  # of the last server: its log is copied every 0.2 s
PAGE = 7  # tweets of a tag asked for: few, so that where a page begins and ends matters
TAGS = ("proof", "Proof", "PROOF", "crash", "寿司", "straße", "STRASSE", "3251", "a_b")
REMAINS = (
    "",
    " two\nlines",
    " \x1b[2J",
    " SERVER ALERT [GENERAL]",
    "\r\nx",
    " \u202eodd",
    " e\u0301",
    " https://a.example/#no",
    " #cs#3251",
)
TOO_LONG = "x" * 151
_connections = count(1)


class Client(Visitor):
    """One client. Its history is what matters; it ends when its target is stopped."""

    def __init__(self, name: str, target: Target, history: History, seed: int) -> None:
        super().__init__(name, target)
        self._history = history
        self._chance = random.Random(seed)
        self._numbers = count(1)
        self._unknown: list[Upload] = []
        self._answered: list[Upload] = []

    def visit(self, port: int) -> None:
        """Work with one server to its end."""
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as sock, sock.makefile("rb") as answers:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = next(_connections)
            self._read(sock, answers, None)  # what a server shows first is what its predecessor may have lost
            while not self._target.stopped:
                choice = self._chance.random()
                if self._unknown or choice < 0.1:
                    self._ask_again(sock, answers, connection)
                elif choice < 0.75:
                    window = [self._new(connection) for _ in range(self._chance.randint(1, MAX_WINDOW))]
                    self._upload(sock, answers, window)
                elif choice < 0.9:
                    self._read(sock, answers, None)
                else:
                    self._read(sock, answers, self._chance.choice(TAGS))

    def _new(self, connection: int) -> Upload:
        chance = self._chance
        text = f"{self.name}.{next(self._numbers)} #{chance.choice(TAGS)}{chance.choice(REMAINS)}"
        if chance.random() < 0.02:
            text += TOO_LONG if chance.random() < 0.5 else "\0"
        tags = ("beside",) if chance.random() < 0.2 else ()
        return Upload(connection, text, tags, text[:40] if chance.random() < 0.5 else None, now())

    def _ask_again(self, sock: socket.socket, answers: Iterator[bytes], connection: int) -> None:
        """Send some uploads once more with their keys: those without an answer first."""
        uploads, self._unknown = self._unknown[:MAX_WINDOW], self._unknown[MAX_WINDOW:]
        if not uploads and self._answered:
            uploads = [self._chance.choice(self._answered)]
        retries = [Upload(connection, u.text, u.tags, u.key, now(), retry=True) for u in uploads]
        if retries:
            self._upload(sock, answers, retries)

    def _upload(self, sock: socket.socket, answers: Iterator[bytes], window: list[Upload]) -> None:
        frames = b"".join([frame("u", {"text": u.text, "tags": u.tags, "key": u.key}) for u in window])
        self._history.uploads += window
        try:
            sock.sendall(frames)
            for upload in window:
                self._note(upload, *answer(answers))
        finally:
            self._unknown += [u for u in window if u.outcome == "unknown" and u.key is not None]

    def _note(self, upload: Upload, kind: str, data: dict[str, object]) -> None:
        if kind == "ok":
            assert isinstance(data["id"], int)
            upload.id, upload.outcome = data["id"], "ok"
            if upload.key is not None:
                self._answered = [*self._answered[-99:], upload]
        elif data["code"] != "unknown":
            upload.outcome = "refused"
        upload.returned = now()

    def _read(self, sock: socket.socket, answers: Iterator[bytes], tag: str | None) -> None:
        invoked = now()
        sock.sendall(frame("d", "") if tag is None else frame("t", {"tag": tag, "limit": PAGE}))
        kind, data = answer(answers)
        returned = now()
        if kind == "ok":
            found = data["tweets"] if tag is not None else [data] if data else []
            tweets = tuple([(tweet["id"], tweet["text"]) for tweet in found])  # type: ignore[attr-defined]
            self._history.reads.append(Read(tag and fold(tag), PAGE, invoked, returned, tweets))


@contextmanager
def clients(history: History, chance: random.Random, number: int = CLIENTS) -> Iterator[Target]:
    """So many clients at work until the block ends, and followers. A failure of any of them is raised here."""
    target = Target()
    prefix = f"{chance.randrange(16**4):04x}"
    working = [Client(f"{prefix}-{n}", target, history, chance.randrange(2**32)) for n in range(number)]
    for client in working:
        client.start()
    everybody = [*working, *followers(target, history)]
    try:
        yield target
    finally:
        target.set(None, stopped=True)
        for one in everybody:
            one.join(2 * ANSWER_S)
    for one in everybody:
        if one.failure is not None:
            raise one.failure
        if one.is_alive():
            raise Broken(f"client {one.name} still waits, though its server has gone")


def wait_for_work(history: History) -> None:
    """Return after WORK_S, and when clients were served once more and followers were pushed something.

    Less would show nothing, however slow the machine is.
    """
    time.sleep(WORK_S)
    wait_for_acknowledged(history, MAX_WINDOW)
    end = time.monotonic() + ANSWER_S
    while not history.shows_something and time.monotonic() < end:
        time.sleep(0.005)


def wait_for_acknowledged(history: History, wanted: int, limit_s: float = 30.0) -> None:
    """Return when so many more uploads were acknowledged, or the time is over."""
    end, wanted = time.monotonic() + limit_s, history.acknowledged + wanted
    while history.acknowledged < wanted and time.monotonic() < end:
        time.sleep(0.005)
