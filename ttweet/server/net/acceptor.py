"""Accepts clients from a listener, a few at a time, so that connected clients get their turns of the event loop."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress

import trio

from ttweet.model.addresses import network_of
from ttweet.model.events import Peer
from ttweet.server.net.log_interval import LogInterval
from ttweet.server.net.places import Places

log = logging.getLogger(__name__)

ACCEPT_BURST = 4  # connections accepted before other tasks run, about 1 ms: with 64, all clients waited 20 ms
REST_TURNS = 5  # turns of the event loop for other tasks after each full burst: an upload needs about so many
FRUITLESS_S = 0.0005  # of rest for each client without a completed request: a flood gets half of the loop at most
FRUITLESS_TLS_S = 0.002  # of rest where clients speak TLS: a handshake takes 0.9 ms
ACCEPT_RETRY_S = 0.1  # until a descriptor may be free or the network up again

Admit = Callable[[socket.socket, Peer, bool], None]
"""Serves a client that has come; True for one with a place, False for one in the anteroom."""


class Acceptor:
    """Gives the clients of all listeners of an edge their places, or refuses them while the server is full."""

    def __init__(self, places: Places, *, has_anteroom: Callable[[], bool], refusal: bytes, fruitless_s: float) -> None:
        """`refusal` is what a client gets for which there is no place, `fruitless_s` the rest after one in vain."""
        self._places = places
        self._has_anteroom = has_anteroom
        self._refusal = refusal
        self._fruitless_s = fruitless_s
        self._fruitless = 0  # clients that came for nothing, since the last burst
        self._log_interval = LogInterval()

    def note_fruitless(self) -> None:
        """Take note of a client that has gone, with nothing carried out for it."""
        self._fruitless += 1

    async def accept(self, listener: socket.socket, admit: Admit) -> None:
        """Have all clients served that come to a listener, until cancelled.

        An error of accept(2) says that descriptors or memory are short, or tells of a network error of the client
        that came: neither is a reason to end.
        """
        while True:
            await trio.lowlevel.wait_readable(listener)
            turns = REST_TURNS
            try:
                for _ in range(ACCEPT_BURST):
                    self._take(*listener.accept(), admit)
                    if self._places.is_full:
                        break  # to choose who makes room for the next takes as long as a burst
            except BlockingIOError:
                turns = 0  # no other client waits to be accepted
            except ConnectionAbortedError:
                continue  # the client went before it was accepted
            except OSError as exc:
                self._warn(exc)
                await trio.sleep(ACCEPT_RETRY_S)
            await self._rest(turns)

    def _take(self, client: socket.socket, address: tuple[str, int], admit: Admit) -> None:
        client.setblocking(False)
        if self._places.make_room(network_of(address[0])):
            admit(client, address[:2], True)
        elif self._has_anteroom():
            admit(client, address[:2], False)
        else:
            self._places.rejected += 1
            self._fruitless += 1
            with client, suppress(OSError):
                client.send(self._refusal)

    async def _rest(self, turns: int) -> None:
        """Leave the event loop to connected clients for some turns, longer while new ones send no request."""
        fruitless, self._fruitless = min(self._fruitless, ACCEPT_BURST), 0
        if fruitless:
            await trio.sleep(fruitless * self._fruitless_s)
        for _ in range(turns):
            await trio.lowlevel.checkpoint()

    def _warn(self, exc: OSError) -> None:
        if self._log_interval.is_over("accept"):
            taken = self._places.taken
            log.warning("cannot accept clients for now: %s; the %d connected are served", exc.strerror, taken)
