"""The TCP edge: listeners, one task for each client, and one sweeper that looks after everybody's deadlines.

Knows no SQL and no command line.
"""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import trio

from ttweet.broker.fanout import LIVE
from ttweet.broker.session import Host, Session
from ttweet.model import reports
from ttweet.model.addresses import network_of
from ttweet.model.errors import ProtocolError
from ttweet.model.reports import Peer
from ttweet.protocol import answers
from ttweet.protocol.codecs import JSON
from ttweet.protocol.reader import IS_TLS, RequestReader
from ttweet.security.certificates import Certificates
from ttweet.security.rate_limit import RateLimiter
from ttweet.server.config import NO_RATES, Limits, Rates
from ttweet.server.net import places
from ttweet.server.net.places import Standing
from ttweet.server.net.throttle import Throttle
from ttweet.server.net.tls import TlsTransport
from ttweet.server.net.transport import Readiness, SocketTransport, Transport
from ttweet.server.tcp.connection import Connection
from ttweet.server.tcp.reader import reader_for

log = logging.getLogger(__name__)

ACCEPT_BURST = 4  # connections accepted before other tasks get their turn, some 1 ms: 64 made all wait 20 ms
REST_TURNS = 5  # turns of the event loop that are others' after each burst: so many an upload takes, to meet one burst
FRUITLESS_S = 0.0005  # of rest for each client that came for nothing: a flood of them has half of the loop at most
FRUITLESS_TLS_S = 0.002  # the same where clients speak TLS: a handshake takes 0.9 ms, of this time
SWEEP_S = 0.5  # between two looks at the deadlines; each is met that much late at the most
SWEEP_BURST = 8  # clients closed or looked at before others get their turn, some 1 ms: a thousand may be due at once
ACCEPT_RETRY_S = 0.1  # until somebody may have closed a descriptor, or the network is up again
TELL_AGAIN_S = 60.0  # one warning a minute says as much as ten a second
NO_ROOM = b"\x15\x03\x03\x00\x02\x02\x50"  # to a client that speaks TLS: a fatal alert, internal_error (RFC 8446, 6)
NOT_PLAIN = answers.encode_error(ProtocolError("tls", IS_TLS))


