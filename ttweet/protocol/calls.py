"""Requests of a client: each as a frame, with the function that reads the data of its answer.

Quick to import: the parsers of the longer answers are imported with the first request that needs them.
"""

from __future__ import annotations

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_QUERY_CHARACTERS
from ttweet.protocol import frames, operations, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from ttweet.model.answers import Following, Identity, Names, SignedIn, Stats
    from ttweet.model.tweets import Count, Deletion, Found, Page, TagPage, Tombstone, Tweet
    from ttweet.protocol.replies import Stored

    T = TypeVar("T")
    Call = tuple[bytes, Callable[[Any], T]]


def identify(token: str) -> Call[Identity]:
    """Show a token: the first request of a connection, if it is one at all."""
    return frames.encode(operations.IDENTIFY, token), _identity


def sign_in(name: str) -> Call[SignedIn]:
    """Be the author of what this connection posts."""
    return frames.encode(operations.SIGN_IN, name), _signed_in


def post(text: str, tags: Iterable[str] = (), *, scan: bool = True, key: str | None = None) -> Call[Stored]:
    """Store a tweet. Raises Refused where the server would have to end the connection."""
    tags = tag_list(tags)
    plain = scan and key is None and not tags
    data = text if plain else _given(text=text, tags=tags or None, scan=None if scan else False, key=key)
    try:
        frame = frames.encode(operations.POST, data)
    except Refused:
        frame = b""
    if 0 < len(frame) <= frames.MAX_FRAME_BYTES:
        return frame, replies.stored
    _check_here(text, tags, key)
    raise Refused(
        "bad_request", f"too long: text, tags and key have {len(frame)} bytes; use at most {frames.MAX_FRAME_BYTES}"
    )


def last() -> Call[Tweet | None]:
    """Ask for the newest tweet."""
    from ttweet.protocol import results

    return frames.encode(operations.LAST, ""), results.tweet_or_none


def last_text() -> Call[str]:
    """Ask for the text of the newest tweet, empty when there is none. As `last`, without what that imports."""
    return frames.encode(operations.LAST, ""), replies.last_text


def tweets_of_tag(tag: str, *, limit: int | None = None, before: int | None = None) -> Call[Page]:
    """Ask for tweets of a tag, newest first."""
    from ttweet.protocol import results

    return frames.encode(operations.TWEETS_OF_TAG, _given(tag=tag, limit=limit, before=before)), results.page


def tweets_of_author(name: str, *, limit: int | None = None, before: int | None = None) -> Call[Page]:
    """Ask for tweets of an author, newest first."""
    from ttweet.protocol import results

    return frames.encode(operations.TWEETS_OF_AUTHOR, _given(by=name, limit=limit, before=before)), results.page


def tweets_since_login(name: str, *, limit: int | None = None, after: int | None = None) -> Call[Page]:
    """Ask for tweets since the login of an author who is online, oldest first."""
    from ttweet.protocol import results

    data = _given(by=name, login=True, limit=limit, after=after)
    return frames.encode(operations.TWEETS_OF_AUTHOR, data), results.page


def tweet(id_: int) -> Call[Tweet | Tombstone | None]:
    """Ask for one tweet."""
    from ttweet.protocol import results

    return frames.encode(operations.TWEET_BY_ID, id_), results.tweet_or_tombstone


def find(query: str = "", *, limit: int | None = None, before: int | None = None) -> Call[Found]:
    """Ask for tweets that a query finds, newest first. Raises Refused for one that is too long or no valid text."""
    from ttweet.protocol import results

    return frames.encode(operations.FIND, _given(query=_checked(query), limit=limit, before=before)), results.found


def count(query: str = "", *, before: int | None = None) -> Call[Count]:
    """Ask how many tweets a query finds. Raises Refused as `find` does."""
    from ttweet.protocol import results

    return frames.encode(operations.FIND, _given(query=_checked(query), before=before, count=True)), results.count


def list_names() -> Call[Names]:
    """Ask for the names that are online."""
    from ttweet.protocol import answers

    return frames.encode(operations.LIST_NAMES, ""), answers.names


def list_tags(*, limit: int | None = None, numbers: bool = False) -> Call[TagPage]:
    """Ask for the most used tags; those without a letter only with `numbers`."""
    from ttweet.protocol import results

    return frames.encode(operations.LIST_TAGS, _given(limit=limit, numbers=numbers)), results.tag_page


def stats() -> Call[Stats]:
    """Ask how the server is doing."""
    from ttweet.protocol import answers

    return frames.encode(operations.READ_STATS, ""), answers.stats


def delete(tweet: int) -> Call[Deletion]:
    """Delete a tweet."""
    from ttweet.protocol import results

    return frames.encode(operations.DELETE, tweet), results.deletion


def follow(
    tags: Iterable[str] = (), after: int | None = None, *, deletions: bool = False, query: str = ""
) -> Call[Following]:
    """Follow tweets with any of the tags, or all tweets without; after an id, or only new ones.

    With a `query`, only tweets that it finds. Raises Refused for one that is too long or no valid text.
    """
    from ttweet.protocol import answers

    asked = _checked(query) if query else None
    data = _given(tags=list(tags) or None, after=after, deletions=deletions or None, query=asked)
    return frames.encode(operations.FOLLOW, data), answers.following


def when_there(call: Call[T], seen: int) -> Call[T]:
    """Ask a query of a server as soon as it has the id `seen`, which another server of its cluster has given."""
    frame, read = call
    request: Any = frames.loads(frame)
    operation, data = request
    fields = data if type(data) is dict else {} if data == "" else {"id": data}
    return frames.encode(operation, {**fields, "seen": seen}), read


def unfollow() -> Call[None]:
    """Follow nothing any more."""
    return frames.encode(operations.UNFOLLOW, ""), replies.done


def ping() -> Call[None]:
    """Ask whether the server answers."""
    return frames.encode(operations.PING, ""), replies.done


def report(*lines: str) -> bytes:
    """Tell the server's report log these lines, which gets no answer."""
    return b"".join([frames.encode(operations.REPORT, line) for line in lines])


def tag_list(tags: Iterable[str]) -> list[str]:
    """As tweets.tag_list, without what that imports."""
    if isinstance(tags, str):
        from ttweet.model import tweets

        return tweets.tag_list(tags)
    return list(tags)


def _given(**fields: object) -> dict[str, object]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _check_here(text: str, tags: list[str], key: str | None) -> None:
    """Raise Refused as the server would, had the frame not been one that ends the connection."""
    from ttweet.model import tweets

    tweets.draft(text, tags=tags, key=key)


def _checked(query: str) -> str:
    """As query.checked, without what that imports."""
    if query.isascii() and len(query) <= MAX_QUERY_CHARACTERS:
        return query
    from ttweet.model.query import checked

    return checked(query)


def _identity(data: Any) -> Identity:
    from ttweet.protocol import answers

    return answers.identity(data)


def _signed_in(data: Any) -> SignedIn:
    from ttweet.protocol import answers

    return answers.signed_in(data)
