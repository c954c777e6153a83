"""Tweets as lines of JSON: the same bytes both ways, each tweet once however often it comes, bad lines reported."""

import io
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ttweet
from tests.support.sqlite_files import DAY_MS, NOW, opened, post, sql
from tests.support.stored import deletions_after, tweets_after
from ttweet.model import tweets
from ttweet.model.errors import Refused, StoreError
from ttweet.model.limits import LATEST_MS, MAX_ID, MAX_TWEET_ID
from ttweet.model.reports import Report, message_deleted
from ttweet.model.tweets import Deletion, Entry, Tombstone, Tweet, draft
from ttweet.storage import jsonl
from ttweet.storage.jsonl import ImportTally, decode, encode, import_entries, read_lines
from ttweet.storage.sqlite.check import Check
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

COUNTS = (
    "SELECT key, spelling, spelling_count, count, newest, lettered FROM tags ORDER BY key",
    "SELECT key, s.spelling, s.count FROM spellings s JOIN tags ON tag = id ORDER BY 1, 2",
    "SELECT key, day, d.count FROM tag_days d JOIN tags ON tag = id ORDER BY 1, 2",
    "SELECT key, tweet FROM tweet_tags JOIN tags ON tag = id ORDER BY 1, 2",
    "SELECT * FROM tweets ORDER BY id",
)


def lines_of(store: SqliteReader | SqliteStore) -> list[bytes]:
    return [encode(entry) for entry in store.entries_after(0, 1_000_000)]


def imported(store: SqliteStore, lines: Sequence[bytes]) -> ImportTally:
    tally = ImportTally()
    import_entries(store, read_lines(io.BytesIO(b"".join(lines))), tally, lambda: None)
    return tally


def filled(path: Path) -> list[bytes]:
    """Some tweets of several days, people and spellings, an empty one, and a gap in the ids."""
    with opened(path) as store:
        for day in range(5):
            texts = [f"number {day} #Python #n{one} #3251" for one in range(7)] + ["", "#python", "#PYTHON 寿司 #寿司"]
            store.append([draft(text, by="ann" if day else None) for text in texts], [], at=NOW + day * DAY_MS)
        sql(path, "DELETE FROM tweet_tags WHERE tweet = 9", "DELETE FROM tweets WHERE id = 9")
        return lines_of(store)


def test_a_line_is_documented_to_the_letter() -> None:
    page = (Path(ttweet.__file__).parent.parent / "docs" / "export.md").read_text()
    tweet = Tweet(9201, 1714567890123, "ann", "Tests are green #ci 🎉", ("ci",))
    assert encode(tweet).decode() in page
    assert decode(encode(tweet)) == tweet
    assert encode(tweet, ascii_only=True).isascii()


def test_deletions_are_documented_to_the_letter() -> None:
    page = (Path(ttweet.__file__).parent.parent / "docs" / "export.md").read_text()
    for entry in (Tombstone(9202, 1714567890456), Deletion(9300, 1714567999999, 9202)):
        assert encode(entry).decode() in page
        assert decode(encode(entry)) == entry


def test_deleted_tweets_keep_their_places_and_no_id_is_given_again(tmp_path: Path) -> None:
    with opened(tmp_path / "old.db") as store:
        post(store, "one #a", "two #a #b", "three")
        store.delete(2, Report("SERVER", "GENERAL", "deleted"), at=NOW)
        lines = lines_of(store)
    assert [decode(line) for line in lines][1::2] == [Tombstone(2, NOW), Deletion(4, NOW, 2)]
    with opened(tmp_path / "new.db") as store:
        assert imported(store, lines) == ImportTally(new=2)
        assert (lines_of(store), store.count(), deletions_after(store, 0)) == (lines, 2, [Deletion(4, NOW, 2)])
    with opened(tmp_path / "new.db") as store:
        assert imported(store, lines) == ImportTally(known=2)
        assert post(store, "next")[0].id == 5
    assert list(Check(tmp_path / "new.db").run(lambda done, total: None)) == []


def test_no_id_is_given_again_after_a_deletion_whose_tweet_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path / "old.db") as old:
        post(old, "a", "b")
        old.delete(1, Report("SERVER", "GENERAL", "gone"), at=NOW)
        old.prune(3)
        kept = lines_of(old)
    assert [json.loads(line) for line in kept] == [{"id": 3, "at": NOW, "deletes": 1}]
    with opened(tmp_path / "new.db") as new:
        imported(new, kept)
        assert (new.newest_id(), new.position().pruned_up_to) == (3, 3)
    sql(tmp_path / "new.db", "DELETE FROM sqlite_sequence")  # as an import once left it
    with opened(tmp_path / "new.db") as new:
        assert post(new, "c")[0].id == 4
    assert sql(tmp_path / "new.db", "SELECT name, seq FROM sqlite_sequence WHERE name = 'tweets'") == [("tweets", 4)]


