"""The verbs of `Client` and `AsyncClient`, each written once as its exchange with the server. Quick to import."""

from __future__ import annotations

from collections.abc import Sized
from itertools import repeat

from ttweet.client import exchanges
from ttweet.client.exchanges import ask
from ttweet.client.verb import batch_verb, verb
from ttweet.model.errors import Refused
from ttweet.protocol import calls, frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeVar

    from ttweet.client.exchanges import Exchange
    from ttweet.client.pipeline import PostBatch
    from ttweet.client.rotation import Rotation
    from ttweet.model.tweets import Count, Deletion, Found, Page, TagPage, Tombstone, Tweet
    from ttweet.protocol.calls import Call
    from ttweet.protocol.replies import Stored

    T = TypeVar("T")

IN_FLIGHT = 64  # unanswered requests of a client; a server reads no more


class Verbs:
    """Requests that a program makes of a server. `Client` returns the result, `AsyncClient` is awaited for it."""

    rotation: Rotation

    @verb
    def post(
        self, text: str, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None
    ) -> Exchange[Stored]:
        """Upload a tweet. It is on the server's disk when this returns.

        `tags` are added to those in the text, or with `scan=False` replace them. After a ConnectError `unknown` the
        tweet may be stored or not. With a `key` it is safe to post it again.
        """
        return exchanges.upload(calls.post(text, tags, scan=scan, key=key), key)

    @batch_verb
    def post_many(
        self,
        texts: Iterable[str],
        *,
        tags: Iterable[str] = (),
        keys: Iterable[str | None] = repeat(None),
        in_flight: int = IN_FLIGHT,
    ) -> PostBatch:
        """Upload many tweets, each with its key, without waiting for each. Yield their outcomes in order.

        At most `in_flight` are unanswered. After a ConnectError, the texts that were taken and have no outcome yet may
        be stored or not. Raises ValueError when there are fewer keys than texts: for two lists, before anything is
        sent.
        """
        if isinstance(texts, Sized) and isinstance(keys, Sized) and len(keys) < len(texts):
            raise _too_few_keys(len(keys), f"{len(texts)} texts")
        return _uploads(texts, calls.tag_list(tags), keys), in_flight

    @verb
    def last(self) -> Exchange[Tweet | None]:
        """Return the newest tweet, or None when there is none or it is empty."""
        return self._query(calls.last())

    @verb
    def last_text(self) -> Exchange[str]:
        """Return the text of the newest tweet, empty when there is none. It imports less than `last`."""
        return self._query(calls.last_text())

    @verb
    def tweet(self, id_: int) -> Exchange[Tweet | Tombstone | None]:
        """Return the tweet with this id, or its tombstone if it was deleted; None when its text is empty.

        Raises Refused `no_tweet`.
        """
        return self._query(calls.tweet(id_))

    @verb
    def tweets_of_tag(self, tag: str, *, limit: int | None = None, before: int | None = None) -> Exchange[Page]:
        """Return the newest tweets of a tag in any spelling, newest first; with `before`, those with a lower id."""
        return self._query(calls.tweets_of_tag(tag, limit=limit, before=before))

    @verb
    def tweets_by(self, name: str, *, limit: int | None = None, before: int | None = None) -> Exchange[Page]:
        """Return the newest tweets of an author, newest first; with `before`, those with a lower id."""
        return self._query(calls.tweets_of_author(name, limit=limit, before=before))

    @verb
    def tweets_since_login(self, name: str, *, limit: int | None = None, after: int | None = None) -> Exchange[Page]:
        """Return the tweets since the login of an author who is online, oldest first.

        With `after`, return those with a higher id.
        """
        return self._query(calls.tweets_since_login(name, limit=limit, after=after))

    @verb
    def find(self, query: str = "", *, limit: int | None = None, before: int | None = None) -> Exchange[Found]:
        """Return the newest tweets that a query finds, such as `'tag:ci "timed out" -flaky'`, newest first.

        With `before`, those with a lower id. An empty query finds all. Raises Refused `bad_query`.
        """
        return self._query(calls.find(query, limit=limit, before=before))

    @verb
    def count(self, query: str = "", *, before: int | None = None) -> Exchange[Count]:
        """Return how many tweets a query finds; with `before`, of those with a lower id. See `find`."""
        return self._query(calls.count(query, before=before))

    @verb
    def who(self) -> Exchange[list[str]]:
        """Return the names that are online, in the order of their login."""
        frame, read = calls.list_names()
        return ask((frame, lambda data: read(data).names))

    @verb
    def list_tags(self, *, limit: int | None = None, numbers: bool = False) -> Exchange[TagPage]:
        """Return the most used tags; those without a letter only with `numbers`."""
        return self._query(calls.list_tags(limit=limit, numbers=numbers))

    @verb
    def stats(self) -> Exchange[dict[str, dict[str, Any]]]:
        """Return the numbers of docs/protocol.md about the server. It takes the right to administer the server."""
        frame, read = calls.stats()
        return ask((frame, lambda data: read(data).parts))

    @verb
    def delete(self, tweet: int) -> Exchange[Deletion]:
        """Delete a tweet, its text, tags and author; its id stays. It is done on the server's disk when this returns.

        A tweet that was deleted before gives the first deletion. Raises Refused `no_tweet` and `forbidden`: it takes
        the right to administer the server.
        """
        return ask(calls.delete(tweet))

    @verb
    def deletions_after(self, after: int) -> Exchange[set[int]]:
        """Return the ids of the deletions after this id, which are among those of the tweets."""
        return exchanges.deletions_after(after)

    @verb
    def ping(self) -> Exchange[None]:
        """Check that the server answers."""
        return ask(calls.ping())

    @verb
    def report(self, *lines: str) -> Exchange[None]:
        """Send lines for the server's report log. The server does not answer them: they may get lost.

        Raises ConnectError when no connection is open and none can be made, and Refused for a wrong token.
        """
        return exchanges.tell(calls.report(*lines))

    @verb
    def request(self, operation: str, data: object) -> Exchange[Any]:
        """Send one request and return the data of its answer."""
        return exchanges.ask_once((frames.encode(operation, data), _as_it_is))

    def _query(self, call: Call[T]) -> Exchange[T]:
        """Ask a server that has what this client has seen at another one."""
        seen = self.rotation.seen
        return ask(calls.when_there(call, seen) if seen else call)


def _as_it_is(data: Any) -> Any:
    return data


def _uploads(texts: Iterable[str], tags: list[str], keys: Iterable[str | None]) -> Iterator[bytes | Refused]:
    keys = iter(keys)
    for number, text in enumerate(texts, 1):
        try:
            key = next(keys)
        except StopIteration:
            raise _too_few_keys(number - 1, f"{number} texts or more") from None
        try:
            frame, _ = calls.post(text, tags, key=key)
            yield frame
        except Refused as refused:
            yield refused


def _too_few_keys(keys: int, texts: str) -> ValueError:
    return ValueError(f"too few keys: {keys} for {texts}; give one for each, None for a text without")
