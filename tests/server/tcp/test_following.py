"""Following, names and authors over a connection: answers and pushes in order, slow and silent clients, logins."""

from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.following import FollowingClient, Log, follow_all
from tests.support.held_store import HeldStore
from tests.support.serving import Caller, Serving, serving
from ttweet.broker import fanout
from ttweet.server.config import Limits
from ttweet.server.net.sweeper import SWEEP_INTERVAL_S
from ttweet.storage.contract import Store

LIMITS = Limits()


async def jump(clock: trio.testing.MockClock, seconds: float) -> None:
    """Let time pass, and the sweeper look."""
    clock.jump(seconds)
    await trio.testing.wait_all_tasks_blocked()
    clock.jump(2 * SWEEP_INTERVAL_S)
    await trio.testing.wait_all_tasks_blocked()


def ids(answers: list[tuple[str, Any]]) -> list[tuple[str, int]]:
    return [(kind, data["id"]) for kind, data in answers]


async def post(here: Serving, *texts: str) -> None:
    caller = await here.call()
    for text in texts:
        assert (await caller.ask("u", text))[0] == "ok"


async def test_history_comes_first_then_what_is_new(any_store: Store) -> None:
    async with serving(any_store) as here:
        await post(here, "one #a", "two #b", "three #a #b", "four #c")
        follower = await here.call()
        assert await follower.ask("s", {"tags": ["A", "#b"], "after": 1}) == ("ok", {"from": 1})
        assert ids(await follower.answers(3)) == [("m", 2), ("m", 3), ("e", 4)]
        await post(here, "five #c", "six #b #a")
        kind, tweet = await follower.answer()
        assert (kind, tweet["id"], tweet["text"], tweet["tags"]) == ("m", 6, "six #b #a", ["b", "a"])


async def test_a_long_history_comes_whole_and_in_order(any_store: Store) -> None:
    async with serving(any_store) as here:
        poster = await here.call()
        for _ in range(60):
            await poster.send(*[("u", f"{number} #n{number % 2}") for number in range(50)])
            await poster.answers(50)
        everything, tagged = await here.call(), await here.call()
        await everything.send(("s", {"after": 0}))
        await tagged.send(("s", {"tags": ["n1"], "after": 0}))
        assert ids((await everything.answers(3002))[1:]) == [*[("m", id_) for id_ in range(1, 3001)], ("e", 3000)]
        assert ids((await tagged.answers(1502))[1:]) == [*[("m", id_) for id_ in range(2, 3001, 2)], ("e", 3000)]


async def test_the_answers_of_an_author_come_before_the_push_of_his_tweet() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.send(("u", "before"), ("s", ""), ("u", "one"), ("p", ""), ("u", "two"))
        answers = await caller.answers(8)
    assert [kind for kind, _ in answers][:3] == ["ok", "ok", "e"]
    assert answers[1] == ("ok", {"from": 1})
    assert [data["id"] for kind, data in answers if kind == "m"] == [2, 3]
    assert [data and data["id"] for kind, data in answers[3:] if kind == "ok"] == [2, None, 3]


async def test_another_follow_takes_the_place_of_the_first_and_cancel_ends_it() -> None:
    async with serving() as here:
        caller = await here.call()
        for tag in ("a", "b"):
            await caller.send(("s", tag))
            assert [kind for kind, _ in await caller.answers(2)] == ["ok", "e"]
        await post(here, "one #a", "two #b")
        assert ids([await caller.answer()]) == [("m", 2)]
        assert await caller.ask("c", "") == ("ok", None)
        await post(here, "three #b")
        assert await caller.ask("c", "") == ("ok", None)


async def test_a_tweet_is_pushed_only_after_its_commit() -> None:
    store = HeldStore()
    async with serving(store) as here:
        follower, poster = await here.call(), await here.call()
        await follower.ask("s", "")
        assert ids([await follower.answer()]) == [("e", 0)]
        store.hold()
        await poster.send(("u", "one"))
        await store.wait_held()
        assert await follower.ask("p", "") == ("ok", None)
        store.release()
        assert ids([await follower.answer()]) == [("m", 1)]


async def test_a_key_used_again_pushes_nothing() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.send(
            *[("u", {"text": "one", "key": "k"})] * 3, ("s", {"after": 0}), ("u", {"text": "x", "key": "k"})
        )
        answers = await caller.answers(7)
        assert [data["id"] for kind, data in answers if kind == "m"] == [1]
        await caller.send(("u", "two"))
        assert ids([(await caller.answers(2))[1]]) == [("m", 2)]


