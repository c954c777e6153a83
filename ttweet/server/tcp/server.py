"""The TCP edge: one task for each client."""

import logging
import socket
from collections.abc import Callable
from functools import partial

import trio

from ttweet.broker.session import Host, Session
from ttweet.broker.subscriptions import LIVE
from ttweet.model import reports
from ttweet.model.errors import ProtocolError
from ttweet.model.reports import Peer
from ttweet.protocol import answers
from ttweet.protocol.codecs import JSON
from ttweet.protocol.reader import IS_TLS, RequestReader
from ttweet.security.certificates import Certificates
from ttweet.security.rate_limit import RateLimiter
from ttweet.server.config import NO_RATES, Limits, Rates
from ttweet.server.net import places, sweeper
from ttweet.server.net.acceptor import FRUITLESS_S, FRUITLESS_TLS_S, Acceptor
from ttweet.server.net.log_interval import LogInterval
from ttweet.server.net.places import Place, Places
from ttweet.server.net.throttle import Throttle
from ttweet.server.net.tls import NO_ROOM, TlsTransport
from ttweet.server.net.transport import Sockets, Transport
from ttweet.server.tcp.connection import Connection
from ttweet.server.tcp.reader import reader_for

log = logging.getLogger(__name__)

NOT_PLAIN = answers.encode_error(ProtocolError("tls", IS_TLS))


class Server:
    """The connected clients of one service."""

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
        self._limits = limits
        self._throttle = Throttle(rates)
        self._certificates = certificates
        self._sockets = Sockets()
        self._log_interval = LogInterval()
        self._places: Places[Connection] = Places(max_clients, self._report_connected)
        self._acceptor = Acceptor(
            self._places,
            has_anteroom=lambda: host.authenticator.has_tokens,
            refusal=answers.encode_error(places.full(max_clients)) if certificates is None else NO_ROOM,
            fruitless_s=FRUITLESS_S if certificates is None else FRUITLESS_TLS_S,
        )

    @property
    def clients(self) -> int:
        """How many have a place."""
        return self._places.taken

    @property
    def accepted(self) -> int:
        """How many have connected so far."""
        return self._places.accepted

    @property
    def turned_away(self) -> int:
        """How many got no place, or made room for another client, as there were too many."""
        return self._places.turned_away

    @property
    def followers(self) -> tuple[int, int]:
        """How many of them follow: those who have all there is, and those who are behind."""
        states = [state for state in [one.follows for one in self._places.guests] if state is not None]
        return states.count(LIVE), len(states) - states.count(LIVE)

    @property
    def limiter(self) -> RateLimiter | None:
        """What holds them to a rate, where there is one."""
        return self._throttle.limiter

    async def run(self) -> None:
        """Look after sockets' readiness and clients' deadlines, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._sockets.run)
            nursery.start_soon(sweeper.sweep, self._places.guests)

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Give each client that comes a task in the nursery, until cancelled."""
        await self._acceptor.accept(listener, partial(self._admit, nursery))

    def admit(self, transport: Transport, peer: Peer, nursery: trio.Nursery, *, seated: bool = True) -> None:
        """Give a client its task in the nursery, and a place, or a turn in the anteroom."""
        connection = Connection(
            transport,
            self._host,
            partial(self._reader, peer),
            Place(self._places, peer, trio.current_time(), seated=seated),
            limits=self._limits,
            send_later=partial(self._send_later, nursery, peer),
        )
        self._places.add(connection)
        nursery.start_soon(self._serve, connection, peer, name=f"client {peer}")

    async def recheck(self) -> None:
        """See who everybody is, now that tokens have changed."""
        await self._for_each(Connection.recheck)

    async def stop(self) -> None:
        """Let every client finish what is under way and read no further request."""
        await self._for_each(Connection.stop)

    async def _for_each(self, act: Callable[[Connection], None]) -> None:
        await sweeper.for_each([*self._places.guests], self._places.guests, act)

    def _admit(self, nursery: trio.Nursery, client: socket.socket, peer: Peer, seated: bool) -> None:
        transport = self._sockets.transport(client)
        if self._certificates is not None:
            transport = TlsTransport(transport, self._certificates.context, NOT_PLAIN)
        self.admit(transport, peer, nursery, seated=seated)

    def _reader(self, peer: Peer, session: Session) -> RequestReader:
        return reader_for(self._throttle.gauge(peer, lambda: session.principal), JSON)

    def _report_connected(self, peer: Peer) -> None:
        self._service.report(reports.client_connected(peer, self.clients))

    async def _serve(self, connection: Connection, peer: Peer) -> None:
        """Serve one client to its end. Whatever goes wrong here ends this client only."""
        try:
            await connection.run()
        except ProtocolError as error:
            self._service.refusals[error.code] += 1
            self._service.report(reports.not_secured(peer, error.text))
        except Exception as exc:
            if self._log_interval.is_over(f"a task's {type(exc).__name__}"):
                log.exception("the task of client %s failed; only this client is concerned", peer)
            self._service.report(reports.input_refused(peer, "internal"))
        finally:
            if not (connection.place.seated and connection.has_begun):
                self._acceptor.note_fruitless()
            self._places.discard(connection)
            if connection.place.seated:
                self._service.report(reports.client_left(peer))

    def _send_later(self, nursery: trio.Nursery, peer: Peer, connection: Connection) -> None:
        nursery.start_soon(self._send_rest, connection, peer, name=f"send to {peer}")

    async def _send_rest(self, connection: Connection, peer: Peer) -> None:
        try:
            await connection.send_rest()
        except Exception as exc:
            if self._log_interval.is_over(f"sending's {type(exc).__name__}"):
                log.exception("sending to client %s failed; only this client is concerned", peer)
            connection.close()
