"""Events: what happens to a server and its clients, as values that a terminal can show and a program can read.

A report line has the words of the first ttweet, an event has fields. Quick to import, for the classic commands.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

Peer = tuple[str, int]  # address and port of a client, shown as the first ttweet did: ('127.0.0.1', 52116)

LISTENING: Final = "listening"
STOPPED: Final = "stopped"
CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"
IDENTIFIED: Final = "identified"
SIGNED_IN: Final = "signed_in"
SIGNED_OUT: Final = "signed_out"
FOLLOWED: Final = "followed"
UNFOLLOWED: Final = "unfollowed"
POSTED: Final = "posted"
DELETED: Final = "deleted"
REMOVED: Final = "removed"
REJECTED: Final = "rejected"
LIMITED: Final = "limited"
REQUESTED: Final = "requested"
REPORTED: Final = "reported"
LINES_LOST: Final = "lines_lost"
MESSAGE: Final = "message"

FIELDS: Mapping[str, str] = {
    LISTENING: "`address`, `port`",
    CONNECTED: "`clients`: connected now",
    IDENTIFIED: "none; the client has shown a token",
    SIGNED_IN: "none; the client has taken a name",
    POSTED: "`id`, `text`, `tags`",
    REJECTED: "`code` and `text` of the error",
    LIMITED: "none; at most one a minute for an address",
    FOLLOWED: "`tags`, `query`; none: all tweets",
    UNFOLLOWED: "none",
    DELETED: "`id`",
    REQUESTED: "`method`, `path`, `status` of an HTTP request",
    REPORTED: "`line`: a report line of the client",
    SIGNED_OUT: "none; the name is free",
    DISCONNECTED: "`reason`, or null if the client left",
    REMOVED: "`tweets`, `up_to`: the number of tweets, the highest id",
    LINES_LOST: "`lines`: report lines for which there was no room",
    MESSAGE: "`level` (info, warning, error), `text`",
    STOPPED: "none",
}
"""The values of each kind of event, as docs/commands.md lists them. A client's events add name and address."""


class Event:
    """Something that happened: its kind, the client that it is about, and the values of that kind.

    `name` is the name under which the client posts, None for an anonymous client. Events of the server have no `peer`.
    """

    __slots__ = ("kind", "name", "peer", "values")

    def __init__(self, kind: str, peer: Peer | None = None, name: str | None = None, **values: object) -> None:
        self.kind = kind
        self.peer = peer
        self.name = name
        self.values = values

    def __repr__(self) -> str:
        return f"Event({self.kind!r}, {self.peer!r}, {self.name!r}, {self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.kind, self.peer, self.name))

    def _key(self) -> tuple[object, ...]:
        return self.kind, self.peer, self.name, self.values
