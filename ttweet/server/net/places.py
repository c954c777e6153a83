"""Which connection makes room when the server is full and another client comes.

A connection is judged by what the server has done for it, not by what it has sent: a request that was refused is none.
Choosing looks at every connection, some 0.3 ms for a thousand, and happens only while the server is full.
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import Protocol, TypeVar

SHARES = 8  # of the places: a network with more than one of them makes room for smaller ones
MIN_SHARE = 8  # places: a small server is not divided further
ANTEROOM_PART = 20  # one more client for each 20 may connect to a full server and show a token
MIN_ANTEROOM = 4  # clients


class Standing(Enum):
    """What the server has done for a client so far."""

    SILENT = "no whole request has come"
    REFUSED = "every request was refused"
    SERVED = "a request was carried out"
    TOKEN = "it has shown a valid token"  # noqa: S105  # no token


class Guest(Protocol):
    """A client that has a place."""

    @property
    def standing(self) -> Standing:
        """What the server has done for it."""
        ...

    @property
    def is_working(self) -> bool:
        """Whether a request of it is under way, whose outcome it must get."""
        ...

    @property
    def network(self) -> str:
        """Its address, or the part of an address that one owner has; see `network_of`."""
        ...

    @property
    def heard_at(self) -> float:
        """When it last did something, by any clock that never goes back."""
        ...


G = TypeVar("G", bound=Guest)


def anteroom_size(max_clients: int) -> int:
    """How many clients may connect to a full server to show a token."""
    return max(MIN_ANTEROOM, max_clients // ANTEROOM_PART)


def who_makes_room(guests: Iterable[G], network: str, max_clients: int, *, has_token: bool) -> G | None:
    """The guest whose place a client from this network gets, or None when all may stay.

    The order is: the first that is silent, the first that was only refused, then the one of the largest network that
    has been idle longest. The last makes room only for a client with a token, or for a smaller network where its own
    has more than its share. A guest with a token always stays. `guests` are in the order in which they came.
    """
    served: list[G] = []
    refused: G | None = None
    for guest in guests:
        standing = guest.standing
        if standing is Standing.SERVED:
            served.append(guest)
        elif standing is not Standing.TOKEN and not guest.is_working:
            if standing is Standing.SILENT:
                return guest
            refused = refused or guest
    return refused or _of_the_largest(served, network, max(MIN_SHARE, max_clients // SHARES), has_token=has_token)


def _of_the_largest(served: list[G], network: str, share: int, *, has_token: bool) -> G | None:
    places = Counter([guest.network for guest in served])
    largest = max(places.values(), default=0)
    if not has_token and (largest <= share or largest <= places[network] + 1):
        return None
    idle = [guest for guest in served if not guest.is_working and (has_token or places[guest.network] == largest)]
    return max(idle, key=lambda guest: (places[guest.network], -guest.heard_at), default=None)
