"""A store that orders tweets elsewhere implements the tweet log alone; SQLite's queries and report log do for the rest.

The tests of the contracts run over such a store too; here are two of them with one order.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.ordered_elsewhere import Order, OrderedElsewhere, composed
from tests.support.sqlite_files import MANY_BYTES
from tests.support.stored import tweets_of
from ttweet.model import reports
from ttweet.model.errors import Refused
from ttweet.model.reports import message_received
from ttweet.model.tweets import draft
from ttweet.storage.contract import KEY_LIFETIME_MS, Store, TweetLog
from ttweet.storage.sqlite.writer import SqliteStore

NOW = 1_700_000_000_000
REPORT = reports.message_shown("deleted")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    """Two servers' stores with one order."""
    order: Order = []
    files = [SqliteStore.open(tmp_path / f"{name}.db", log_limit=MANY_BYTES, at=0) for name in "ab"]
    with closing(files[0]), closing(files[1]):
        yield [composed(order, file) for file in files]


def test_such_a_store_has_the_methods_of_the_tweet_log_and_no_others() -> None:
    public = {name for name in vars(OrderedElsewhere) if not name.startswith("_")}
    assert public == {name for name in vars(TweetLog) if not name.startswith("_")}


def test_files_with_one_order_have_the_same_entries_whoever_wrote_them(stores: list[Store]) -> None:
    ours, theirs = stores
    ours.append([draft("one #a", by="ann"), draft("two", key="k")], [], at=NOW)
    theirs.append([draft("three #a #b")], [], at=NOW - 5)
    theirs.delete(1, REPORT, at=NOW + 1)
    ours.prune(3)
    ours.append([draft("four")], [], at=NOW + 2)
    assert ours.position() == theirs.position()
    everything = [store.read_after(0, 100, deletions=True) for store in stores]
    assert everything[0] == everything[1]
    assert [entry.id for entry in everything[0].entries] == [3, 4, 5]
    lists = [store.list_tags(limit=9, now=NOW) for store in stores]
    assert lists[0] == lists[1]
    assert {tag.tag: tag.count for tag in lists[0].tags} == {"a": 1, "b": 1}


def test_a_key_is_that_of_the_first_in_the_order_whichever_server_was_asked(stores: list[Store]) -> None:
    ours, theirs = stores
    (first,) = tweets_of(ours.append([draft("first", key="k")], [], at=NOW))
    assert theirs.append([draft("again", key="k")], [], at=NOW + KEY_LIFETIME_MS) == [first]
    (second,) = tweets_of(theirs.append([draft("later", key="k")], [], at=NOW + KEY_LIFETIME_MS + 1))
    assert ours.append([draft("once more", key="k")], [], at=NOW + KEY_LIFETIME_MS + 1) == [second]


def test_a_deletion_of_a_tweet_that_is_not_there_leaves_both_alike(stores: list[Store]) -> None:
    ours, theirs = stores
    with pytest.raises(Refused):
        ours.delete(7, REPORT, at=NOW)
    theirs.append([draft("next")], [], at=NOW)
    assert ours.position() == theirs.position()


def test_report_lines_stay_where_they_were_written(stores: list[Store]) -> None:
    ours, theirs = stores
    ours.append([draft("hello")], [message_received("hello")], at=NOW)
    theirs.append([draft("hi")], [message_received("hi")], at=NOW)
    texts = [[line.text for line in store.lines_after(0, limit=9)] for store in stores]
    assert texts == [["Message Received: hello"], ["Message Received: hi"]]
