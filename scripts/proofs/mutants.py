"""Bugs on purpose: a proof that finds nothing is worth what it finds when there is something.

`python -m proofs.mutants NAME serve ...` runs ttweet with the bug NAME in it. The bugs are put into the loaded modules
of that one process; the package knows nothing of them.
"""

# ruff: noqa: SLF001 - bugs are put where nobody else may reach

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from proofs.figure import Sign


class Bug(NamedTuple):
    """What puts it in, the proof of `mutation` that must find it, and by which signs: others are no catch."""

    put_in: Callable[[], None]
    proof: str
    signs: frozenset[Sign]


BUGS: dict[str, Bug] = {}
"""Each by its name."""


def mutant(proof: str, *signs: Sign) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a bug; its name is the function's, with hyphens."""

    def register(put_in: Callable[[], None]) -> Callable[[], None]:
        BUGS[put_in.__name__.replace("_", "-")] = Bug(put_in, proof, frozenset(signs))
        return put_in

    return register


@mutant("kill9", "lost")
def ack_before_commit() -> None:
    """Uploads are answered before they are stored."""
    from ttweet.broker import journal
    from ttweet.model import tweets

    take = journal.Journal._take_batch

    def take_batch(self: Any) -> Any:
        batch, lines = take(self)
        at = (self.last.id if self.last else 0) + 1
        for place, receipt in enumerate(batch):
            draft = receipt.draft
            receipt.outcome = tweets.Tweet(at + place, 0, None, draft.text, tuple(draft.tags.values()))
        for waiter in {id(receipt.waiter): receipt.waiter for receipt in batch}.values():
            waiter.answered()
        return batch, lines

    journal.Journal._take_batch = take_batch  # type: ignore[method-assign]


@mutant("powercut", "lost")
def synchronous_off() -> None:
    """COMMIT does not wait for the disk."""
    from ttweet.storage.sqlite import connections as sqlite_file

    sqlite_file._SETTINGS["synchronous"] = 0


@mutant("powercut", "lost")
def synchronous_normal() -> None:
    """COMMIT does not wait for the disk, checkpoints do."""
    from ttweet.storage.sqlite import connections as sqlite_file

    sqlite_file._SETTINGS["synchronous"] = 1


@mutant("kill9", "lost")
def last_before_commit() -> None:
    """The last message is shown while it is on its way to the disk."""
    from ttweet.model import tweets
    from ttweet.storage.sqlite import writer as sqlite_store

    def early(service: Any) -> Any:
        last = service._journal.last
        inbox = [one.draft for one in service._journal._queue if hasattr(one, "draft")]
        if not inbox:
            return last
        return tweets.Tweet((last.id if last else 0) + len(inbox), 0, None, inbox[-1].text, ())

    from ttweet.broker import service

    service.Service.last = early  # type: ignore[method-assign,assignment]
    _slow_commits(sqlite_store)


@mutant("kill9", "stale")
def last_one_late() -> None:
    """The last message is that of the batch before."""
    from ttweet.broker import journal

    succeed = journal.Journal._succeed

    def late(self: Any, batch: Any, tweets: Any) -> None:
        before = self.last
        succeed(self, batch, tweets)
        newest, self.last = self.last, getattr(self, "_hidden", before)
        self._hidden = newest

    journal.Journal._succeed = late  # type: ignore[method-assign]


@mutant("kill9", "stale")
def last_of_the_batch() -> None:
    """The last message is the batch's last answer, even when that is an old tweet whose key came again."""
    from ttweet.broker import journal

    succeed = journal.Journal._succeed

    def careless(self: Any, batch: Any, tweets: Any) -> None:
        succeed(self, batch, tweets)
        self.last = tweets[-1] if tweets else self.last

    journal.Journal._succeed = careless  # type: ignore[method-assign]


@mutant("kill9", "lost")
def push_before_commit() -> None:
    """Followers are shown tweets that are on their way to the disk."""
    from ttweet.broker import journal
    from ttweet.model import tweets
    from ttweet.storage.sqlite import writer as sqlite_store

    take = journal.Journal._take_batch

    def take_batch(self: Any) -> Any:
        batch, lines = take(self)
        at = (self.last.id if self.last else 0) + 1
        drafts = [receipt.draft for receipt in batch]
        early = [tweets.Tweet(at + n, 0, None, one.text, tuple(one.tags.values())) for n, one in enumerate(drafts)]
        if early:
            self._published = early[-1].id
            self.on_commit(early)
        return batch, lines

    journal.Journal._take_batch = take_batch  # type: ignore[method-assign]
    _slow_commits(sqlite_store)


