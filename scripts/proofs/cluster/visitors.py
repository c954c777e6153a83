"""Clients and followers that go from server to server, and the record of the answers to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from server_process import ServerProcess

from proofs.caller import PlainCaller
from ttweet.client.sync_client import Client

PAUSE_S = 0.05  # of a client before it tries the next server
END = "the end"
"""The text of the last tweet that followers wait for."""


class StoredPost(NamedTuple):
    """An acknowledged post: whose it is, its text and id, when it was sent and acknowledged, and by which server."""

    client: str
    text: str
    id: int
    began: float
    at: float
    server: int


@dataclass
class PostRecord:
    """The posts of all clients, and the answers to them. Threads append to its lists without a lock."""

    stored: list[StoredPost] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """The texts that no server has taken, as the only answer to each says."""
    stale: list[str] = field(default_factory=list)
    """Answers to a query that were older than the acknowledgement before it."""
    slowest_s: float = 0.0
    """Until a server answered that a post is not stored, or may not be."""

    @property
    def shows_something(self) -> bool:
        """Whether a post was acknowledged."""
        return bool(self.stored)

    @property
    def beside(self) -> str:
        """How many posts were acknowledged."""
        return f"acked={len(self.stored)}"

    def longest_gap_s(self, since: float) -> float:
        """Return the longest time without an acknowledgement, up to now."""
        times = [since, *(one.at for one in self.stored if one.at > since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(times))


class RetryingPoster(threading.Thread):
    """Posts one text after another, each at one server after the other until it is stored or refused.

    Every other client has no keys, and gives up a text that has no answer.
    `enter` is called with the number of a server before each connection with it.
    """

    def __init__(
        self, name: str, servers: Sequence[ServerProcess], first: int, record: PostRecord, enter: Callable[[int], None]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._servers = servers
        self._turn = first
        self._has_keys = first % 2 == 0
        self._record = record
        self._enter = enter
        self._stopping = threading.Event()

    def run(self) -> None:
        """Post until stopped."""
        number = 0
        while not self._stopping.is_set():
            number += 1
            self.settle(f"{self.name}.{number} #proof")

    def stop(self) -> None:
        """End after the post on its way, whose fate stays unknown without an answer."""
        self._stopping.set()

    def settle(self, text: str) -> bool:
        """Post a text until it is stored. One that was refused before it may have been stored is given up.

        Returns whether it is stored.
        """
        is_doubtful = False
        while not self._stopping.is_set():
            answer = self._post(text)
            if answer == "no_quorum" and not is_doubtful:
                self._record.refused.append(text)
            if answer == "ok":
                return True
            is_doubtful |= answer != "no_quorum"
            self._turn += 1
            self._stopping.wait(PAUSE_S)
            if not (is_doubtful and self._has_keys):
                break
        return False

    def _post(self, text: str) -> str:
        """Return the code of the answer; `unknown` without one."""
        server, began = self._turn % len(self._servers), time.monotonic()
        try:
            self._enter(server)
            with PlainCaller(self._servers[server].port) as caller:
                kind, data = caller.request("u", {"text": text, **({"key": text} if self._has_keys else {})})
                if kind == "ok":
                    self._note(StoredPost(self.name, text, data["id"], began, time.monotonic(), server), caller)
                    return "ok"
        except OSError:
            return "unknown"
        self._record.slowest_s = max(self._record.slowest_s, time.monotonic() - began)
        return str(data["code"])

    def _note(self, post: StoredPost, caller: PlainCaller) -> None:
        """Take note of a stored post, and see that the server shows it or a later one."""
        self._record.stored.append(post)
        last = post.id
        with suppress(OSError):
            kind, answer = caller.request("d")
            last = newest_of(answer) if kind == "ok" else last
        if last < post.id:
            self._record.stale.append(f"{post.text!r} was stored as {post.id}, and then the newest was {last}")


class LastPoster(RetryingPoster):
    """Posts one text at one server. When it is stored, nothing that was sent to this server before is on its way."""

    def __init__(self, server: ServerProcess, record: PostRecord, enter: Callable[[], None]) -> None:
        super().__init__(f"last at {server.port}", [server], 0, record, lambda _: enter())

    def run(self) -> None:
        """Post until the text is stored, or until stopped."""
        while not self._stopping.is_set() and not self.settle(f"{self.name} {time.monotonic()}"):
            pass


def newest_of(last: dict[str, Any] | None) -> int:
    """Return the id in an answer with the last message; 0 without one."""
    return 0 if last is None else int(last["id"])


class MovingFollower(threading.Thread):
    """Follows all tweets up to the last one, at the first of its servers that answers."""

    def __init__(self, name: str, ports: Sequence[int]) -> None:
        super().__init__(name=name, daemon=True)
        self._servers = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.ids: list[int] = []

    def run(self) -> None:
        """Follow until the last tweet comes."""
        with Client(self._servers) as client:
            for tweet in client.follow(after=0):
                self.ids.append(tweet.id)
                if tweet.text == END:
                    return
