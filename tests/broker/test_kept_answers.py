"""An answer about tags is found once for many, kept up by commits, and bounded in number and bytes."""

import tracemalloc
from collections.abc import Callable

import pytest
import trio
import trio.testing

from ttweet.broker import tag_answers
from ttweet.broker.kept_answers import MAX_KEPT, MAX_KEPT_BYTES, KeptAnswers
from ttweet.broker.tag_answers import KEPT_S, KEPT_TWEETS, TagList, TagTweets
from ttweet.model.errors import StoreError
from ttweet.model.hashtags import key as key_of
from ttweet.model.limits import QUERY_LIMIT
from ttweet.model.tweets import Deletion, Page, TagPage, TagSummary, Tweet
from ttweet.protocol import answers
from ttweet.protocol.codecs import JSON

DAY_MS = 86_400_000
LIST = (QUERY_LIMIT, False)
Forget = Callable[[KeptAnswers], None]
FORGET: list[Forget] = [
    lambda kept: kept.deleted(Deletion(6, 0, 5)),
    lambda kept: kept.pruned(5),
]


def tweet(id_: int, *tags: str, text: str = "t") -> Tweet:
    return Tweet(id_, 0, None, text, tags or ("a",))


def commit(kept: KeptAnswers, *tweets: Tweet) -> None:
    kept.committed([(one, [*map(key_of, one.tags)]) for one in tweets])


class File:
    """Finds what it holds, when it is let; the newest id is 5."""

    def __init__(self) -> None:
        self.found = 0
        self.tweets = [tweet(5)]
        self.tags = [TagSummary("a", 1, 0, [1])]
        self.error: Exception | None = None
        self.let = trio.Event()
        self.let.set()

    async def of_tag(self) -> TagTweets:
        page = Page([*self.tweets], more=False)
        await self._look()
        return TagTweets(page, most=KEPT_TWEETS, seen=5)

    async def of_other_tag(self) -> TagTweets:
        return TagTweets(Page([], more=False), most=KEPT_TWEETS, seen=5)

    async def list(self) -> TagList:
        found = TagList(5)
        await self._look()
        return found.found(TagPage(self.tags, more=False))

    async def _look(self) -> None:
        self.found += 1
        error = self.error
        await self.let.wait()
        if error is not None:
            raise error


async def ids(kept: KeptAnswers, file: File, *, least: int = 5, limit: int = 9) -> list[int]:
    page = (await kept.find("a", limit, least=least, search=file.of_tag)).value
    return [one.id for one in page.tweets]


async def test_commits_of_a_tag_are_added_to_its_tweets_without_a_look_at_the_file() -> None:
    kept, file = KeptAnswers(5), File()
    assert await ids(kept, file) == [5]
    commit(kept, tweet(6, "b"), tweet(7))
    assert await ids(kept, file, least=7) == [7, 5]
    assert await ids(kept, file, least=7, limit=1) == [7]
    assert file.found == 1


async def test_an_answer_that_lacks_what_its_asker_must_see_is_found_again() -> None:
    kept, file = KeptAnswers(5), File()
    assert await ids(kept, file) == [5]
    file.tweets.insert(0, tweet(6))
    assert await ids(kept, file, least=6) == [6, 5]
    assert file.found == 2


async def test_a_commit_that_was_not_published_ends_all_that_is_kept() -> None:
    kept, file = KeptAnswers(5), File()
    assert await ids(kept, file) == [5]
    commit(kept, tweet(7, "b"))
    file.tweets.insert(0, tweet(6))
    assert await ids(kept, file, least=7) == [6, 5]


async def test_the_same_bytes_are_sent_until_the_answer_changes() -> None:
    kept, file = KeptAnswers(5), File()

    async def encoded() -> bytes:
        return answers.encode(await kept.find("a", 9, least=5, search=file.of_tag), JSON)

    first = await encoded()
    assert await encoded() is first
    commit(kept, tweet(6, "b"))
    assert await encoded() is first
    commit(kept, tweet(7))
    assert await encoded() != first
    assert b'"id":7' in await encoded()


@pytest.mark.parametrize("forget", FORGET)
async def test_a_deletion_and_a_pruning_end_the_answers_that_hold_the_tweet(forget: Forget) -> None:
    kept, file = KeptAnswers(5), File()
    assert await ids(kept, file) == [5]
    await kept.find("b", 9, least=5, search=file.of_other_tag)
    file.tweets.clear()
    forget(kept)
    assert kept.current("b", 9, least=5) is not None
    assert await ids(kept, file) == []


