"""A full server: the clients that it accepts, those that make room, and the answers to both."""

from pathlib import Path

import pytest
import trio
import trio.testing

import ttweet
from tests.support.authority import Authority
from tests.support.held_store import HeldStore
from tests.support.serving import SWEPT_S, Caller, Serving, hold_a_commit, jump, serving
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import POST, READ, Principal
from ttweet.security.token_file import TokenFile
from ttweet.server.config import Limits, Rates
from ttweet.server.net.places import MIN_ANTEROOM, MIN_SHARE


class Keyed:
    """An authenticator, and the secret of a token that it knows."""

    def __init__(self, folder: Path) -> None:
        file = TokenFile(folder / "tweets.db")
        _, self.secret = file.add("alice", frozenset({READ, POST}))
        self.authenticator = Authenticator(file=file)


@pytest.fixture
def keyed(tmp_path: Path) -> Keyed:
    return Keyed(tmp_path)


async def crowd(here: Serving, amount: int) -> list[Caller]:
    """Clients without a token that are served, in the order in which they came."""
    callers = [await here.call() for _ in range(amount)]
    for caller in callers:
        assert (await caller.ask("p", ""))[0] == "ok"
    return callers


async def code_of(caller: Caller) -> str:
    kind, error = await caller.answer()
    assert kind == "err"
    return str(error["code"])


async def test_a_client_whose_only_request_was_refused_makes_room() -> None:
    async with serving(rates=Rates(Rate(1, "h", burst=1), loopback=True), max_clients=2) as here:
        served, refused = await here.call(), await here.call()
        assert (await served.ask("p", ""))[0] == "ok"
        assert (await refused.ask("p", ""))[1]["code"] == "slow_down"
        newcomer = await here.call()
        assert (await newcomer.ask("p", ""))[1]["code"] == "slow_down"
        assert await code_of(refused) == "busy"
        assert await refused.rest() == b""
        assert (here.places.taken, here.places.rejected) == (2, 1)


async def test_a_client_that_shows_a_token_takes_the_place_of_the_longest_idle_one(keyed: Keyed) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=3) as here:
        first, idle, last = await crowd(here, 3)
        await first.ask("p", "")
        alice = await here.call()
        assert (await alice.ask("a", keyed.secret))[1]["name"] == "alice"
        assert await code_of(idle) == "busy"
        assert await idle.rest() == b""
        for caller in (alice, first, last):
            assert (await caller.ask("u", "hello"))[0] == "ok"
        assert here.places.taken == 3


async def test_a_token_and_a_request_in_one_read_are_both_answered(keyed: Keyed) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        await crowd(here, 1)
        alice = await here.call()
        await alice.send(("a", keyed.secret), ("u", "one"), ("u", "two"))
        assert [kind for kind, _ in await alice.answers(3)] == ["ok"] * 3
    assert [tweet.text for tweet in here.store.tweets] == ["one", "two"]


@pytest.mark.parametrize("frame", [("p", ""), ("u", "hello"), ("nonsense", ""), ("d", "")])
async def test_a_client_without_a_token_is_answered_busy_and_nothing_is_carried_out(
    keyed: Keyed, frame: tuple[str, str]
) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        (served,) = await crowd(here, 1)
        stranger = await here.call()
        await stranger.send(frame, ("u", "behind it"))
        assert await code_of(stranger) == "busy"
        assert await stranger.rest() == b""
        assert (await served.ask("p", ""))[0] == "ok"
        assert here.places.rejected == 1
    assert here.store.tweets == []
    assert not [line for line in here.lines if "CLIENT" in line and str(stranger.peer) in line and "CONNECTION" in line]


async def test_a_wrong_token_takes_no_client_s_place(keyed: Keyed) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        (served,) = await crowd(here, 1)
        stranger = await here.call()
        await stranger.send(("a", "ttw_wrong"), ("u", "behind it"))
        assert await code_of(stranger) == "token"
        assert await stranger.rest() == b""
        assert (await served.ask("p", ""))[0] == "ok"
    assert here.store.tweets == []


async def test_where_all_have_tokens_another_one_is_answered_busy(keyed: Keyed) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        first = await here.call()
        assert (await first.ask("a", keyed.secret))[0] == "ok"
        second = await here.call()
        await second.send(("a", keyed.secret), ("u", "behind it"))
        assert await code_of(second) == "busy"
        assert await second.rest() == b""
        assert (await first.ask("p", ""))[0] == "ok"
    assert here.store.tweets == []


