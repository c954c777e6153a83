"""A random model of posting and following over connections: slow readers, reconnects and changes of tags."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.following import shrink
from tests.support.serving import Caller, Serving, serving

FOLLOWERS = 3
TAGS = ["", "a", "b", "ab"]  # each character is a tag
who = st.integers(0, FOLLOWERS - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.lists(st.sampled_from(["", "a", "b", "ab", "c"]), min_size=1, max_size=6)),
        st.tuples(st.just("sleep"), who),
        st.tuples(st.just("wake"), who),
        st.tuples(st.just("reconnect"), who),
        st.tuples(st.just("change"), who, st.sampled_from(TAGS)),
        st.tuples(st.just("settle")),
    ),
    max_size=30,
)


class SleepyFollower:
    """A follower with a connection at a time. Asleep it takes nothing, and its stream has no room for anything."""

    def __init__(self, here: Serving, tags: str) -> None:
        self.here = here
        self.tags = tags
        self.seen: list[int] = []
        self.parts: list[tuple[str, int]] = []
        """The tags that were followed, and above which id, as the server has answered."""
        self.awake = trio.Event()
        self.awake.set()
        self.caller: Caller
        self.moved = trio.lowlevel.ParkingLot()

    async def connect(self, nursery: trio.Nursery) -> None:
        self.caller = self.here.call_in_memory(lockstep=True)
        nursery.start_soon(self.read, self.caller)
        after = self.seen[-1] if self.seen else self.parts[-1][1] if self.parts else 0
        await self.follow({"tags": list(self.tags), "after": after})

    async def read(self, caller: Caller) -> None:
        """Read to the end of this connection; what comes after it was given up does not count."""
        try:
            while True:
                await self.awake.wait()
                kind, data = await caller.answer()
                if caller is self.caller:
                    self.take(kind, data)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            return

    def take(self, kind: str, data: Any) -> None:
        if kind == "ok":
            self.parts.append((self.tags, data["from"]))
        elif kind == "m":
            self.seen.append(data["id"])
        self.moved.unpark_all()

    async def until(self, done: Callable[[], bool]) -> None:
        self.awake.set()
        while not done():
            await self.moved.park()

    async def until_seen(self, newest: int) -> None:
        await self.until(lambda: self.seen[-1:] == [newest])

    async def change(self, tags: str) -> None:
        self.awake.set()
        self.tags = tags
        await self.follow({"tags": list(tags)})

    async def follow(self, what: dict[str, Any]) -> None:
        told = len(self.parts)
        await self.caller.send(("s", what))
        await self.until(lambda: len(self.parts) > told)

    def expected(self, posted: list[str]) -> list[int]:
        """The ids that this reader is to have seen; `posted` are the tags of each tweet in turn."""
        ends = [after for _, after in self.parts[1:]] + [len(posted)]
        return [
            id_
            for (tags, after), end in zip(self.parts, ends, strict=True)
            for id_, tagged in enumerate(posted, 1)
            if after < id_ <= end and (not tags or set(tags) & set(tagged))
        ]


class FollowingModel:
    """Each step is a method."""

    def __init__(self, here: Serving, nursery: trio.Nursery) -> None:
        self.here = here
        self.nursery = nursery
        self.posted: list[str] = []
        self.readers = [SleepyFollower(here, tags) for tags in ("", "a", "ab")]

    async def post(self, taggings: list[str]) -> None:
        self.posted += taggings
        poster = await self.here.call()
        await poster.send(*[("u", {"text": "x", "tags": list(tags)}) for tags in taggings])
        await poster.answers(len(taggings))

    async def sleep(self, number: int) -> None:
        if self.readers[number].awake.is_set():
            self.readers[number].awake = trio.Event()

    async def wake(self, number: int) -> None:
        self.readers[number].awake.set()

    async def reconnect(self, number: int) -> None:
        reader = self.readers[number]
        await reader.caller.stream.aclose()
        reader.awake.set()
        await reader.connect(self.nursery)

    async def change(self, number: int, tags: str) -> None:
        await self.readers[number].change(tags)

    async def settle(self) -> None:
        await trio.testing.wait_all_tasks_blocked()

    async def finish(self) -> None:
        """Let every client read up to the newest tweet, which all of them follow."""
        await self.post(["ab"])
        for reader in self.readers:
            await reader.until_seen(len(self.posted))
            assert reader.seen == reader.expected(self.posted)


async def play(steps: list[tuple[Any, ...]]) -> None:
    async with serving() as here, trio.open_nursery() as nursery:
        model = FollowingModel(here, nursery)
        for reader in model.readers:
            await reader.connect(nursery)
        for step, *values in steps:
            do: Callable[..., Awaitable[None]] = getattr(model, step)
            await do(*values)
        await model.finish()
        nursery.cancel_scope.cancel()


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_over_connections_too_no_client_misses_a_tweet_or_sees_one_twice_or_out_of_order(
    steps: list[tuple[Any, ...]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        trio.run(partial(play, steps))