@mutant("kill9", "order")
def push_one_late() -> None:
    """Followers are told of a commit when the next one comes, and of the last one never."""
    from ttweet.broker import journal

    publish = journal.Journal._publish

    def late(self: Any, batch: Any) -> None:
        before, self._told_of_next = getattr(self, "_told_of_next", []), batch
        publish(self, before)

    journal.Journal._publish = late  # type: ignore[method-assign]


@mutant("following", "lost", "order")
def resume_skips_one() -> None:
    """A follower that comes again misses the tweet after the last that it has seen."""
    from ttweet.broker import fanout as audience

    follow = audience.Audience.follow

    def skip(self: Any, subscriber: Any, tags: Any, after: int | None, *others: Any, **options: Any) -> Any:
        return follow(self, subscriber, tags, after and after + 1, *others, **options)

    audience.Audience.follow = skip  # type: ignore[method-assign]


@mutant("kill9", "corrupt", "stale")
def tags_apart() -> None:
    """Tags have a transaction of their own, after that which says that they are indexed."""
    from ttweet.storage.sqlite import tag_index as sqlite_index
    from ttweet.storage.sqlite import tag_table as sqlite_tags

    count = sqlite_tags.TagTable.count
    build = sqlite_index.TagIndex.build

    def mark_first(self: Any) -> None:
        self._connection.execute(sqlite_index._MARK, (self._fresh_newest,))
        build(self)

    def apart(self: Any, tagged: Any) -> None:
        self._connection.execute("COMMIT")
        time.sleep(0.005)
        self._connection.execute("BEGIN IMMEDIATE")
        count(self, tagged)

    sqlite_index.TagIndex.build = mark_first  # type: ignore[method-assign]
    sqlite_tags.TagTable.count = apart  # type: ignore[method-assign]


@mutant("kill9", "dup")
def twice_on_retry() -> None:
    """A key that comes again stores the tweet again."""
    from ttweet.storage.sqlite import key_table, rows

    key_table.KeyTable.find = lambda *_: {}  # type: ignore[method-assign]
    key_table._INSERT = rows.Rows("INSERT OR REPLACE INTO keys (tweet, at, digest) VALUES ", 3)


@mutant("kill9", "dup")
def same_key_in_a_batch() -> None:
    """A key that comes twice in one batch is stored twice."""
    from ttweet.storage.sqlite import key_table, rows

    find = key_table.KeyTable.find

    class Forgetful(dict[Any, Any]):
        def __setitem__(self, scope: Any, tweet: Any) -> None:
            pass

    key_table.KeyTable.find = lambda *digests: Forgetful(find(*digests))  # type: ignore[method-assign]
    key_table._INSERT = rows.Rows("INSERT OR REPLACE INTO keys (tweet, at, digest) VALUES ", 3)


@mutant("kill9", "forged")
def keys_of_all_are_one() -> None:
    """What one author's key has stored is what another's finds."""
    from ttweet.server.tcp import connection

    post = connection.Connection._post

    def anonymous(self: Any, text: str, tags: Any = (), scan: bool = True, key: str | None = None) -> None:
        by, self._visitor.author = self._visitor.author, None if key else self._visitor.author
        post(self, text, tags, scan, key)
        self._visitor.author = by

    connection.Connection._post = anonymous  # type: ignore[method-assign]


@mutant("kill9", "lost")
def another_time() -> None:
    """What is acknowledged has another time than what is stored."""
    _change_answers(lambda tweet: tweet._replace(at=tweet.at + 1))


@mutant("kill9", "lost")
def tags_of_others() -> None:
    """What is acknowledged and pushed has tags that the text does not have."""
    _change_answers(lambda tweet: tweet._replace(tags=("other",)))


@mutant("kill9", "stale")
def more_at_the_end() -> None:
    """The last page says that there are more."""
    _change_pages(lambda page: page._replace(more=True))


@mutant("kill9", "stale")
def before_is_ignored() -> None:
    """What is before an id is the newest page again."""
    from ttweet.storage.sqlite import reader as sqlite_reader

    find = sqlite_reader.Queries.tweets_of_tag

    def newest(self: Any, key: str, **options: Any) -> Any:
        return find(self, key, **{**options, "before": None})

    sqlite_reader.Queries.tweets_of_tag = newest  # type: ignore[method-assign]


@mutant("kill9", "forged")
def deleted_in_part() -> None:
    """The log still repeats what was deleted."""
    from ttweet.storage.sqlite import writer as sqlite_store

    sqlite_store.redact = lambda *_: None


