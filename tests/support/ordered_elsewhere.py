"""A tweet log whose order is made elsewhere: of the three contracts of a store it implements the first alone.

Entries are put into one order, which several such logs share, and each log applies all of them to SQLite, in that
order. Reads of tweets and the report log are SQLite's own.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from ttweet.model import reports
from ttweet.model.errors import Refused
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Draft, Tombstone, Tweet
from ttweet.storage.contract import NOT_SEARCHED, Line, Position, Store, Traces, TweetLog
from ttweet.storage.sqlite.writer import SqliteStore


class Batch(NamedTuple):
    """Drafts, and when they were appended."""

    drafts: Sequence[Draft]
    at: int


class Removal(NamedTuple):
    """A tweet that is to be deleted, and when."""

    tweet: int
    at: int


class Pruning(NamedTuple):
    """The id below which the oldest tweets go, a step of them."""

    before: int


Order = list[Batch | Removal | Pruning]
"""Entries for all logs, from any client: no report lines, and no ids, which each gives itself."""


class OrderedElsewhere(TweetLog):
    """Applies an order to SQLite. A report line stands only where its entry came from."""

    def __init__(self, order: Order, tables: SqliteStore) -> None:
        self._order = order
        self._applied = 0
        self._tables = tables

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        self._put(Batch(drafts, at))
        return self._tables.append(drafts, lines, at=at)

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        self._put(Removal(tweet, at))
        return self._tables.delete(tweet, report, at=at, traces=traces)

    def prune(self, before: int) -> int | None:
        self._put(Pruning(before))
        return self._tables.prune(before)

    @property
    def must_settle(self) -> bool:
        return self._tables.must_settle

    def settle(self) -> None:
        self._catch_up()
        self._tables.settle()

    def maintain(self) -> bool:
        return self._tables.maintain()

    def position(self) -> Position:
        self._catch_up()
        return self._tables.position()

    def close(self) -> None:
        self._tables.close()

    def _put(self, entry: Batch | Removal | Pruning) -> None:
        """Give an entry its place; all before it are applied, and it is up to the caller to apply it."""
        self._order.append(entry)
        self._catch_up(len(self._order) - 1)
        self._applied += 1

    def _catch_up(self, end: int | None = None) -> None:
        for entry in self._order[self._applied : end]:
            self._apply(entry)
            self._applied += 1

    def _apply(self, entry: Batch | Removal | Pruning) -> None:
        match entry:
            case Batch(drafts, at):
                self._tables.append(drafts, [], at=at)
            case Removal(tweet, at):
                with suppress(Refused):  # the tweet did not exist for the other store either
                    self._tables.delete(tweet, reports.message_deleted(tweet, "elsewhere"), at=at)
            case Pruning(before):
                self._tables.prune(before)


class _Composed(OrderedElsewhere):
    def __getattr__(self, name: str) -> Any:
        return getattr(self._tables, name)


def composed(order: Order, tables: SqliteStore) -> Store:
    """A whole store: the tweet log of an order, and the queries and the report log of SQLite."""
    return cast(Store, _Composed(order, tables))
