"""Names that are online: of a server alone, and of a cluster."""

import pytest

from tests.support.memory_names import Registry
from ttweet.broker.online import Online
from ttweet.model.errors import Refused, StoreError

LIKE_ANN = "\N{CYRILLIC SMALL LETTER A}nn"


def cluster() -> tuple[Registry, Online, Online]:
    registry = Registry()
    return registry, Online(registry.at("a")), Online(registry.at("b"))


async def test_a_name_that_is_online_at_one_server_is_taken_at_the_others() -> None:
    _, one, other = cluster()
    await one.take_everywhere("ann", 1, instead_of=None)
    for name in ("ann", "Ann", LIKE_ANN):
        with pytest.raises(Refused, match="is online; choose another name, or retry later") as refused:
            await other.take_everywhere(name, 2, instead_of=None)
        assert refused.value.code == "name_taken"
    one.free("ann")
    await other.take_everywhere("ann", 2, instead_of=None)
    assert one.names == other.names == ["ann"]


async def test_names_stand_in_the_order_of_their_logins_wherever_those_were() -> None:
    _, one, other = cluster()
    await one.take_everywhere("ann", 1, instead_of=None)
    await other.take_everywhere("ben", 2, instead_of=None)
    await one.take_everywhere("cleo", 3, instead_of=None)
    assert one.names == other.names == ["ann", "ben", "cleo"]
    assert [other.since(name) for name in ("ann", "ben", "cleo", "dan")] == [1, 2, 3, None]


async def test_a_client_that_cannot_change_its_name_keeps_the_one_it_has() -> None:
    registry, one, other = cluster()
    await one.take_everywhere("ann", 1, instead_of=None)
    await other.take_everywhere("ben", 2, instead_of=None)
    with pytest.raises(Refused):
        await one.take_everywhere("ben", 3, instead_of="ann")
    registry.quorum = False
    with pytest.raises(StoreError) as refused:
        await one.take_everywhere("cleo", 3, instead_of="ann")
    assert refused.value.code == "no_quorum"
    assert one.names == other.names == ["ann", "ben"]


async def test_a_client_may_change_its_name_into_one_that_looks_alike() -> None:
    _, one, other = cluster()
    await one.take_everywhere("ann", 1, instead_of=None)
    await one.take_everywhere(LIKE_ANN, 2, instead_of="ann")
    assert one.names == other.names == [LIKE_ANN]
    one.free(LIKE_ANN)
    await other.take_everywhere("ann", 3, instead_of=None)


async def test_two_clients_of_a_server_that_take_a_name_at_once_do_not_both_get_it() -> None:
    _, one, _ = cluster()
    first, second = one.take_everywhere("ann", 1, instead_of=None), one.take_everywhere("ann", 1, instead_of=None)
    await first
    with pytest.raises(Refused):
        await second
    assert one.names == ["ann"]
