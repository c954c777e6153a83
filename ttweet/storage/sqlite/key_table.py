"""The table of idempotency keys: a digest of each author and key, and the tweet that was stored with them.

A digest makes a retry safe and tells neither the author nor the key. So a tweet can be deleted, and its key stays.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import cast

from ttweet.model.tweets import Draft, Tombstone, Tweet
from ttweet.storage.contract import KEY_LIFETIME_MS
from ttweet.storage.sqlite.rows import Rows, Value
from ttweet.storage.sqlite.tweet_rows import DELETED, to_tweet

PURGE_PAUSE_MS = 60_000  # between searches for expired idempotency keys
DIGEST_BYTES = 16  # two keys of a billion have the same digest with a probability of 1 to 10^21

_OWN_SECRET = "SELECT secret FROM key_secret"  # noqa: S105  # the statement that reads it
_INSERT = Rows("INSERT INTO keys (tweet, at, digest) VALUES ", 3)
_FIND = Rows(
    "SELECT digest, tweet, keys.at, author, text, tags FROM keys LEFT JOIN tweets ON id = tweet"
    " WHERE digest IN (VALUES ",
    1,
    ")",
)
_FORGET = Rows("DELETE FROM keys WHERE digest IN (VALUES ", 1, ")")
# Keys go in the order of their tweets, so the oldest are found without looking at the others.
# A time above now is of a clock that was ahead. Such keys are passed over, in steps that double, as there may be
# many, and go when a key behind them is too old.
_PURGE = """
    DELETE FROM keys WHERE tweet IN (
        WITH RECURSIVE ahead (tweet, hop) AS (
            SELECT min(tweet), 1 FROM keys
            UNION ALL
            SELECT (SELECT min(keys.tweet) FROM keys WHERE keys.tweet >= ahead.tweet + hop), hop * 2 FROM ahead
            WHERE (SELECT at FROM keys WHERE keys.tweet = ahead.tweet) > :now
        )
        SELECT tweet FROM keys WHERE tweet <= (
            SELECT max(tweet)
            FROM (SELECT tweet, at FROM keys WHERE tweet >= (SELECT max(tweet) FROM ahead) ORDER BY tweet LIMIT :step)
            WHERE at < :oldest
        )
        ORDER BY tweet LIMIT :step
    )
"""


class KeyTable:
    """The keys of a file, for its writer. Every method works in the caller's transaction and raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read the file's secret. Raises sqlite3.Error."""
        self._connection = connection
        self._secret: bytes = connection.execute(_OWN_SECRET).fetchone()[0]

    def digest(self, draft: Draft) -> bytes:
        """Return the digest of a draft's author and its key, which it has.

        Anonymous authors share one space of keys.
        """
        scope = f"{draft.by or ''}\0{draft.key}".encode()
        return hashlib.blake2b(scope, key=self._secret, digest_size=DIGEST_BYTES).digest()

    def find(self, digests: Sequence[bytes], at: int) -> dict[bytes, Tweet | Tombstone]:
        """Return the tweets that were stored with these keys; of one that was deleted or removed, its tombstone.

        Keys that are too old at a time (ms) are forgotten at once, so that they can be used again.
        """
        if not digests:
            return {}
        rows = _FIND.run(self._connection, [(digest,) for digest in digests])
        expired = {digest for digest, _, stored, *_ in rows if at - cast("int", stored) > KEY_LIFETIME_MS}
        _FORGET.run(self._connection, [(digest,) for digest in expired])
        return {cast("bytes", digest): _found(row) for digest, *row in rows if digest not in expired}

    def insert(self, stored: Sequence[tuple[int, int, bytes]]) -> None:
        """Note the ids, the times (ms) and the digests of tweets."""
        _INSERT.run(self._connection, stored)

    def purge(self, at: int, step: int) -> int:
        """Clean up: forget at most `step` of the keys that are too old at a time (ms); returns how many went."""
        values = {"step": step, "oldest": at - KEY_LIFETIME_MS, "now": at}
        return self._connection.execute(_PURGE, values).rowcount


def _found(row: Sequence[Value]) -> Tweet | Tombstone:
    tweet, at, author, text, _ = row
    if text is None or author == DELETED:
        return Tombstone(cast("int", tweet), cast("int", at))
    return to_tweet(row)
