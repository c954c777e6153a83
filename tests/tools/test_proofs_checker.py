"""The checker of scripts/prove finds nothing where nothing is wrong, and what is wrong where something is."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from proofs import erased, report_log
from proofs.checker import check
from proofs.findings import Findings
from proofs.history import DeleteAttempt, History, Push, Read, Seen, TagCount, Upload

from ttweet.model import reports, tweets
from ttweet.model.reports import message_deleted, message_received
from ttweet.storage.sqlite.writer import SqliteStore

ONE, TWO = Seen(1, 1, None, "one #a", ("a",)), Seen(2, 1, None, "two #a", ("a",))
THREE = Seen(3, 1, "ann", "three #b", ("b",))
FOUR = Seen(4, 1, None, "four #a", ("a",))  # there is none


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """ONE, TWO and THREE, which has a key, and a line of the log for each."""
    path = tmp_path / "tweets.db"
    with closing(SqliteStore.open(path, log_limit=100_000, at=0)) as store:
        drafts = [tweets.draft("one #a"), tweets.draft("two #a"), tweets.draft("three #b", key="k", by="ann")]
        store.append(drafts, [message_received(draft.text) for draft in drafts], at=1)
        store.settle()
    return path


def changed(db: Path, *statements: str) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def upload(tweet: Seen, invoked: int = 0, returned: int | None = 100, **more: object) -> Upload:
    """An acknowledged upload."""
    key = "k" if tweet == THREE else None
    made = Upload(tweet.id, tweet.text, (), key, invoked, tweet.by, returned=returned, outcome="ok", stored=tweet)
    return replace(made, **more)  # type: ignore[arg-type]  # as Upload has them


def history(**more: object) -> History:
    """A history that agrees with the file, and more."""
    three = [upload(ONE, 0, 10), upload(TWO, 20, 30), upload(THREE, 40, 50)]
    return replace(History(three), **more)  # type: ignore[arg-type]  # as History has them


def read(about: str | None, *found: Seen, invoked: int = 60, **more: object) -> Read:
    made = Read(about, 1, invoked, invoked + 5, found)
    return replace(made, **more)  # type: ignore[arg-type]  # as Read has them


def found(db: Path, seen: History) -> set[str]:
    findings: Findings = check(seen, db)
    assert bool(findings) == bool(findings.told)
    return set(findings.counts)


def test_a_history_that_agrees_with_the_file_is_found_in_order(db: Path) -> None:
    reads = [
        read(None, THREE),
        read("a", TWO, more=True),
        read("a", TWO, ONE, limit=2),
        read("a", ONE, before=2),
        read("@ann", THREE),
        read("@ann", before=3),
        read(None, ONE, invoked=12),
    ]
    pushes = [Push(1, ("a",), ONE, 15), Push(1, ("a",), TWO, 35)]
    pushes += [Push(2, (), ONE, 15), Push(2, (), TWO, 35), Push(2, (), THREE, 55)]
    counts = [TagCount("a", 2, 60, 65), TagCount("a", 1, 12, 14), TagCount("b", 1, 60, 65)]
    assert found(db, history(reads=reads, pushes=pushes, counts=counts)) == set()


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"text": "never stored"}, "forged"),
        ({"stored": ONE._replace(id=2)}, "lost"),
        ({"stored": ONE._replace(at=2)}, "lost"),
        ({"stored": ONE._replace(tags=("b",))}, "lost"),
        ({"stored": ONE._replace(by="ann"), "by": "ann"}, "forged"),
        ({"outcome": "refused"}, "forged"),
        ({"invoked": 35, "returned": 38}, "order"),
    ],
)
def test_an_upload_that_was_reported_otherwise_is_found(more: dict[str, object], kind: str, db: Path) -> None:
    seen = history()
    seen.uploads[0] = replace(seen.uploads[0], **more)  # type: ignore[arg-type]  # as Upload has them
    assert kind in found(db, seen)


def test_an_unknown_upload_may_be_stored_or_not(db: Path) -> None:
    seen = history()
    seen.uploads[2] = upload(THREE, 40, outcome="unknown", returned=None, stored=None)
    seen.uploads.append(upload(FOUR, 40, outcome="unknown", returned=None, stored=None))
    assert found(db, seen) == set()


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (read(None, TWO), "stale"),
        (read("a", ONE), "stale"),
        (read("a", TWO, limit=2), "stale"),
        (read("a", TWO), "stale"),  # there are more
        (read("a", TWO, ONE, limit=2, more=True), "stale"),  # there are none
        (read("a", TWO, before=2, more=True), "stale"),
        (read("a", before=2), "stale"),
        (read("@ann"), "stale"),
        (read(None, THREE, invoked=30), "stale"),
        (read(None, FOUR), "lost"),
        (read(None, THREE._replace(by=None)), "lost"),
        (read(None, THREE._replace(at=2)), "lost"),
        (read(None, THREE._replace(tags=())), "lost"),
    ],
)
def test_an_answer_that_is_too_old_or_too_new_or_not_so_is_found(seen: Read, kind: str, db: Path) -> None:
    assert kind in found(db, history(reads=[seen]))


@pytest.mark.parametrize("count", [TagCount("a", 1, 60, 65), TagCount("a", 3, 60, 65), TagCount("b", 1, 30, 35)])
def test_a_count_of_what_there_was_not_at_that_time_is_found(count: TagCount, db: Path) -> None:
    assert "stale" in found(db, history(counts=[count]))


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        ([ONE, THREE], "order"),
        ([TWO, THREE], "order"),  # it began before the first
        ([TWO, ONE], "order"),
        ([ONE, ONE], "order"),
        ([ONE, FOUR], "lost"),
        ([ONE._replace(tags=())], "lost"),
        ([THREE, TWO], "order"),
    ],
)
def test_a_follower_that_missed_one_or_saw_one_twice_is_found(seen: list[Seen], kind: str, db: Path) -> None:
    assert kind in found(db, history(pushes=[Push(1, (), tweet, 60) for tweet in seen]))


def test_a_follower_without_a_tweet_that_it_should_have_at_the_end_is_found(db: Path) -> None:
    pushes = [Push(1, (), ONE, 60), Push(1, (), TWO, 60)]
    assert found(db, history(pushes=pushes, awaited={(1, ()): 2})) == set()
    assert found(db, history(pushes=pushes, awaited={(1, ()): 3})) == {"order"}
    assert found(db, history(pushes=pushes, awaited={(2, ("a",)): 2})) == {"order"}, "nothing was pushed to it"


@pytest.mark.parametrize(
    ("push", "kind"),
    [
        (Push(1, ("a",), TWO, 35), "stale"),  # the query that follows is answered with an older tweet
        (Push(1, ("b",), THREE, 39), "stale"),  # before it was sent
        (Push(1, ("b",), THREE._replace(text="two #a"), 60), "lost"),
    ],
)
def test_a_push_that_others_contradict_is_found(push: Push, kind: str, db: Path) -> None:
    unanswered = upload(TWO, 20, outcome="unknown", returned=None, stored=None)
    seen = history(pushes=[push], reads=[read(None, ONE, invoked=36)])
    seen.uploads[1] = unanswered
    assert kind in found(db, seen)


def test_a_history_of_followers_to_whom_nothing_was_pushed_shows_nothing() -> None:
    assert history().shows_something
    assert not history(followers=1).shows_something
    assert history(followers=1, pushes=[Push(1, (), ONE, 15)]).shows_something
    assert not History().shows_something


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tweet_tags WHERE tweet = 1",
        "UPDATE tags SET count = count + 1",
        "UPDATE tags SET newest = newest + 1",
        "UPDATE tags SET lettered = 0",
        "UPDATE tags SET spelling = 'A' WHERE key = 'a'",
        "UPDATE tag_days SET day = day + 1",
        "UPDATE tag_index SET up_to = 4",
        "UPDATE sessions SET id = 7",
    ],
)
def test_tables_that_do_not_say_what_the_texts_say_are_found(statement: str, db: Path) -> None:
    changed(db, "PRAGMA foreign_keys = OFF", statement)
    assert found(db, history()) == {"corrupt"}


def test_tags_in_a_tweets_own_row_that_its_text_does_not_have_are_found(db: Path) -> None:
    changed(db, "UPDATE tweets SET tags = '' WHERE id = 1")
    assert found(db, history()) == {"corrupt", "lost"}


@pytest.mark.parametrize(
    "statement", ["DELETE FROM keys", "UPDATE keys SET tweet = 1", "UPDATE keys SET digest = x'00'"]
)
def test_a_key_that_does_not_lead_to_its_tweet_is_found(statement: str, db: Path) -> None:
    changed(db, statement)
    assert found(db, history()) == {"lost"}


def test_a_session_that_is_over_and_says_that_it_runs_is_found(db: Path) -> None:
    changed(db, "INSERT INTO sessions (id, started, how, first_line) VALUES (2, 0, 'running', 9)")
    assert found(db, history()) == {"corrupt"}


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        (["DELETE FROM log WHERE id = 2"], "lost"),
        (["UPDATE log SET text = 'Message Received: one #a'"], "lost"),
        (["UPDATE log SET id = 7 - id", "UPDATE log SET id = 4 - (7 - id)"], "order"),
        (["UPDATE log SET text = 'Message Received: forged' WHERE id = 3"], "forged"),
    ],
)
def test_a_log_that_does_not_tell_of_each_tweet_in_its_place_is_found(
    statements: list[str], kind: str, db: Path
) -> None:
    changed(db, *statements)
    assert kind in found(db, history())


def test_a_file_that_cannot_be_read_is_found(db: Path) -> None:
    size = db.stat().st_size
    db.write_bytes(db.read_bytes()[:4096] + b"x" * (size - 4096))
    assert "corrupt" in found(db, history())


# Deletions


@pytest.fixture
def deleted(db: Path) -> Path:
    """The file without TWO."""
    with closing(SqliteStore.open(db, log_limit=100_000, at=2)) as store:
        store.delete(2, message_deleted(2, "ann"), at=2)
    return db


def a_delete(**more: object) -> DeleteAttempt:
    made = DeleteAttempt(2, TWO.text, 60, 70, "ok", 4)
    return replace(made, **more)  # type: ignore[arg-type]  # as DeleteAttempt has them


def test_a_client_that_saw_a_tweet_before_it_was_deleted_got_a_true_answer(deleted: Path) -> None:
    pushes = [Push(1, (), ONE, 15), Push(1, (), TWO, 35), Push(2, (), ONE, 15), Push(2, (), THREE, 80)]
    reads = [read(None, TWO, invoked=32), read("a", ONE, limit=2)]
    for outcome in ("ok", "unknown"):
        deletes = [a_delete(outcome=outcome)]
        assert found(deleted, history(deletes=deletes, reads=reads, pushes=pushes)) == set()


@pytest.mark.parametrize(
    ("deletes", "kind"),
    [
        ([], "lost"),
        ([a_delete(outcome="refused", id=None)], "lost"),
        ([a_delete(id=5)], "lost"),
        ([a_delete(), a_delete(tweet=1, text=ONE.text)], "lost"),
    ],
)
def test_a_deletion_that_was_reported_otherwise_is_found(
    deletes: list[DeleteAttempt], kind: str, deleted: Path
) -> None:
    assert kind in found(deleted, history(deletes=deletes))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE log SET text = 'Received Message: two #a' WHERE id = 2", "lost"),
        ("DELETE FROM deletions", "lost"),
        ("UPDATE deletions SET id = 3", "dup"),
        ("UPDATE deletions SET tweet = 1", "corrupt"),
        ("UPDATE tweets SET text = 'two #a', author = NULL WHERE id = 2", "corrupt"),
    ],
)
def test_a_deletion_that_is_half_done_is_found(statement: str, kind: str, deleted: Path) -> None:
    changed(deleted, statement)
    assert kind in found(deleted, history(deletes=[a_delete()]))


# The copies of the log


def lines_of(db: Path, session: int = 1) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        return report_log._lines(connection, session)


def of_copies(db: Path, what: Callable[[sqlite3.Connection, Findings], None]) -> set[str]:
    findings = Findings()
    with closing(sqlite3.connect(db)) as connection:
        what(connection, findings)
    return set(findings.counts)


@pytest.mark.parametrize(
    ("sample", "kinds"),
    [
        (b"", set()),
        (b"SERVER ALERT [GENERAL] Message Received: one #a\nSERVER AL", set()),
        (b"SERVER ALERT [GENERAL] Message Received: two #a\n", {"corrupt"}),
    ],
)
def test_the_copy_of_a_killed_server_is_the_beginning_of_its_log(sample: bytes, kinds: set[str], db: Path) -> None:
    assert of_copies(db, lambda connection, findings: report_log.check_left(connection, [sample], findings)) == kinds
    assert of_copies(db, lambda c, findings: report_log.check_copy(c, sample, False, findings)) == kinds


def test_a_copy_may_have_what_was_deleted_since(deleted: Path) -> None:
    sample = b"SERVER ALERT [GENERAL] Message Received: one #a\nSERVER ALERT [GENERAL] Message Received: two #a\n"
    assert of_copies(deleted, lambda connection, found: report_log.check_left(connection, [sample], found)) == set()


@pytest.mark.parametrize(
    ("first", "last", "kinds"),
    [
        (reports.server_started("::1").text, reports.server_stopped().text, set()),
        ("began", reports.server_stopped().text, {"lost"}),
        (reports.server_started("::1").text, "ended", {"lost"}),
        (reports.server_started("::1").text, "a\nb", {"lost", "forged"}),
    ],
)
def test_the_whole_log_of_a_session_has_its_beginning_and_its_end(
    first: str, last: str, kinds: set[str], db: Path
) -> None:
    line = "INSERT INTO log (id, session, at, side, category, text) VALUES ({}, 1, 0, 'SERVER', '{}', '{}')"
    changed(db, line.format(0, "GENERAL", first), line.format(9, "CONNECTION", last))
    sample = "".join([f"{line}\n" for line in lines_of(db)]).encode()
    if "\n" not in last:
        assert of_copies(db, lambda c, findings: report_log.check_copy(c, sample[:-1], True, findings)) >= {"corrupt"}
    found = of_copies(db, lambda connection, findings: report_log.check_copy(connection, sample, True, findings))
    assert found - {"corrupt"} == kinds


def test_a_word_of_a_deleted_tweet_that_is_left_in_the_bytes_of_the_file_is_lost(db: Path) -> None:
    with closing(SqliteStore.open(db, log_limit=100_000, at=0)) as store:
        text = f"four {erased.unique_word('four')}"
        store.append([tweets.draft(text)], [], at=2)
        while store.maintain():
            pass
        store.delete(4, message_deleted(4, "ann"), at=3)
        seen = history(deletes=[DeleteAttempt(4, text, 70, 80, "ok", 5)])
        findings = Findings()
        erased.check(seen, db, findings)
        assert findings.figure() == "lost=1"
        store.end_session("stopped", at=4)
    findings = Findings()
    erased.check(seen, db, findings)
    assert not findings
