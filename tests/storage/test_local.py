import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import ttweet
from tests.support.processes import output_of, running_server
from ttweet.model.errors import DatabaseError
from ttweet.model.tweets import Tombstone, Tweet
from ttweet.storage import local


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


def test_a_post_is_read_in_this_program_and_in_the_next(path: Path) -> None:
    with ttweet.open(path) as store:
        first = store.post("Milk is out #home", tags=["shop"])
        assert first == Tweet(1, first.at, None, "Milk is out #home", ("home", "shop"))
        assert store.last() == first
    with ttweet.open(str(path)) as store:
        second = store.post("#Home again", by="matt")
        assert store.tweets_of_tag("#HOME").tweets == [second, first]
        assert store.tweets_of_tag("home", before=2).tweets == [first]
        assert store.list_tags(limit=1).tags[0].count == 2
        assert list(store.tweets_after(1)) == [second]
        with pytest.raises(ttweet.Refused, match="invalid tag 'ho me'"):
            store.tweets_of_tag("ho me")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_an_id_that_no_file_can_hold_is_that_of_no_tweet(path: Path, number: int) -> None:
    with ttweet.open(path) as store:
        store.post("one #a")
        for ask in (store.tweet, store.delete):
            with pytest.raises(ttweet.Refused) as refused:
                ask(number)
            assert refused.value.code == "no_tweet"
        found = 1 if number > 0 else 0
        assert len(list(store.tweets_after(number))) == 1 - found
        assert len(store.tweets_of_tag("a", before=number).tweets) == found
        assert len(store.find("one", before=number).tweets) == store.count("one", before=number).number == found
        assert store.prune(number) == found


def test_a_tweet_is_read_by_its_id_and_a_deleted_one_is_a_tombstone(path: Path) -> None:
    with ttweet.open(path) as store:
        first = store.post("for a moment")
        assert store.tweet(1) == first
        store.delete(1)
        assert store.tweet(1) == Tombstone(1, first.at)
        assert store.tweet(store.post("").id) is None
        with pytest.raises(ttweet.Refused, match="no tweet has the id 9"):
            store.tweet(9)


def test_tweets_are_found_and_counted_by_a_query(path: Path) -> None:
    with ttweet.open(path) as store:
        tweets = [store.post(text, by="ann") for text in ("red build #ci", "green build", "green #ci")]
    with ttweet.open(path, readonly=True) as store:
        assert store.find("build", limit=1) == ttweet.Found([tweets[1]], more=True)
        assert store.find("from:ann -build", before=9) == ttweet.Found([tweets[2]], more=False)
        assert store.find().tweets == tweets[::-1]
        assert store.count("#ci") == ttweet.Count(2)
        assert store.count("#ci", before=3) == ttweet.Count(1)
        with pytest.raises(ttweet.Refused, match="only excludes"):
            store.find("-build")


def test_all_tweets_come_in_pages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "READ_TWEETS", 2)
    with ttweet.open(path) as store:
        ids = [store.post(str(number)).id for number in range(5)]
        assert [tweet.id for tweet in store.tweets_after()] == ids


def test_a_key_stores_once_and_an_empty_message_is_no_last_one(path: Path) -> None:
    with ttweet.open(path) as store:
        assert store.post("once", key="k").id == store.post("once", key="k").id
        store.post("see #this", tags=["that"], scan=False)
        assert store.tweets_of_tag("this").tweets == []
        store.post("")
        assert store.last() is None


