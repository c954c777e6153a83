"""Which right each request needs, in one table, and what is said to who lacks it.

A connection is given the set of kinds of requests that are forbidden to it, so that a request costs one look-up.
"""

from functools import cache

from ttweet import wire
from ttweet.access import POST, READ, Who, listed
from ttweet.errors import ProtocolError, Refused

NEEDED: dict[type[wire.Request], str | None] = {
    wire.Upload: POST,
    wire.ClassicUpload: POST,
    wire.TakeName: POST,  # a name that is online is kept from others
    wire.Last: READ,
    wire.ClassicDownload: READ,
    wire.TweetsOfTag: READ,
    wire.TweetsOfAuthor: READ,
    wire.TweetsSinceLogin: READ,
    wire.ListTags: READ,
    wire.ListNames: READ,
    wire.Follow: READ,
    wire.Unfollow: None,
    wire.ClientReport: None,
    wire.Ping: None,
}
"""None: any right will do, but who has none at all has no business here."""


@cache
def forbidden(rights: frozenset[str]) -> frozenset[type[object]]:
    """The kinds of requests that nobody with only these rights may make."""
    return frozenset([kind for kind, right in NEEDED.items() if not _suffice(rights, right)])


def refusal(request: object, who: Who) -> Refused | ProtocolError:
    """The answer to a forbidden request: a ProtocolError, which ends the connection, where nobody waits for an answer.

    It ends that of who has no right at all too: a stranger shall not keep others from connecting.
    """
    right = NEEDED[type(request)]  # type: ignore[index]  # a request: what is no request is not forbidden
    unanswered = isinstance(request, wire.ClientReport | wire.ClassicUpload | wire.ClassicDownload)
    family = ProtocolError if unanswered or not who.rights else Refused
    return family("forbidden", _sentence(right, who))


def _suffice(rights: frozenset[str], right: str | None) -> bool:
    return bool(rights) if right is None else right in rights


def _sentence(right: str | None, who: Who) -> str:
    if who.name is not None:
        return f"this needs the right to {right}; the token of {who.name} has: {listed(who.rights)}"
    if who.rights:
        return f"this needs the right to {right}, which takes a token; without one there is: {listed(who.rights)}"
    return "this server wants a token: ask who runs it for one, and put it into TTWEET_TOKEN"