def test_a_deleted_tweet_does_not_come_back(path: Path) -> None:
    with opened(path) as store:
        post(store, "regretted")
        lines = lines_of(store)
        store.delete(1, Report("SERVER", "GENERAL", "deleted"), at=NOW)
        with pytest.raises(Refused, match="the file has another entry with the id 1"):
            imported(store, lines)
        assert tweets_after(store, 0, 9) == []


@given(
    text=st.text(max_size=150).map(lambda text: text.replace("\0", "")),
    by=st.sampled_from([None, "ann", "Jürgen"]),
    at=st.integers(0, LATEST_MS),
)
def test_any_tweet_comes_back_from_its_line(text: str, by: str | None, at: int) -> None:
    try:
        checked = draft(text, by=by)
    except Refused:
        return
    tweet = Tweet(1, at, by, checked.text, tuple(checked.tags.values()))
    assert decode(encode(tweet)) == tweet
    assert encode(tweet).count(b"\n") == 1


def test_an_imported_export_is_exported_and_counted_the_same(tmp_path: Path) -> None:
    lines = filled(tmp_path / "old.db")
    with opened(tmp_path / "new.db") as store:
        assert imported(store, lines) == ImportTally(new=49)
        assert lines_of(store) == lines
        assert post(store, "the next one")[0].id == 51


def test_tags_are_counted_as_if_the_tweets_had_been_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "PAGE_ENTRIES", 4)
    with opened(tmp_path / "old.db") as store:
        for day in (3, 1, 2):  # the clock was put back
            post(store, "#Python #go", "#python #Go", f"#n{day} #1", at=NOW + day * DAY_MS + day)
        store.settle()
        lines = lines_of(store)
    with opened(tmp_path / "new.db") as store:
        imported(store, lines)
        store.settle()
    for question in COUNTS:
        assert sql(tmp_path / "new.db", question) == sql(tmp_path / "old.db", question)


@pytest.mark.parametrize("stored", [0, 1, 8, 20, 48, 49])
def test_after_a_stop_anywhere_a_second_run_adds_the_rest_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: int
) -> None:
    monkeypatch.setattr(jsonl, "PAGE_ENTRIES", 8)
    lines = filled(tmp_path / "old.db")
    with opened(tmp_path / "new.db") as store:
        assert imported(store, lines[:stored]).new == stored
    with opened(tmp_path / "new.db") as store:
        assert imported(store, lines) == ImportTally(new=49 - stored, known=stored)
        assert lines_of(store) == lines


