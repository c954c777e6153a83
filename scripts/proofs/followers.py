"""Followers that write down what is pushed to them, over one server after the other, each from where it stopped."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from proofs.history import History, Push, Seen, now
from proofs.simple_tags import fold
from proofs.talk import ANSWER_S, Target, Visitor, answer, frame

FOLLOWED = (None, "PROOF")
"""What is followed, by one follower each: every tweet, and one tag that many of them carry."""


class Follower(Visitor):
    """One follower, from the first tweet on. It ends when its target is stopped and the server has gone."""

    def __init__(self, number: int, tag: str | None, target: Target, history: History) -> None:
        super().__init__(f"follower {number}", target)
        self.number = number
        self._tag = tag
        self._history = history
        self.cursor = 0
        """The newest id that it has got."""
        self.follows: int | None = None
        """The port of the server that has said that it may follow."""

    def visit(self, port: int) -> None:
        """Follow one server to its end."""
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as sock, sock.makefile("rb") as lines:
            tags = [] if self._tag is None else [self._tag]
            sock.sendall(frame("s", {"tags": tags, "after": self.cursor}))
            answer(lines)
            self.follows = port
            sock.settimeout(None)  # it ends with the server
            self._listen(lines)

    @property
    def key(self) -> str | None:
        """What it follows: the key of a tag, None for all."""
        return None if self._tag is None else fold(self._tag)

    def newest_wanted(self, history: History) -> int:
        """The newest of what was acknowledged to anybody and is followed; 0 for none."""
        gone = {delete.tweet for delete in history.deletes}
        key = self.key
        stored = [upload.stored for upload in history.uploads if upload.stored is not None]
        wanted = [one.id for one in stored if one.id not in gone and (key is None or key in map(fold, one.tags))]
        return max(wanted, default=0)

    def _listen(self, lines: Iterator[bytes]) -> None:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # the server died in the middle of it: it counts as not seen
            operation, data = json.loads(line)
            if operation == "m":
                self._history.pushes.append(Push(self.number, self.key, Seen.of(data), now()))
                self.cursor = data["id"]


def followers(target: Target, history: History) -> list[Follower]:
    """One follower of each thing that is followed, at work."""
    history.followers = len(FOLLOWED)
    working = [Follower(number, tag, target, history) for number, tag in enumerate(FOLLOWED)]
    for follower in working:
        follower.start()
    return working
