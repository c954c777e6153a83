"""What many test modules share: each kind of store, for a server that is to keep its promises on any of them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.memory_store import MemoryStore
from ttweet.sqlite_store import SqliteStore
from ttweet.store import Store


@pytest.fixture(params=["memory", "sqlite"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
    else:
        with closing(SqliteStore.open(tmp_path / "tweets.db", log_limit=100_000, at=0)) as store:
            yield store
