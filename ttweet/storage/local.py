"""The store in process: a program posts to a file and reads it, and no server is needed.

Knows no sockets and no trio.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self, overload

from ttweet import defaults
from ttweet.model import reports, tweets
from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID, QUERY_LIMIT
from ttweet.model.query import parse
from ttweet.model.times import now_ms
from ttweet.model.tweets import Count, Deletion, Found, Page, TagPage, Tombstone, Tweet
from ttweet.storage.redaction import redact
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

READ_TWEETS = 1000  # tweets of one read


def open(path: str | PathLike[str], *, readonly: bool = False) -> "LocalStore":  # noqa: A001
    """Open a database file, or make it. With `readonly` a file that a server holds can be read beside it.

    Raises OpenError: `locked` while a server, or another program, holds the file for writing; `missing` when there is
    none to read; and others that say why it is not touched.
    """
    if readonly:
        return LocalStore(SqliteReader(Path(path)))
    return LocalStore(SqliteStore.open(Path(path), log_limit=defaults.LOG_LIMIT, at=now_ms()))


class LocalStore:
    """An open database file. For one thread; close it, or use it in a `with` block. Reads raise StoreError."""

    def __init__(self, store: SqliteStore | SqliteReader) -> None:
        self._store = store
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, so that a server or another program may open it; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if isinstance(self._store, SqliteStore):
                self._store.end_session("stopped", at=now_ms())
        finally:
            self._store.close()

    @overload
    def post(
        self, text: str, *, tags: Iterable[str] = ..., scan: bool = ..., key: None = ..., by: str | None = ...
    ) -> Tweet: ...

    @overload
    def post(
        self, text: str, *, tags: Iterable[str] = ..., scan: bool = ..., key: str | None, by: str | None = ...
    ) -> Tweet | Tombstone: ...

    def post(
        self, text: str, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None, by: str | None = None
    ) -> Tweet | Tombstone:
        """Store a tweet and return it; it is on the disk then.

        With a key that `by` has used nothing is stored, and the first tweet is returned: as a Tombstone, with its id
        and its time, if it has been deleted or removed since.

        `tags` are tags beside those in the text, or with `scan=False` instead of them. Raises Refused as a server
        would, and StoreError: `full` and `busy` when another try may work.
        """
        name = None if by is None else tweets.checked_name(by)
        draft = tweets.draft(text, tags=tweets.tag_list(tags), scan=scan, key=key, by=name)
        return self._writer.append([draft], [], at=now_ms())[0]

    def delete(self, tweet: int) -> Deletion:
        """Delete a tweet, its text, tags and author; its id stays. See Client.delete. Raises Refused, StoreError."""
        report = reports.message_deleted(tweet, f"uid {os.getuid()}")
        id_ = _storable(tweet)
        return self._writer.delete(id_, report, at=now_ms(), traces=redact(self._writer, id_))

    def prune(
        self, before: int, *, since: int | None = None, progress: Callable[[int], object] = lambda _: None
    ) -> int:
        """Remove the tweets below an id, oldest first, and report lines older than what stays, or than `since` (ms).

        Returns how many tweets went. Calls `progress` with how many went so far after each step, which is on the disk
        then. Raises Refused, StoreError.
        """
        done = 0
        before = _storable(before)
        while (removed := self._writer.prune(before)) is not None:
            done += removed
            progress(done)
        if since is None:
            since = self._store.oldest_kept(before=before, now=now_ms()).since
        while since is not None and self._writer.prune_lines(since):
            pass
        return done

    def last(self) -> Tweet | None:
        """Return the newest tweet; None when there is none or it is empty."""
        return tweets.shown(self._store.last())

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        """Return the tweet with this id, or its tombstone if it is deleted; None when its text is empty.

        Raises Refused `no_tweet`.
        """
        found = self._store.tweet(_storable(id_))
        if found is None:
            raise Refused("no_tweet", f"no tweet has the id {id_}")
        return found if isinstance(found, Tombstone) else tweets.shown(found)

    def tweets_after(self, cursor: int = 0) -> Iterator[Tweet]:
        """All tweets with an id above the cursor, oldest first: a saved id is where to resume.

        None come after a cursor that is above all ids, as one that was kept is when a backup was restored.
        """
        cursor = _storable(cursor)
        while page := self._store.tweets_after(cursor, limit=READ_TWEETS):
            yield from page
            cursor = page[-1].id

    def tweets_of_tag(self, tag: str, *, limit: int = QUERY_LIMIT, before: int | None = None) -> Page:
        """Return the newest tweets of a tag in any spelling, newest first; with `before` those with a lower id.

        Raises Refused for what is no tag.
        """
        return self._store.tweets_of_tag(tweets.search_key(tag), limit=limit, before=_storable_or_none(before))

    def find(self, query: str = "", *, limit: int = QUERY_LIMIT, before: int | None = None) -> Found:
        """Return the newest tweets that a query finds, such as `'tag:ci "timed out" -flaky'`, newest first.

        With `before` those with a lower id. An empty query finds all. Raises Refused `bad_query`.
        """
        return self._store.find(parse(query, now_ms()), limit=limit, before=_storable_or_none(before))

    def count(self, query: str = "", *, before: int | None = None) -> Count:
        """Count the tweets that a query finds; with `before` those with a lower id. See `find`."""
        return self._store.count_found(parse(query, now_ms()), before=_storable_or_none(before))

    def list_tags(self, *, limit: int = QUERY_LIMIT, numbers: bool = False) -> TagPage:
        """Return the most used tags; those without a letter only with `numbers`."""
        return self._store.list_tags(limit=limit, now=now_ms(), numbers=numbers)

    @property
    def _writer(self) -> SqliteStore:
        """Raises Refused."""
        if not isinstance(self._store, SqliteStore):
            raise Refused("denied", "this file was opened for reading only")
        return self._store


def _storable(id_: int) -> int:
    """Return an id, or in the place of one that SQLite has no room for another one that no entry has."""
    return max(-1, min(id_, MAX_ID + 1))


def _storable_or_none(id_: int | None) -> int | None:
    return None if id_ is None else _storable(id_)
