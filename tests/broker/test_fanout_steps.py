"""No turn of the event loop is as long as a commit is large, or as there are followers."""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from tests.support.following import FollowingClient, Log, Stepwise, follow_all, following
from tests.support.turns import Turns
from ttweet.broker import fanout, pages
from ttweet.broker.pages import FramePage
from ttweet.broker.subscriptions import LIVE, Subscription
from ttweet.model.query import FOLD_EFFORT
from ttweet.model.tweets import Deletion, Draft, Tweet

CLIENTS = 20


class Counted(FollowingClient):
    """Notes what it is pushed."""

    turns: Turns

    def push(self, data: bytes) -> bool:
        self.turns.note()
        return super().push(data)


class Hall:
    """A log with many followers that have caught up."""

    def __init__(self) -> None:
        self.log = Log()
        self.clients: list[FollowingClient] = []
        self.looked_up = 0
        self._look_up = self.log.fanout._recent.page
        setattr(self.log.fanout._recent, "page", self._look_up_and_note)  # noqa: B010

    async def fill(self, tags: list[str], *, deletions: bool = False) -> None:
        self.clients = [Counted(self.log) for _ in tags]
        await following(self.log, lambda: self._follow(tags, deletions=deletions))
        self.looked_up = 0

    def _follow(self, tags: list[str], *, deletions: bool) -> None:
        for client, theirs in zip(self.clients, tags, strict=True):
            client.follow(theirs, None)
            assert client.follower is not None
            client.follower.deletions = deletions

    async def turns_of(self, step: Callable[[], object]) -> Turns:
        """Return the pushes from a step on until no follower is behind."""
        turns = Counted.turns = Turns()
        trio.lowlevel.add_instrument(turns)
        try:
            await following(self.log, step)
        finally:
            trio.lowlevel.remove_instrument(turns)
        assert all(client.follower.state is LIVE for client in self.clients if client.follower)
        return turns

    def _look_up_and_note(self, follower: Subscription) -> FramePage:
        self.looked_up += 1
        return self._look_up(follower)


@pytest.fixture
async def hall(monkeypatch: pytest.MonkeyPatch) -> Hall:
    """Five pushes a turn, of which a page that was looked up takes the place of two."""
    for module in (pages, fanout):
        monkeypatch.setattr(module, "PAGE_BYTES", 2_000)
    monkeypatch.setattr(fanout, "PUSH_BYTES", 1_000)
    for turn in ("TURN_BYTES", "SHORT_TURN_BYTES"):
        monkeypatch.setattr(fanout, turn, 5_000)
    Counted.turns = Turns()
    return Hall()


async def test_a_commit_for_many_is_pushed_in_several_turns_from_one_page(hall: Hall) -> None:
    await hall.fill([""] * CLIENTS)
    turns = await hall.turns_of(lambda: hall.log.commit("a", "b"))
    assert (turns.all, turns.most, hall.looked_up) == (CLIENTS, 5, 1)
    for client in hall.clients:
        client.check(2)
        assert client.pushed == [0, 2]


async def test_turns_after_the_first_one_are_shorter(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "TURN_BYTES", 15_000)
    await hall.fill([""] * CLIENTS)
    turns = await hall.turns_of(lambda: hall.log.commit("a"))
    assert turns.each == [15, 3, 2]  # of five, the page that is looked up takes two


async def test_a_commit_of_many_bytes_is_pushed_to_fewer_in_a_turn(hall: Hall) -> None:
    await hall.fill([""] * CLIENTS)
    turns = await hall.turns_of(lambda: hall.log.commit(*"a" * 30))
    assert (turns.all, turns.most, hall.looked_up) == (CLIENTS, 3, 1)
    for client in hall.clients:
        client.check(30)


async def test_a_deletion_is_pushed_to_many_in_several_turns(hall: Hall) -> None:
    hall.log.commit("a")
    await hall.fill([""] * CLIENTS, deletions=True)
    turns = await hall.turns_of(lambda: hall.log.fanout.deleted(Deletion(2, 0, 1)))
    assert (turns.all, turns.most, hall.looked_up) == (CLIENTS, 5, 1)
    assert [client.live for client in hall.clients] == [[1, 2]] * CLIENTS


async def test_a_commit_for_many_sets_of_tags_is_sorted_up_to_a_bound_and_found_page_by_page_beyond(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "MAX_HITS", 25)
    monkeypatch.setattr(fanout, "TURN_BYTES", 1_000_000)
    await hall.fill([f"a{chr(ord('b') + number)}" for number in range(CLIENTS)])
    await hall.turns_of(lambda: hall.log.commit("a"))
    assert hall.looked_up == 0
    await hall.turns_of(lambda: hall.log.commit("a", "a"))
    assert hall.looked_up == CLIENTS
    for client in hall.clients:
        client.check(3)


async def test_a_comparison_with_a_query_counts_for_several_sets_of_tags(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "MAX_HITS", 25 * fanout.QUERY_HITS)
    monkeypatch.setattr(fanout, "TURN_BYTES", 1_000_000)
    await hall.fill([f"a -{chr(ord('b') + number)}" for number in range(CLIENTS)])
    await hall.turns_of(lambda: hall.log.commit("a"))
    assert hall.looked_up == 0
    await hall.turns_of(lambda: hall.log.commit("a", "a", "a"))
    assert hall.looked_up == CLIENTS
    for client in hall.clients:
        client.check(4)


