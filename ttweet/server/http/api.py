"""The routes of the API: what each asks the broker, and the forms of its answer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID
from ttweet.model.requests import (
    Delete,
    Follow,
    ListNames,
    ListTags,
    Post,
    Question,
    ReadStats,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
)
from ttweet.model.tweets import Tombstone, as_json
from ttweet.server.http import forms, posting, streams
from ttweet.server.http.call import Call
from ttweet.server.http.forms import Form
from ttweet.server.http.problems import Unserved
from ttweet.server.http.request import whole
from ttweet.server.http.response import Response, Stream
from ttweet.server.http.routes import HTML_FORM, JSON_FORM, Handler, Route

TEXT_FORM, EVENTS_FORM, LINES_FORM = "txt", "sse", "ndjson"

Pages = Mapping[str, Form]
"""The HTML of answers, by the path of their route."""


class _Resource(NamedTuple):
    """A path that can be read, the query that it stands for, and the forms of its answer."""

    path: str
    asks: type[Question]
    query_of: Callable[[Call], Question]
    forms: Mapping[str, Form]
    summary: str
    follows: bool = False
    """Whether it can be followed as well."""


def routes(pages: Pages) -> list[Route]:
    """Return the routes; an answer that has a page is HTML for a browser."""
    return [*[_readable(resource, pages) for resource in _RESOURCES], *_CHANGES]


def _readable(resource: _Resource, pages: Pages) -> Route:
    page = {HTML_FORM: pages[resource.path]} if resource.path in pages else {}
    forms = {**resource.forms, **page}
    names = [*forms, *(_STREAMS if resource.follows else ())]
    return Route("GET", resource.path, resource.asks, _reading(resource.query_of, forms), resource.summary, names)


# Queries


def _timeline(call: Call) -> Question:
    query = call.request.parameters("limit", "before", "after")
    before, after = query.id_or_none("before", 1), query.id_or_none("after", 0)
    if before is not None and after is not None:
        raise Refused("bad_request", "conflicting parameters: before and after; give one of them")
    return Timeline(query.limit(), before, after)


def _one_tweet(call: Call) -> Question:
    call.request.parameters()
    return TweetById(_id(call))


def _tags(call: Call) -> Question:
    query = call.request.parameters("limit", "numbers")
    return ListTags(query.limit(), query.flag("numbers"))


def _of_tag(call: Call) -> Question:
    query = call.request.parameters("limit", "before")
    return TweetsOfTag(call.values["tag"], query.limit(), query.id_or_none("before", 1))


def _of_author(call: Call) -> Question:
    query = call.request.parameters("limit", "before")
    return TweetsOfAuthor(call.values["name"], query.limit(), query.id_or_none("before", 1))


def _names(call: Call) -> Question:
    call.request.parameters()
    return ListNames()


def _stats(call: Call) -> Question:
    call.request.parameters()
    return ReadStats()


def _id(call: Call) -> int:
    return whole("id", call.values["id"], 1, MAX_ID)


def _reading(query_of: Callable[[Call], Question], forms: Mapping[str, Form]) -> Handler:
    """Answers a query in the form that is asked for, or with a stream."""

    async def read(call: Call) -> Response | Stream:
        if call.form in _STREAMS:
            return _stream(call)
        query = query_of(call)
        call.admit(query)
        if call.is_known:
            return call.not_modified()
        answer = await call.ask(query)
        if isinstance(answer, Tombstone):
            raise Unserved(410, "no_tweet", f"deleted: tweet {answer.id}")
        return await forms[call.form](call, answer)

    return read


# Streams


def _stream(call: Call) -> Stream:
    """Return the stream of a resource: from Last-Event-ID, from `after`, or of new tweets alone."""
    query = call.request.parameters("after", "deletions", "poll")
    last = call.request.header("last-event-id")
    after = query.id_or_none("after", 0) if not last else whole("Last-Event-ID", last, 0, MAX_ID)
    tags = tuple(call.values["tag"].split(",")) if "tag" in call.values else ()
    if call.request.version == "1.0":
        raise Unserved(505, "bad_request", "no streams by HTTP/1.0: use HTTP/1.1")
    if call.form == EVENTS_FORM:
        follow = Follow(tags, after, deletions=True)
        return Stream(follow, streams.EVENTS, streams.EVENT_STREAM, streams.EventEncoder.first)
    polled = query.flag("poll")
    follow = Follow(tags, after or 0 if polled else after, query.flag("deletions"))
    return Stream(follow, streams.POLLED_LINES if polled else streams.JSON_LINES, streams.LINES)


# Changes


async def _post(call: Call) -> Response:
    tweet = await call.post(posting.post_of(call.request))
    if isinstance(tweet, Tombstone):
        return Response(200, forms.as_document({"id": tweet.id, "at": tweet.at, "deleted": True}), forms.JSON_TYPE)
    if posting.is_form(call.request):
        return Response(303, headers=(("Location", f"/#t{tweet.id}"),))
    return Response(201, forms.as_document(as_json(tweet)), forms.JSON_TYPE, (("Location", f"/tweets/{tweet.id}"),))


async def _delete(call: Call) -> Response:
    await call.ask(Delete(_id(call)))
    return Response(204)


_STREAMS = (EVENTS_FORM, LINES_FORM)
_PAGE: Mapping[str, Form] = {JSON_FORM: forms.page_as_json, TEXT_FORM: forms.page_as_text}
_ONE: Mapping[str, Form] = {JSON_FORM: forms.tweet_as_json, TEXT_FORM: forms.tweet_as_text}
_LIST: Mapping[str, Form] = {JSON_FORM: forms.tags_as_json, TEXT_FORM: forms.tags_as_text}
_ONLINE: Mapping[str, Form] = {JSON_FORM: forms.names_as_json, TEXT_FORM: forms.names_as_text}

_RESOURCES = [
    _Resource("/", Timeline, _timeline, _PAGE, "The newest tweets"),
    _Resource("/tweets", Timeline, _timeline, _PAGE, "The newest tweets, or those after an id", follows=True),
    _Resource("/tweets/{id}", TweetById, _one_tweet, _ONE, "One tweet"),
    _Resource("/tags", ListTags, _tags, _LIST, "The most used tags, with their tweets of the last 14 days"),
    _Resource("/tags/{tag}", TweetsOfTag, _of_tag, _PAGE, "The newest tweets of a tag", follows=True),
    _Resource("/by/{name}", TweetsOfAuthor, _of_author, _PAGE, "The newest tweets of an author"),
    _Resource("/online", ListNames, _names, _ONLINE, "The names that are online"),
    _Resource("/stats", ReadStats, _stats, {JSON_FORM: forms.stats_as_json}, "The state of the server"),
]
_CHANGES = [
    Route("POST", "/tweets", Post, _post, "Post a tweet"),
    Route("DELETE", "/tweets/{id}", Delete, _delete, "Delete a tweet"),
]
