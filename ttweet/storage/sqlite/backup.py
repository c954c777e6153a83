"""A copy of the database file, taken while a server is running, whole or not at all.

Knows no tweets, no trio and no command line.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from ttweet.files import replacing
from ttweet.model.errors import StoreError
from ttweet.storage.contract import OnProgress
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.errors import damage, store_error
from ttweet.storage.sqlite.integrity import are_of_indexes, damages
from ttweet.storage.sqlite.migrating import our_tables
from ttweet.storage.sqlite.reader import COUNT_TWEETS
from ttweet.storage.sqlite.room import missing_for_copy, more_room

STEP_PAGES = 1024  # 4 MiB between updates of the progress, about 10 ms


def _quietly(_done: int, _pages: int) -> None:
    """Show no progress."""


def back_up(source: Path, target: Path, *, overwrite: bool, progress: OnProgress) -> int:
    """Copy a database to the target, look the copy over, and return how many tweets it holds. It is on the disk then.

    It holds all that was committed when this began. `progress` is called with the pages done and all pages.
    Raises OpenError and StoreError as readers do, StoreError `internal` when the copy is not whole, OSError with the
    target's name. Nothing is left behind then. The target must be none of the source's own files, see `belongs_to`.
    """
    with closing(connect_reader(source)) as reader:
        return copy_out(reader, source, target, overwrite=overwrite, progress=progress)


def copy_out(
    reader: sqlite3.Connection, source: Path, target: Path, *, overwrite: bool, progress: OnProgress = _quietly
) -> int:
    """Do what `back_up` does with a connection that is open, whose database need not have its name any more."""
    with replacing(target, overwrite=overwrite) as part:
        try:
            tweets = _copy(reader, part, progress)
        except sqlite3.Error as exc:
            raise _error(exc, reader, source, target) from exc
        finally:
            if reader.in_transaction:
                reader.execute("ROLLBACK")
        _look_over(part, source, tweets)
    return tweets


def _copy(reader: sqlite3.Connection, part: Path, progress: OnProgress) -> int:
    """Copy one snapshot page by page and return its number of tweets.

    The transaction around it matters: without one SQLite begins again whenever the server has committed.
    """
    reader.execute("BEGIN")
    tweets: int = reader.execute(COUNT_TWEETS).fetchone()[0]
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = MEMORY")  # no file beside it that could be left behind
        copy.execute("PRAGMA synchronous = OFF")  # it is synced as a whole before it gets its name
        reader.backup(copy, pages=STEP_PAGES, progress=lambda _, left, pages: progress(pages - left, pages), sleep=0)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, which may be read where nothing can be written
    reader.execute("COMMIT")
    return tweets


def _error(exc: sqlite3.Error, reader: sqlite3.Connection, source: Path, target: Path) -> StoreError:
    error = store_error(exc, path=source)
    if error.code != "full":
        return error
    way = more_room(missing_for_copy(reader, target))
    return StoreError("full", f"cannot write {target}: the disk is full; {way}")


def _look_over(part: Path, source: Path, tweets: int) -> None:
    """Verify the copy by a connection that has none of it in memory. Raises StoreError, OpenError."""
    with closing(connect_reader(part)) as copy:
        found = damages(copy, tables := our_tables())
        reindex = are_of_indexes(copy, found, tables)
        (count,) = copy.execute(COUNT_TWEETS).fetchone()
    if found:
        raise damage(source, found[0], reindex=reindex)
    if count != tweets:
        raise StoreError("internal", f"the copy has {count:,} of {tweets:,} tweets; see whether the disk is sound")
