"""Pushes to a follower, as values."""

from typing import NamedTuple

from ttweet.model.tweets import Deletion, Tweet


class CaughtUp(NamedTuple):
    """All up to this id was sent; what follows is new."""

    cursor: int


class Pruned(NamedTuple):
    """Tweets up to this id are not kept any more, and the follower has not read so far."""

    up_to: int


class KeepAlive(NamedTuple):
    """There is no tweet, and the connection is alive."""


Push = Tweet | Deletion | CaughtUp | Pruned | KeepAlive
