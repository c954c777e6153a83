"""Following, against a model: whatever clients and commits do, no follower misses a tweet or sees one twice."""

from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.following import FollowingClient, Log, shrink

CLIENTS = 3
tags_ = st.sampled_from(["", "a", "b", "ab", "abc", "a -b", "tag:a b", "until:1970 a"])
client_ = st.integers(0, CLIENTS - 1)
steps_ = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.lists(st.sampled_from(["", "a", "b", "ab", "c"]), min_size=1, max_size=5)),
        st.tuples(st.just("write"), st.lists(st.sampled_from(["", "a", "b", "ab", "c"]), min_size=1, max_size=5)),
        st.tuples(st.just("slow"), client_),
        st.tuples(st.just("fast"), client_),
        st.tuples(st.just("drain"), client_),
        st.tuples(st.just("reconnect"), client_),
        st.tuples(st.just("change"), client_, tags_),
        st.tuples(st.just("turn")),
        st.tuples(st.just("settle")),
    ),
    max_size=60,
)


class FanOutModel:
    """Clients of one log; each step is named in `steps_`."""

    def __init__(self) -> None:
        self.log = Log()
        self.clients = [FollowingClient(self.log) for _ in range(CLIENTS)]
        for client, tags in zip(self.clients, ["", "a", "ab"], strict=True):
            client.follow(tags, None)

    async def do(self, step: str, *values: object) -> None:
        await getattr(self, step)(*values)

    async def commit(self, taggings: list[str]) -> None:
        self.log.commit(*taggings)

    async def write(self, taggings: list[str]) -> None:
        self.log.write(*taggings)

    async def slow(self, number: int) -> None:
        self.clients[number].slow = True

    async def fast(self, number: int) -> None:
        self.clients[number].slow = False
        await self.drain(number)

    async def drain(self, number: int) -> None:
        self.clients[number].drain()
        self.clients[number].resume()

    async def reconnect(self, number: int) -> None:
        self.clients[number].reconnect()

    async def change(self, number: int, tags: str) -> None:
        self.clients[number].change(tags)

    async def turn(self) -> None:
        await trio.lowlevel.checkpoint()

    async def settle(self) -> None:
        await trio.testing.wait_all_tasks_blocked()

    async def finish(self) -> None:
        """Let all followers get everything, and check it."""
        self.log.commit("a")
        for number in range(CLIENTS):
            await self.fast(number)
        await self.settle()
        newest = len(self.log.store.tweets)
        for client in self.clients:
            client.check(newest)
            assert len(client.live) == 1


async def play(steps: list[tuple[object, ...]]) -> None:
    model = FanOutModel()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(model.log.fanout.run)
        for step, *values in steps:
            await model.do(str(step), *values)
        await model.finish()
        nursery.cancel_scope.cancel()


@settings(deadline=None, max_examples=300)
@given(steps_)
def test_whatever_happens_no_client_misses_a_tweet_or_sees_one_twice_or_out_of_order(
    steps: list[tuple[object, ...]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        trio.run(partial(play, steps))
