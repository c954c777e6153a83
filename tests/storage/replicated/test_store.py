"""The replicated store: several servers with one log have equal files, whatever happens on the way."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.storage.sqlite.test_check import findings
from tests.support.memory_log import Lost, SharedLog
from tests.support.replicas import joined, rows
from tests.support.sqlite_files import NOW, opened, post, texts
from tests.support.stored import tweets_of
from ttweet.model import reports
from ttweet.model.errors import OpenError, Refused, StoreError
from ttweet.model.reports import message_received
from ttweet.model.tweets import Deletion, Tombstone, Tweet, draft
from ttweet.storage.contract import KEY_LIFETIME_MS
from ttweet.storage.replicated import entries as entries_module
from ttweet.storage.replicated import store as store_module
from ttweet.storage.replicated.entries import Batch, Claim, LogEntry, encode
from ttweet.storage.replicated.log import NoQuorum, Undecided
from ttweet.storage.replicated.store import ReplicatedStore
from ttweet.storage.sqlite import reader as reader_module
from ttweet.storage.sqlite import replica as replica_module
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.replica import position_of

REPORT = reports.message_deleted(1, "ann")


@pytest.fixture
def log() -> SharedLog:
    return SharedLog()


@pytest.fixture
def stores(log: SharedLog, tmp_path: Path) -> Iterator[list[ReplicatedStore]]:
    """The stores of two servers."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(joined(tmp_path / f"{name}.db", log, name))) for name in "ab"]


def assert_equal(stores: list[ReplicatedStore], folder: Path) -> None:
    """See that the files of all servers are equal when each has applied the log."""
    for store in stores:
        while store.refresh():
            pass
    first, *others = [rows(folder / f"{name}.db") for name in "ab"]
    assert all(other == first for other in others)


def lines_of(store: ReplicatedStore) -> list[str]:
    return [line.text for line in store.lines_after(0, limit=99)]


def test_all_files_get_the_same_entries_from_every_server(stores: list[ReplicatedStore], tmp_path: Path) -> None:
    ours, theirs = stores
    post(ours, "one #a", "two")
    assert [tweet.id for tweet in post(theirs, "three #A")] == [3]
    assert theirs.delete(1, REPORT, at=NOW) == Deletion(4, NOW, 1)
    assert ours.append([draft("four")], [], at=NOW)[0].id == 5
    assert_equal(stores, tmp_path)
    for store in stores:
        assert [(tag.tag, tag.count) for tag in store.list_tags(limit=9, now=NOW).tags] == [("A", 1)]
    assert [findings(tmp_path / f"{name}.db") for name in "ab"] == [[], []]


