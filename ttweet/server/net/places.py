"""The clients that are connected, whichever edge they came to, and which makes room when another one comes.

A connection is judged by what the server has done for it, not by what it has sent: a request that was refused is none.
Choosing looks at every connection, about 0.8 ms for a thousand, and happens only while the server is full.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol, TypeVar

import trio

from ttweet.model import reports
from ttweet.model.addresses import network_of
from ttweet.model.errors import ProtocolError
from ttweet.model.events import Peer
from ttweet.model.reports import Report
from ttweet.server.net import sweeper
from ttweet.server.net.sweeper import Timed

SHARES = 8  # of a full server: a network or token with more than one share makes room for smaller ones
MIN_SHARE = 8  # clients of a share: a small server is not divided further
ANTEROOM_PART = 20  # clients for which one more may connect to a full server, to show a token
MIN_ANTEROOM = 4  # clients that may connect to a full server to show a token, at least
IN_VAIN_S = 0.05  # after a look for a place in vain, until it takes another for a client of the same network
FRAMES, EVENTS, LINES = "frames", "sse", "lines"
FORMS = (FRAMES, EVENTS, LINES)
"""The forms in which followers get pushes: of the framed protocol, and those of streams over HTTP."""


class Standing(Enum):
    """The service that a client has had so far."""

    SILENT = "no whole request has come"
    REFUSED = "every request was refused"
    SERVED = "a request was carried out"
    TOKEN = "it has shown a valid token"  # noqa: S105  # no token


class Place:
    """One client's place, or its turn in the anteroom until `seat` gives it one."""

    __slots__ = ("_places", "is_reported", "network", "peer", "reason", "received_at", "seated")

    def __init__(
        self, places: "Places", peer: Peer, received_at: float, *, seated: bool = True, is_reported: bool = True
    ) -> None:
        self._places = places
        self.move_to(peer)
        self.seated = seated
        """Whether it is one of the clients that the server may have, and not in the anteroom."""
        self.is_reported = is_reported
        """Whether report lines tell that it comes and goes."""
        self.received_at = received_at
        """When it last sent something, or took the last of an answer, by any clock that never goes back."""
        self.reason: str | None = None
        """Why the server ends its connection; None when the client ends it, or an answer says why."""

    def move_to(self, peer: Peer) -> None:
        """Belong to this client, such as the one that the proxy of the connection names."""
        self.peer = peer
        self.network = network_of(peer[0])
        """Its address, or the part of an address that one owner has."""

    def seat(self, guest: "Guest") -> None:
        """Take a place. Raises ProtocolError `busy` when there is none."""
        self._places.seat(guest)


class Guest(Timed, Protocol):
    """A client that is connected."""

    @property
    def place(self) -> Place:
        """Its own."""
        ...

    @property
    def standing(self) -> Standing:
        """The service that it has had."""
        ...

    @property
    def token(self) -> str | None:
        """The valid token that it has shown, by hash."""
        ...

    @property
    def is_working(self) -> bool:
        """Whether a request of it is under way, whose outcome it must get."""
        ...

    @property
    def follows(self) -> str | None:
        """How its subscription is doing; see Session."""
        ...

    @property
    def form(self) -> str:
        """The form of the pushes to it, one of FORMS."""
        ...

    def reject(self, error: ProtocolError) -> None:
        """Tell it why it must go, and close."""
        ...

    def recheck(self) -> None:
        """Identify the client again after tokens have changed, and close if it has lost its rights."""
        ...

    def stop(self) -> None:
        """Take no further request; close at once if nothing is under way, else when it is answered."""
        ...


G = TypeVar("G", bound=Guest)


