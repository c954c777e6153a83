"""A follower without its sockets: its position in the log, and the meaning of each line that the server sends.

Both clients, the one with threads and the one with trio, drive it: they open connections, send `request`, hand in each
line that comes, and wait for `pause_s` after a connection that has failed. Knows no sockets and no clocks.
"""

from collections.abc import Sequence
from random import Random
from typing import assert_never

from ttweet.client import link_errors
from ttweet.client.retry import RetryBudget
from ttweet.client.rotation import Rotation
from ttweet.model.answers import Following
from ttweet.model.errors import PASSING, ConnectError, ResolverError, SetupError, SlowDown, TtweetError
from ttweet.model.pushes import CaughtUp, KeepAlive, Pruned, Push
from ttweet.model.tweets import Deletion, Tweet
from ttweet.protocol import calls, frames, pushes

KEEP_ALIVE_TIMEOUT_S = 60.0  # without a line from the server, which pings an idle follower more often
FIRST_PAUSE_S = 0.1  # before the first reconnect: a restarted server is back in a tenth of a second
LONGEST_PAUSE_S = 10.0  # between reconnects: still immediate to a person

_CHANCE = Random()  # noqa: S311  # no secret, only out of step with others; a program's own sequence is not disturbed


class FollowListener:
    """The events of a follower besides tweets. Each method does nothing: override those that your program needs."""

    waits_for_server = False
    """Whether a server that is not there yet is waited for. Else the first attempt must succeed."""
    wants_deletions = False
    """Whether `on_deleted` is called: a server reports deletions only to followers that ask for them."""

    def on_deleted(self, tweet: int) -> None:
        """Take the deletion of a tweet with any tags. The follower may have yielded the tweet, recently or long ago."""

    def on_pruned(self, up_to: int) -> None:
        """Take the id up to which the server has removed old tweets. The follower does not get those it missed."""

    def on_rewound(self, after: int, newest: int) -> None:
        """Take the news that the server's newest id is lower than the cursor, as after a restored backup.

        The next tweets are others, even under ids that the follower has yielded before.
        """

    def on_disconnected(self, error: TtweetError, pause_s: float) -> None:
        """Take the error that ended the connection. The next attempt comes after the pause, in seconds."""

    def on_caught_up(self, count: int) -> None:
        """Take the number of tweets that were yielded since the connection came back, now that it is live."""


class Cursor:
    """Tags and the id after which the follower reads on. With neither tags nor id: all tweets, the new ones only."""

    def __init__(
        self,
        tags: Sequence[str],
        after: int | None,
        listener: FollowListener | None = None,
        query: str = "",
        *,
        live: bool = True,
        rotation: Rotation | None = None,
    ) -> None:
        self.after = after
        self.ended = False  # the tweets that were there have been yielded, and `live` ones are not wanted
        self._wants_live = live
        self._tags = list(tags)
        self._query = query
        self._listener = listener or FollowListener()
        self.started = False  # an answer has come once: what fails from now on is retried
        self._attempts = 0
        self._rotation = rotation or Rotation([])
        self._moves = self._rotation.others  # to servers that may answer first
        self._retry_budget = RetryBudget()
        self._caught_up: int | None = None  # tweets since the connection came back; None once live

    def request(self) -> bytes:
        """Return the frame that begins to follow from here."""
        deletions = self._listener.wants_deletions
        frame, _ = calls.follow(self._tags, self.after, deletions=deletions, query=self._query)
        return frame

    def receive(self, line: bytes) -> Tweet | None:
        """Return the tweet of a line, or None without one. Raises Refused, and ConnectError when no ttweet says so."""
        try:
            push = pushes.decode(frames.loads(line))
        except frames.MISFITS as exc:
            raise link_errors.not_ttweet() from exc
        tweet = self._understood(push)
        self._rotation.note(self.after)
        return tweet

    def pause_s(self, error: TtweetError) -> float:
        """Return the seconds to wait before the next attempt, and call the listener. Raises a lasting error."""
        pause_s = self._obeyed_s(error) if isinstance(error, SlowDown) else self._backoff_s(error)
        self._caught_up = self._caught_up or 0
        self._listener.on_disconnected(error, pause_s)
        return pause_s

    def _obeyed_s(self, error: SlowDown) -> int:
        """Return the seconds that the server asks for; before its first answer, within the budget of a request."""
        return max(error.wait_s, 1) if self.started else self._retry_budget.pause_s(error)

    def _backoff_s(self, error: TtweetError) -> float:
        if not self._may_pass(error):
            raise error
        longest_s = min(FIRST_PAUSE_S * 2.0**self._attempts, LONGEST_PAUSE_S)
        self._attempts = min(self._attempts + 1, 16)
        return _CHANCE.uniform(0.5, 1.0) * longest_s

    def _may_pass(self, error: TtweetError) -> bool:
        """Return whether a retry may help. A name stays taken until the server notices that its connection is gone."""
        has_moved = self._rotation.leaves(error)
        if not self.started:
            if has_moved and self._moves:
                self._moves -= 1
                return True
            awaited = self._listener.waits_for_server and error.code == "unreachable"
            return isinstance(error, ResolverError) or (awaited and not isinstance(error, SetupError))
        return isinstance(error, ConnectError) or error.code in PASSING

    def _understood(self, push: Push | Following) -> Tweet | None:
        match push:
            case Tweet():
                return self._new(push)
            case Following(cursor, pruned_up_to):
                self._begin(cursor, pruned_up_to)
            case CaughtUp(cursor):
                self._advance(cursor)
                self._live()
            case Deletion():
                self._deleted(push)
            case Pruned(up_to):
                self._listener.on_pruned(up_to)
            case KeepAlive():
                pass  # the link is alive, that is all
            case _:
                assert_never(push)
        return None

    def _begin(self, cursor: int, pruned_up_to: int | None) -> None:
        """Read on from where the server does: it gives the ids above again, whatever was seen under them."""
        if self.after is not None and cursor < self.after:
            self._listener.on_rewound(self.after, cursor)
        self.after = cursor
        self.started = True
        if pruned_up_to is not None:
            self._listener.on_pruned(pruned_up_to)

    def _new(self, tweet: Tweet) -> Tweet | None:
        if self.after is not None and tweet.id <= self.after:
            return None
        self.after = tweet.id
        if self._caught_up is not None:
            self._caught_up += 1
        return tweet

    def _deleted(self, deletion: Deletion) -> None:
        if self.after is None or deletion.id > self.after:
            self._advance(deletion.id)
            self._listener.on_deleted(deletion.tweet)

    def _live(self) -> None:
        self._attempts = 0
        if self._caught_up is not None:
            self._listener.on_caught_up(self._caught_up)
        self._caught_up = None
        self.ended = not self._wants_live

    def _advance(self, id_: int) -> None:
        """Read on after this id: none up to it that has the tags is still to come."""
        self.after = max(self.after or 0, id_)
