"""Requests of clients, as values: the same for every edge and encoding."""

from typing import NamedTuple

from ttweet.model.limits import QUERY_LIMIT


class Post(NamedTuple):
    """Store a tweet; `tags` are those beside the text, `scan` says whether the text's own count too."""

    text: str
    tags: tuple[str, ...] = ()
    scan: bool = True
    key: str | None = None


class Last(NamedTuple):
    """The last message."""


class Timeline(NamedTuple):
    """The newest tweets, newest first, with ids below `before`; or, with `after`, oldest first with ids above it."""

    limit: int = QUERY_LIMIT
    before: int | None = None
    after: int | None = None


class TweetById(NamedTuple):
    """One tweet, or its tombstone if it is deleted."""

    tweet: int


class NewestDeletions(NamedTuple):
    """The newest deletions, newest first."""

    limit: int = QUERY_LIMIT


class Find(NamedTuple):
    """The tweets that a query finds, newest first, with ids below `before`; see model.query."""

    query: str = ""
    limit: int = QUERY_LIMIT
    before: int | None = None


class CountFound(NamedTuple):
    """How many tweets a query finds, with ids below `before`."""

    query: str = ""
    before: int | None = None


class TweetsOfTag(NamedTuple):
    """Tweets of a tag, newest first, with ids below `before`."""

    tag: str
    limit: int = QUERY_LIMIT
    before: int | None = None


class ListTags(NamedTuple):
    """The most used tags; those without a letter only with `numbers`."""

    limit: int = QUERY_LIMIT
    numbers: bool = False


class ClientReport(NamedTuple):
    """A report line of the client's side. It gets no answer."""

    text: str


class Identify(NamedTuple):
    """Authenticate the connection with a token. Usually the first request."""

    token: str

    def __repr__(self) -> str:
        return "Identify(...)"  # keep the token out of logs


class Ping(NamedTuple):
    """Ask whether the server is there."""


class Follow(NamedTuple):
    """Follow tweets with any of the tags, or all tweets without tags: those with ids above `after`, or only new ones.

    With a `query`, only those that it finds. With `deletions`, also the deletions of all tweets.
    """

    tags: tuple[str, ...] = ()
    after: int | None = None
    deletions: bool = False
    query: str = ""


class Unfollow(NamedTuple):
    """Stop following."""


class SignIn(NamedTuple):
    """Sign in: the name is the author of the connection's tweets."""

    name: str


class ListNames(NamedTuple):
    """The names that are online."""


class TweetsOfAuthor(NamedTuple):
    """Tweets of an author, newest first, with ids below `before`."""

    by: str
    limit: int = QUERY_LIMIT
    before: int | None = None


class TweetsSinceLogin(NamedTuple):
    """Tweets since the login of an author who is online, oldest first, with ids above `after`."""

    by: str
    limit: int = QUERY_LIMIT
    after: int = 0


class ReadStats(NamedTuple):
    """The state of the server."""


class Delete(NamedTuple):
    """Delete a tweet."""

    tweet: int


class WhenThere(NamedTuple):
    """A request that is answered when the server has an entry with the id `seen`, which another server has given."""

    seen: int
    request: "ReadRequest"


ReadRequest = (
    Timeline
    | TweetsOfTag
    | TweetsOfAuthor
    | TweetsSinceLogin
    | Find
    | CountFound
    | TweetById
    | NewestDeletions
    | Last
    | ListTags
    | ListNames
    | ReadStats
)
"""Requests that change nothing."""

OrderedRequest = ReadRequest | WhenThere | Follow | Unfollow | SignIn | Delete
"""Requests that are answered only after all earlier ones."""

Request = OrderedRequest | Post | ClientReport | Ping
