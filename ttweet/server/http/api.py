"""The routes of the API: what each asks the broker, and the forms of its answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID
from ttweet.model.query import is_relative
from ttweet.model.requests import (
    Delete,
    Find,
    Follow,
    ListNames,
    ListTags,
    Post,
    ReadRequest,
    ReadStats,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
)
from ttweet.model.tweets import Tombstone, as_json
from ttweet.server.http import feed, forms, health, login, metrics, posting, streams, tag_pages
from ttweet.server.http.call import Call
from ttweet.server.http.forms import Form
from ttweet.server.http.problems import Unserved
from ttweet.server.http.request import Parameters, whole
from ttweet.server.http.response import Response, Stream
from ttweet.server.http.routes import HTML_FORM, JSON_FORM, Handler, Route

TEXT_FORM, FEED_FORM, EVENTS_FORM, LINES_FORM = "txt", "atom", "sse", "ndjson"

Pages = Mapping[str, Mapping[str, Form]]
"""The forms of answers that are for browsers, by the path of their route."""


class _Resource(NamedTuple):
    """A path that can be read, the query that it stands for, and the forms of its answer."""

    path: str
    asks: type[ReadRequest]
    query_of: Callable[[Call, Parameters], ReadRequest]
    parameters: tuple[str, ...]
    forms: Mapping[str, Form]
    document: str
    summary: str
    follows: bool = False
    """Whether it can be followed as well."""


def routes(pages: Pages, html: streams.EventEncoder = streams.EVENTS) -> list[Route]:
    """Return the routes; an answer that has a page is HTML for a browser, and `html` encodes what a page follows."""
    return [*[_readable(resource, pages, html) for resource in _RESOURCES], *_CHANGES, *_SIGN_IN]


def _readable(resource: _Resource, pages: Pages, html: streams.EventEncoder) -> Route:
    forms = {**resource.forms, **pages.get(resource.path, {})}
    return Route(
        "GET",
        resource.path,
        resource.asks,
        _reading(resource, forms, html),
        resource.summary,
        forms=[*forms, *(_STREAMS if resource.follows else ())],
        parameters=resource.parameters,
        document=resource.document,
        streams=_streams_of(resource) if resource.follows else {},
    )


def _streams_of(resource: _Resource) -> Mapping[str, Sequence[str]]:
    asked = ("q",) if resource.asks is Find else ()
    return {form: (*asked, *parameters) for form, parameters in _STREAMS.items()}


# Queries


def _timeline(_: Call, query: Parameters) -> ReadRequest:
    before, after = query.id_or_none("before", 1), query.id_or_none("after", 0)
    if before is not None and after is not None:
        raise Refused("bad_request", "conflicting parameters: before and after; give one of them")
    return Timeline(query.limit(), before, after)


def _tags(_: Call, query: Parameters) -> ReadRequest:
    return ListTags(query.limit(), query.flag("numbers"))


def _of_tag(call: Call, query: Parameters) -> ReadRequest:
    return TweetsOfTag(call.values["tag"], query.limit(), query.id_or_none("before", 1))


def _of_author(call: Call, query: Parameters) -> ReadRequest:
    return TweetsOfAuthor(call.values["name"], query.limit(), query.id_or_none("before", 1))


def _found(_: Call, query: Parameters) -> ReadRequest:
    return Find(_sought(query), query.limit(), query.id_or_none("before", 1))


def _sought(query: Parameters) -> str:
    if not (sought := query.text("q")):
        raise Refused("bad_query", "missing parameter q: give the words to find, such as ?q=backup")
    return sought


def _id(call: Call) -> int:
    return whole("id", call.values["id"], 1, MAX_ID)


def _reading(resource: _Resource, forms: Mapping[str, Form], html: streams.EventEncoder) -> Handler:
    """Answers a query in the form that is asked for, or with a stream."""

    async def read(call: Call) -> Response | Stream:
        if call.form in _STREAMS:
            return _stream(call, resource, html)
        query = resource.query_of(call, call.request.parameters(*resource.parameters))
        call.changes_by_itself = isinstance(query, Find) and is_relative(query.query)
        if call.is_known:
            return call.not_modified()
        answer = await tag_pages.ask(call, query)
        if isinstance(answer, Tombstone):
            raise Unserved(410, "no_tweet", f"tweet {answer.id} was deleted")
        return await forms[call.form](call, answer)

    return read


# Streams


def _stream(call: Call, resource: _Resource, html: streams.EventEncoder) -> Stream:
    """Return the stream of a resource: from Last-Event-ID, from `after`, or of new tweets alone."""
    query = call.request.parameters(*_streams_of(resource)[call.form])
    sought = _sought(query) if resource.asks is Find else ""
    last = call.request.header("last-event-id")
    after = query.id_or_none("after", 0) if not last else whole("Last-Event-ID", last, 0, MAX_ID)
    tags = tuple(tag_pages.tags_of(call))
    if call.request.version == "1.0":
        raise Unserved(505, "bad_request", "no streams by HTTP/1.0: use HTTP/1.1")
    if call.form == EVENTS_FORM:
        follow = Follow(tags, after, True, sought)
        encoder = html if query.choice("as", JSON_FORM, HTML_FORM) == HTML_FORM else streams.EVENTS
        return Stream(follow, encoder, streams.EVENT_STREAM, encoder.first)
    polled = query.flag("poll")
    follow = Follow(tags, after or 0 if polled else after, query.flag("deletions"), sought)
    return Stream(follow, streams.POLLED_LINES if polled else streams.JSON_LINES, streams.LINES)


# Changes


async def _post(call: Call) -> Response:
    tweet = await call.post(posting.post_of(call.request))
    if posting.is_form(call.request):
        path = f"/tweets/{tweet.id}" if isinstance(tweet, Tombstone) else f"/#t{tweet.id}"
        return Response(303, headers=(("Location", path),))
    if isinstance(tweet, Tombstone):
        return Response(200, forms.as_document({"id": tweet.id, "at": tweet.at, "deleted": True}), forms.JSON_TYPE)
    return Response(201, forms.as_document(as_json(tweet)), forms.JSON_TYPE, (("Location", f"/tweets/{tweet.id}"),))


async def _delete(call: Call) -> Response:
    await call.ask(Delete(_id(call)))
    return Response(204)


_STREAMS: Mapping[str, tuple[str, ...]] = {
    EVENTS_FORM: ("after", "as"),
    LINES_FORM: ("after", "deletions", "poll"),
}
"""The forms of streams, and the parameters of each."""

_PAGE: Mapping[str, Form] = {
    JSON_FORM: forms.page_as_json,
    TEXT_FORM: forms.page_as_text,
    FEED_FORM: feed.tweets_as_feed,
}
_ONE: Mapping[str, Form] = {JSON_FORM: forms.tweet_as_json, TEXT_FORM: forms.tweet_as_text}
_LIST: Mapping[str, Form] = {JSON_FORM: forms.tags_as_json, TEXT_FORM: forms.tags_as_text}
_ONLINE: Mapping[str, Form] = {JSON_FORM: forms.names_as_json, TEXT_FORM: forms.names_as_text}

_STATS: Mapping[str, Form] = {JSON_FORM: forms.stats_as_json}
_METRICS: Mapping[str, Form] = {TEXT_FORM: metrics.stats_as_metrics}
_AROUND = ("limit", "before", "after")
_BACK = ("limit", "before")

_RESOURCES = [
    _Resource("/", Timeline, _timeline, _AROUND, _PAGE, "Tweets", "The newest tweets"),
    _Resource(
        "/tweets", Timeline, _timeline, _AROUND, _PAGE, "Tweets", "The newest tweets, or those after an id", True
    ),
    _Resource("/tweets/{id}", TweetById, lambda call, _: TweetById(_id(call)), (), _ONE, "Tweet", "One tweet"),
    _Resource("/tags", ListTags, _tags, ("limit", "numbers"), _LIST, "Tags", "The most used tags, with 14 days each"),
    _Resource(
        "/tags/{tag}",
        TweetsOfTag,
        _of_tag,
        _BACK,
        _PAGE,
        "Tweets",
        "The newest tweets of a tag, or of any of several",
        True,
    ),
    _Resource("/by/{name}", TweetsOfAuthor, _of_author, _BACK, _PAGE, "Tweets", "The newest tweets of an author"),
    _Resource("/find", Find, _found, ("q", "limit", "before"), _PAGE, "Found", "The newest tweets of a query", True),
    _Resource("/online", ListNames, lambda *_: ListNames(), (), _ONLINE, "Names", "The names that are online"),
    _Resource("/stats", ReadStats, lambda *_: ReadStats(), (), _STATS, "Stats", "The state of the server"),
]
_CHANGES = [
    Route("POST", "/tweets", Post, _post, "Post a tweet", parameters=("empty",), document="Tweet", status=201),
    Route("DELETE", "/tweets/{id}", Delete, _delete, "Delete a tweet", status=204),
]
_SIGN_IN = [
    Route("POST", "/login", None, login.log_in, "Put the token of a form into a cookie", status=303),
    Route("POST", "/logout", None, login.log_out, "Take the cookie back", status=303),
]
OPERATING = [
    _readable(
        _Resource("/metrics", ReadStats, lambda *_: ReadStats(), (), _METRICS, "", "Metrics for Prometheus"),
        {},
        streams.EVENTS,
    ),
    Route("GET", "/health/live", None, health.live, "Whether the server answers"),
    Route("GET", "/health/ready", None, health.ready, "Whether the server stores tweets"),
]
"""The routes for monitoring a server."""