@pytest.mark.parametrize("known", [0, 1, 2, 9, 17])
def test_an_import_takes_a_transaction_for_many_entries_however_many_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    monkeypatch.setattr(jsonl, "PAGE_ENTRIES", 8)
    lines = filled(tmp_path / "old.db")
    batches: list[int] = []
    with opened(tmp_path / "new.db") as store:
        imported(store, lines[:known])
        restore = store.restore

        def noted(entries: Sequence[Entry]) -> None:
            batches.append(len(entries))
            restore(entries)

        monkeypatch.setattr(store, "restore", noted)
        imported(store, lines)
    assert sum(batches) == len(lines) - known
    assert len(batches) <= -(-len(lines) // 8)


def changed(**fields: object) -> bytes:
    value = {"id": 3, "at": 1, "by": None, "text": "x", "tags": [], **fields}
    return json_line(**{name: one for name, one in value.items() if one is not ...})


def json_line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"hello\n", "invalid JSON: Expecting value (character 1)"),
        (b"\xff\n", "invalid UTF-8; this is not an export of ttweet"),
        (b"[" * 100_000 + b"\n", "invalid JSON: it is nested too deeply"),
        (b'{"id":' + b"9" * 4_301 + b"}\n", "invalid JSON: a number has too many digits"),
        (b"[1]\n", "not a JSON object; an export has one on each line"),
        (changed(text=...), "missing field: text"),
        (changed(text=..., by=...), "missing field: by, text"),
        (changed(colour="red"), "'colour' is not a field of an entry; see docs/export.md"),
        (changed(id="3"), 'id must be a whole number, not "3"'),
        (changed(id=True), "id must be a whole number, not true"),
        (changed(id=0), "invalid id 0: use 1 to 9007194959773695"),
        (changed(id=2**53 - 2**32), "invalid id 9007194959773696: use 1 to 9007194959773695"),
        (b'{"id":3,"at":1,"deletes":9007199254740992}\n', "invalid id 9007199254740992: use 1 to"),
        (changed(at=1.5), "at must be a whole number, milliseconds since 1970, not 1.5"),
        (changed(at=-1), "invalid at -1: use 0 to 253402214399999"),
        (changed(by="two words"), "invalid name 'two words'"),
        (changed(text="x" * 151), "too long: 151 characters; use at most 150"),
        (changed(text="a\0b"), "invalid text: a NUL character at position 2"),
        (changed(text="\ud800"), "invalid text: a lone surrogate at position 1"),
        (changed(tags="a"), 'tags must be a list of tags, not "a"'),
        (changed(tags=["a b"]), "invalid tag 'a b'"),
        (changed(tags=["a", "A"]), "duplicate tag 'A'"),
        (changed(text="", tags=["a"]), "an empty text cannot have tags"),
        (b'{"id":3,"at":1,"deleted":false}\n', "deleted must be true, not false"),
        (b'{"id":3,"at":1,"deletes":true}\n', "deletes must be the id of a tweet, not true"),
        (b'{"id":3,"at":1,"deletes":1,"text":"x"}\n', "'text' is not a field of an entry"),
        (changed(id=2), "id 2 comes after 2, but ids must rise"),
        (b"x" * (jsonl.MAX_LINE_BYTES + 1), "more than 1,048,576 bytes"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_the_lines_before_it_are_stored(
    store: SqliteStore, line: bytes, said: str
) -> None:
    good = [changed(id=1), b"\n", changed(id=2)]
    with pytest.raises(Refused) as refusal:
        imported(store, [*good, line, changed(id=4)])
    assert refusal.value.text.startswith(f"line 4: {said}")
    assert refusal.value.remedy or line.startswith(b"x" * 9), "only a line that is too long is no line of an export"
    assert [tweet.id for tweet in tweets_after(store, 0, 10)] == [1, 2]


@pytest.mark.parametrize(
    ("newest", "posted", "deleted"),
    [
        (changed(id=MAX_TWEET_ID - 2), [MAX_TWEET_ID - 1, MAX_TWEET_ID, None], True),
        (changed(id=MAX_TWEET_ID - 1), [MAX_TWEET_ID, None, None], True),
        (changed(id=MAX_TWEET_ID), [None], True),
        (json_line(id=MAX_TWEET_ID + 1, at=1, deletes=1), [None], True),
        (json_line(id=MAX_ID - 1, at=1, deletes=1), [None], True),
        (json_line(id=MAX_ID, at=1, deletes=1), [None], False),
    ],
)
def test_at_the_end_of_the_ids_uploads_are_refused_and_the_export_is_still_an_import(
    path: Path, newest: bytes, posted: list[int | None], deleted: bool
) -> None:
    with opened(path) as store:
        imported(store, [changed(id=2), changed(id=3), newest])
        assert [posted_id(store) for _ in posted] == posted
        assert deletes(store, 2) is deleted
        assert store.prune(3) == int(not deleted)
        lines = lines_of(store)
        assert [tweet.id for tweet in tweets_after(store, store.newest_id() - 1, 9)] in ([], [store.newest_id()])
        assert store.newest_id() <= 2**53 - 1
        assert all(int(float(decode(line).id)) == decode(line).id for line in lines)
    with opened(path.with_name("copy.db")) as copy:
        imported(copy, lines)
        assert lines_of(copy) == lines
        assert posted_id(copy) is None


def posted_id(store: SqliteStore) -> int | None:
    """The id of a new tweet; None when there is none left."""
    try:
        return post(store, "a")[0].id
    except StoreError as error:
        return None if (error.code, error.may_pass) == ("used_up", True) else -1


def deletes(store: SqliteStore, tweet: int) -> bool | None:
    """Whether a deletion got an id; None when it failed for another reason."""
    try:
        store.delete(tweet, message_deleted(tweet, "ann"), at=NOW)
    except StoreError as error:
        return False if error.code == "used_up" else None
    return True


def test_a_retry_finds_its_tweet_at_the_end_of_the_ids(store: SqliteStore) -> None:
    imported(store, [changed(id=MAX_TWEET_ID - 1)])
    [tweet] = post(store, "last", key="k")
    assert tweet.id == MAX_TWEET_ID
    assert post(store, "last", key="k") == [tweet]


@pytest.mark.parametrize(("tweet", "said"), [(2, "another entry"), (9, "newer entries, and none")])
def test_an_id_that_belongs_to_another_tweet_is_refused(path: Path, tweet: int, said: str) -> None:
    lines = filled(path)
    with opened(path) as store, pytest.raises(Refused, match=f"line 2: the file has {said} with the id {tweet};"):
        imported(store, [lines[0], changed(id=tweet)])
    with closing(SqliteReader(path)) as reader:
        assert lines_of(reader) == lines


def test_a_text_that_is_not_in_normal_form_is_brought_into_it() -> None:
    tweet = decode(changed(text="cafe\u0301"))
    assert isinstance(tweet, Tweet)
    assert tweet.text == tweets.checked_text("café")


def test_a_line_without_an_end_gets_another_error_than_one_that_is_no_json() -> None:
    line = encode(Tweet(7, NOW, None, "hello #tag", ("tag",)))
    for cut in range(1, len(line) - 1):
        with pytest.raises(
            Refused, match=r"^invalid JSON: .* \(character \d+\); the line has no end, so the file may have"
        ):
            decode(line[:cut])
    assert decode(line[:-1]) == decode(line)