def test_a_server_learns_in_order_of_all_that_its_file_got(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    post(theirs, "one", "two")
    theirs.delete(1, REPORT, at=NOW)
    [own] = post(ours, "three")
    arrived = ours.take_arrived()
    assert [entry.id for entry in arrived.entries] == [1, 2, 3, 4]
    assert arrived.entries[2:] == [Deletion(3, NOW, 1), own]
    assert arrived.position == ours.position()
    assert ours.take_arrived() == ([], None)


def test_the_arrived_entries_have_the_position_of_the_last_of_them(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    post(ours, "one", "two")
    ours.delete(1, REPORT, at=NOW)
    theirs.refresh()
    post(ours, "four")
    theirs.refresh()
    arrived = theirs.take_arrived()
    assert [entry.id for entry in arrived.entries] == [1, 2, 3, 4]
    assert arrived.position == theirs.position()


def test_an_idempotency_key_belongs_to_the_first_entry_of_any_server(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    [first] = post_keyed(ours, "first", at=NOW)
    assert post_keyed(theirs, "again", at=NOW + KEY_LIFETIME_MS) == [first]
    [second] = post_keyed(theirs, "later", at=NOW + KEY_LIFETIME_MS + 1)
    assert second.id == 2
    assert post_keyed(ours, "once more", at=NOW + KEY_LIFETIME_MS + 1) == [second]


def post_keyed(store: ReplicatedStore, text: str, *, at: int) -> list[Tweet]:
    return tweets_of(store.append([draft(text, key="k")], [], at=at))


def test_report_lines_are_those_of_the_server_that_took_the_tweet(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    ours.append([draft("hello")], [message_received("hello")], at=NOW)
    theirs.append([draft("hi")], [message_received("hi")], at=NOW)
    theirs.append([], [reports.server_started("here")], at=NOW)
    ours.refresh()
    assert lines_of(ours) == ["Message Received: hello"]
    assert lines_of(theirs)[0] == "Message Received: hi"


def test_a_deletion_redacts_the_report_lines_of_every_server(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    ours.append([draft("secret")], [message_received("secret")], at=NOW)
    theirs.delete(1, REPORT, at=NOW)
    ours.refresh()
    assert "secret" not in "".join([*lines_of(ours), *lines_of(theirs)])


def test_a_deletion_elsewhere_redacts_a_long_report_log_in_steps_that_survive_a_restart(
    log: SharedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "SEARCH_STEP", 3)
    with closing(joined(tmp_path / "b.db", log, "b")) as theirs, closing(joined(tmp_path / "a.db", log, "a")) as ours:
        ours.append([draft("classified")], [message_received("classified") for _ in range(8)], at=NOW)
        theirs.refresh()
        theirs.delete(1, REPORT, at=NOW)
        assert ours.refresh()
        assert [line.count("classified") for line in lines_of(ours)] == [0] * 3 + [1] * 5
    with closing(joined(tmp_path / "a.db", log, "c")) as ours:
        while ours.refresh():
            pass
        assert lines_of(ours) == ["Message Received: (deleted)"] * 8
    assert b"classified" not in (tmp_path / "a.db").read_bytes()


def test_a_server_whose_number_the_others_have_forgotten_appends_nothing(
    stores: list[ReplicatedStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_module, "MAX_ORIGINS", 1)
    ours, theirs = stores
    post(ours, "one")
    post(theirs, "two")
    ours.refresh()
    with pytest.raises(StoreError, match="idle for too long to be known to its cluster; start it again"):
        post(ours, "three")
    assert_equal(stores, tmp_path)


def test_a_tweet_that_is_not_there_or_was_pruned_elsewhere_is_refused(
    stores: list[ReplicatedStore], tmp_path: Path
) -> None:
    ours, theirs = stores
    post(ours, "one", "two")
    ours.prune(2)
    for missing in (1, 9):
        with pytest.raises(Refused, match=f"no tweet has the id {missing}"):
            theirs.delete(missing, REPORT, at=NOW)
    assert_equal(stores, tmp_path)


def test_every_server_removes_the_tweets_that_one_of_them_prunes(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    post(ours, "one", "two", "three")
    assert ours.prune(3) == 2
    while theirs.refresh():
        pass
    assert texts(theirs) == texts(ours) == ["three"]
    assert theirs.take_arrived().position == theirs.position()
    assert theirs.prune(2) is None


def test_without_a_quorum_nothing_is_stored_and_reads_continue(log: SharedLog, stores: list[ReplicatedStore]) -> None:
    ours, _ = stores
    post(ours, "one")
    log.quorum = False
    with pytest.raises(NoQuorum):
        post(ours, "two")
    assert texts(ours) == ["one"]
    log.quorum = True
    assert post(ours, "three")[0].id == 2


@pytest.mark.parametrize(
    ("fate", "stored"),
    [(Lost.RECORD, ["after"]), (Lost.ANSWER, ["lost", "after"]), (Lost.DELAYED, ["after"])],
)
def test_a_batch_without_an_answer_is_stored_once_or_not_at_all(
    log: SharedLog, stores: list[ReplicatedStore], tmp_path: Path, fate: Lost, stored: list[str]
) -> None:
    ours, _ = stores
    log.lose = [fate]
    with pytest.raises(Undecided):
        ours.append([lost := draft("lost")], [lost, REPORT], at=NOW)
    assert [tweet.text for tweet in post(ours, "after")] == ["after"]
    log.deliver()
    assert_equal(stores, tmp_path)
    assert texts(ours) == stored
    assert lines_of(ours) == (["Message Received: lost"] if "lost" in stored else [])  # the journal keeps the other


def test_a_batch_that_arrives_after_all_keeps_its_place_before_the_next(
    log: SharedLog, stores: list[ReplicatedStore], tmp_path: Path
) -> None:
    ours, theirs = stores
    log.lose = [Lost.DELAYED]
    with pytest.raises(Undecided):
        post(ours, "late")
    post(theirs, "between")
    log.deliver()
    post(ours, "after")
    assert_equal(stores, tmp_path)
    assert texts(ours) == ["between", "late", "after"]


def test_a_batch_that_the_file_has_no_room_for_is_unknown_and_applied_later(
    stores: list[ReplicatedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = stores

    def full(*_: object, **__: object) -> None:
        raise StoreError("full", "no room")

    with monkeypatch.context() as patch:
        patch.setattr(ours._entries, "append", full)
        with pytest.raises(Undecided):
            post(ours, "one")
    assert [tweet.id for tweet in post(ours, "two")] == [2]
    assert texts(ours) == ["one", "two"]


def test_a_large_batch_takes_several_entries_with_their_lines_in_order(
    log: SharedLog, stores: list[ReplicatedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = stores
    monkeypatch.setattr(entries_module, "MAX_BATCH_BYTES", 100)
    drafts = [draft(str(number)) for number in range(9)]
    assert [one.id for one in ours.append(drafts, [*drafts, REPORT], at=NOW)] == [*range(1, 10)]
    assert len(log.records) > 1
    assert lines_of(ours) == [f"Message Received: {number}" for number in range(9)] + [REPORT.text]


def test_a_large_batch_whose_first_part_is_stored_is_unknown_without_a_quorum(
    log: SharedLog, stores: list[ReplicatedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = stores
    monkeypatch.setattr(entries_module, "MAX_BATCH_BYTES", 1)
    put = log.put

    def last_put(origin: str, number: int, data: bytes) -> int:
        log.quorum = False
        return put(origin, number, data)

    monkeypatch.setattr(log, "put", last_put)
    with pytest.raises(Undecided):
        post(ours, "one", "two")


def test_a_server_that_starts_again_resumes_where_its_file_is(log: SharedLog, tmp_path: Path) -> None:
    with closing(joined(tmp_path / "a.db", log, "a")) as store:
        post(store, "one")
    with closing(joined(tmp_path / "b.db", log, "b")) as store:
        post(store, "two")
    with closing(joined(tmp_path / "a.db", log, "c")) as store:
        assert texts(store) == ["one", "two"]
        assert store.take_arrived() == ([], None)
        assert post(store, "three")[0].id == 3


def test_a_power_cut_takes_a_file_back_to_where_it_was_synced_and_the_log_gives_the_rest_again(
    log: SharedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SYNC_S", 0.0)
    with closing(joined(tmp_path / "a.db", log, "a")) as store:
        post(store, "one")
        is_due = [store.must_settle]
        store.settle()
        assert [*is_due, store.must_settle] == [True, False]
        assert store.synced == store.progress.position
        post(store, "two")
        assert store.synced < store.progress.position
        left_by_a_power_cut = tmp_path / "b.db"
        left_by_a_power_cut.write_bytes((tmp_path / "a.db").read_bytes())  # without its write-ahead log
        with closing(joined(left_by_a_power_cut, log, "b")) as other:
            assert texts(other) == ["one", "two"]
            assert other.synced == store.synced
        assert rows(left_by_a_power_cut) == rows(tmp_path / "a.db")


def test_a_file_that_a_reader_keeps_from_being_synced_is_needed_from_where_it_was(
    stores: list[ReplicatedStore], tmp_path: Path
) -> None:
    ours, _ = stores
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tweets").fetchall()
        post(ours, "one")
        ours.settle()
        assert ours.synced == 0


def test_the_file_of_a_single_server_begins_a_cluster_if_it_is_asked_to(log: SharedLog, tmp_path: Path) -> None:
    for name in "abc":
        with opened(tmp_path / f"{name}.db") as single:
            post(single, "one", "two" if name == "b" else "other")
    with pytest.raises(OpenError, match="tweets up to id 2, and follows no cluster; begin the cluster with it"):
        joined(tmp_path / "a.db", log, "a")
    with closing(joined(tmp_path / "a.db", log, "a", begin=True)) as store:
        assert post(store, "three")[0].id == 3
    for name, begin, problem in (
        ("b", True, "other tweets up to id 2 than the file"),
        ("new", False, "up to id 0, and"),
    ):
        with pytest.raises(OpenError, match=f"{problem}.* the cluster began with.*; start from a backup"):
            joined(tmp_path / f"{name}.db", log, name, begin=begin)
    with closing(joined(tmp_path / "c.db", log, "c", begin=True)) as store:
        assert texts(store) == ["one", "other", "three"]


def test_a_backup_of_any_server_joins_a_log_that_is_no_longer_kept_from_its_beginning(
    log: SharedLog, stores: list[ReplicatedStore], tmp_path: Path
) -> None:
    ours, theirs = stores
    post(ours, "one", "two")
    theirs.delete(1, REPORT, at=NOW)
    back_up(tmp_path / "b.db", tmp_path / "c.db", overwrite=False, progress=lambda *_: None)
    assert position_of(tmp_path / "c.db") == theirs.progress.position
    ours.refresh()
    log.cut(theirs.progress.position)
    [keyed] = post_keyed(ours, "four", at=NOW)
    with closing(joined(tmp_path / "c.db", log, "c")) as store:
        assert texts(store) == ["two", "four"]
        assert post_keyed(store, "again", at=NOW) == [keyed]
        ours.refresh()
        assert rows(tmp_path / "c.db") == rows(tmp_path / "a.db")


def test_a_file_of_another_cluster_or_ahead_of_the_log_is_refused(log: SharedLog, tmp_path: Path) -> None:
    with closing(joined(tmp_path / "a.db", log, "a")) as store:
        post(store, "one")
    with pytest.raises(
        OpenError, match=r"follows the log [0-9a-f]+ of another cluster, not [0-9a-f]+; start from"
    ) as refusal:
        joined(tmp_path / "a.db", SharedLog(), "b")
    assert refusal.value.code == "in_cluster"
    log.records.clear()
    with pytest.raises(
        OpenError, match=r"is at \d+ of the cluster's log, which ends at 0 and has lost entries; begin a new"
    ):
        joined(tmp_path / "a.db", log, "b")


def test_a_file_that_is_behind_the_kept_log_is_refused(log: SharedLog, tmp_path: Path) -> None:
    with closing(joined(tmp_path / "a.db", log, "a")) as store:
        post(store, "one")
    log.cut(log.end())
    with pytest.raises(OpenError, match=r"b\.db needs the log after 0, which is no longer kept; start from a backup"):
        joined(tmp_path / "b.db", log, "b")


def test_a_missing_record_of_a_server_is_damage(log: SharedLog, stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    for text in ("one", "two"):
        post(ours, text)
    del log.records[0]
    with pytest.raises(StoreError, match="has record 2 of a server after its record 0"):
        theirs.refresh()
    assert texts(theirs) == []


def test_a_file_that_differs_from_that_of_another_server_applies_nothing_more(
    log: SharedLog, stores: list[ReplicatedStore]
) -> None:
    ours, theirs = stores
    post(ours, "one")
    theirs.refresh()
    log.put("c", 1, encode(LogEntry(Claim(log.end(), 1), Batch(NOW, [draft("two")]))))
    with pytest.raises(StoreError, match="differs from that of another server") as damage:
        theirs.refresh()
    assert not damage.value.may_pass
    assert texts(theirs) == ["one"]


def test_a_repeated_key_of_a_deleted_tweet_is_its_tombstone_everywhere(stores: list[ReplicatedStore]) -> None:
    ours, theirs = stores
    post_keyed(ours, "one", at=NOW)
    theirs.delete(1, REPORT, at=NOW)
    for store in stores:
        assert store.append([draft("one", key="k")], [], at=NOW) == [Tombstone(1, NOW)]
