"""The right that each request needs, what it counts in the rate, and the refusal for a client that lacks a right.

A connection is given the set of kinds of requests that are forbidden to it, so that a request costs one look-up.
"""

from functools import cache

from ttweet.model.errors import ProtocolError, Refused, SlowDown
from ttweet.model.requests import (
    ClientReport,
    CountFound,
    Delete,
    Find,
    Follow,
    Last,
    ListNames,
    ListTags,
    NewestDeletions,
    Ping,
    Post,
    ReadStats,
    Request,
    SignIn,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    WhenThere,
)
from ttweet.security.rights import ADMIN, POST, READ, Principal, listed

NEEDED: dict[type[Request], str | None] = {
    Post: POST,
    SignIn: POST,  # a name that is online is kept from others
    ClientReport: POST,  # the operator reads the log, and its size is limited
    Last: READ,
    Timeline: READ,
    TweetById: READ,
    NewestDeletions: READ,
    Find: READ,
    CountFound: READ,
    TweetsOfTag: READ,
    TweetsOfAuthor: READ,
    TweetsSinceLogin: READ,
    ListTags: READ,
    ListNames: READ,
    Follow: READ,
    ReadStats: ADMIN,
    Delete: ADMIN,
    WhenThere: READ,  # and the right of the request in it
    Unfollow: None,
    Ping: None,
}
"""None: any right will do, but a client without any is refused."""

COSTS: dict[type[object], int] = {
    Timeline: 2,
    TweetsOfTag: 2,
    TweetsOfAuthor: 2,
    TweetsSinceLogin: 2,
    Follow: 2,
    Find: 4,
    CountFound: 4,
    ListTags: 4,
    WhenThere: 4,  # as the dearest request in it
    ReadStats: 4,
    Delete: 20,  # looks through the whole report log for the text
}
"""As how many requests one counts in the rate, by the time that it takes of the server; any other counts as one."""

_EVENTS: frozenset[type[object]] = frozenset([*NEEDED, Refused, SlowDown, ProtocolError])


@cache
def forbidden(rights: frozenset[str]) -> frozenset[type[object]]:
    """Return the kinds of requests that are forbidden with these rights; without any right, all kinds."""
    if not rights:
        return _EVENTS
    return frozenset([kind for kind, right in NEEDED.items() if right and right not in rights])


def refusal(kind: type[object], who: Principal) -> Refused | ProtocolError:
    """Return the answer to a request of a kind that is forbidden.

    A ProtocolError, which ends the connection, answers every request of a client without any right: a stranger must not
    keep others from connecting.
    """
    family = Refused if who.rights else ProtocolError
    return family("forbidden", _sentence(NEEDED.get(kind), who))  # type: ignore[arg-type]  # or none of them


def _sentence(right: str | None, who: Principal) -> str:
    needed, rights = f"this needs the right {right!r}", listed(who.rights)
    if who.name is not None:
        return f"{needed}: the token of {who.name} has only {rights}; use another token"
    if who.rights:
        return f"{needed}: clients without a token have only {rights}; use a token"
    return "this server requires a token; ask its operator for one, and set TTWEET_TOKEN"
