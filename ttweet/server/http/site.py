"""A site: the routes that an HTTP edge serves, and the names under which it does."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from ttweet.model.errors import TtweetError
from ttweet.security.rights import READ
from ttweet.server.http import cookie, guard
from ttweet.server.http.problems import Unserved, problem
from ttweet.server.http.request import HttpRequest
from ttweet.server.http.response import Response
from ttweet.server.http.routes import Match, Routes
from ttweet.server.http.streams import EVENT_STREAM

_READ_ONLY = frozenset({READ})

ErrorPage = Callable[[HttpRequest, Response, TtweetError], Response]
"""Makes the page of a problem, for a browser."""


def as_problem(_request: HttpRequest, document: Response, _error: TtweetError) -> Response:
    """Leave an error as its document."""
    return document


@dataclass(frozen=True, slots=True)
class Site:
    """The routes of an edge, its names and proxies, and the page that a browser gets for an error."""

    routes: Routes
    names: Collection[str] = frozenset()
    proxies: Collection[str] = frozenset()
    strangers: frozenset[str] | None = None
    """The most that is allowed without a token; None: as much as by other edges."""
    error_page: ErrorPage = as_problem

    def most_without_token(self, request: HttpRequest) -> frozenset[str] | None:
        """Return the most that a request may do without a token; None: as much as by other edges.

        By HTTP/1.0 it may only read: nginx passes requests on by it unless told otherwise, and without a header
        that says so.
        """
        return _READ_ONLY if self.strangers is None and request.version == "1.0" else self.strangers

    def find(self, request: HttpRequest, *, trusted: bool) -> Match:
        """Find the route of a request, which a `trusted` proxy may have passed on.

        Raises Refused for one without a route, or from a wrong page.
        """
        guard.check(request, self.names, trusted=trusted)
        return self.routes.find(request)

    def refuse(self, request: HttpRequest, error: TtweetError, *, is_secure: bool) -> Response:
        """Return the answer to a request that is not carried out; `is_secure`: its client uses TLS.

        A browser gives back a token that is no longer good: without it, it may do what is open to all. The stream of
        an open page does not: the page would post for no one without a sign of it.
        """
        if request.method == "OPTIONS" and isinstance(error, Unserved) and error.status == 405:
            return Response(204, headers=error.headers)
        document = problem(error, anonymous=request.token is None)
        if error.code == "token" and request.cookie is not None and request.header("accept") != EVENT_STREAM:
            document = replace(document, headers=(*document.headers, cookie.dropped(is_secure=is_secure)))
        return self.error_page(request, document, error) if request.wants_html else document
