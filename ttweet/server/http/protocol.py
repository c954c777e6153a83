"""The protocol of the HTTP edge: what its clients speak, and what serves each of them."""

import socket
from collections.abc import Sequence

from ttweet.broker.session import Backend
from ttweet.model.errors import ProtocolError
from ttweet.server.config import EdgeSettings
from ttweet.server.http import api, openapi
from ttweet.server.http.connection import EdgeContext, HttpConnection
from ttweet.server.http.problems import Malformed, last_word
from ttweet.server.http.proxied import ProxiedTransport
from ttweet.server.http.routes import Route, Routes
from ttweet.server.http.site import ErrorPage, Site, as_problem
from ttweet.server.net.admission import Admission
from ttweet.server.net.places import Place
from ttweet.server.net.transport import Transport
from ttweet.server.socket_edge import SendLater, SocketEdge


class HttpProtocol:
    """HTTP/1.1. See socket_edge.WireProtocol."""

    is_reported = False
    not_secured = last_word(Malformed(400, "this port uses TLS: use https://", "tls"))

    def __init__(self, context: EdgeContext) -> None:
        self._context = context

    def refusal(self, error: ProtocolError) -> bytes:
        """See socket_edge.WireProtocol."""
        return last_word(error)

    def transport(self, plain: Transport, place: Place) -> Transport:
        """See socket_edge.WireProtocol."""
        return ProxiedTransport(plain, place) if place.peer[0] in self._context.site.proxies else plain

    def connection(self, transport: Transport, place: Place, send_later: SendLater) -> HttpConnection:
        """See socket_edge.WireProtocol."""
        return HttpConnection(transport, place, self._context, send_later)


def http_edge(backend: Backend, admission: Admission, settings: EdgeSettings) -> SocketEdge:
    """Return an edge whose clients speak HTTP."""
    from ttweet.server.http.page import site as pages  # with jinja2, which an edge for metrics alone does without

    backend.service.add_listener(pages.ITEMS)
    routes = [*api.routes(pages.PAGES, pages.EVENTS), *api.OPERATING]
    return _edge([*routes, openapi.described(routes), *pages.routes()], backend, admission, settings, pages.error_page)


def metrics_edge(backend: Backend, admission: Admission, settings: EdgeSettings) -> SocketEdge:
    """Return an edge that serves metrics and the state of health alone."""
    return _edge(api.OPERATING, backend, admission, settings, as_problem)


def _edge(
    routes: Sequence[Route], backend: Backend, admission: Admission, settings: EdgeSettings, error_page: ErrorPage
) -> SocketEdge:
    names = {name.lower() for name in (*settings.names, socket.gethostname())}
    site = Site(Routes(routes), frozenset(names), frozenset(settings.proxies), settings.strangers, error_page)
    secure = settings.certificates is not None
    context = EdgeContext(backend, site, admission.throttle, settings.limits, settings.http_requests, secure)
    return SocketEdge(backend, admission.places, HttpProtocol(context), settings.certificates)