def test_a_file_that_a_server_holds_can_only_be_read(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        with pytest.raises(ttweet.OpenError) as error:
            ttweet.open(server.db)
        assert error.value.code == "locked"
        with ttweet.Client("127.0.0.1", server.port) as client:
            client.post("hello")
        with ttweet.open(server.db, readonly=True) as store:
            assert [tweet.text for tweet in store.tweets_after()] == ["hello"]
            with pytest.raises(ttweet.Refused, match="reading only"):
                store.post("me too")
            with pytest.raises(ttweet.Refused, match="reading only"):
                store.delete(1)
            with pytest.raises(ttweet.Refused, match="reading only"):
                store.prune(2)


def test_stored_tweets_stay_when_the_same_program_also_reads_the_file(path: Path) -> None:
    shell = (
        f"import sqlite3; c = sqlite3.connect({str(path)!r}); print(*c.execute('SELECT text FROM tweets')); c.close()"
    )
    with ttweet.open(path) as store:
        store.post("one")
        with ttweet.open(path, readonly=True) as reader:
            assert reader.last() == store.last()
        assert output_of(shell) == "('one',)\n"
        store.post("two")
        assert output_of(shell) == "('one',) ('two',)\n"


@pytest.mark.parametrize(("text", "by"), [("x" * 151, None), ("hi", "two words"), ("\0", None)])
def test_a_post_that_a_server_would_refuse_is_refused(path: Path, text: str, by: str | None) -> None:
    with ttweet.open(path) as store:
        with pytest.raises(ttweet.Refused):
            store.post(text, by=by)
        assert list(store.tweets_after()) == []


def test_a_file_that_is_missing_cannot_be_read(path: Path) -> None:
    with pytest.raises(ttweet.OpenError) as error:
        ttweet.open(path, readonly=True)
    assert error.value.code == "missing"


async def test_a_string_is_no_list_of_tags_for_any_verb_that_posts(path: Path) -> None:
    client = ttweet.Client("127.0.0.1", 1)
    with ttweet.open(path) as notes, pytest.raises(ttweet.Refused, match="invalid tags 'abc'") as refused:
        notes.post("a", tags="abc")
    assert refused.value.code == "bad_tag"
    with pytest.raises(ttweet.Refused, match="invalid tags 'abc'"):
        client.post("a", tags="abc")
    with pytest.raises(ttweet.Refused, match="invalid tags 'abc'"):
        next(client.post_many(["a"], tags="abc"))
    with pytest.raises(ttweet.Refused, match="invalid tags 'abc'"):
        await ttweet.AsyncClient("127.0.0.1", 1).post("a", tags="abc")


@pytest.mark.parametrize("readonly", [False, True])
def test_closing_twice_closes_no_other_file(readonly: bool, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    ttweet.open(path).close()
    with ttweet.open(path, readonly=readonly) as notes:
        notes.close()
        others = os.pipe()
        notes.close()
    os.write(others[1], b"still open")
    assert os.read(others[0], 99) == b"still open"
    for one in others:
        os.close(one)


def text(path: Path) -> None:
    path.write_text("127.0.0.1 localhost, and more than a header has\n" * 9)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE precious (text)")


def newer(path: Path) -> None:
    ttweet.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def linked(path: Path) -> None:
    ttweet.open(path).close()
    path.with_name("other.db").hardlink_to(path)


def in_an_open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


@pytest.mark.parametrize("spoil", [text, fifo, foreign, newer, linked, in_an_open_folder])
def test_an_error_of_a_file_has_no_words_of_the_command_line(spoil: Callable[[Path], None], path: Path) -> None:
    spoil(path)
    with pytest.raises(DatabaseError) as refused:
        ttweet.open(path)
    assert str(path.parent) in refused.value.text
    assert "--" not in refused.value.text
    assert "choose another" not in refused.value.text


def test_a_file_that_is_held_or_missing_is_reported_without_words_of_the_command_line(path: Path) -> None:
    with ttweet.open(path), pytest.raises(DatabaseError) as locked:
        ttweet.open(path)
    assert locked.value.text == f"{path} is in use by the server with process id {os.getpid()}; stop that server"
    with pytest.raises(DatabaseError) as missing:
        ttweet.open(path.with_name("no.db"), readonly=True)
    assert missing.value.text == f"no such database: {path.with_name('no.db')}"


def test_a_file_that_is_removed_under_a_program_is_rescued_and_told(path: Path) -> None:
    store = ttweet.open(path)
    store.post("one")
    for file in path.parent.glob("notes.db*"):
        file.unlink()
    with pytest.raises(ttweet.StoreError, match=r"all tweets are in .*rescued-notes\.db") as first:
        store.post("two")
    with pytest.raises(ttweet.StoreError) as second:
        store.post("three")
    assert (first.value.code, second.value.code) == ("unknown", "moved")
    with pytest.raises(ttweet.StoreError, match=r"rescued-notes\.db"):
        store.close()
    with ttweet.open(path.with_name("rescued-notes.db")) as rescued:
        assert [tweet.text for tweet in rescued.tweets_after()] == ["one", "two"]


def test_pruning_removes_when_it_is_called_and_returns_how_many_went(path: Path) -> None:
    with ttweet.open(path) as store:
        for text in "abcde":
            store.post(text)
        assert store.prune(4) == 3
        assert [tweet.id for tweet in store.tweets_after()] == [4, 5]
        assert store.prune(4) == 0