@mutant("kill9", "lost")
def half_of_the_log() -> None:
    """Every other report line is not stored."""
    from ttweet.storage.sqlite import writer as sqlite_store

    insert = sqlite_store.SqliteStore._insert_lines
    sqlite_store.SqliteStore._insert_lines = (  # type: ignore[method-assign]
        lambda self, reports, at: insert(self, reports[::2], at)
    )


@mutant("kill9", "forged")
def unescaped_log() -> None:
    """A message is logged as it came, line breaks included."""
    from ttweet.model import reports

    reports.escape = lambda text: text


@mutant("kill9", "corrupt")
def export_apart() -> None:
    """The log's copy goes on where the log ends, not where the copy does."""
    from ttweet.server import log_copies as export

    copy_page = export.LogCopy._copy_page

    def careless(self: Any) -> bool:
        more = copy_page(self)
        time.sleep(0.005)
        newest = self._reader._connection.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()[0]
        self._cursor = max(self._cursor, newest)
        return more

    export.LogCopy._copy_page = careless  # type: ignore[method-assign]


@mutant("restart-powercut", "lost")
def no_checkpoint_at_start() -> None:
    """What a killed server has written and not synced is served again before it is synced."""
    from ttweet.storage.sqlite import connections as sqlite_file
    from ttweet.storage.sqlite import writer as sqlite_store

    sqlite_file.checkpoint = lambda _: True  # type: ignore[assignment]
    begin = sqlite_store.SqliteStore._begin_session

    def begin_session(self: Any, at: int) -> None:
        if (before := self.last_session()) is None:
            begin(self, at)
        else:
            self.session = before

    sqlite_store.SqliteStore._begin_session = begin_session  # type: ignore[method-assign]


@mutant("diskfull", "corrupt")
def cache_kept_after_rollback() -> None:
    """The tweets of a failed batch are kept for the index of tags."""
    from ttweet.storage.sqlite import tag_index as sqlite_index

    sqlite_index.TagIndex.forget = sqlite_index.TagIndex.keep  # type: ignore[method-assign]


@mutant("kill9", "stale")
def runs_are_no_tags() -> None:
    """The second tag of a run such as #cs#3251 is not found."""
    from ttweet.model import hashtags

    extract = hashtags.extract

    def first_only(text: str, *, numeric: bool = False) -> list[str]:
        return extract(text, numeric=numeric)[:1]

    hashtags.extract = first_only


@mutant("fsyncs", "lost")
def ack_during_sync() -> None:
    """COMMIT does not wait for the disk; the log is synced while the uploads are answered."""
    from ttweet.storage.sqlite import writer as sqlite_store

    synchronous_normal()
    append = sqlite_store.SqliteStore.append

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

    sqlite_store.SqliteStore.append = hasty  # type: ignore[method-assign]


@mutant("crashpoints", "corrupt")
def schema_without_journal() -> None:
    """The first start writes its tables with nothing to take them back by."""
    from ttweet.storage.sqlite import connections as sqlite_file

    migrate = sqlite_file.migrate

    def careless(connection: Any) -> None:
        connection.execute("PRAGMA journal_mode = MEMORY").fetchall()
        migrate(connection)

    sqlite_file.migrate = careless


@mutant("diskfull", "forged")
def stored_later() -> None:
    """What was refused for want of room is stored when there is room again."""
    from ttweet.model import errors
    from ttweet.storage.sqlite import writer as sqlite_store

    append = sqlite_store.SqliteStore.append
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

    sqlite_store.SqliteStore.append = later  # type: ignore[method-assign]


@mutant("ioerrors", "lost")
def errors_acknowledged() -> None:
    """What the store could not take is answered as if it had been stored."""
    _acknowledge_failures(lambda _: True)


