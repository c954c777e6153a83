"""Bugs in what is written, and in when it is durable."""

# ruff: noqa: SLF001 - bugs are put into private parts

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from proofs.mutants.bug import mutant


@mutant("powercut", "lost")
def synchronous_off() -> None:
    """COMMIT does not wait for the disk."""
    from ttweet.storage.sqlite import connections

    connections._SETTINGS["synchronous"] = 0


@mutant("powercut", "lost")
def synchronous_normal() -> None:
    """COMMIT does not wait for the disk, checkpoints do."""
    from ttweet.storage.sqlite import connections

    connections._SETTINGS["synchronous"] = 1


@mutant("kill9", "corrupt", "stale")
def tags_apart() -> None:
    """Tags have a transaction of their own, after the one that marks them as indexed."""
    from ttweet.storage.sqlite import tag_index, tag_table

    count = tag_table.TagTable.count
    build = tag_index.TagIndex.build

    def mark_first(self: Any, **_: Any) -> None:
        self._connection.execute(tag_index._MARK, (self._fresh_newest,))
        build(self)

    def apart(self: Any, tagged: Any) -> None:
        self._connection.execute("COMMIT")
        time.sleep(0.005)
        self._connection.execute("BEGIN IMMEDIATE")
        count(self, tagged)

    tag_index.TagIndex.build = mark_first
    tag_table.TagTable.count = apart


@mutant("kill9", "dup")
def twice_on_retry() -> None:
    """A key that comes again stores the tweet again."""
    from ttweet.storage.sqlite import key_table, rows

    key_table.KeyTable.find = lambda *_: {}
    key_table._INSERT = rows.Rows("INSERT OR REPLACE INTO keys (tweet, at, digest) VALUES ", 3)


@mutant("kill9", "dup")
def same_key_in_a_batch() -> None:
    """A key that comes twice in one batch is stored twice."""
    from ttweet.storage.sqlite import key_table, rows

    find = key_table.KeyTable.find

    class Forgetful(dict[Any, Any]):
        def __setitem__(self, scope: Any, tweet: Any) -> None:
            pass

    key_table.KeyTable.find = lambda *digests: Forgetful(find(*digests))
    key_table._INSERT = rows.Rows("INSERT OR REPLACE INTO keys (tweet, at, digest) VALUES ", 3)


@mutant("clocks", "dup")
def keys_for_a_day() -> None:
    """Keys are forgotten after a day, which a clock that is put forward makes of a moment."""
    from ttweet.storage.sqlite import key_table

    key_table.KEY_LIFETIME_MS = 86_400_000


@mutant("kill9", "forged")
def deleted_in_part() -> None:
    """The log still repeats what was deleted."""
    from ttweet.storage.sqlite import entries

    entries.redact = lambda *_: 0


@mutant("kill9", "lost")
def half_of_the_log() -> None:
    """Every other report line is not stored."""
    from ttweet.storage.sqlite import log_table

    add = log_table.LogTable.add
    log_table.LogTable.add = lambda self, reports, **others: add(self, reports[::2], **others)


@mutant("restart-powercut", "lost")
def no_checkpoint_at_start() -> None:
    """Tweets that a killed server has written and not synced are served again before they are synced."""
    from ttweet.storage.sqlite import connections, writer

    connections.checkpoint = lambda _: True
    begin = writer.SqliteStore._begin_session

    def begin_session(self: Any, at: int) -> None:
        if (before := self.last_session()) is None:
            begin(self, at)
        else:
            self.session = before

    writer.SqliteStore._begin_session = begin_session


@mutant("diskfull", "corrupt")
def cache_kept_after_rollback() -> None:
    """The tweets of a failed batch are kept for the index of tags."""
    from ttweet.storage.sqlite import tag_index

    tag_index.TagIndex.forget = tag_index.TagIndex.keep


@mutant("fsyncs", "lost")
def ack_during_sync() -> None:
    """COMMIT does not wait for the disk; the log is synced while the uploads are answered."""
    from ttweet.storage.sqlite import writer

    synchronous_normal()
    append = writer.SqliteStore.append

    def sync(fd: int, begun: threading.Event) -> None:
        begun.set()
        os.fdatasync(fd)
        os.close(fd)

    def hasty(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        stored, begun = append(self, drafts, reports, at=at), threading.Event()
        fd = os.open(f"{self._file.path}-wal", os.O_RDONLY)
        threading.Thread(target=sync, args=(fd, begun)).start()
        begun.wait()
        return stored

    writer.SqliteStore.append = hasty


@mutant("crashpoints", "corrupt")
def schema_without_journal() -> None:
    """The first start writes its tables with nothing to take them back by."""
    from ttweet.storage.sqlite import connections

    migrate = connections.migrate

    def careless(connection: Any) -> None:
        connection.execute("PRAGMA journal_mode = MEMORY").fetchall()
        migrate(connection)

    connections.migrate = careless


@mutant("diskfull", "forged")
def stored_later() -> None:
    """A tweet that was refused for want of room is stored when there is room again."""
    from ttweet.model import errors
    from ttweet.storage.sqlite import writer

    append = writer.SqliteStore.append
    refused: list[Any] = []

    def later(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        try:
            stored = append(self, drafts, reports, at=at)
        except errors.StoreError:
            refused.extend(drafts)
            raise
        if refused:
            append(self, refused, [], at=at)
            refused.clear()
        return stored

    writer.SqliteStore.append = later


@mutant("ioerrors", "lost")
def errors_acknowledged() -> None:
    """A tweet that the store could not take is answered as if it had been stored."""
    _acknowledge_failures(lambda _: True)


@mutant("syncfail", "lost")
def failed_sync_acknowledged() -> None:
    """A COMMIT whose sync has failed counts, since what it has written can be read."""
    _acknowledge_failures(lambda error: getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC")


@mutant("syncfail", "forged")
def io_errors_pass() -> None:
    """After an I/O error the uploads are refused, and the server continues."""
    from ttweet.model import errors
    from ttweet.storage.sqlite import writer

    writer.store_error = lambda *_, **__: errors.StoreError("busy", "nothing was stored; try again")


def _acknowledge_failures(of: Callable[[Any], bool]) -> None:
    """Answer some of what the store has failed to store as if it were stored."""
    from ttweet.model import errors, tweets
    from ttweet.storage.sqlite import writer

    append = writer.SqliteStore.append

    def careless(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        try:
            return append(self, drafts, reports, at=at)
        except errors.StoreError as error:
            if not of(error):
                raise
        first = self.newest_id() + 1
        return [tweets.Tweet(first + n, at, one.by, one.text, tuple(one.tags.values())) for n, one in enumerate(drafts)]

    writer.SqliteStore.append = careless