async def test_a_follower_that_takes_nothing_for_send_s_is_cut_and_the_others_are_served(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with serving() as here:
        slow, quick = here.call_in_memory(lockstep=True), await here.call()
        await slow.send(("s", ""))
        assert [kind for kind, _ in await slow.answers(2)] == ["ok", "e"]
        await quick.ask("s", "")
        await quick.answer()
        await post(here, *[f"{number}" for number in range(10)])
        assert ids(await quick.answers(10)) == [("m", id_) for id_ in range(1, 11)]
        await jump(mock_clock, LIMITS.send_s)
        assert here.places.taken == 2, "one who posted, one who reads"


async def test_a_follower_that_pauses_gets_all_that_it_missed() -> None:
    async with serving() as here:
        slow = here.call_in_memory(lockstep=True)
        await slow.send(("s", ""))
        await post(here, *[f"{number}" for number in range(20)])
        assert [data["id"] for kind, data in await slow.answers(22) if kind == "m"] == list(range(1, 21))


async def test_a_follower_without_tweets_is_pinged_and_never_timed_out(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        follower = await here.call()
        await follower.ask("s", "")
        await follower.answer()
        for _ in range(2):
            await jump(mock_clock, LIMITS.ping_s)
            await jump(mock_clock, LIMITS.ping_s)
            assert await follower.answer() == ("p", "")
        await jump(mock_clock, LIMITS.idle_s)
        assert here.places.taken == 1


async def test_a_follower_must_end_a_frame_that_it_has_begun(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        follower = await here.call()
        await follower.ask("s", "")
        await follower.answer()
        await follower.stream.send_all(b'["p"')
        await trio.testing.wait_all_tasks_blocked()
        await jump(mock_clock, LIMITS.frame_s)
        assert b"timeout" in await follower.rest()


# Names


async def test_tweets_are_stored_with_the_name_of_the_client_that_is_logged_in(any_store: Store) -> None:
    async with serving(any_store) as here:
        caller = await here.call()
        await caller.ask("u", "nobody's")
        assert await caller.ask("n", "matt") == ("ok", {"name": "matt", "after": 1})
        await caller.send(("u", "mine"), ("d", ""))
        assert (await caller.answers(2))[1][1]["by"] == "matt"
        _, page = await caller.ask("g", "matt")
        assert [tweet["text"] for tweet in page["tweets"]] == ["mine"]


@pytest.mark.parametrize("name", ["", "a b", "a_b", "a" * 33, "\u0301", "#a"])
async def test_an_invalid_name_is_refused(name: str) -> None:
    async with serving() as here:
        kind, data = await (await here.call()).ask("n", name)
        assert (kind, data["code"]) == ("err", "bad_name")


async def logged_in(here: Serving, name: str) -> Caller:
    caller = await here.call()
    assert (await caller.ask("n", name))[0] == "ok"
    return caller


async def test_a_name_is_one_clients_at_a_time_and_free_when_that_has_gone() -> None:
    async with serving() as here:
        first = await logged_in(here, "matt")
        other = await logged_in(here, "Zoë2")
        assert await other.ask("w", "") == ("ok", {"names": ["matt", "Zoë2"]})
        assert (await other.ask("n", "matt"))[1]["code"] == "name_taken"
        here.callers.remove(first)
        await first.reset()
        await here.others_gone()
        assert (await other.ask("n", "matt"))[0] == "ok"
        assert await other.ask("w", "") == ("ok", {"names": ["matt"]})
        assert (await other.ask("n", "matt"))[0] == "ok", "its own name is not taken"


async def test_a_name_whose_uploads_are_undecided_is_free_when_they_are() -> None:
    store = HeldStore()
    async with serving(store) as here:
        first, second = await logged_in(here, "matt"), await here.call()
        store.hold()
        await first.send(("u", "one"))
        await store.wait_held()
        here.callers.remove(first)
        await first.reset()
        assert (await second.ask("n", "matt"))[1]["code"] == "name_taken"
        store.release()
        await second.ask("u", "two")
        assert await second.ask("n", "matt") == ("ok", {"name": "matt", "after": 2})


async def test_tweets_since_the_login_come_oldest_first_in_pages(any_store: Store) -> None:
    async with serving(any_store) as here:
        matt = await logged_in(here, "matt")
        await matt.ask("u", "of an earlier time")
        here.callers.remove(matt)
        await matt.stream.aclose()
        await here.others_gone()
        asked = await here.call()
        assert (await asked.ask("g", {"by": "matt", "login": True}))[1]["code"] == "not_online"
        matt = await logged_in(here, "matt")
        await matt.send(("u", "one"), ("u", ""), ("u", "two"), ("u", "three"))
        await matt.answers(4)
        _, page = await asked.ask("g", {"by": "matt", "login": True, "limit": 2})
        assert ([tweet["text"] for tweet in page["tweets"]], page["more"]) == (["one", "two"], True)
        _, page = await asked.ask("g", {"by": "matt", "login": True, "after": page["tweets"][-1]["id"]})
        assert ([tweet["text"] for tweet in page["tweets"]], page["more"]) == (["three"], False)
        _, page = await asked.ask("g", {"by": "matt", "limit": 2})
        assert ([tweet["text"] for tweet in page["tweets"]], page["more"]) == (["three", "two"], True)
        _, page = await asked.ask("g", {"by": "matt", "before": page["tweets"][-1]["id"]})
        assert ([tweet["text"] for tweet in page["tweets"]], page["more"]) == (["one", "of an earlier time"], False)


async def test_others_have_their_turn_between_pages_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "SHORT_TURN_BYTES", fanout.PUSH_BYTES)
    log = Log()
    log.commit("a")
    clients = [FollowingClient(log) for _ in range(9)]
    received = [0]

    async def others() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            received.append(sum(len(client.received) for client in clients))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.fanout.run)
        nursery.start_soon(others)
        follow_all(clients, ["a"] * 9, 0)
        while received[-1] < 9:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert max(after - before for before, after in pairwise(received)) <= 2, "trio shuffles the tasks of each turn"