@pytest.mark.parametrize("forget", FORGET)
async def test_an_answer_that_was_being_found_meanwhile_is_not_kept(forget: Forget) -> None:
    kept, file, found = KeptAnswers(5), File(), []

    async def ask() -> None:
        found.append(await ids(kept, file))

    file.let = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        forget(kept)
        file.tweets.clear()
        let, file.let = file.let, trio.Event()
        file.let.set()
        assert await ids(kept, file) == []
        let.set()
    assert found == [[5]]
    assert await ids(kept, file) == []


async def test_many_that_ask_at_once_wait_for_one_answer() -> None:
    kept, file, found = KeptAnswers(5), File(), []

    async def ask() -> None:
        found.append(await ids(kept, file, least=6))

    file.let = trio.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        commit(kept, tweet(6))
        file.let.set()
    assert found == [[6, 5]] * 10
    assert file.found == 1


async def test_others_find_the_answer_when_the_one_that_looked_for_it_fails_or_leaves() -> None:
    kept, file = KeptAnswers(5), File()
    found, failed = [], []
    file.let, file.error = trio.Event(), StoreError("busy", "no")

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            try:
                found.append(await ids(kept, file))
            except StoreError as error:
                failed.append(error.code)

    scopes = [trio.CancelScope() for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for scope in scopes:
            nursery.start_soon(ask, scope)
            await trio.testing.wait_all_tasks_blocked()
        scopes[0].cancel()
        await trio.testing.wait_all_tasks_blocked()
        file.error = None
        file.let.set()
    assert failed == ["busy"]
    assert found == [[5]] * 2
    assert file.found == 3


async def test_a_list_is_kept_while_no_tweet_with_tags_is_new(autojump_clock: trio.testing.MockClock) -> None:
    kept, file = KeptAnswers(5), File()
    await kept.find(LIST, 9, least=5, search=file.list)
    await trio.sleep(10 * KEPT_S)
    kept.committed([(Tweet(6, 0, None, "no tags", ()), ())])
    assert kept.current(LIST, 9, least=6) is not None
    commit(kept, tweet(7))
    assert kept.current(LIST, 9, least=5) is None


async def test_a_list_that_lacks_a_new_tweet_is_shown_for_a_moment_to_clients_that_need_not_see_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    kept, file = KeptAnswers(5), File()
    await kept.find(LIST, 9, least=5, search=file.list)
    commit(kept, tweet(6))
    assert kept.current(LIST, 9, least=5) is not None
    assert kept.current(LIST, 9, least=6) is None
    await trio.sleep(KEPT_S)
    assert kept.current(LIST, 9, least=5) is None


async def test_a_list_ends_with_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, file = KeptAnswers(5), File()
    monkeypatch.setattr(tag_answers, "now_ms", lambda: DAY_MS - 1)
    await kept.find(LIST, 9, least=5, search=file.list)
    assert kept.current(LIST, 9, least=5) is not None
    monkeypatch.setattr(tag_answers, "now_ms", lambda: DAY_MS)
    assert kept.current(LIST, 9, least=5) is None


async def test_the_answers_used_least_recently_make_room() -> None:
    kept, file = KeptAnswers(5), File()
    for number in range(MAX_KEPT + 1):
        await kept.find(f"tag{number}", 9, least=5, search=file.of_tag)
        await kept.find("tag0", 9, least=5, search=file.of_tag)
    assert kept.current("tag0", 9, least=5) is not None
    assert kept.current("tag1", 9, least=5) is None
    assert kept.current(f"tag{MAX_KEPT}", 9, least=5) is not None


async def test_kept_answers_are_bounded_in_bytes_encodings_included() -> None:
    kept, file = KeptAnswers(5), File()
    tracemalloc.start()
    try:
        for number in range(MAX_KEPT):
            file.tweets = [
                tweet(5 - place, "a", text=f"{number:05}{place:045}" * 3) for place in range(KEPT_TWEETS + 1)
            ]
            answers.encode(await kept.find(f"tag{number}", KEPT_TWEETS, least=5, search=file.of_tag), JSON)
            assert kept.weight <= MAX_KEPT_BYTES
        file.tweets = []
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert MAX_KEPT_BYTES / 2 < size < MAX_KEPT_BYTES
    assert kept.weight > MAX_KEPT_BYTES / 2


async def test_an_answer_that_grows_makes_others_go() -> None:
    kept, file = KeptAnswers(5), File()
    tags = [f"{number:0150}" for number in range(100)]
    for name in tags:
        file.tweets = []
        await kept.find(name, 9, least=5, search=file.of_tag)
    for id_ in range(6, 60):
        commit(kept, tweet(id_, *tags))
        assert kept.weight <= MAX_KEPT_BYTES
    assert kept.current(tags[0], 9, least=5) is None
    assert kept.current(tags[-1], 9, least=5) is not None
    kept.pruned(60)
    assert kept.weight == 0
