"""An edge that clients reach by sockets: all of it that does not depend on their protocol.

It takes clients from its listeners and gives each a task. An error in that task ends that client alone. The protocol
makes the connections.
"""

import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Protocol

import trio

from ttweet.broker.session import Backend
from ttweet.model import reports
from ttweet.model.errors import ProtocolError
from ttweet.model.events import Peer
from ttweet.security.certificates import Certificates
from ttweet.server.net.acceptor import FRUITLESS_S, FRUITLESS_TLS_S, Acceptor
from ttweet.server.net.log_interval import LogInterval
from ttweet.server.net.places import Guest, Place, Places, full
from ttweet.server.net.tls import NO_ROOM, TlsError, TlsTransport
from ttweet.server.net.transport import Sockets, Transport

log = logging.getLogger(__name__)


class EdgeConnection(Guest, Protocol):
    """The server's side of one connected client."""

    @property
    def has_begun(self) -> bool:
        """Whether something was carried out for it, or is about to be."""
        ...

    async def run(self) -> None:
        """Serve the client to its end, in a task of its own. Raises TlsError when it does not speak TLS and must."""
        ...

    async def send_rest(self) -> None:
        """Send what the socket did not take, in a task of its own, started by way of `send_later`."""
        ...

    def close(self) -> None:
        """Disconnect the client at once."""
        ...


SendLater = Callable[[EdgeConnection], None]
"""Starts the task in which a connection sends what its socket did not take."""


class WireProtocol(Protocol):
    """The protocol of an edge's clients."""

    is_reported: bool
    """Whether report lines tell of clients that come and go."""
    not_secured: bytes
    """The last word to a client that does not speak TLS where it must."""

    def refusal(self, error: ProtocolError) -> bytes:
        """Return the only word to a client that is not served."""
        ...

    def transport(self, plain: Transport, place: Place) -> Transport:
        """Return the transport of a client's bytes, which are TLS or those of the protocol, over that of its socket."""
        ...

    def connection(self, transport: Transport, place: Place, send_later: SendLater) -> EdgeConnection:
        """Return the server's end of one client's connection."""
        ...


class SocketEdge:
    """The way in for the clients of one protocol, by sockets."""

    def __init__(
        self, backend: Backend, places: Places, protocol: WireProtocol, certificates: Certificates | None = None
    ) -> None:
        """With `certificates` all clients speak TLS."""
        self._service = backend.service
        self._places = places
        self._protocol = protocol
        self._certificates = certificates
        self._sockets = Sockets()
        self._log_interval = LogInterval()
        self._acceptor = Acceptor(
            places,
            has_anteroom=lambda: backend.authenticator.has_tokens,
            refusal=protocol.refusal(full(places.amount)) if certificates is None else NO_ROOM,
            fruitless_s=FRUITLESS_S if certificates is None else FRUITLESS_TLS_S,
        )

    async def run(self) -> None:
        """Look after sockets' readiness, until cancelled."""
        await self._sockets.run()

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Give each client that comes a task in the nursery, until cancelled."""
        await self._acceptor.accept(listener, partial(self._admit, nursery))

    def admit(self, transport: Transport, peer: Peer, nursery: trio.Nursery, *, seated: bool = True) -> None:
        """Give a client its task in the nursery, and a place, or a turn in the anteroom."""
        is_reported = self._protocol.is_reported
        place = Place(self._places, peer, trio.current_time(), seated=seated, is_reported=is_reported)
        transport = self._protocol.transport(transport, place)
        if self._certificates is not None:
            transport = TlsTransport(transport, self._certificates.context, self._protocol.not_secured)
        connection = self._protocol.connection(transport, place, partial(self._send_later, nursery))
        self._places.add(connection)
        nursery.start_soon(self._serve, connection, name=f"client {peer}")

    def _admit(self, nursery: trio.Nursery, client: socket.socket, peer: Peer, seated: bool) -> None:
        self.admit(self._sockets.transport(client), peer, nursery, seated=seated)

    async def _serve(self, connection: EdgeConnection) -> None:
        """Serve one client to its end. Whatever goes wrong here ends this client only."""
        place = connection.place
        try:
            await connection.run()
        except TlsError as error:
            self._service.note_refused("tls", reports.not_secured(place.peer, str(error)))
        except Exception as exc:
            if self._log_interval.is_over(f"a task's {type(exc).__name__}"):
                log.exception("the task of client %s failed; other clients are not affected", place.peer)
            self._service.note_refused(
                "internal", reports.input_refused(place.peer, "internal", why=type(exc).__name__)
            )
        finally:
            if not (place.seated and connection.has_begun):
                self._acceptor.note_fruitless()
            self._places.discard(connection)

    def _send_later(self, nursery: trio.Nursery, connection: EdgeConnection) -> None:
        nursery.start_soon(self._send_rest, connection, name=f"send to {connection.place.peer}")

    async def _send_rest(self, connection: EdgeConnection) -> None:
        try:
            await connection.send_rest()
        except Exception as exc:
            if self._log_interval.is_over(f"sending's {type(exc).__name__}"):
                log.exception("sending to client %s failed; other clients are not affected", connection.place.peer)
            connection.close()
