"""Helpers for tests of the database file: opening, posting, public queries, and trouble with disks and permissions."""

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.stored import tweets_after, tweets_of
from ttweet.model.errors import OpenError
from ttweet.model.reports import Report, message_received
from ttweet.model.tweets import Tweet, draft
from ttweet.storage.contract import Reader, Store
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS
NOBODY = 65534
MANY_BYTES = 100_000_000


@contextmanager
def opened(path: Path, *, log_limit: int = MANY_BYTES, at: int = NOW) -> Iterator[SqliteStore]:
    """A store that is closed at the end, its session not ended: as if the server had crashed."""
    with closing(SqliteStore.open(path, log_limit=log_limit, at=at)) as store:
        yield store


def post(store: Store, *texts: str, at: int = NOW, key: str | None = None) -> list[Tweet]:
    return tweets_of(store.append([draft(text, key=key) for text in texts], [], at=at))


def lines(*texts: str) -> list[Report]:
    return [message_received(text) for text in texts]


def texts(reader: Reader) -> list[str]:
    return [tweet.text for tweet in tweets_after(reader, 0, 1_000_000)]


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement, over a connection of its own, as a sqlite3 shell would read them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


def refused(path: Path) -> OpenError:
    """Return the error with which a server and a reader refuse the file, the same for both."""
    with pytest.raises(OpenError) as serving:
        SqliteStore.open(path, log_limit=1, at=NOW)
    with pytest.raises(OpenError) as reading:
        SqliteReader(path)
    assert serving.value.text == reading.value.text
    return serving.value


@contextmanager
def limited_file_size(limit: int) -> Iterator[None]:
    """Let the kernel refuse to write beyond the limit, which SQLite sees as an I/O error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def limited_pages(connection: sqlite3.Connection, spare: int) -> Iterator[None]:
    """Let the file grow by some pages and no more: SQLite calls that a full disk."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + spare}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1073741823")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Let the rights of files count, which they do not for root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def without_rights(folder: Path, *, files: int = 0o444) -> Iterator[None]:
    """Run as a user that may list the folder, and has the rights of the mode to its files."""
    for file in folder.iterdir():
        file.chmod(files)
    folder.chmod(0o555)
    with as_nobody():
        yield
    folder.chmod(0o755)


def sqlite_utils(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "sqlite_utils", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def damage_index(path: Path, index: str, old: bytes, new: bytes) -> None:
    """Change an entry of an index that fits on one page, in the file itself: the table has another value then.

    Tweets in a write-ahead log stay there.
    """
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        content = file.read(4096)
        assert old in content
        file.seek((page - 1) * 4096)
        file.write(content.replace(old, new))
