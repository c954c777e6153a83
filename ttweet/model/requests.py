"""What a client may ask, as values: whichever edge it came to, in whichever encoding."""

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


class TweetsOfTag(NamedTuple):
    """Tweets of a tag, newest first, from below the id `before` on."""

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
    """This token says who I am. A connection may begin with it."""

    token: str

    def __repr__(self) -> str:
        return "Identify(...)"  # no log shall have it


class Ping(NamedTuple):
    """Are you there?"""


class Follow(NamedTuple):
    """Tweets with any of the tags, or all tweets when there are none, from above an id on, or only new ones.

    With `deletions` also which tweets are deleted.
    """

    tags: tuple[str, ...] = ()
    after: int | None = None
    deletions: bool = False


class Unfollow(NamedTuple):
    """Follow nothing any more."""


class SignIn(NamedTuple):
    """Be the author of what this connection posts."""

    name: str


class ListNames(NamedTuple):
    """The names that are online."""


class TweetsOfAuthor(NamedTuple):
    """Tweets of an author, newest first, from below the id `before` on."""

    by: str
    limit: int = QUERY_LIMIT
    before: int | None = None


class TweetsSinceLogin(NamedTuple):
    """Tweets of an author who is online, since the login, oldest first, from above the id `after` on."""

    by: str
    limit: int = QUERY_LIMIT
    after: int = 0


class ReadStats(NamedTuple):
    """How the server is doing."""


class Delete(NamedTuple):
    """Delete a tweet."""

    tweet: int


class ClassicUpload(NamedTuple):
    """Store a message; nobody waits for an answer."""

    text: str


class ClassicDownload(NamedTuple):
    """The last message as bare text; the connection ends with it."""


PageQuery = TweetsOfTag | TweetsOfAuthor | TweetsSinceLogin

Question = PageQuery | Last | ListTags | ListNames | ReadStats
"""What changes nothing."""

Query = Question | Follow | Unfollow | SignIn | Delete | ClassicDownload
"""What is answered only when all that stands before it is."""

Request = Query | Post | ClientReport | Ping | ClassicUpload