class Places:
    """The clients of a server: those that have a place, and those in the anteroom, which may show a token for one.

    All edges share them, so that there are no more clients, and a network has no more of them, than with one edge.
    """

    def __init__(self, amount: int, report: Callable[[Report], None]) -> None:
        self.amount = amount
        self._report = report
        self.guests: dict[Guest, None] = {}
        """All of them, in the order in which they came."""
        self._anteroom: dict[Guest, None] = {}
        self._in_vain = ("", 0.0)  # the network of the last look in vain, and until when that counts
        self.accepted = 0
        """How many have got a place so far."""
        self.rejected = 0
        """How many got no place, or made room for another client, as there were too many."""

    @property
    def taken(self) -> int:
        """How many have a place."""
        return len(self.guests) - len(self._anteroom)

    @property
    def is_full(self) -> bool:
        """Whether another client gets a place only if one makes room."""
        return self.taken >= self.amount

    async def run(self) -> None:
        """Look after the deadlines of all, until cancelled."""
        await sweeper.sweep(self.guests)

    async def recheck(self) -> None:
        """Check the identity of all clients, now that tokens have changed."""
        await sweeper.for_each([*self.guests], self.guests, lambda guest: guest.recheck())

    async def stop(self) -> None:
        """Let every client finish what is under way and make no further request."""
        await sweeper.for_each([*self.guests], self.guests, lambda guest: guest.stop())

    def make_room(self, network: str, token: str | None = None) -> bool:
        """See to a place for a client of this network, with this token or none, if need be that of another.

        Returns whether there is one.
        """
        if self.is_full and not (token is None and self._is_in_vain(network)):
            guests = [one for one in self.guests if one.place.seated]
            chosen = who_makes_room(guests, network, token, self.amount)
            if chosen is not None:
                self._reject(chosen)
            elif token is None:
                self._in_vain = network, trio.current_time() + IN_VAIN_S
        return not self.is_full

    def _is_in_vain(self, network: str) -> bool:
        """Whether a client of this network without a token was refused a moment ago."""
        refused, until = self._in_vain
        return refused == network and trio.current_time() < until

    def add(self, guest: Guest) -> None:
        """Take in a client that has come; the anteroom's first makes room for another one there."""
        if not guest.place.seated:
            if len(self._anteroom) >= anteroom_size(self.amount):
                self._reject(next(iter(self._anteroom)))
            self._anteroom[guest] = None
        self.guests[guest] = None
        if guest.place.seated:
            self._note_accepted(guest)

    def seat(self, guest: Guest) -> None:
        """Move a client from the anteroom to a place. Raises ProtocolError `busy` when there is none."""
        if guest not in self._anteroom:  # it made room there while its token was looked up
            raise full(self.amount)
        if not self.make_room(guest.place.network, guest.token):
            self.rejected += 1
            raise full(self.amount)
        del self._anteroom[guest]
        guest.place.seated = True
        self._note_accepted(guest)

    def discard(self, guest: Guest) -> None:
        """Forget a client that has gone; nothing happens when it was forgotten already."""
        if guest in self.guests:
            del self.guests[guest]
            self._anteroom.pop(guest, None)
            if guest.place.seated and guest.place.is_reported:
                self._report(reports.client_left(guest.place.peer, guest.place.reason))

    def _note_accepted(self, guest: Guest) -> None:
        self.accepted += 1
        if guest.place.is_reported:
            self._report(reports.client_connected(guest.place.peer, self.taken))

    def _reject(self, guest: Guest) -> None:
        self.rejected += 1
        guest.place.reason = "it made room for another client"
        self.discard(guest)
        guest.reject(full(self.amount))


def full(amount: int) -> ProtocolError:
    """Return the error for a client without a place."""
    return ProtocolError("busy", f"the server is full with {amount} clients; retry later")


def anteroom_size(max_clients: int) -> int:
    """How many clients may connect to a full server to show a token."""
    return max(MIN_ANTEROOM, max_clients // ANTEROOM_PART)


def who_makes_room(guests: Iterable[G], network: str, token: str | None, max_clients: int) -> G | None:
    """Return the guest whose place a client from this network gets, with this token or none; None when all may stay.

    The order is: the first that is silent, the first that was only refused, then the one without a token, of the
    largest network, that has been idle longest, and then the one with a token, of the identity with most places. A
    client without a token gets only the place of a network with more than its share, and one with a token that of any
    network, or of a token with more than its share; and only where its own has fewer. `guests` are in the order in
    which they came.
    """
    served: list[G] = []
    known: list[G] = []
    refused: G | None = None
    for guest in guests:
        standing = guest.standing
        if standing is Standing.TOKEN:
            known.append(guest)
        elif standing is Standing.SERVED:
            served.append(guest)
        elif not guest.is_working:
            if standing is Standing.SILENT:
                return guest
            refused = refused or guest
    share = max(MIN_SHARE, max_clients // SHARES)
    if token is None:
        return refused or _of_the_largest(served, _network, network, share)
    return refused or _of_the_largest(served, _network) or _of_the_largest(known, _token, token, share)


def _of_the_largest(
    guests: list[G], owner_of: Callable[[Guest], str | None], newcomer: str | None = None, share: int = 0
) -> G | None:
    """Of all idle ones the one that has been so longest, of the owner that has most places.

    For a newcomer only of one that has more than its share, and so many more than the newcomer that they would not
    just change places.
    """
    places = Counter(map(owner_of, guests))
    least = 1 if newcomer is None else max(share + 1, places[newcomer] + 2)
    idle = [guest for guest in guests if not guest.is_working and places[owner_of(guest)] >= least]
    return max(idle, key=lambda guest: (places[owner_of(guest)], -guest.place.received_at), default=None)


def _network(guest: Guest) -> str | None:
    return guest.place.network


def _token(guest: Guest) -> str | None:
    return guest.token
