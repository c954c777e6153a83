"""Followers that write down what is pushed to them, over one server after the other, each from where it stopped."""

from __future__ import annotations

from proofs.caller import PlainCaller
from proofs.history import History, Push, Seen, now
from proofs.simple_tags import fold
from proofs.talk import Target, Visitor


class RecordingFollower(Visitor):
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
        with PlainCaller(port) as caller:
            caller.request("s", {"tags": self._tags, "after": self.cursor})
            self.follows = port
            self.resumed += 1
            caller.sock.settimeout(None)  # it ends with the server
            for operation, data in caller.frames():
                if operation == "m":
                    self._history.pushes.append(Push(self.number, self.keys, Seen.of(data), now()))
                    self.cursor = data["id"]

    def newest_wanted(self, history: History) -> int:
        """Return the newest acknowledged id that is followed; 0 for none."""
        gone = {delete.tweet for delete in history.deletes}
        stored = [upload.stored for upload in history.uploads if upload.stored is not None]
        return max([one.id for one in stored if one.id not in gone and self._wants(one)], default=0)

    def _wants(self, tweet: Seen) -> bool:
        return not self.keys or not {*self.keys}.isdisjoint(map(fold, tweet.tags))
