"""The contract of a store, in parts: the tweet log is written, tags are queried, words found, and report lines kept.

A store that orders tweets elsewhere implements TweetLog alone; the report log belongs to one server and is never
replicated. All methods are plain and block the caller's thread. Ids rise in the order of appending and are never used
again, so an id is a cursor.

Every method raises StoreError: `internal` when the store itself is broken, `busy` when it is locked past the time-out.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ttweet.model.durations import DAY_MS
from ttweet.model.query import Query
from ttweet.model.reports import Report
from ttweet.model.tweets import Count, Deletion, Draft, Found, Page, TagPage, Tombstone, Tweet

KEY_LIFETIME_MS = 7 * DAY_MS  # of an idempotency key: retries take seconds, but a laptop may sleep over a holiday
REDACT_STEP = 256  # report lines redacted in one transaction, about 3 ms: uploads wait for it


Line = Report | Draft
"""A report line to be stored, or the draft whose arrival it reports."""
OnProgress = Callable[[int, int], object]
"""It is called with how much is done, and how much there is to do."""


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
    """Bytes on the disk: of the store, and of the newest writes that are still to be moved into it.

    `unindexed` is how many tweets with tags the index of tags does not have yet. `without_words` is how many ids the
    index of words does not have yet: all, if there is none.
    """

    bytes: int
    wal_bytes: int
    unindexed: int
    without_words: int


class Traces(NamedTuple):
    """The ids of report lines that repeat a tweet's text, among those up to the id `searched`.

    `complete`: there were no later lines then.
    """

    lines: list[int]
    searched: int
    complete: bool


NOT_SEARCHED = Traces([], 0, complete=False)


class Position(NamedTuple):
    """How far a log has come: the newest tweet that is not deleted, and the newest id, of a tweet or a deletion.

    `last` may be an empty tweet. Tweets up to the id `pruned_up_to` are not kept any more.
    """

    last: Tweet | None
    newest: int
    pruned_up_to: int


class Slice(NamedTuple):
    """Entries of the log, ids rising, and the id up to which tweets were not kept when they were read."""

    entries: list[Tweet | Deletion]
    pruned_up_to: int


class Kept(NamedTuple):
    """The kept part: tweets from the id `before` on, report lines from the time `since` (ms) on, or None."""

    before: int
    since: int | None


class TagQueries(Protocol):
    """Reads committed tweets. Each call sees one state of the log and is one short read transaction of its own."""

    def read_after(self, cursor: int, limit: int, *, keys: Sequence[str] = (), deletions: bool = False) -> Slice:
        """At most `limit` entries with an id above the cursor, oldest first: tweets, the empty ones included.

        With `keys` only tweets with at least one of these search keys, each once. With `deletions` the deletions too,
        those of all tweets.
        """
        ...

    def newest_tweets(self, *, limit: int, before: int | None = None, after: int | None = None) -> Page:
        """Return the newest tweets, newest first; with `before` those with a lower id.

        With `after`, return those above it, oldest first.

        Empty tweets are left out. Give `before` or `after`, not both.
        """
        ...

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        """Return the tweet with this id, or its tombstone; None when there is neither."""
        ...

    def newest_deletions(self, limit: int) -> list[Deletion]:
        """Return at most `limit` deletions, the newest first."""
        ...

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        """Return the newest tweets of a tag by its search key, newest first; with `before` those with a lower id."""
        ...

    def tweets_of_author(self, by: str, *, limit: int, before: int | None = None, after: int | None = None) -> Page:
        """Return the newest tweets of an author, newest first, below the id `before`.

        With `after`, return those above it, oldest first.

        Empty tweets are left out. Give `before` or `after`, not both.
        """
        ...

    def list_tags(self, *, limit: int, now: int, numbers: bool = False) -> TagPage:
        """Return the most used tags; those without a letter only with `numbers`. `now` (ms) ends the days counted."""
        ...

    def newest_id(self) -> int:
        """Return the newest id that was given, to a tweet or a deletion; 0 before the first."""
        ...

    def oldest_kept(
        self, *, since: int | None = None, last: int | None = None, before: int | None = None, now: int
    ) -> Kept:
        """Return the kept part for tweets younger than `since` (ms), or the `last` ones, and all from an id on.

        `Kept.before` is above all ids when no tweet is young enough, and 0 when there are fewer than the last so many.
        `Kept.since` is `since`, or the time of the oldest tweet that stays. A time above `now` (ms) is not a time: such
        a tweet counts as old as the next one. This looks at each tweet that is too old, or at each of the last.
        """
        ...

    def size(self) -> Size:
        """How much there is on the disk, and how much of it is not indexed yet."""
        ...

    def close(self) -> None:
        """Close the file. The reader is of no more use."""
        ...


class FindQueries(Protocol):
    """Searches committed tweets for words, tags, authors and times.

    A search takes a bounded time. When that is up, `searched_to` of the answer tells the lowest id it looked at.
    """

    def find(self, query: Query, *, limit: int, before: int | None = None) -> Found:
        """Return the newest tweets that a query finds, newest first; with `before` those with a lower id."""
        ...

    def count_found(self, query: Query, *, before: int | None = None) -> Count:
        """How many tweets a query finds; with `before` those with a lower id."""
        ...


class ReportQueries(Protocol):
    """Reads the committed report lines."""

    def lines_after(
        self, cursor: int, *, limit: int, session: int | None = None, categories: Sequence[str] = ()
    ) -> list[LogLine]:
        """At most `limit` report lines with an id above the cursor, oldest first, of one session or of all."""
        ...

    def text_after(
        self, cursor: int, *, limit: int, session: int | None = None, details: bool = False
    ) -> tuple[str, int]:
        """Return the lines of `lines_after` as text: each line as `reports.line` forms it, with a line end.

        With `details` there is `reports.suffix` before the line end. Returns the text with the id of its last line,
        which is the cursor itself when there is nothing new.
        """
        ...

    def last_session(self) -> int | None:
        """Return the newest server session's number; None before the first."""
        ...

    def arrival(self, tweet: int, *, after: int) -> Traces:
        """Search a bounded number of report lines, above an id, for the one that was stored with a tweet.

        `lines` is empty as long as it is not found. Earlier lines with the same text are another tweet's.
        """
        ...

    def traces(self, tweet: int, *, after: int) -> Traces:
        """Search as many report lines for those that repeat a tweet's text."""
        ...