async def test_a_token_that_holds_every_place_makes_room_for_another_token(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    secrets = [file.add(name, frozenset({READ, POST}))[1] for name in ("greedy", "alice")]
    async with serving(authenticator=Authenticator(file=file), max_clients=MIN_SHARE + 1) as here:
        greedy = [await here.call() for _ in range(MIN_SHARE + 1)]
        for caller in greedy:
            assert (await caller.ask("a", secrets[0]))[0] == "ok"
        await greedy[0].ask("p", "")
        alice = await here.call()
        assert (await alice.ask("a", secrets[1]))[1]["name"] == "alice"
        assert await code_of(greedy[1]) == "busy", "it was silent for longest"
        again = await here.call()
        await again.send(("a", secrets[0]))
        assert await code_of(again) == "busy"
        assert (await alice.ask("u", "hello"))[0] == "ok"


async def test_a_place_that_is_free_by_then_goes_to_the_first_client_that_asks(keyed: Keyed) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        (served,) = await crowd(here, 1)
        stranger = await here.call()
        await trio.testing.wait_all_tasks_blocked()
        await served.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert (await stranger.ask("u", "hello"))[0] == "ok"
        assert here.places.taken == 1


async def test_silence_in_the_anteroom_keeps_no_token_out(keyed: Keyed) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        await crowd(here, 1)
        silent = [await here.call() for _ in range(MIN_ANTEROOM)]
        await trio.testing.wait_all_tasks_blocked()
        alice = await here.call()
        assert (await alice.ask("a", keyed.secret))[0] == "ok"
        assert await code_of(silent[0]) == "busy"
        assert await silent[0].rest() == b""
        assert (here.places.taken, here.places.accepted) == (1, 2)


class SlowGate(Authenticator):
    """Looks tokens up when the test allows it."""

    go: trio.Event

    async def identify(self, secret: str, address: str) -> Principal:
        await self.go.wait()
        return await super().identify(secret, address)


async def test_a_token_that_is_looked_up_for_too_long_takes_no_client_s_place(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("alice", frozenset({READ, POST}))
    authenticator = SlowGate(file=file)
    authenticator.go = trio.Event()
    async with serving(authenticator=authenticator, max_clients=1) as here:
        (served,) = await crowd(here, 1)
        alice = await here.call()
        await alice.send(("a", secret))
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(MIN_ANTEROOM):
            await here.call()
        assert await code_of(alice) == "busy"
        authenticator.go.set()
        assert await alice.rest() == b""
        assert (await served.ask("p", ""))[0] == "ok"
        assert (here.places.taken, here.places.rejected) == (1, 1)


async def test_the_anteroom_has_the_time_of_a_first_byte(keyed: Keyed, mock_clock: trio.testing.MockClock) -> None:
    async with serving(authenticator=keyed.authenticator, max_clients=1) as here:
        await crowd(here, 1)
        silent = await here.call()
        await jump(mock_clock, Limits().first_byte_s + SWEPT_S)
        assert await code_of(silent) == "timeout"
        assert await silent.rest() == b""


async def test_a_client_whose_upload_is_on_its_way_is_never_told_that_the_server_is_busy(keyed: Keyed) -> None:
    store = HeldStore()
    async with serving(store, authenticator=keyed.authenticator, max_clients=1) as here:
        (uploader,) = await crowd(here, 1)
        await hold_a_commit(store, uploader)
        alice = await here.call()
        await alice.send(("a", keyed.secret))
        assert await code_of(alice) == "busy"
        store.release()
        assert (await uploader.answer())[0] == "ok"
        again = await here.call()
        assert (await again.ask("a", keyed.secret))[0] == "ok"
        assert await code_of(uploader) == "busy"


async def test_a_follower_that_makes_room_follows_on_when_there_is_room_again(keyed: Keyed) -> None:
    async with (
        serving(authenticator=keyed.authenticator, max_clients=1) as here,
        ttweet.AsyncClient(*here.address).follow(after=0) as follower,
    ):
        link = follower._link
        alice = await here.call()
        assert (await alice.ask("a", keyed.secret))[0] == "ok"
        assert (await alice.ask("u", "meanwhile"))[0] == "ok"
        await alice.stream.aclose()
        assert (await anext(follower)).text == "meanwhile"
        assert follower._link is not link


async def test_over_tls_a_token_gets_in_and_a_stranger_gets_busy(keyed: Keyed, authority: Authority) -> None:
    async with (
        serving(authenticator=keyed.authenticator, certificates=authority.certificates(), max_clients=1) as here,
        ttweet.AsyncClient(*here.address, ca=authority.ca) as served,
    ):
        await served.ping()
        async with ttweet.AsyncClient(*here.address, ca=authority.ca) as stranger:
            with pytest.raises(ttweet.Refused, match="full with 1 clients"):
                await stranger.ping()
        async with ttweet.AsyncClient(*here.address, ca=authority.ca, token=keyed.secret) as alice:
            assert (await alice.post("hello")).id == 1
