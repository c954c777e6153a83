"""Which client makes room in a full server."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.errors import ProtocolError
from ttweet.server.net.places import FRAMES, IN_VAIN_S, Place, Places, Standing, anteroom_size, who_makes_room

SILENT, REFUSED, SERVED, TOKEN = Standing


@dataclass(eq=False)
class FakeGuest:
    standing: Standing
    network: str = "a"
    received_at: float = 0.0
    is_working: bool = False
    token: str | None = None
    follows: str | None = None
    form: str = FRAMES
    deadline: float = 0.0
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        self.place = Place(Places(1, lambda _: None), (self.network, 1), self.received_at)

    def reject(self, error: ProtocolError) -> None:
        """See places.Guest."""

    def expire(self) -> None:
        """See sweeper.Timed."""

    def recheck(self) -> None:
        """See places.Guest."""

    def stop(self) -> None:
        """See places.Guest."""


def chosen(guests: list[FakeGuest], network: str = "z", max_clients: int = 1, *, has_token: bool = False) -> int | None:
    """Return the place in the list of the guest that makes room."""
    found = who_makes_room(guests, network, "mine" if has_token else None, max_clients)
    return next((number for number, guest in enumerate(guests) if guest is found), None)


WORKING = FakeGuest(SERVED, is_working=True)


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize(
    ("guests", "number"),
    [
        ([], None),
        ([FakeGuest(TOKEN), FakeGuest(TOKEN)], None),
        ([WORKING] * 20, None),
        ([FakeGuest(SERVED), FakeGuest(REFUSED), FakeGuest(SILENT), FakeGuest(SILENT)], 2),
        ([FakeGuest(SERVED), FakeGuest(REFUSED), FakeGuest(TOKEN), FakeGuest(REFUSED)], 1),
        (
            [
                FakeGuest(SILENT, is_working=True),
                FakeGuest(REFUSED, is_working=True),
                FakeGuest(REFUSED),
                FakeGuest(TOKEN),
            ],
            2,
        ),
        ([FakeGuest(SERVED, "a", 1)] * 9 + [FakeGuest(SERVED, "b", 0)], 0),
        ([WORKING, *[FakeGuest(SERVED, "a", 9 - number) for number in range(9)]], 9),
    ],
)
def test_silent_ones_go_first_then_refused_ones_then_the_longest_idle_of_the_largest_network(
    guests: list[FakeGuest], number: int | None, has_token: bool
) -> None:
    assert chosen(guests, has_token=has_token) == number


@pytest.mark.parametrize(
    ("theirs", "mine", "max_clients", "goes"),
    [
        (8, 0, 20, False),  # a share is 8 at least
        (9, 0, 20, True),
        (125, 0, 1000, False),  # an eighth of a large server
        (126, 0, 1000, True),
        (126, 124, 1000, True),
        (126, 125, 1000, False),  # they would only change places
        (126, 300, 1000, False),
    ],
)
def test_an_anonymous_newcomer_gets_a_place_only_from_a_larger_network_beyond_its_share(
    theirs: int, mine: int, max_clients: int, goes: bool
) -> None:
    guests = [FakeGuest(SERVED, "a") for _ in range(theirs)] + [FakeGuest(SERVED, "z") for _ in range(mine)]
    assert (chosen(guests, "z", max_clients) is not None) == goes


def test_a_token_gets_a_place_whatever_network_it_comes_from() -> None:
    assert chosen([FakeGuest(SERVED, "z", 1), FakeGuest(SERVED, "z", 0)], "z", 1000, has_token=True) == 1
    assert chosen([FakeGuest(TOKEN), WORKING, FakeGuest(SERVED, "b")], has_token=True) == 2


@pytest.mark.parametrize(
    ("theirs", "mine", "max_clients", "goes"),
    [
        (8, 0, 8, False),  # a share is 8 at least
        (9, 0, 9, True),
        (40, 0, 40, True),
        (21, 19, 40, True),
        (20, 20, 40, False),
        (21, 20, 41, False),  # they would only change places
        (125, 0, 1000, False),  # an eighth of a large server
        (126, 0, 1000, True),
    ],
)
def test_a_token_gets_a_place_of_another_only_beyond_its_share(
    theirs: int, mine: int, max_clients: int, goes: bool
) -> None:
    guests = [FakeGuest(TOKEN, received_at=-number, token="theirs") for number in range(theirs)]
    guests += [FakeGuest(TOKEN, received_at=-1000, token="mine") for _ in range(mine)]
    assert chosen(guests, max_clients=max_clients, has_token=True) == (theirs - 1 if goes else None)


def test_a_token_beyond_its_share_makes_no_room_for_strangers_nor_with_what_is_under_way() -> None:
    many = [FakeGuest(TOKEN, token="theirs") for _ in range(40)]
    assert chosen(many, max_clients=40) is None
    working = [FakeGuest(TOKEN, token="theirs", is_working=True) for _ in range(40)]
    assert chosen(working, max_clients=40, has_token=True) is None
    assert chosen([*many, FakeGuest(SERVED)], max_clients=41, has_token=True) == 40


async def test_after_a_look_in_vain_the_next_one_for_that_network_is_in_vain_for_a_moment(
    mock_clock: trio.testing.MockClock,
) -> None:
    places = Places(1, lambda _: None)
    guest = FakeGuest(SERVED)
    places.add(guest)
    assert not places.make_room("z")
    guest.standing = SILENT  # a look would find it
    assert not places.make_room("z")
    mock_clock.jump(IN_VAIN_S)
    assert places.make_room("z")


@pytest.mark.parametrize(("network", "token"), [("y", None), ("z", "mine")])
async def test_a_look_in_vain_tells_nothing_of_another_network_nor_of_a_client_with_a_token(
    network: str, token: str | None
) -> None:
    places = Places(1, lambda _: None)
    guest = FakeGuest(SERVED, is_working=True)
    places.add(guest)
    assert not places.make_room("z")
    guest.standing, guest.is_working = SILENT, False
    assert places.make_room(network, token)


GUESTS = st.builds(FakeGuest, st.sampled_from(Standing), st.sampled_from("abc"), st.integers(0, 5), st.booleans())


@given(st.lists(GUESTS, max_size=40), st.sampled_from("abc"), st.booleans())
def test_a_client_that_makes_room_is_idle_without_a_token_and_no_other_place_was_due_earlier(
    guests: list[FakeGuest], network: str, has_token: bool
) -> None:
    found = who_makes_room(guests, network, "mine" if has_token else None, 1)
    idle = [guest for guest in guests if not guest.is_working and guest.standing is not TOKEN]
    due = [guest for guest in idle if guest.standing is not SERVED]
    if found is None:
        assert not due
        assert not (has_token and idle)
        return
    assert found in idle
    if due:
        assert found is next(guest for guest in due if guest.standing is min(due, key=order).standing)
        return
    places = Counter(guest.network for guest in guests if guest.standing is SERVED)
    alike = [guest for guest in idle if guest.network == found.network]
    assert found.received_at == min(guest.received_at for guest in alike)
    assert has_token or places[found.network] > max(8, places[network] + 1)


def order(guest: FakeGuest) -> int:
    return list(Standing).index(guest.standing)


@pytest.mark.parametrize(("max_clients", "size"), [(1, 4), (80, 4), (300, 15), (1000, 50)])
def test_the_anteroom_has_one_client_for_each_twenty(max_clients: int, size: int) -> None:
    assert anteroom_size(max_clients) == size