class Reader(TagQueries, FindQueries, ReportQueries, Protocol):
    """Reads what is committed, in a thread of its own."""


class TweetLog(Protocol):
    """The one writer of tweets. No two of its calls may run at the same time."""

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        """Write drafts and report lines in one transaction; give the drafts back as tweets, ids rising.

        Among the lines, one of the drafts stands for the line of its arrival, `reports.message_received`.
        A draft whose key its author has used already stores nothing and comes back as the first tweet of that key, or
        as that tweet's tombstone if it has been deleted or removed since; then the report line does not tell its text.
        A key counts until `at` is more than KEY_LIFETIME_MS above the time of its tweet, and then it can be used again.
        Durable on return. Raises StoreError: `full` and `busy` when nothing was written and another try may work,
        `internal` when nothing was written and none will, `unknown` when the commit itself failed.
        """
        ...

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        """Remove a tweet's text, tags and author, and where the report log repeats the text; say so in `report`.

        Its id, its time and its key stay; the deletion gets an id of its own. A tweet that is deleted already gives the
        first deletion, and nothing is written. `traces` are the lines to redact among those that were searched before;
        later ones are searched here. Durable on return. Raises Refused `no_tweet`, and StoreError as `append` does.
        """
        ...

    def prune(self, before: int) -> int | None:
        """Remove the oldest tweets below an id, a bounded number, and the tombstones among them.

        Returns how many tweets went, tombstones not counted; None when there was nothing to remove. Their ids are never
        given again. Durable on return. Raises StoreError as `append` does.
        """
        ...

    @property
    def must_settle(self) -> bool:
        """Whether appending has put off so much that `settle` is due before the next batch."""
        ...

    def settle(self) -> None:
        """Do what appending has put off, now that there is time, and see that the file still is where it was.

        Queries are answered alike before and after. Raises StoreError, as `append` does.
        """
        ...

    def maintain(self) -> bool:
        """Do a bounded piece of the work that tweets and deletions leave: index words, erase deleted ones.

        Returns whether there may be more to do now. Queries are answered alike before and after. Durable on return.
        Raises StoreError, as `append` does.
        """
        ...

    def position(self) -> Position:
        """How far the log has come."""
        ...

    def close(self) -> None:
        """Close the file. The log is of no more use."""
        ...


class Arrived(NamedTuple):
    """New entries of a log, ids rising, and how far it has come with them; None if they are nothing but tweets."""

    entries: list[Tweet | Deletion]
    position: Position | None


class Replica(Protocol):
    """A tweet log that other servers write to as well. Its `refresh` takes turns with the calls of TweetLog."""

    def refresh(self) -> bool:
        """Store the entries of other servers that have arrived, and remove a bounded number of old tweets.

        Returns whether there is more to do now. Durable on return. Raises StoreError as `append` does.
        """
        ...

    def take_arrived(self) -> Arrived:
        """Return the entries that were stored since the last call, those of this server included."""
        ...


class ReportLog(ReportQueries, Protocol):
    """The report lines of this server. Its writing calls take turns with those of the tweet log."""

    session: int
    """The number of this server session, begun when the store was opened for serving."""

    def redact(self, tweet: int, lines: Sequence[int]) -> None:
        """Redact a tweet's text in those of these report lines, REDACT_STEP at most, that repeat it.

        Durable on return. Raises StoreError as `append` does.
        """
        ...

    def prune_lines(self, since: int) -> int:
        """Remove the oldest report lines, older than a time (ms), a bounded number; returns how many went.

        Raises StoreError as `append` does.
        """
        ...

    def end_session(self, how: str, *, at: int) -> None:
        """Mark this session as stopped, write back the log of the database and leave nothing to recover."""
        ...


class Store(TweetLog, TagQueries, FindQueries, ReportLog, Protocol):
    """All parts of a store together, as a server opens them."""

    def reader(self) -> Reader:
        """Return a new reader of the same file, for a thread of its own."""
        ...
