"""The protocol of the TCP edge: what its clients speak, and what serves each of them."""

from ttweet.broker.session import Backend, Session
from ttweet.model.errors import ProtocolError
from ttweet.protocol import answers
from ttweet.protocol.codecs import JSON
from ttweet.protocol.reader import IS_TLS, RequestReader
from ttweet.server.config import EdgeSettings, Limits
from ttweet.server.net.admission import Admission
from ttweet.server.net.places import Place
from ttweet.server.net.throttle import Throttle
from ttweet.server.net.transport import Transport
from ttweet.server.socket_edge import SendLater, SocketEdge
from ttweet.server.tcp.connection import Connection
from ttweet.server.tcp.reader import reader_for


class FramedProtocol:
    """The framed protocol, and the classic one. See socket_edge.WireProtocol."""

    is_reported = True
    not_secured = answers.encode_error(ProtocolError("tls", IS_TLS))

    def __init__(self, backend: Backend, throttle: Throttle, limits: Limits) -> None:
        self._backend = backend
        self._throttle = throttle
        self._limits = limits

    def refusal(self, error: ProtocolError) -> bytes:
        """See socket_edge.WireProtocol."""
        return answers.encode_error(error)

    def transport(self, plain: Transport, _: Place) -> Transport:
        """See socket_edge.WireProtocol."""
        return plain

    def connection(self, transport: Transport, place: Place, send_later: SendLater) -> Connection:
        """See socket_edge.WireProtocol."""

        def reader(session: Session) -> RequestReader:
            return reader_for(self._throttle.quota(place.peer, lambda: session.principal), JSON)

        return Connection(transport, self._backend, reader, place, limits=self._limits, send_later=send_later)


def tcp_edge(backend: Backend, admission: Admission, settings: EdgeSettings) -> SocketEdge:
    """Make an edge whose clients speak the framed or the classic protocol."""
    protocol = FramedProtocol(backend, admission.throttle, settings.limits)
    return SocketEdge(backend, admission.places, protocol, settings.certificates)