def folding_tweets(number: int) -> list[tuple[Tweet, list[str]]]:
    """Return tweets whose words take long to make, committed with a key that is not that of their tag."""
    return [(Tweet(id_, 0, None, "\u337f" * 150, ("Stored",)), ["kept"]) for id_ in range(1, number + 1)]


async def test_a_query_is_compared_with_the_keys_that_a_tweet_was_committed_with() -> None:
    log = Log()
    clients = [FollowingClient(log) for _ in range(2)]
    await following(log, lambda: clients[0].follow("-tag:x tag:kept", None))
    log.fanout.committed(folding_tweets(1))
    await following(log, lambda: clients[1].follow("-tag:x tag:kept", 0))
    assert [client.received for client in clients] == [[1], [1]]


async def test_few_tweets_that_fold_for_long_are_compared_with_a_query_in_one_turn() -> None:
    log = Log()
    log.fanout.committed(folding_tweets(100))
    client = Counted(log)
    turns = Counted.turns = Turns()
    trio.lowlevel.add_instrument(turns)
    try:
        await following(log, lambda: client.follow('"\u682a\u5f0f" -xy*', 0))
    finally:
        trio.lowlevel.remove_instrument(turns)
    in_a_page = pages.PAGE_TWEETS // FOLD_EFFORT
    assert client.received == [*range(1, 101)]
    assert (max(client.pushed), turns.most) == (in_a_page, 1)


@pytest.mark.parametrize(
    ("text", "letter", "at_most"),
    [
        ("text", "\u1e69", pages.PAGE_TWEETS // 32),
        ("\u337f" * 150, "a", pages.PAGE_TWEETS // FOLD_EFFORT),
        ("text", "a", pages.PAGE_TWEETS),
    ],
)
async def test_a_page_of_the_file_compares_few_tweets_that_fold_for_long(text: str, letter: str, at_most: int) -> None:
    log = Log()
    tags = {letter * length: letter * length for length in range(1, 32)}
    log.store.append([Draft(text, tags) for _ in range(2 * pages.PAGE_TWEETS)], [], at=0)
    log.restart()
    client = FollowingClient(log)
    await following(log, lambda: client.follow(f"{'te*' if text == 'text' else 'tag:a'} -tag:x -tag:y", 0))
    assert client.received == [*range(1, 2 * pages.PAGE_TWEETS + 1)]
    assert max(client.pushed) == at_most


@pytest.mark.parametrize(("beside", "at_most"), [(False, pages.PAGE_TWEETS), (True, pages.SHORT_PAGE_TWEETS)])
async def test_a_page_of_the_file_is_short_beside_uploads(
    beside: bool, at_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stepwise, "beside_uploads", beside)
    log = Log()
    log.commit(*["a"] * 2 * pages.PAGE_TWEETS)
    log.restart()
    client = FollowingClient(log)
    await following(log, lambda: client.follow("a", 0))
    assert client.received == [*range(1, 2 * pages.PAGE_TWEETS + 1)]
    assert max(client.pushed) == at_most


async def test_a_commit_of_many_tweets_that_fold_for_long_is_left_to_pages_of_those_with_a_query() -> None:
    log = Log()
    client = FollowingClient(log)
    await following(log, lambda: client.follow('"\u682a\u5f0f" -xy*', None))
    log.fanout.committed(folding_tweets(2))
    assert client.pushed[1:] == [2]
    many = [(tweet._replace(id=tweet.id + 2), keys) for tweet, keys in folding_tweets(50)]
    await following(log, lambda: log.fanout.committed(many))
    assert client.received == [*range(1, 53)]
    assert max(client.pushed[2:]) <= pages.PAGE_TWEETS // FOLD_EFFORT


async def test_a_commit_that_arrives_while_another_is_pushed_is_pushed_after_it_and_once(hall: Hall) -> None:
    await hall.fill([""] * CLIENTS)

    def commit_twice() -> None:
        hall.log.commit("a")
        hall.log.commit("b")

    await hall.turns_of(commit_twice)
    for client in hall.clients:
        client.check(2)
    assert sorted(client.pushed for client in hall.clients) == [[0, 1, 1]] * 5 + [[0, 2]] * (CLIENTS - 5)


async def test_no_page_is_kept_when_no_follower_is_behind(hall: Hall) -> None:
    await hall.fill([""] * CLIENTS)
    await hall.turns_of(lambda: hall.log.commit("a"))
    assert hall.log.fanout._recent._pages == {}


async def test_few_pages_are_kept_for_many_followers_that_are_behind_at_different_places(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGES", 2)
    hall.log.commit(*"abcde")
    clients = [FollowingClient(hall.log) for _ in range(CLIENTS)]
    kept: list[int] = []
    look_up = hall.log.fanout._recent.page

    def look_up_and_note(follower: Subscription) -> FramePage:
        kept.append(len(hall.log.fanout._recent._pages))
        return look_up(follower)

    monkeypatch.setattr(hall.log.fanout._recent, "page", look_up_and_note)
    await following(hall.log, lambda: follow_all(clients, [*"abcde"] * 4, 0))
    assert max(kept) <= 2
    for client in clients:
        client.check(5)
