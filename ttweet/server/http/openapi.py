"""The description of the API as OpenAPI 3.1, made from the table of routes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ttweet import __version__
from ttweet.model.errors import WIRE_CODES
from ttweet.model.limits import MAX_ID, MAX_QUERY_CHARACTERS, MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.model.requests import Post
from ttweet.model.tweets import HISTORY_DAYS, MAX_CHARACTERS, MAX_NAME_CHARACTERS, MAX_TAGS
from ttweet.server.http.call import Call
from ttweet.server.http.forms import JSON_TYPE, as_document
from ttweet.server.http.login import NEXT, log_in
from ttweet.server.http.posting import FORM
from ttweet.server.http.problems import PROBLEM_TYPE
from ttweet.server.http.response import Response
from ttweet.server.http.routes import Handler, Route
from ttweet.server.http.streams import EVENT_STREAM, LINES

Schema = Mapping[str, Any]

TYPES = {
    "json": JSON_TYPE,
    "txt": "text/plain",
    "atom": "application/atom+xml",
    "html": "text/html",
    "svg": "image/svg+xml",
    "sse": EVENT_STREAM,
    "ndjson": LINES,
}
_ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_CURSOR: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_ID}
_FLAG: Schema = {"type": "string", "enum": ["0", "1", "false", "true"]}
_TIME: Schema = {"type": "integer", "description": "milliseconds since 1970 UTC"}
_STRINGS: Schema = {"type": "array", "items": {"type": "string"}}
_LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_QUERY_LIMIT, "default": QUERY_LIMIT}
_COUNTS: Schema = {"type": "array", "items": {"type": "integer"}, "maxItems": HISTORY_DAYS}

PARAMETERS: Mapping[str, tuple[Schema, str]] = {
    "limit": (_LIMIT, f"tweets or tags of one answer: {QUERY_LIMIT} by default, {MAX_QUERY_LIMIT} at most"),
    "before": (_ID, "only tweets with a lower id, newest first; not with `after`"),
    "after": (_CURSOR, "only tweets with a higher id, oldest first; not with `before`"),
    "numbers": (_FLAG, "1: also list tags without a letter"),
    "q": ({"type": "string", "minLength": 1, "maxLength": MAX_QUERY_CHARACTERS}, "a query, as in `ttweet find`"),
    "empty": (_FLAG, "1: accept an empty message"),
    "deletions": (_FLAG, "1: a `.ndjson` stream also has deletions"),
    "poll": (_FLAG, "1: a `.ndjson` stream starts at the first tweet and ends with the last"),
    "as": (
        {"type": "string", "enum": ["json", "html"], "default": "json"},
        "`html`: a `.sse` stream has tweets as the list items of the page",
    ),
}
_REQUIRED = ("q",)  # of the parameters
_IN_PATH: Mapping[str, Schema] = {
    "id": _ID,
    "tag": {"type": "string", "minLength": 1, "description": "letters, digits and _; several with commas"},
    "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS},
}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": _reference(name)}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: Mapping[str, Schema] = {
    "Tweet": _object(id=_ID, at=_TIME, by={"type": ["string", "null"]}, text={"type": "string"}, tags=_STRINGS),
    "Tweets": _object(tweets=_list_of("Tweet"), more={"type": "boolean"}),
    "Found": _object(tweets=_list_of("Tweet"), more={"type": "boolean"}, searched_to={"type": ["integer", "null"]}),
    "Tag": _object(tag={"type": "string"}, count={"type": "integer"}, newest=_TIME, days=_COUNTS),
    "Tags": _object(tags=_list_of("Tag"), more={"type": "boolean"}),
    "Names": _object(names=_STRINGS),
    "Stats": {"type": "object", "additionalProperties": {"type": "object"}},
    "Problem": _object(
        type={"type": "string"},
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string"},
        code={"enum": [*WIRE_CODES]},
    ),
    "Post": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
            "tags": {**_STRINGS, "maxItems": MAX_TAGS},
            "scan": {"type": "boolean", "default": True},
            "key": {"type": ["string", "null"]},
        },
        "required": ["text"],
        "additionalProperties": False,
    },
    "Login": {
        "type": "object",
        "properties": {"token": {"type": "string", "minLength": 1}, NEXT: {"type": "string", "default": "/"}},
        "required": ["token"],
    },
}


def described(routes: Sequence[Route]) -> Route:
    """Return the route that describes other routes, and itself."""
    own = Route("GET", "/openapi.json", None, _nothing_yet, "This description", document="")
    body = as_document(document([*routes, own]))
    return Route(own.method, own.path, own.asks, _answering(body), own.summary)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the description of routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, route.parameters, _success(route))
        for form, parameters in route.streams.items():
            paths[f"{route.path}.{form}"] = {"get": _operation(route, parameters, _stream(route, form))}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ttweet", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(route: Route, parameters: Sequence[str], success: Schema) -> dict[str, Any]:
    varying = re.findall(r"\{(\w+)\}", route.path)
    in_path = [{"name": name, "in": "path", "required": True, "schema": _IN_PATH[name]} for name in varying]
    problem = {"description": "A problem", "content": {PROBLEM_TYPE: {"schema": _reference("Problem")}}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "parameters": [*in_path, *map(_in_query, parameters)],
        "responses": {f"{route.status}": success, "default": problem},
    }
    if content := _sent(route):
        operation["requestBody"] = {"content": content, "required": True}
    return operation


def _in_query(name: str) -> Schema:
    schema, description = PARAMETERS[name]
    return {"name": name, "in": "query", "required": name in _REQUIRED, "schema": schema, "description": description}


def _success(route: Route) -> dict[str, Any]:
    if route.status in (204, 303):
        return {"description": "Done"}
    content: dict[str, Any] = {TYPES[form]: {} for form in route.forms if form not in route.streams}
    if route.document:
        content[JSON_TYPE] = {"schema": _reference(route.document)}
    return {"description": route.summary, "content": content or {"*/*": {}}}


def _stream(route: Route, form: str) -> Schema:
    return {"description": f"{route.summary}, as a stream", "content": {TYPES[form]: {}}}


def _sent(route: Route) -> dict[str, Any]:
    """Return the bodies that a route takes, by their types."""
    if route.asks is Post:
        text = {"schema": {"type": "string"}}
        return {JSON_TYPE: {"schema": _reference("Post")}, "text/plain": text, FORM: text}
    return {FORM: {"schema": _reference("Login")}} if route.handle is log_in else {}


def _answering(body: bytes) -> Handler:
    async def describe(_: Call) -> Response:
        return Response(200, body, JSON_TYPE)

    return describe


async def _nothing_yet(_: Call) -> Response:
    raise AssertionError("it only describes itself")
