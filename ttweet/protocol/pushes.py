"""Pushes to followers: values to bytes for the server, frames to values for the clients."""

from typing import Any

from ttweet.model.answers import Following
from ttweet.model.pushes import CaughtUp, KeepAlive, Pruned, Push
from ttweet.model.tweets import Deletion, Tweet, as_json
from ttweet.protocol import answers, frames, kinds, operations, results
from ttweet.protocol.json_codec import STDLIB_JSON, Json
from ttweet.protocol.replies import refusal

_TWEET = frames.template(operations.TWEET, b"%b")
_DELETION = frames.template(operations.DELETION, b'{"id":%d,"at":%d,"tweet":%d}')
_CAUGHT_UP = frames.template(operations.CAUGHT_UP, b'{"id":%d}')
_PRUNED = frames.template(operations.PRUNED, b'{"id":%d}')

KEEP_ALIVE = frames.template(operations.KEEP_ALIVE, b'""')
"""The push to a follower when there is nothing else to send."""


class FrameEncoder:
    """Pushes as frames."""

    __slots__ = ("_dumps", "keep_alive")

    def __init__(self, json: Json = STDLIB_JSON) -> None:
        self._dumps = json.dumps
        self.keep_alive = KEEP_ALIVE

    def tweet(self, tweet: Tweet) -> bytes:
        """Encode a tweet."""
        return _TWEET % self._dumps(as_json(tweet))

    def deletion(self, deletion: Deletion) -> bytes:
        """Encode a deletion, for a follower that asked for deletions."""
        return _DELETION % deletion

    def caught_up(self, cursor: int) -> bytes:
        """Encode that all up to this id was sent, and what follows is new."""
        return _CAUGHT_UP % cursor

    def pruned(self, up_to: int) -> bytes:
        """Encode that tweets up to this id are not kept any more."""
        return _PRUNED % up_to


def decode(frame: Any) -> Push | Following:
    """Return what a follower gets, and first the answer to its `s`. Raises Refused when that is an error.

    Raises one of `frames.MISFITS` for what no ttweet pushes.
    """
    kind, data = frame
    match kind:
        case operations.TWEET:
            return results.tweet(data)
        case operations.DELETION:
            return results.deletion(data)
        case operations.CAUGHT_UP:
            return CaughtUp(kinds.integer(data["id"]))
        case operations.PRUNED:
            return Pruned(kinds.integer(data["id"]))
        case operations.KEEP_ALIVE:
            return KeepAlive()
        case operations.OK:
            return answers.following(data)
        case operations.ERR:
            raise refusal(data)
        case _:
            raise ValueError(kind)
