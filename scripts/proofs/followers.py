"""Followers that write down what is pushed to them, over one server after the other, each from where it stopped."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from proofs.history import History, Push, Seen, now
from proofs.simple_tags import fold
from proofs.talk import ANSWER_S, Target, Visitor, answer, frame


class Follower(Visitor):
    """One follower, from the first tweet on. It ends when its target is stopped and the server has gone."""

    def __init__(self, number: int, tags: tuple[str, ...], target: Target, history: History) -> None:
        super().__init__(f"follower {number}", target)
        self.number = number
        self.keys = tuple(map(fold, tags))
        """The keys of the tags that it follows, none for all tweets."""
        self._tags = tags
        self._history = history
        self.cursor = 0
        """The newest id that it has got."""
        self.resumed = 0
        self.follows: int | None = None
        """The port of the server that has said that it may follow."""

    def visit(self, port: int) -> None:
        """Follow one server to its end."""
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as sock, sock.makefile("rb") as lines:
            sock.sendall(frame("s", {"tags": self._tags, "after": self.cursor}))
            answer(lines)
            self.follows = port
            self.resumed += 1
            sock.settimeout(None)  # it ends with the server
            self._listen(lines)

    def newest_wanted(self, history: History) -> int:
        """The newest of what was acknowledged to anybody and is followed; 0 for none."""
        gone = {delete.tweet for delete in history.deletes}
        stored = [upload.stored for upload in history.uploads if upload.stored is not None]
        return max([one.id for one in stored if one.id not in gone and self._wants(one)], default=0)

    def _wants(self, tweet: Seen) -> bool:
        return not self.keys or not {*self.keys}.isdisjoint(map(fold, tweet.tags))

    def _listen(self, lines: Iterator[bytes]) -> None:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # the server died in the middle of it: it counts as not seen
            operation, data = json.loads(line)
            if operation == "m":
                self._history.pushes.append(Push(self.number, self.keys, Seen.of(data), now()))
                self.cursor = data["id"]
