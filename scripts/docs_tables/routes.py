"""The routes of HTTP in the docs, from the table that serves them."""

from collections.abc import Sequence

from ttweet.server.http import api
from ttweet.server.http.openapi import PARAMETERS
from ttweet.server.http.page import site as pages


def table() -> str:
    """Return the table of all routes, with the right that each needs and the forms of its answer."""
    rows = [
        f"| `{route.method} {route.path}` | {route.summary} | {route.right or ''} | {_listed(route.forms)} |"
        for route in [*api.routes(pages.PAGES), *pages.routes(), *api.OPERATING]
    ]
    return "\n".join(["| method and path | meaning | right | forms |", "| --- | --- | --- | --- |", *rows])


def parameters() -> str:
    """Return the table of the parameters of all routes."""
    rows = [f"| `{name}` | {meaning} |" for name, (_, meaning) in PARAMETERS.items()]
    return "\n".join(["| parameter | meaning |", "| --- | --- |", *rows])


def _listed(forms: Sequence[str]) -> str:
    return " ".join([f"`.{form}`" for form in forms])
