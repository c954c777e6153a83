"""A client's requests: one decoded frame to the value it means."""

from collections.abc import Callable

from ttweet.model import budget
from ttweet.model.errors import ProtocolError, Refused
from ttweet.model.limits import MAX_ID, MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.model.requests import (
    ClientReport,
    CountFound,
    Delete,
    Find,
    Follow,
    Identify,
    Last,
    ListNames,
    ListTags,
    Ping,
    Post,
    ReadRequest,
    ReadStats,
    Request,
    SignIn,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    WhenThere,
)
from ttweet.protocol import operations
from ttweet.protocol.fields import fields_of, flag, integer, optional_id, shown, string, tag_list

MAX_TOKEN_BYTES = 64  # of a token that a client shows; tokens have 47, and longer ones are not hashed


def parse_first(operation: str, data: object) -> Request | Identify:
    """Return the first frame of a connection, which may show a token. Raises ProtocolError `token` for what is none."""
    return _identify(data) if operation == operations.IDENTIFY else parse(operation, data)


def parse(operation: str, data: object) -> Request:
    """One frame to the request it means.

    Raises Refused `bad_operation` or `bad_request`; ProtocolError for a report line that is none, since its sender
    expects no answer.
    """
    parser = _PARSERS.get(operation) if len(operation) == 1 else None  # a long one is not even hashed
    if parser is None:
        known = " ".join(_PARSERS)
        raise Refused("bad_operation", f"unknown operation {operation[:20]!a}; use: {known}")
    return _when_there(parser, data) if type(data) is dict and "seen" in data else parser(data)


def _when_there(parser: Callable[[object], Request], data: dict[str, object]) -> Request:
    """Return a query that waits for an id. One that has no other field may be one without data."""
    request = parser({name: value for name, value in data.items() if name != "seen"} or "")
    if not isinstance(request, ReadRequest):
        raise Refused("bad_request", "unexpected field 'seen': only queries have it")
    return WhenThere(integer("seen", data["seen"], MAX_ID), request)


def _post(data: object) -> Post:
    if type(data) is str:
        return Post(data)
    return parse_post(operations.POST, data)


def parse_post(operation: str, data: object) -> Post:
    """Return the tweet of an object's fields. Raises Refused."""
    fields = fields_of(operation, data, {"text", "tags", "scan", "key"})
    key = fields.get("key")
    return Post(
        string("text", fields.get("text")),
        tag_list(fields.get("tags", [])),
        flag("scan", fields.get("scan", True)),
        None if key is None else string("key", key),
    )


def _tweets_of_tag(data: object) -> TweetsOfTag:
    if type(data) is str:
        return TweetsOfTag(data)
    fields = fields_of(operations.TWEETS_OF_TAG, data, {"tag", "limit", "before"})
    return TweetsOfTag(
        string("tag", fields.get("tag")),
        integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT),
        optional_id("before", fields.get("before"), 1),
    )


def _tweet_by_id(data: object) -> TweetById:
    if type(data) is dict:
        data = fields_of(operations.TWEET_BY_ID, data, {"id"}).get("id")
    return TweetById(integer("tweet id", data, MAX_ID))


def _find(data: object) -> Find | CountFound:
    if type(data) is str:
        return Find(data)
    counts = type(data) is dict and flag("count", data.get("count", False))
    fields = fields_of(operations.FIND, data, {"query", "before", "count", *([] if counts else ["limit"])})
    query, before = string("query", fields.get("query", "")), optional_id("before", fields.get("before"), 1)
    if counts:
        return CountFound(query, before)
    return Find(query, integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT), before)


def _list_tags(data: object) -> ListTags:
    if data == "":
        return ListTags()
    fields = fields_of(operations.LIST_TAGS, data, {"limit", "numbers"})
    return ListTags(
        integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT),
        flag("numbers", fields.get("numbers", False)),
    )


def _follow(data: object) -> Follow:
    if type(data) is str:
        return Follow((data,) if data else ())
    fields = fields_of(operations.FOLLOW, data, {"tags", "after", "deletions", "query"})
    return Follow(
        tag_list(fields.get("tags", [])),
        optional_id("after", fields.get("after"), 0),
        flag("deletions", fields.get("deletions", False)),
        string("query", fields.get("query", "")),
    )


def _delete(data: object) -> Delete:
    return Delete(integer("tweet id", data, MAX_ID))


def _sign_in(data: object) -> SignIn:
    return SignIn(string("name", data))


def _of_author(data: object) -> TweetsOfAuthor | TweetsSinceLogin:
    if type(data) is str:
        return TweetsOfAuthor(data)
    since_login = type(data) is dict and flag("login", data.get("login", False))
    fields = fields_of(
        operations.TWEETS_OF_AUTHOR, data, {"by", "limit", "login", "after" if since_login else "before"}
    )
    by = string("by", fields.get("by"))
    limit = integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT)
    if since_login:
        return TweetsSinceLogin(by, limit, optional_id("after", fields.get("after"), 0) or 0)
    return TweetsOfAuthor(by, limit, optional_id("before", fields.get("before"), 1))


def _identify(data: object) -> Identify:
    if type(data) is not str:
        raise ProtocolError("token", "invalid token: use a string")  # what it is instead may hold one
    if budget.size(data) > MAX_TOKEN_BYTES:
        raise ProtocolError("token", f"invalid token: more than {MAX_TOKEN_BYTES} bytes; a token has 47")
    return Identify(data)


def _misplaced(_: object) -> Request:
    raise Refused("bad_request", "unexpected token: send it in the first frame of a connection")


def _client_report(data: object) -> ClientReport:
    if type(data) is not str:
        raise ProtocolError("bad_frame", f"invalid report line: use a string, not {shown(data)}")
    return ClientReport(data)


def _without_data(operation: str, request: Request) -> Callable[[object], Request]:
    def parse_nothing(data: object) -> Request:
        if data != "":
            raise Refused("bad_request", f'invalid data of "{operation}": use an empty string, not {shown(data)}')
        return request

    return parse_nothing


_PARSERS: dict[str, Callable[[object], Request]] = {
    operations.IDENTIFY: _misplaced,
    operations.POST: _post,
    operations.LAST: _without_data(operations.LAST, Last()),
    operations.TWEETS_OF_TAG: _tweets_of_tag,
    operations.TWEET_BY_ID: _tweet_by_id,
    operations.FIND: _find,
    operations.LIST_TAGS: _list_tags,
    operations.FOLLOW: _follow,
    operations.UNFOLLOW: _without_data(operations.UNFOLLOW, Unfollow()),
    operations.SIGN_IN: _sign_in,
    operations.LIST_NAMES: _without_data(operations.LIST_NAMES, ListNames()),
    operations.TWEETS_OF_AUTHOR: _of_author,
    operations.DELETE: _delete,
    operations.REPORT: _client_report,
    operations.PING: _without_data(operations.PING, Ping()),
    operations.READ_STATS: _without_data(operations.READ_STATS, ReadStats()),
}
