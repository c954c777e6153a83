"""Applies entries to the tables of a database: tweets with their tags and keys, deletions, and report lines.

All of it runs inside the caller's transaction, which may hold several batches and other rows too. A batch takes as few
steps as can be: ids are given out in memory, many rows go into one statement, tags are counted once.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from ttweet.model.errors import StoreError
from ttweet.model.limits import MAX_ID, MAX_TWEET_ID
from ttweet.model.reports import Report, escape, message_received, without_texts
from ttweet.model.tweets import Deletion, Draft, Entry, Tombstone, Tweet
from ttweet.storage.contract import Line, Traces
from ttweet.storage.sqlite.key_table import PURGE_PAUSE_MS, KeyTable
from ttweet.storage.sqlite.log_table import LogTable
from ttweet.storage.sqlite.origins import note_merged
from ttweet.storage.sqlite.removal import blank, later_traces, oldest_before, redact, remove_up_to
from ttweet.storage.sqlite.rows import Rows, Value
from ttweet.storage.sqlite.tag_index import TagIndex
from ttweet.storage.sqlite.tag_uses import to_tagged
from ttweet.storage.sqlite.tweet_rows import to_row
from ttweet.storage.sqlite.word_index import Step, WordIndex

PURGE_STEP = 256  # old rows that one batch removes, in addition to as many as it adds: no batch waits for a long one

_TWEETS = Rows("INSERT INTO tweets (id, at, author, text, tags) VALUES ", 5)
_DELETIONS = Rows("INSERT INTO deletions (id, at, tweet) VALUES ", 3)
NEWEST_ID = """
    SELECT max(coalesce((SELECT max(id) FROM tweets), 0),
        coalesce((SELECT max(id) FROM deletions), 0),
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tweets'), 0))
"""
"""The newest id of the log, of a tweet or of a deletion, also one that was removed since; 0 if there is none."""
# Also to a deletion, and before the first tweet, which makes the row otherwise: a rowid that is NULL is a new one.
_GIVEN = """
    REPLACE INTO sqlite_sequence (rowid, name, seq)
    VALUES ((SELECT rowid FROM sqlite_sequence WHERE name = 'tweets'), 'tweets', ?)
"""


class _EntryState(NamedTuple):
    newest: int
    """The newest id that was given."""
    keys_purged_at: int = 0
    """When (ms) no keys were left that are too old."""


class EntryWriter:
    """Writes entries. Each transaction is followed by `keep` after COMMIT, or `forget` after ROLLBACK.

    Every method between them works in the caller's transaction and raises sqlite3.Error.
    """

    def __init__(self, connection: sqlite3.Connection, *, log_limit: int, find: bool, replicated: bool = False) -> None:
        """Take up what an earlier process has left; keep at most `log_limit` bytes of report lines.

        With `find` there is an index of words. `replicated`: other files get the same entries. Then each batch searches
        for expired keys, so that the entries and the rows alone decide which keys a file has.
        """
        self._connection = connection
        self._purge_pause_ms = 0 if replicated else PURGE_PAUSE_MS
        self._kept = self._now = _EntryState(connection.execute(NEWEST_ID).fetchone()[0])
        self._tags = TagIndex(connection, last_tweet=self._now.newest)
        self._words = WordIndex(connection, wanted=find)
        self._keys = KeyTable(connection)
        self._lines = LogTable(connection, limit=log_limit)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of the transaction, for rows of another table."""
        return self._connection

    @property
    def newest(self) -> int:
        """The newest id that was given, to a tweet or a deletion; also to a tweet that was removed by hand."""
        return self._now.newest

    @property
    def last_line(self) -> int:
        """The id of the last report line."""
        return self._lines.last

    @property
    def is_indexed(self) -> bool:
        """Whether the index of tags has all tweets."""
        return self._tags.complete

    @property
    def index_is_due(self) -> bool:
        """Whether enough tweets wait for the index of tags, or have waited for long enough."""
        return self._tags.is_due

    def append(
        self, drafts: Sequence[Draft], lines: Sequence[Line], *, session: int, at: int
    ) -> list[Tweet | Tombstone]:
        """Write a batch; see TweetLog. Raises StoreError `used_up` when there are no more ids."""
        tweets, new = self._numbered(drafts, at)
        newest = self._now.newest + len(new)
        _refuse_beyond(MAX_TWEET_ID, newest)
        _TWEETS.run(self._connection, [(*tweet[:4], " ".join(tweet.tags)) for tweet, _ in new])
        self._tags.add([(tweet.id, at, draft.tags) for tweet, draft in new if draft.tags], newest, at=at)
        if len(new) == len(lines) and (texts := _plain_texts(lines)):
            added = self._lines.add_arrivals(texts, after=self._now.newest, session=session)
        else:
            late = _late_texts(drafts, tweets) if len(new) < len(drafts) else []
            added = self._lines.add(without_texts(_reports(lines), late), session=session, at=at)
        self._lines.prune(added, step=PURGE_STEP)
        self._now = _EntryState(newest, self._purge_keys(len(new), at))
        return tweets

    def delete(self, tweet: Tweet, report: Report | None, *, session: int, at: int, traces: Traces) -> Deletion:
        """Clear a tweet that is not deleted yet, and the report lines that repeat its text; see TweetLog.

        Raises StoreError `used_up` when there are no more ids.
        """
        deletion = Deletion(self._now.newest + 1, at, tweet.id)
        _refuse_beyond(MAX_ID, deletion.id)
        self._tags.uncount([to_tagged(tweet)])
        self._words.remove([tweet])
        blank(self._connection, deletion)
        self._connection.execute(_GIVEN, (deletion.id,))
        later = later_traces(self._connection, tweet.text, traces.searched)
        self.redact(tweet.text, [*traces.lines, *later])
        self._lines.add([] if report is None else [report], session=session, at=at)
        self._now = self._now._replace(newest=deletion.id)
        return deletion

    def redact(self, text: str, lines: Sequence[int]) -> None:
        """Clear a text in those of these report lines that repeat it."""
        self._lines.note_change(-redact(self._connection, text, lines))

    def restore(self, entries: Sequence[Entry]) -> None:
        """Write entries as they are: checked, their ids rising, above `newest`. They have no keys any more."""
        newest = entries[-1]
        deletions: list[tuple[Value, ...]] = [one for one in entries if isinstance(one, Deletion)]
        _TWEETS.run(self._connection, [to_row(one) for one in entries if not isinstance(one, Deletion)])
        _DELETIONS.run(self._connection, deletions)
        self._connection.execute(_GIVEN, (newest.id,))
        tagged = [to_tagged(one) for one in entries if isinstance(one, Tweet) and one.tags]
        self._tags.add(tagged, newest.id, at=newest.at)
        self._now = self._now._replace(newest=newest.id)

    def merge(self, origin: str, tweets: Sequence[Tweet]) -> None:
        """Write tweets of another database under new ids, and note their origins.

        Raises StoreError `used_up` when there are no more ids.
        """
        first = self._now.newest + 1
        _refuse_beyond(MAX_TWEET_ID, self._now.newest + len(tweets))
        self.restore([tweet._replace(id=id_) for id_, tweet in enumerate(tweets, first)])
        note_merged(self._connection, origin, [(tweet.id, id_) for id_, tweet in enumerate(tweets, first)])

    def prune(self, before: int, step: int) -> int | None:
        """Remove the oldest tweets and tombstones below an id, `step` at most; see TweetLog."""
        oldest = oldest_before(self._connection, before, step)
        if not oldest:
            return None
        tweets = [one for one in oldest if isinstance(one, Tweet)]
        self._tags.uncount([to_tagged(tweet) for tweet in tweets])
        self._words.remove(tweets)
        remove_up_to(self._connection, oldest[-1].id)
        return len(tweets)

    def prune_lines(self, since: int, step: int) -> int:
        """Remove the oldest report lines, older than a time (ms), `step` at most; returns how many went."""
        return self._lines.remove_before(since, step)

    def rekey(self) -> None:
        """Key the tags again if another rule or another Python keyed them."""
        self._tags.rekey()

    def index(self) -> None:
        """Index the tags of all tweets."""
        self._tags.build()

    def next_erasure(self) -> Step | None:
        """Return the next erasure from the index of words, to be called in a transaction; None when there is none."""
        return self._words.next_erasure()

    def next_update(self) -> Step | None:
        """Return the next update of the index of words, to be called in a transaction; None when there is none."""
        return self._words.next_update(self._now.newest)

    def keep(self) -> None:
        """Remember what the committed transaction did."""
        self._kept = self._now
        self._tags.keep()
        self._lines.keep()

    def forget(self) -> None:
        """Forget what the rolled back transaction did."""
        self._now = self._kept
        self._tags.forget()
        self._lines.forget()

    def _numbered(self, drafts: Sequence[Draft], at: int) -> tuple[list[Tweet | Tombstone], list[tuple[Tweet, Draft]]]:
        """Return the drafts as tweets, and those among them that are new: the others repeat a key."""
        digests = [None if draft.key is None else self._keys.digest(draft) for draft in drafts]
        known = self._keys.find([digest for digest in digests if digest is not None], at)
        tweets: list[Tweet | Tombstone] = []
        new: list[tuple[Tweet, Draft]] = []
        keyed: list[tuple[int, int, bytes]] = []
        first = self._now.newest + 1
        for draft, digest in zip(drafts, digests, strict=True):
            stored = None if digest is None else known.get(digest)
            if stored is None:
                stored = Tweet(first + len(new), at, draft.by, draft.text, tuple(draft.tags.values()))
                new.append((stored, draft))
                if digest is not None:
                    known[digest] = stored
                    keyed.append((stored.id, at, digest))
            tweets.append(stored)
        if keyed:
            self._keys.insert(keyed)
        return tweets, new

    def _purge_keys(self, added: int, at: int) -> int:
        """Forget keys that are too old, a bounded number; return when there may be more of them."""
        purged_at = self._now.keys_purged_at
        if abs(at - purged_at) < self._purge_pause_ms:  # abs: the clock may have been put back
            return purged_at
        step = added + PURGE_STEP
        return purged_at if self._keys.purge(at, step) == step else at


def _refuse_beyond(highest: int, id_: int) -> None:
    """Raise StoreError `used_up` rather than give an id that no JSON reader would hold to the digit."""
    if id_ > highest:
        raise StoreError("used_up", "the database has used all its ids; nothing was stored; start a new database")


def _plain_texts(lines: Sequence[Line]) -> list[str]:
    """Return the texts of drafts when all lines report the arrival of one, with its text as it is."""
    texts = [line.text for line in lines if isinstance(line, Draft)]
    is_plain = len(texts) == len(lines) and all(texts) and escape(joined := "".join(texts)) == joined
    return texts if is_plain else []


def _reports(lines: Sequence[Line]) -> list[Report]:
    return [message_received(line.text) if isinstance(line, Draft) else line for line in lines]


def _late_texts(drafts: Sequence[Draft], tweets: Sequence[Tweet | Tombstone]) -> list[str]:
    """Return the texts of retries whose tweets have been deleted or removed since."""
    return [draft.text for draft, tweet in zip(drafts, tweets, strict=True) if isinstance(tweet, Tombstone)]
