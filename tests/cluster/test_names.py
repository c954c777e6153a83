"""Names that are online in a cluster, with a real etcd."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.etcd import of
from tests.support.guard import GUARD_S
from ttweet.broker.online import Login
from ttweet.cluster import lease, names
from ttweet.cluster.address import ClusterAddress
from ttweet.cluster.layout import Layout
from ttweet.cluster.local_etcd import EtcdNode
from ttweet.cluster.messages import REVOKE, EmptyResponse
from ttweet.cluster.names import ClusterNames
from ttweet.cluster.nodes import Nodes
from ttweet.model.errors import StoreError
from ttweet.model.lookalikes import looks_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
def in_quick_succession(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "READ_S", 0.02)


def login(name: str, newest: int = 0) -> Login:
    return Login(name, looks_of(name), newest)


class Server:
    """The names of a server, and how often its clients looked whether theirs were lost."""

    def __init__(self, address: ClusterAddress, origin: str) -> None:
        self.names = ClusterNames(Nodes(address), Layout(address.name), origin)
        self.rechecks = 0

    async def recheck(self) -> None:
        self.rechecks += 1


@asynccontextmanager
async def servers(address: ClusterAddress) -> "AsyncIterator[tuple[Server, Server]]":
    """Two servers, whose names are kept until the block is left."""
    both = Server(address, "a"), Server(address, "b")
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            for server in both:
                nursery.start_soon(server.names.run, server.recheck)
            yield both
            nursery.cancel_scope.cancel()


async def comes_true(condition: Callable[[], bool]) -> None:
    """Wait until a condition is met."""
    while not condition():
        await trio.lowlevel.checkpoint()


async def test_a_name_is_given_to_one_server_until_that_frees_it(address: ClusterAddress) -> None:
    async with servers(address) as (one, other):
        assert await one.names.take(login("ann"), None) is None
        assert await other.names.take(login("ANN"), None) == "ann"
        one.names.free("ann")
        while await other.names.take(login("ann"), None) is not None:
            pass
        assert await one.names.take(login("ann"), None) == "ann"


async def test_servers_learn_which_names_are_online_at_others_since_when(address: ClusterAddress) -> None:
    async with servers(address) as (one, other):
        await one.names.take(login("zoe", 1), None)
        await one.names.take(login("ann", 2), None)
        await other.names.take(login("ben", 3), None)
        await comes_true(lambda: other.names.elsewhere == {"zoe": 1, "ann": 2})
        await comes_true(lambda: one.names.elsewhere == {"ben": 3})
        assert [*other.names.elsewhere] == ["zoe", "ann"]
        one.names.free("zoe")
        await comes_true(lambda: other.names.elsewhere == {"ann": 2})


async def test_a_name_takes_the_place_of_another_that_may_look_like_it(address: ClusterAddress) -> None:
    async with servers(address) as (one, other):
        await other.names.take(login("ben"), None)
        await one.names.take(login("N"), None)
        assert await one.names.take(login("ben"), "N") == "ben"
        assert await other.names.take(login("n"), None) == "N", "the name before is still online"
        assert await one.names.take(login("\N{GREEK CAPITAL LETTER NU}"), "N") is None
        assert await other.names.take(login("v"), None) == "\N{GREEK CAPITAL LETTER NU}"
        assert await one.names.take(login("cleo"), "\N{GREEK CAPITAL LETTER NU}") is None
        assert await other.names.take(login("n"), "ben") is None
        assert await one.names.take(login("ben"), "cleo") is None


async def test_a_server_that_ends_frees_all_its_names_at_once(address: ClusterAddress) -> None:
    async with servers(address) as (one, _):
        await one.names.take(login("ann"), None)
        await one.names.take(login("ben"), None)
    async with servers(address) as (_, other):
        assert await other.names.take(login("ann"), None) is None
        assert await other.names.take(login("ben"), None) is None


async def _end_lease(server: Server) -> None:
    """End the lease of a server, as etcd does when the server was cut off."""
    await server.names._caller.call(REVOKE, {"ID": server.names._lease.id}, EmptyResponse, within_s=lease.CALL_S)


async def test_a_name_whose_lease_has_ended_is_free_and_its_server_learns_that_it_is_lost(
    address: ClusterAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(address) as (one, other):
        await one.names.take(login("ann"), None)
        async with one.names._turn:  # cut off
            await _end_lease(one)
            assert await other.names.take(login("ann"), None) is None
            monkeypatch.setattr(lease, "RENEW_S", 0.0)
        await comes_true(lambda: one.rechecks == 1)
        assert one.names.lost == {"ann"}
        one.names.free("ann")
        assert not one.names.lost
        assert await one.names.take(login("ann"), None) == "ann"


async def test_a_name_whose_lease_has_ended_is_taken_again_if_no_other_server_has_it(
    address: ClusterAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(address) as (one, other):
        await one.names.take(login("ann"), None)
        async with one.names._turn:
            await _end_lease(one)
            monkeypatch.setattr(lease, "RENEW_S", 0.0)
        await comes_true(lambda: other.names.elsewhere == {})
        await comes_true(lambda: other.names.elsewhere == {"ann": 0})
        assert (one.rechecks, one.names.lost) == (0, frozenset())


async def test_without_a_quorum_no_name_is_given_away_and_later_none_is_left_behind(
    node: EtcdNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "TAKE_S", 0.2)
    async with servers(of(node.client)) as (one, other):
        await one.names.take(login("ann"), None)
        node.pause()
        with pytest.raises(StoreError) as refused:
            await one.names.take(login("ben"), "ann")
        assert refused.value.code == "no_quorum"
        node.resume()
        await comes_true(lambda: other.names.elsewhere == {"ann": 0})
        assert await other.names.take(login("ann"), None) == "ann"
        while await other.names.take(login("ben"), None) is not None:
            pass
