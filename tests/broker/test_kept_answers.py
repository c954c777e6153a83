"""An answer that is the same for all is found once for many, and none is shown that is too old for its asker."""

import pytest
import trio
import trio.testing

from ttweet.broker.kept_answers import KEPT_S, KeptAnswers
from ttweet.model.errors import StoreError
from ttweet.model.tweets import Deletion

DELETION = Deletion(9, 0, 1)


class Finder:
    """Answers with how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.found = 0
        self.newest = 5
        self.error: Exception | None = None
        self.let = trio.Event()
        self.let.set()

    async def __call__(self, key: str) -> tuple[str, int]:
        self.found += 1
        answer, known, error = f"{key}{self.found}", self.newest, self.error
        await self.let.wait()
        if error is not None:
            raise error
        return answer, known


async def test_an_answer_is_kept_for_a_moment_for_each_key(autojump_clock: trio.testing.MockClock) -> None:
    kept = KeptAnswers(Finder())
    assert [await kept.get(key, least=5) for key in "aabab"] == ["a1", "a1", "b2", "a1", "b2"]
    await trio.sleep(KEPT_S)
    assert await kept.get("a", least=5) == "a3"


async def test_an_answer_that_lacks_what_its_asker_must_see_is_found_again() -> None:
    finder = Finder()
    kept = KeptAnswers(finder)
    assert await kept.get("a", least=5) == "a1"
    finder.newest = 7
    assert [await kept.get("a", least=least) for least in (5, 6, 7, 5)] == ["a1", "a2", "a2", "a2"]


@pytest.mark.parametrize("forget", [lambda kept: kept.deleted(DELETION), lambda kept: kept.pruned(3)])
async def test_a_deletion_and_a_pruning_end_what_is_kept_and_what_is_being_found(forget: object) -> None:
    assert callable(forget)
    finder, answers = Finder(), {}
    kept = KeptAnswers(finder)

    async def ask(name: str) -> None:
        answers[name] = await kept.get("a", least=5)

    assert await kept.get("a", least=5) == "a1"
    forget(kept)
    open_, finder.let = finder.let, trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "before")
        await trio.testing.wait_all_tasks_blocked()
        forget(kept)
        let, finder.let = finder.let, open_
        await ask("after")
        let.set()
    assert answers == {"before": "a2", "after": "a3"}
    assert await kept.get("a", least=5) == "a3"


async def test_many_that_ask_at_once_wait_for_one_answer() -> None:
    finder, answers = Finder(), []
    finder.let = trio.Event()
    kept = KeptAnswers(finder)

    async def ask() -> None:
        answers.append(await kept.get("a", least=5))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        finder.let.set()
    assert answers == ["a1"] * 10


async def test_others_find_the_answer_when_the_one_that_looked_for_it_fails_or_leaves() -> None:
    finder, answers, failed = Finder(), [], []
    finder.let, finder.error = trio.Event(), StoreError("busy", "no")
    kept = KeptAnswers(finder)

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            try:
                answers.append(await kept.get("a", least=5))
            except StoreError as error:
                failed.append(error.code)

    scopes = [trio.CancelScope() for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for scope in scopes:
            nursery.start_soon(ask, scope)
            await trio.testing.wait_all_tasks_blocked()
        scopes[0].cancel()
        await trio.testing.wait_all_tasks_blocked()
        finder.error = None
        finder.let.set()
    assert failed == ["busy"]
    assert answers == ["a3"] * 2
