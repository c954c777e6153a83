"""The table of routes: the handler of each method and path, the right that it needs, and its cost in the rate."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ttweet.model import requests
from ttweet.security.permissions import COSTS, NEEDED
from ttweet.server.http.call import Call
from ttweet.server.http.problems import Unserved
from ttweet.server.http.request import HttpRequest
from ttweet.server.http.response import Response, Stream

Handler = Callable[[Call], Awaitable[Response | Stream]]

DESCRIBED_AT = "; see /openapi.json"
JSON_FORM, HTML_FORM = "json", "html"


@dataclass(frozen=True, slots=True)
class Route:
    """A method at a path, such as `/tags/{tag}`.

    A path has the forms that its suffix may name, the first of them without a suffix. `asks` is the request of the
    broker that it makes: it decides the right that is needed and the cost in the rate; None: nothing is needed.
    """

    method: str
    path: str
    asks: type[requests.Request] | None
    handle: Handler
    summary: str
    forms: Sequence[str] = ()
    parameters: Sequence[str] = ()
    """Those of the query."""
    document: str = ""
    """The schema of its JSON, by the name that `openapi` has for it."""
    status: int = 200
    """That of its success."""
    streams: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The forms that are streams, each with the parameters of its query."""
    is_free: bool = False
    """Whether it does not count in the rate."""

    @property
    def right(self) -> str | None:
        """The right that is needed."""
        return None if self.asks is None else NEEDED[self.asks]

    @property
    def cost(self) -> int:
        """As how many requests it counts in the rate."""
        if self.is_free:
            return 0
        return 1 if self.asks is None else COSTS.get(self.asks, 1)


class Match(NamedTuple):
    """The route of a request, the form of its answer, and the parts of the path that vary."""

    route: Route
    form: str
    values: dict[str, str]


class Routes:
    """All routes of an edge."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = list(routes)
        self._by_path: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in self.all:
            self._by_path.setdefault(_pattern(route.path), {})[route.method] = route

    def find(self, request: HttpRequest) -> Match:
        """Find the route of a request. Raises Unserved: 404, 405; Refused `bad_request`."""
        segments = request.segments
        if found := self._match(segments, request):
            return found
        if len(segments) > 1 and not segments[-1] and (found := self._match(segments[:-1], request)):
            return found._replace(route=replace(found.route, asks=None, handle=_without_slash))
        raise Unserved(404, "bad_operation", f"no such path: {request.path[:60]!a}{DESCRIBED_AT}")

    def _match(self, segments: list[str], request: HttpRequest) -> Match | None:
        *parents, last = segments
        name, dot, suffix = last.rpartition(".")
        return (self._at([*parents, name], request, suffix) if dot else None) or self._at(segments, request, "")

    def _at(self, segments: list[str], request: HttpRequest, suffix: str) -> Match | None:
        for pattern in _patterns(segments):
            methods = self._by_path.get(pattern)
            if methods is None or not _has_form(methods, suffix):
                continue
            route = methods.get("GET" if request.method == "HEAD" else request.method)
            if route is None:
                raise _not_allowed(methods)
            return Match(route, suffix or _form_for(route, request), _values(route, segments))
        return None


async def _without_slash(call: Call) -> Response:
    """Lead a client to the same path without the `/` at its end."""
    path = call.request.path.removesuffix("/") or "/"
    query = f"?{call.request.query}" if call.request.query else ""
    return Response(308, f"moved: use {path}\n".encode(), headers=(("Location", f"{path}{query}"),))


def allowed(methods: Iterable[str]) -> str:
    """Return the methods of a path, as the header Allow has them."""
    known = {*methods, "OPTIONS"}
    return ", ".join(sorted(known | {"HEAD"} if "GET" in known else known))


def _not_allowed(methods: dict[str, Route]) -> Unserved:
    allow = allowed(methods)
    return Unserved(405, "bad_operation", f"method not allowed: use {allow}", (("Allow", allow),))


def _pattern(path: str) -> tuple[str, ...]:
    return tuple(["{}" if part.startswith("{") else part for part in path[1:].split("/")])


def _patterns(segments: list[str]) -> list[tuple[str, ...]]:
    """Return the patterns that a path may have: itself, with its second part varying, or its second part alone."""
    exact = tuple(segments)
    return [exact] if len(exact) < 2 or not exact[1] else [exact, (exact[0], "{}", *exact[2:])]


def _has_form(methods: dict[str, Route], suffix: str) -> bool:
    return not suffix or ("GET" in methods and suffix in methods["GET"].forms)


def _form_for(route: Route, request: HttpRequest) -> str:
    if HTML_FORM in route.forms and request.wants_html:
        return HTML_FORM
    return next((form for form in route.forms if form != HTML_FORM), "")


def _values(route: Route, segments: list[str]) -> dict[str, str]:
    parts = route.path[1:].split("/")
    return {part[1:-1]: value for part, value in zip(parts, segments, strict=True) if part.startswith("{")}
