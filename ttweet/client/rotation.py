"""The servers of a client in the order to try, what it has seen at any of them, and its attempts for a request.

Quick to import. Knows no clock and no sockets: the caller waits.
"""

from __future__ import annotations

from ttweet.model.errors import SlowDown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ttweet.client.retry import RetryBudget
    from ttweet.client.servers import ServerAddress
    from ttweet.model.errors import TtweetError

ELSEWHERE = frozenset({"behind", "full", "no_quorum", "stopping"})
"""The refusals that concern one server of a cluster and not the others. Nothing was done."""

NAME_PAUSE_S = 0.25  # between attempts to sign in again
NAME_ATTEMPTS = 60  # 15 s: the other servers hold the name of a server that has ended for 10 s


class Rotation:
    """The servers that a client names. A single one has all that it has shown, so that needs no note."""

    __slots__ = ("_first", "_reached", "_servers", "seen", "turn", "was_online")

    def __init__(self, servers: list[ServerAddress]) -> None:
        self._servers = servers
        self._first = self._reached = 0
        self.turn = 0
        """How many times a server was left: connections of an earlier turn are not used again."""
        self.seen = 0
        """The newest id that a server has given; 0 for none, and always with a single server."""
        self.was_online = False
        """Whether this client has signed in at a server, which may hold its name for a moment longer."""

    @property
    def others(self) -> int:
        """The number of servers besides the current one."""
        return max(len(self._servers) - 1, 0)

    def in_order(self) -> list[ServerAddress]:
        """Return the servers, beginning with the one that is to be tried first."""
        return self._servers[self._first :] + self._servers[: self._first]

    def reached(self, server: ServerAddress) -> int:
        """Take note that this server has accepted a connection, and return the turn of that."""
        self._reached = self._servers.index(server)
        return self.turn

    def leaves(self, error: TtweetError) -> bool:
        """Leave the server that was reached last if another one may do better after this error."""
        has_left = bool(self.others) and (error.code in ELSEWHERE or error.code == "unknown")
        if has_left:
            self._first = (self._reached + 1) % len(self._servers)
            self.turn += 1
        return has_left

    def note(self, id_: int | None) -> None:
        """Take note of an id that a server has given."""
        if self.others and id_ is not None and id_ > self.seen:
            self.seen = id_

    def note_all(self, result: object) -> None:
        """Take note of the ids in the result of a request: a tweet, a deletion or a page of tweets."""
        for one in getattr(result, "tweets", (result,)):
            self.note(getattr(one, "id", None))


class Patience:
    """The attempts that are left for one request: after a pause, or at the next server."""

    __slots__ = ("_budget", "_make_budget", "_may_repeat", "_moves", "_name_attempts", "_rotation")

    def __init__(self, rotation: Rotation, budget: Callable[[], RetryBudget], *, may_repeat: bool) -> None:
        """`may_repeat`: it may be carried out twice. `budget` is made when a server sends `slow_down`."""
        self._rotation = rotation
        self._make_budget = budget
        self._budget: RetryBudget | None = None
        self._may_repeat = may_repeat
        self._moves = rotation.others
        self._name_attempts = NAME_ATTEMPTS if rotation.others and rotation.was_online else 0

    def pause_s(self, error: TtweetError) -> float:
        """Return the seconds to wait before the next attempt. Raises the error when there is to be none."""
        if isinstance(error, SlowDown):
            self._budget = self._budget or self._make_budget()
            return self._budget.pause_s(error)
        if error.code == "name_taken" and self._name_attempts:
            self._name_attempts -= 1
            return NAME_PAUSE_S
        if not (self._rotation.leaves(error) and self._moves and (self._may_repeat or error.code != "unknown")):
            raise error
        self._moves -= 1
        return 0.0
