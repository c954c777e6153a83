"""Clients that work and write down what they did: threads with a plain socket each, and their own way to read answers.

A client posts windows of uploads, half of them with a key; asks for the last message, for tags, for a name's tweets and
for what is before them; and asks again with the same key for what it had no answer to, and now and then for what it
had. Every other client has a name. One more deletes what it has posted, and one speaks the classic protocol.
"""

from __future__ import annotations

import random
import socket
import time
from collections import deque
from itertools import count
from unicodedata import normalize

from proofs import erased
from proofs.caller import ANSWER_S, PlainCaller, end_with_reset, frame
from proofs.history import BY, DeleteAttempt, History, Read, Seen, TagCount, Upload, now
from proofs.simple_tags import fold
from proofs.talk import Target, Visitor

MAX_WINDOW = 16  # uploads sent together
PAGE = 7  # tweets of a tag asked for: few, so that where a page begins and ends matters
LIST_AGE_NS = 500_000_000  # that all clients share a list of tags for; docs/protocol.md, `l`
DELETED_LATER = 10  # tweets that wait for their deletion, for a second or the next server
DELETE_PAUSE_S = 0.1  # each deletion looks through the whole log
CLASSIC_PAUSE_S = 0.02
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


class PostingClient(Visitor):
    """One client. Its history is what matters; it ends when its target is stopped."""

    def __init__(self, name: str, target: Target, history: History, seed: int, *, by: str | None = None) -> None:
        super().__init__(name, target)
        self._history = history
        self._chance = random.Random(seed)
        self._by = by
        self._numbers = count(1)
        self._unknown: list[Upload] = []
        self._answered: list[Upload] = []

    def visit(self, port: int) -> None:
        """Work with one server to its end."""
        with PlainCaller(port) as caller:
            connection = next(_connections)
            self._log_in(caller)
            self._read(caller, None)  # what a server shows first is what its predecessor may have lost
            while not self._target.stopped:
                choice = self._chance.random()
                if self._unknown or choice < 0.1:
                    self._ask_again(caller, connection)
                elif choice < 0.75:
                    window = [self._new(connection) for _ in range(self._chance.randint(1, MAX_WINDOW))]
                    self._upload(caller, self._with_a_retry(window))
                else:
                    self._ask(caller)

    def _log_in(self, caller: PlainCaller) -> None:
        if self._by is not None:
            kind, data = caller.request("n", self._by)
            assert kind == "ok", f"{self._by} may not log in: {data}"

    def _new(self, connection: int) -> Upload:
        chance, number = self._chance, next(self._numbers)
        text = f"{self.name}.{number} #{chance.choice(TAGS)}{chance.choice(REMAINS)}"
        if chance.random() < 0.02:
            text += TOO_LONG if chance.random() < 0.5 else "\0"
        tags = ("beside",) if chance.random() < 0.2 else ()
        key = f"{number}" if self._by else text[:40]  # each name has keys of its own, the anonymous share theirs
        return Upload(connection, text, tags, key if chance.random() < 0.5 else None, now(), self._by)

    def _with_a_retry(self, window: list[Upload]) -> list[Upload]:
        """Now and then one of them is sent twice at once."""
        first = window[0]
        return [*window, _retry(first, first.connection)] if first.key and self._chance.random() < 0.2 else window

    def _ask_again(self, caller: PlainCaller, connection: int) -> None:
        """Send some uploads once more with their keys: those without an answer first."""
        uploads, self._unknown = self._unknown[:MAX_WINDOW], self._unknown[MAX_WINDOW:]
        if not uploads and self._answered:
            uploads = [self._chance.choice(self._answered)]
        if uploads:
            self._upload(caller, [_retry(upload, connection) for upload in uploads])

    def _upload(self, caller: PlainCaller, window: list[Upload]) -> None:
        frames = b"".join([frame("u", {"text": u.text, "tags": u.tags, "key": u.key}) for u in window])
        self._history.uploads += window
        try:
            caller.sock.sendall(frames)
            for upload in window:
                note(upload, *caller.answer())
                if upload.key is not None and upload.outcome == "ok":
                    self._answered = [*self._answered[-99:], upload]
        finally:
            self._unknown += [u for u in window if u.outcome == "unknown" and u.key is not None]

    def _ask(self, caller: PlainCaller) -> None:
        choice = self._chance.random()
        if choice < 0.6:
            self._read(caller, None)
        elif choice < 0.85 or self._by is None:
            self._read_pages(caller, fold(self._chance.choice(TAGS)))
        elif choice < 0.95:
            self._read_pages(caller, BY + self._by)
        else:
            self._count(caller)

    def _read_pages(self, caller: PlainCaller, about: str) -> None:
        """The newest, and half of the times what is before them."""
        tweets = self._read(caller, about)
        if tweets and self._chance.random() < 0.5:
            self._read(caller, about, before=tweets[-1].id)

    def _read(self, caller: PlainCaller, about: str | None, before: int | None = None) -> tuple[Seen, ...]:
        invoked = now()
        kind, data = caller.request(*_question(about, before))
        returned = now()
        if kind != "ok":
            return ()
        found = [data] if about is None and data else data["tweets"] if about else []
        tweets = tuple([Seen.of(tweet) for tweet in found])
        more = bool(about and data["more"])
        self._history.reads.append(Read(about, PAGE, invoked, returned, tweets, before, more))
        return tweets

    def _count(self, caller: PlainCaller) -> None:
        made = now() - LIST_AGE_NS
        kind, data = caller.request("l", {"numbers": True})
        if kind == "ok":
            self._history.counts += [TagCount(fold(one["tag"]), one["count"], made, now()) for one in data["tags"]]


