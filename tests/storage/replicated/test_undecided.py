"""A change whose answer got lost: the client learns what may have happened, and may ask for the same again."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.memory_log import Lost, SharedLog
from tests.support.replicas import joined
from tests.support.sqlite_files import NOW, post
from ttweet.model import reports
from ttweet.storage.replicated.log import Undecided
from ttweet.storage.replicated.store import ReplicatedStore

REPORT = reports.message_deleted(1, "ann")


@pytest.mark.parametrize("fate", [Lost.RECORD, Lost.ANSWER])
@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (
            lambda store: post(store, "two"),
            "the tweet may be stored or not; retry with the same key, or look before you post it again",
        ),
        (lambda store: store.delete(1, REPORT, at=NOW), "the tweet may be deleted or not; delete it again"),
        (lambda store: store.prune(2), "old tweets may be removed or not; the next attempt removes them"),
    ],
    ids=["post", "delete", "prune"],
)
def test_a_change_without_an_answer_says_what_may_have_happened_and_what_to_do(
    tmp_path: Path, change: Callable[[ReplicatedStore], object], outcome: str, fate: Lost
) -> None:
    log = SharedLog()
    with closing(joined(tmp_path / "a.db", log, "a")) as store:
        post(store, "one")
        log.lose = [fate]
        with pytest.raises(Undecided, match=f"^the cluster did not answer in time: {outcome}$"):
            change(store)
        change(store)
