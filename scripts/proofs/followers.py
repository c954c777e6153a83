"""Followers that write down what is pushed to them, over one server after the other, each from where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote

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


class EventFollower(RecordingFollower):
    """The same by HTTP: a reader of server-sent events, which comes back with the last id as a browser does."""

    _last_event = 0

    def visit(self, port: int) -> None:
        """Follow one server to its end."""
        connection = HTTPConnection("127.0.0.1", self._target.http_port)
        try:
            path = f"/tags/{quote(','.join(self._tags))}.sse" if self._tags else "/tweets.sse"
            connection.request("GET", path, headers={"Last-Event-ID": f"{self._last_event}"})
            response = connection.getresponse()
            assert response.status == 200, response.status
            self.follows = port
            self.resumed += 1
            for kind, id_, data in _events(response):
                if kind == "message":
                    self._history.pushes.append(Push(self.number, self.keys, Seen.of(data), now()))
                    self.cursor = data["id"]
                self._last_event = id_ or self._last_event
        except HTTPException as exc:
            raise ConnectionError(str(exc)) from exc
        finally:
            connection.close()


def _events(response: HTTPResponse) -> Iterator[tuple[str, int, Any]]:
    """Yield the events of a stream: kind, id (0 for none) and data."""
    fields: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield fields.get("event", "message"), int(fields.get("id", "0")), json.loads(fields["data"])
            fields = {}