class DeletingClient(Visitor):
    """Posts what has no tags, and deletes most of it: a third at once, the rest when it may have been indexed."""

    def __init__(self, name: str, target: Target, history: History) -> None:
        super().__init__(name, target)
        self._history = history
        self._numbers = count(1)
        self._later: deque[tuple[int, str]] = deque()

    def visit(self, port: int) -> None:
        """Work with one server to its end."""
        with PlainCaller(port) as caller:
            connection = next(_connections)
            while not self._target.stopped:
                number = next(self._numbers)
                text = f"{self.name}.{number}"
                upload = Upload(connection, f"{text} in vain {erased.unique_word(text)}", (), None, now())
                self._history.uploads.append(upload)
                note(upload, *caller.request("u", upload.text))
                if upload.id is not None and number % 4:
                    self._later.append((upload.id, upload.text))
                if self._later and (number % 4 == 1 or len(self._later) > DELETED_LATER):
                    self._take_back(caller, *(self._later.pop() if number % 4 == 1 else self._later.popleft()))
                time.sleep(DELETE_PAUSE_S)

    def _take_back(self, caller: PlainCaller, tweet: int, text: str) -> None:
        delete = DeleteAttempt(tweet, text, now())
        self._history.deletes.append(delete)
        kind, data = caller.request("x", tweet)
        if kind == "ok":
            delete.id, delete.outcome = data["id"], "ok"
        elif data["code"] != "unknown":
            delete.outcome = "refused"
        delete.returned = now()


class ClassicClient(Visitor):
    """A client of the classic protocol: it gets no answers to its uploads, and one that ends with a reset is none."""

    def __init__(self, name: str, target: Target, history: History, seed: int) -> None:
        super().__init__(name, target)
        self._history = history
        self._chance = random.Random(seed)
        self._numbers = count(1)

    def visit(self, port: int) -> None:
        """Upload on one connection after another."""
        while not self._target.stopped:
            text = f"{self.name}.{next(self._numbers)} #{self._chance.choice(TAGS)}"
            upload = Upload(next(_connections), text, (), None, now())
            self._history.uploads.append(upload)
            with socket.create_connection(("127.0.0.1", port), ANSWER_S) as sock:
                sock.sendall(b"u\n" + text.encode())
                if self._chance.random() < 0.3:
                    end_with_reset(sock)
                    upload.outcome = "refused"
            time.sleep(CLASSIC_PAUSE_S)


def note(upload: Upload, kind: str, data: dict[str, object]) -> None:
    """Write down how an upload was answered."""
    if kind == "ok":
        id_, at, tags = data["id"], data["at"], data["tags"]
        assert isinstance(id_, int)
        assert isinstance(at, int)
        assert isinstance(tags, list)
        upload.stored = Seen(id_, at, upload.by, normalize("NFC", upload.text), tuple(tags))
        upload.outcome = "ok"
    elif data["code"] != "unknown":
        upload.outcome = "refused"
    upload.returned = now()


def _retry(upload: Upload, connection: int) -> Upload:
    return Upload(connection, upload.text, upload.tags, upload.key, now(), upload.by, retry=True)


def _question(about: str | None, before: int | None) -> tuple[str, object]:
    if about is None:
        return "d", ""
    page = {"limit": PAGE, "before": before}
    return ("g", {"by": about[1:], **page}) if about.startswith(BY) else ("t", {"tag": about, **page})


def clients(target: Target, history: History, chance: random.Random, number: int) -> list[Visitor]:
    """So many clients, every other one with a name, one that deletes, and one of the classic protocol."""
    prefix = f"{chance.randrange(16**8):08x}"
    names = [f"{prefix}{n}" if n % 2 else None for n in range(number)]
    return [
        *(
            PostingClient(f"{prefix}-{n}", target, history, chance.randrange(2**32), by=by)
            for n, by in enumerate(names)
        ),
        DeletingClient(f"{prefix}-{number}", target, history),
        ClassicClient(f"{prefix}-{number + 1}", target, history, chance.randrange(2**32)),
    ]