@mutant("syncfail", "lost")
def failed_sync_acknowledged() -> None:
    """A COMMIT whose sync has failed counts, since what it has written can be read."""
    _acknowledge_failures(lambda error: getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC")


@mutant("syncfail", "forged")
def io_errors_pass() -> None:
    """After an I/O error the uploads are refused, and the server goes on."""
    from ttweet.model import errors
    from ttweet.storage.sqlite import writer as sqlite_store

    sqlite_store.store_error = lambda *_, **__: errors.StoreError("busy", "nothing was stored; try again")


@mutant("sigterm", "bar")
def ends_as_it_is() -> None:
    """A server that is asked to stop ends in the middle of its work."""
    from ttweet.server import app

    until_stop = app._until_stop

    async def end(*heeded: Any) -> None:
        await until_stop(*heeded)
        os._exit(0)

    app._until_stop = end


@mutant("mixed", "bar")
def stopped_is_failed() -> None:
    """A server that was stopped in order says that it had to stop."""
    from ttweet.server import app

    run = app.run
    app.run = lambda config: run(config) or 1


@mutant("clocks", "dup")
def keys_for_a_day() -> None:
    """Keys are forgotten after a day, which a clock that is put forward makes of a moment."""
    from ttweet.storage.sqlite import key_table

    key_table.KEY_LIFETIME_MS = 86_400_000


@mutant("unlinked", "lost")
def names_not_compared() -> None:
    """The server does not look whether its files still have their names."""
    from ttweet.storage.sqlite import identity

    identity.Identity.is_kept = lambda _: True  # type: ignore[method-assign]


@mutant("unlinked", "lost")
def goes_on_displaced() -> None:
    """The server rescues what there is and then acknowledges what comes after."""
    from ttweet.model import errors
    from ttweet.storage.sqlite import database_file

    keep = database_file.DatabaseFile.keep

    def careless(self: Any, code: str) -> bool:
        try:
            return keep(self, code)
        except errors.Displaced:
            self._unsure = False
            return False

    database_file.DatabaseFile.keep = careless  # type: ignore[method-assign]


@mutant("unlinked", "lost")
def no_rescued_copy() -> None:
    """The server says that there is a copy, and writes none."""
    from ttweet.storage.sqlite import rescue

    rescue.copy_out = lambda *_, **__: 0


@mutant("unlinked", "lost", "corrupt")
def rescued_without_its_log() -> None:
    """The copy is that of the database file, without what is still in its write-ahead log."""
    import shutil

    from ttweet.storage.sqlite import rescue

    copy_beside = rescue._copy_beside

    def copy(files: Any, connection: Any) -> Any:
        database = rescue.descriptor_of(files.opened(""))
        rescue.copy_out = lambda _connection, _source, target, **_: shutil.copyfile(database, target)
        return copy_beside(files, connection)

    rescue._copy_beside = copy


@mutant("unlinked", "corrupt")
def log_left_beside_another() -> None:
    """The write-ahead log keeps its name beside a database that took the place of the server's."""
    from ttweet.storage.sqlite import rescue

    rescue._disown_log = lambda _: None


@mutant("unlinked", "lost", "stale", "corrupt", "order", "bar")
def readers_not_opened_again() -> None:
    """The writer opens the file again, and the readers go on with the old files."""
    from ttweet.storage.sqlite import database_file

    database_file.is_open_here = lambda _: False
    reader = database_file.DatabaseFile.reader

    def forgotten(self: Any) -> Any:
        opened = reader(self)
        self._readers.clear()
        return opened

    database_file.DatabaseFile.reader = forgotten  # type: ignore[method-assign]


def _acknowledge_failures(of: Callable[[Any], bool]) -> None:
    """Answer some of what the store has failed to store as if it were stored."""
    from ttweet.model import errors, tweets
    from ttweet.storage.sqlite import writer as sqlite_store

    append = sqlite_store.SqliteStore.append

    def careless(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        try:
            return append(self, drafts, reports, at=at)
        except errors.StoreError as error:
            if not of(error):
                raise
        first = self._last_tweet + 1
        return [tweets.Tweet(first + n, at, one.by, one.text, tuple(one.tags.values())) for n, one in enumerate(drafts)]

    sqlite_store.SqliteStore.append = careless  # type: ignore[method-assign]


def _change_answers(change: Callable[[Any], Any]) -> None:
    """Make the store give back something else than it has stored."""
    from ttweet.storage.sqlite import writer as sqlite_store

    append = sqlite_store.SqliteStore.append

    def changed(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        return [change(tweet) for tweet in append(self, drafts, reports, at=at)]

    sqlite_store.SqliteStore.append = changed  # type: ignore[method-assign]


def _change_pages(change: Callable[[Any], Any]) -> None:
    """Make the pages of a tag say something else than was found."""
    from ttweet.storage.sqlite import reader as sqlite_reader

    find = sqlite_reader.Queries.tweets_of_tag
    sqlite_reader.Queries.tweets_of_tag = (  # type: ignore[method-assign]
        lambda self, key, **options: change(find(self, key, **options))
    )


def _slow_commits(module: Any) -> None:
    """Make COMMIT take longer, so that what is wrong beside it is seen."""
    append = module.SqliteStore.append

    def slowly(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        time.sleep(0.003)
        return append(self, drafts, reports, at=at)

    module.SqliteStore.append = slowly


def main() -> None:
    """Run ttweet with the bug that the first argument names."""
    BUGS[sys.argv.pop(1)].put_in()
    from ttweet.__main__ import main as ttweet

    sys.exit(ttweet())


if __name__ == "__main__":
    main()
