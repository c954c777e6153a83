"""A site: the routes that an HTTP edge serves, and the names under which it does."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ttweet.model.errors import TtweetError
from ttweet.server.http import guard
from ttweet.server.http.problems import Unserved, problem
from ttweet.server.http.request import Request
from ttweet.server.http.response import Response
from ttweet.server.http.routes import Found, Routes

ErrorPage = Callable[[Request, Response, TtweetError], Response]
"""Makes the page of a problem, for a browser."""


def as_problem(_request: Request, document: Response, _error: TtweetError) -> Response:
    """Leave an error as its document."""
    return document


@dataclass(frozen=True, slots=True)
class Site:
    """The routes of an edge, the names by which its users know it, and what a browser is shown for an error."""

    routes: Routes
    names: Collection[str] = field(default_factory=frozenset)
    error_page: ErrorPage = as_problem

    def find(self, request: Request) -> Found:
        """Find the route of a request. Raises Refused when it asks for nothing that is here, or should not ask."""
        guard.check(request, self.names)
        return self.routes.find(request)

    def refuse(self, request: Request, error: TtweetError, *, anonymous: bool) -> Response:
        """Return the answer to a request that is not carried out."""
        if request.method == "OPTIONS" and isinstance(error, Unserved) and error.status == 405:
            return Response(204, headers=error.headers)
        document = problem(error, anonymous=anonymous)
        return self.error_page(request, document, error) if request.wants_html else document