class Server:
    """The clients that have connected to a host."""

    def __init__(
        self,
        host: Host,
        *,
        max_clients: int,
        limits: Limits,
        rates: Rates = NO_RATES,
        certificates: Certificates | None = None,
    ) -> None:
        self._host = host
        self._service = host.service
        self._authenticator = host.authenticator
        self._limits = limits
        self._throttle = Throttle(rates)
        self._certificates = certificates
        self._connections: dict[Connection, None] = {}  # in the order in which they came, those of the anteroom too
        self._anteroom: dict[Connection, None] = {}  # those that have no place yet
        self._readiness = Readiness()
        self._fruitless = 0  # clients that came for nothing, since the last burst
        self._told: dict[str, float] = {}  # when each kind of trouble was told of last
        self.max_clients = max_clients
        self.accepted = 0
        """How many have connected so far."""
        self.turned_away = 0
        """How many got no place, or made room for another client, as there were too many."""

    @property
    def clients(self) -> int:
        """How many have a place."""
        return len(self._connections) - len(self._anteroom)

    @property
    def followers(self) -> tuple[int, int]:
        """How many of them follow: those who have all there is, and those who are behind."""
        states = [state for state in [one.follows for one in self._connections] if state is not None]
        return states.count(LIVE), len(states) - states.count(LIVE)

    @property
    def limiter(self) -> RateLimiter | None:
        """What holds them to a rate, where there is one."""
        return self._throttle.limiter

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Give each client that comes a task in the nursery, until cancelled.

        What accept(2) fails with says that descriptors or memory are short, or tells of a network error of the client
        that came: neither is a reason to end.
        """
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                for _ in range(ACCEPT_BURST):
                    self._welcome(*listener.accept(), nursery)
            except BlockingIOError:
                pass
            except ConnectionAbortedError:
                continue  # the client went before it was accepted
            except OSError as exc:
                self._tell_cannot_accept(exc)
                await trio.sleep(ACCEPT_RETRY_S)
            await self._rest()

    async def _rest(self) -> None:
        """Leave the event loop to those who are connected, longer while clients come for nothing."""
        fruitless, self._fruitless = min(self._fruitless, ACCEPT_BURST), 0
        if fruitless:
            await trio.sleep(fruitless * (FRUITLESS_S if self._certificates is None else FRUITLESS_TLS_S))
        for _ in range(REST_TURNS):
            await trio.lowlevel.checkpoint()

    def admit(self, transport: Transport, peer: Peer, nursery: trio.Nursery) -> None:
        """Give a client a place and its task in the nursery."""
        self._connect(transport, peer, nursery, has_place=True)
        self._note_accepted(peer)

    def admit_to_anteroom(self, transport: Transport, peer: Peer, nursery: trio.Nursery) -> None:
        """Give a client its task, in which it may show a token for a place; see `places`."""
        if len(self._anteroom) >= places.anteroom_size(self.max_clients):
            self._let_go(next(iter(self._anteroom)))
        connection = self._connect(transport, peer, nursery, has_place=False)
        self._anteroom[connection] = None

    def _connect(self, transport: Transport, peer: Peer, nursery: trio.Nursery, *, has_place: bool) -> Connection:
        send_later = partial(self._send_later, nursery, peer)
        connection = Connection(
            transport,
            self._host,
            partial(self._reader, peer),
            peer=peer,
            limits=self._limits,
            send_later=send_later,
            seat=partial(self._seat, peer),
            has_place=has_place,
        )
        self._connections[connection] = None
        nursery.start_soon(self._serve, connection, peer, name=f"client {peer}")
        return connection

    def _reader(self, peer: Peer, session: Session) -> RequestReader:
        return reader_for(self._throttle.gauge(peer, lambda: session.principal), JSON)

    def _seat(self, peer: Peer, connection: Connection) -> None:
        """Move a client from the anteroom to a place. Raises ProtocolError `busy` when there is none."""
        if connection not in self._anteroom:  # it made room there while its token was looked up
            raise _full(self.max_clients)
        if self.clients >= self.max_clients:
            self._make_room(connection.network, has_token=connection.standing is Standing.TOKEN)
        if self.clients >= self.max_clients:
            self.turned_away += 1
            raise _full(self.max_clients)
        del self._anteroom[connection]
        connection.has_place = True
        self._note_accepted(peer)

    def _note_accepted(self, peer: Peer) -> None:
        self.accepted += 1
        self._service.report(reports.client_connected(peer, self.clients))

    async def _serve(self, connection: Connection, peer: Peer) -> None:
        """Serve one client to its end. Whatever goes wrong here ends this client only."""
        try:
            await connection.run()
        except ProtocolError as error:
            self._service.refusals[error.code] += 1
            self._service.report(reports.not_secured(peer, error.text))
        except Exception as exc:
            if self._is_news(f"a task's {type(exc).__name__}"):
                log.exception("the task of client %s failed; only this client is concerned", peer)
            self._service.report(reports.input_refused(peer, "internal"))
        finally:
            self._fruitless += not (connection.has_place and connection.has_begun)
            self._connections.pop(connection, None)
            self._anteroom.pop(connection, None)
            if connection.has_place:
                self._service.report(reports.client_left(peer))

    def _send_later(self, nursery: trio.Nursery, peer: Peer, connection: Connection) -> None:
        nursery.start_soon(self._send_rest, connection, peer, name=f"send to {peer}")

    async def _send_rest(self, connection: Connection, peer: Peer) -> None:
        try:
            await connection.send_rest()
        except Exception as exc:
            if self._is_news(f"sending's {type(exc).__name__}"):
                log.exception("sending to client %s failed; only this client is concerned", peer)
            connection.close()

    async def run(self) -> None:
        """Look after all clients, until cancelled: sockets' readiness, deadlines, followers behind, tokens."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._readiness.run)
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._host.fanout.run)
            nursery.start_soon(self._authenticator.run, self.recheck)

    async def recheck(self) -> None:
        """See who everybody is, now that tokens have changed."""
        await self._for_each([*self._connections], Connection.recheck)

    async def _sweep(self) -> None:
        """One timer for everybody's deadlines, instead of one for each read."""
        while True:
            await trio.sleep(SWEEP_S)
            now = trio.current_time()
            late = [one for one in self._connections if one.deadline < now]
            await self._for_each(late, partial(_expire, now))

    async def stop(self) -> None:
        """Let every client finish what is under way and read no further request."""
        await self._for_each([*self._connections], Connection.stop)

    async def _for_each(self, connections: list[Connection], act: Callable[[Connection], None]) -> None:
        """Do something with all of them that are still there when it is their turn, and leave others their turns."""
        for number, connection in enumerate(connections, 1):
            if connection in self._connections:
                act(connection)
            if number % SWEEP_BURST == 0:
                await trio.lowlevel.checkpoint()

    def _welcome(self, client: socket.socket, address: tuple[str, int], nursery: trio.Nursery) -> None:
        client.setblocking(False)
        if self.clients >= self.max_clients:
            self._make_room(network_of(address[0]))
        if self.clients < self.max_clients:
            self.admit(self._transport(client), address[:2], nursery)
        elif self._authenticator.has_tokens:
            self.admit_to_anteroom(self._transport(client), address[:2], nursery)
        else:
            self.turned_away += 1
            self._fruitless += 1
            _turn_away(client, self.max_clients, tls=self._certificates is not None)

    def _make_room(self, network: str, *, has_token: bool = False) -> None:
        """Let go of the client that makes room for one from this network, if there is one; see `places`."""
        guests = [one for one in self._connections if one.has_place]
        chosen = places.who_makes_room(guests, network, self.max_clients, has_token=has_token)
        if chosen is not None:
            self._let_go(chosen)

    def _let_go(self, connection: Connection) -> None:
        self.turned_away += 1
        del self._connections[connection]
        self._anteroom.pop(connection, None)
        connection.turn_away(_full(self.max_clients))

    def _transport(self, client: socket.socket) -> Transport:
        plain = SocketTransport(client, self._readiness)
        return plain if self._certificates is None else TlsTransport(plain, self._certificates.context, NOT_PLAIN)

    def _tell_cannot_accept(self, exc: OSError) -> None:
        if self._is_news("accept"):
            log.warning("cannot accept clients for now: %s; the %d connected are served", exc.strerror, self.clients)

    def _is_news(self, kind: str) -> bool:
        """Whether it is time to tell of that kind of trouble: once a minute, as whoever causes it can do so again."""
        now = trio.current_time()
        if now - self._told.get(kind, float("-inf")) < TELL_AGAIN_S:
            return False
        self._told[kind] = now
        return True


def _expire(now: float, connection: Connection) -> None:
    if connection.deadline < now:  # still: others had their turns meanwhile
        connection.expire()


def _turn_away(client: socket.socket, max_clients: int, *, tls: bool) -> None:
    with client, suppress(OSError):
        client.send(NO_ROOM if tls else answers.encode_error(_full(max_clients)))


def _full(max_clients: int) -> ProtocolError:
    return ProtocolError("busy", f"the server has {max_clients} clients already, its limit; try again later")
