"""Replicated stores for tests, and all that has to be equal in their files."""

from pathlib import Path

from tests.support.memory_log import SharedLog
from tests.support.sqlite_files import MANY_BYTES, sql
from ttweet.storage.replicated.store import ReplicatedStore

EQUAL = (
    "SELECT id, at, author, text, tags FROM tweets WHERE id >= (SELECT prune_before FROM replica) ORDER BY id",
    "SELECT id, at, tweet FROM deletions WHERE tweet >= (SELECT prune_before FROM replica) ORDER BY id",
    "SELECT tweet, at FROM keys ORDER BY tweet",
    "SELECT log, position, checksum, prune_before FROM replica",
    "SELECT name, number FROM replica_origins ORDER BY name",
)
"""The rows that all files have at the same position. Each removes old tweets, and makes digests of keys, by itself."""


def joined(path: Path, log: SharedLog, origin: str, *, at: int = 0, begin: bool = False) -> ReplicatedStore:
    """Open a file that follows a log in memory."""
    return ReplicatedStore.join(path, log.at(origin), log_limit=MANY_BYTES, at=at, begin=begin)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Return the rows that all files have in common."""
    return sql(path, *EQUAL)
