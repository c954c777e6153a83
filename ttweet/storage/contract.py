"""The contract of a store: one writer that appends, any number of readers with cursors.

All methods are plain and blocking: whoever calls them decides on the thread. Which database keeps the contract is not
known here. Ids rise in the order of appending and are never used again, so an id is a cursor.

Every method raises StoreError: `internal` when the store itself is broken, `busy` when it is locked past the time-out.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Draft, Page, TagPage, Tombstone, Tweet


class LogLine(NamedTuple):
    """A stored report line; `text` is escaped. `at` is milliseconds since 1970 UTC.

    The rest is of the client that the line is about: the code of its error, the name of its token, its IP address.
    """

    id: int
    session: int
    at: int
    side: str
    category: str | None
    text: str
    code: str | None = None
    identity: str | None = None
    address: str | None = None


class Size(NamedTuple):
    """Bytes on the disk: of the tweets and all else, and of what was written last, on its way there.

    `unindexed` is how many tweets with tags the index of tags does not have yet.
    """

    bytes: int
    wal_bytes: int
    unindexed: int


class Traces(NamedTuple):
    """The ids of report lines that repeat a tweet's text, among those up to the id `searched`."""

    lines: list[int]
    searched: int


NOT_SEARCHED = Traces([], 0)


class Reader(Protocol):
    """Reads what is committed. Each call is one short read transaction of its own."""

    def count(self) -> int:
        """How many tweets there are, the empty ones included, the deleted ones not; it looks at ids, not at each tweet.

        Rows that somebody has removed by hand, or left out of what was imported, are counted too.
        """
        ...

    def last(self) -> Tweet | None:
        """The newest tweet that is not deleted, which may be an empty one; None when there is none."""
        ...

    def newest_id(self) -> int:
        """The newest id that was given, to a tweet or a deletion; 0 before the first."""
        ...

    def read_after(self, cursor: int, limit: int) -> list[Tweet]:
        """At most `limit` tweets with an id above the cursor, oldest first, the empty ones included."""
        ...

    def deletions_after(self, cursor: int, limit: int) -> list[Deletion]:
        """At most `limit` deletions with an id of their own above the cursor, oldest first."""
        ...

    def gone(self) -> int:
        """The id up to which tweets are not kept any more; 0 when all are."""
        ...

    def first_kept(self, *, since: int | None, last: int | None, now: int) -> int:
        """The oldest id that stays when what is younger than `since` (ms), or the last so many tweets, are kept.

        Above all ids when none is young enough. A time above `now` (ms) is no time: such a tweet counts as old as the
        next one. It looks at each tweet that is too old, or at each of the last.
        """
        ...

    def time_of(self, id_: int, *, now: int) -> int | None:
        """When (ms) the oldest tweet was stored that has this id or a higher one, and no time above `now` (ms)."""
        ...

    def traces(self, tweet: int) -> Traces:
        """Where the report log repeats a tweet's text, from its arrival on.

        It looks through the whole log, so not in the writer's time.
        """
        ...

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        """The newest tweets of a tag by its search key, newest first; with `before` those with a lower id."""
        ...

    def tagged_after(self, keys: Sequence[str], cursor: int, limit: int) -> list[Tweet]:
        """What `read_after` finds of tweets with at least one of these search keys, each tweet once."""
        ...

    def tweets_of_author(self, by: str, *, limit: int, before: int | None = None) -> Page:
        """The newest tweets of an author, newest first; with `before` those with a lower id. None is empty."""
        ...

    def tweets_of_author_after(self, by: str, cursor: int, *, limit: int) -> Page:
        """Tweets of an author with an id above the cursor, oldest first. None is empty."""
        ...

    def list_tags(self, *, limit: int, now: int, numbers: bool = False) -> TagPage:
        """The most used tags; those without a letter only with `numbers`. `now` (ms) ends the days counted."""
        ...

    def log_after(
        self, cursor: int, *, limit: int, session: int | None = None, categories: Sequence[str] = ()
    ) -> list[LogLine]:
        """At most `limit` report lines with an id above the cursor, oldest first, of one session or of all."""
        ...

    def log_text_after(
        self, cursor: int, *, limit: int, session: int | None = None, details: bool = False
    ) -> tuple[str, int]:
        """What `log_after` finds, as text: each line as `reports.line` forms it, with a line end.

        With `details` there is `reports.suffix` before the line end. Returns the text with the id of its last line,
        which is the cursor itself when there is nothing new.
        """
        ...

    def last_session(self) -> int | None:
        """The newest server session's number; None before the first."""
        ...

    def size(self) -> Size:
        """How much there is on the disk, and how much of it is not indexed yet."""
        ...

    def close(self) -> None:
        """Let go of the file. The reader is of no more use."""
        ...


class Store(Reader, Protocol):
    """The one writer. No two of its calls may run at the same time."""

    session: int
    """The number of this server session, begun when the store was opened for serving."""

    def append(self, drafts: Sequence[Draft], reports: Sequence[Report], *, at: int) -> list[Tweet | Tombstone]:
        """Write drafts and report lines in one transaction; give the drafts back as tweets, ids rising.

        A draft whose key its author has used already stores nothing and comes back as the first tweet of that key, or
        as that tweet's place if it has been deleted or removed since; then the report line does not tell its text.
        Durable on return. Raises StoreError: `full` and `busy` when nothing was written and another try may work,
        `internal` when nothing was written and none will, `unknown` when the commit itself failed.
        """
        ...

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        """Remove a tweet's text, tags and author, and where the report log repeats the text; say so in `report`.

        Its id, its time and its key stay; the deletion gets an id of its own. A tweet that is deleted already gives the
        first deletion, and nothing is written. `traces` is what was found of the text before; the log is searched for
        later lines. Durable on return. Raises Refused `no_tweet`, and StoreError as `append` does.
        """
        ...

    def prune(self, before: int) -> int:
        """Remove the oldest tweets below an id, a bounded number; returns how many went, 0 when there are no more.

        Their ids are never given again. Durable on return. Raises StoreError as `append` does.
        """
        ...

    def prune_lines(self, since: int) -> int:
        """Remove the oldest report lines, older than a time (ms), a bounded number; returns how many went.

        Raises StoreError as `append` does.
        """
        ...

    def settle(self) -> None:
        """Do what appending has put off, now that there is time, and see that the file still is where it was.

        Questions are answered alike before and after. Raises StoreError, as `append` does.
        """
        ...

    def end_session(self, how: str, *, at: int) -> None:
        """Mark this session as stopped, write back the log of the database and leave nothing to recover."""
        ...

    def reader(self) -> Reader:
        """A new reader of the same file, for a thread of its own."""
        ...
