"""Both protocols' requests: one decoded frame to the value it means; and answers to bytes. No I/O."""

from collections.abc import Callable
from dataclasses import asdict

from ttweet.model import budget, reports
from ttweet.model.errors import ProtocolError, Refused, SlowDown, TtweetError
from ttweet.model.limits import MAX_QUERY_LIMIT, PAGE_BYTES, QUERY_LIMIT
from ttweet.model.requests import (
    ClientReport,
    Delete,
    Follow,
    Identify,
    Last,
    ListNames,
    ListTags,
    Ping,
    Request,
    ShowStats,
    TakeName,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    Upload,
)
from ttweet.model.tweets import MAX_ID, Page, TagPage, Tombstone, Tweet
from ttweet.protocol.fields import fields_of, flag, integer, optional_id, shown, string, tag_list
from ttweet.protocol.json_codec import STDLIB_JSON, Json

MAX_TOKEN_BYTES = 64  # of a token that is shown: one has 47, and a longer one is not hashed


def parse_first(operation: str, data: object) -> Request | Identify:
    """The first frame of a connection, which may show a token. Raises ProtocolError `token` for what is none."""
    return _identify(data) if operation == "a" else parse(operation, data)


def parse(operation: str, data: object) -> Request:
    """One frame to the request it means.

    Raises Refused `bad_operation` or `bad_request`; ProtocolError for a report line that is none, since its sender
    expects no answer.
    """
    parser = _PARSERS.get(operation) if len(operation) == 1 else None  # a long one is not even hashed
    if parser is None:
        known = " ".join(_PARSERS)
        raise Refused("bad_operation", f"no operation {operation[:20]!a}; there are: {known}")
    return parser(data)


def _upload(data: object) -> Upload:
    if type(data) is str:
        return Upload(data)
    fields = fields_of("u", data, {"text", "tags", "scan", "key"})
    key = fields.get("key")
    return Upload(
        string("text", fields.get("text")),
        tag_list(fields.get("tags", [])),
        flag("scan", fields.get("scan", True)),
        None if key is None else string("key", key),
    )


def _tweets_of_tag(data: object) -> TweetsOfTag:
    if type(data) is str:
        return TweetsOfTag(data)
    fields = fields_of("t", data, {"tag", "limit", "before"})
    return TweetsOfTag(
        string("tag", fields.get("tag")),
        integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT),
        optional_id("before", fields.get("before"), 1),
    )


def _list_tags(data: object) -> ListTags:
    if data == "":
        return ListTags()
    fields = fields_of("l", data, {"limit", "numbers"})
    return ListTags(
        integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT),
        flag("numbers", fields.get("numbers", False)),
    )


def _follow(data: object) -> Follow:
    if type(data) is str:
        return Follow((data,) if data else ())
    fields = fields_of("s", data, {"tags", "after", "deletions"})
    return Follow(
        tag_list(fields.get("tags", [])),
        optional_id("after", fields.get("after"), 0),
        flag("deletions", fields.get("deletions", False)),
    )


def _delete(data: object) -> Delete:
    return Delete(integer("the id of a tweet", data, MAX_ID))


def _take_name(data: object) -> TakeName:
    return TakeName(string("a name", data))


def _of_author(data: object) -> TweetsOfAuthor | TweetsSinceLogin:
    if type(data) is str:
        return TweetsOfAuthor(data)
    since_login = type(data) is dict and flag("login", data.get("login", False))
    fields = fields_of("g", data, {"by", "limit", "login", "after" if since_login else "before"})
    by = string("by", fields.get("by"))
    limit = integer("limit", fields.get("limit", QUERY_LIMIT), MAX_QUERY_LIMIT)
    if since_login:
        return TweetsSinceLogin(by, limit, optional_id("after", fields.get("after"), 0) or 0)
    return TweetsOfAuthor(by, limit, optional_id("before", fields.get("before"), 1))


def _identify(data: object) -> Identify:
    if type(data) is not str:
        raise ProtocolError("token", "a token is a string")  # what it is instead may hold one
    if budget.size(data) > MAX_TOKEN_BYTES:
        raise ProtocolError("token", f"a token has at most {MAX_TOKEN_BYTES} bytes; one of ttweet has 47")
    return Identify(data)


def _misplaced(_: object) -> Request:
    raise Refused("bad_request", "a token is shown in the first frame of a connection, or not at all")


def _client_report(data: object) -> ClientReport:
    if type(data) is not str:
        raise ProtocolError("bad_frame", f"a report line is a string, not {shown(data)}")
    return ClientReport(data)


def _without_data(operation: str, request: Request) -> Callable[[object], Request]:
    def parse_nothing(data: object) -> Request:
        if data != "":
            raise Refused("bad_request", f'the data of "{operation}" is an empty string, not {shown(data)}')
        return request

    return parse_nothing


_PARSERS: dict[str, Callable[[object], Request]] = {
    "a": _misplaced,
    "u": _upload,
    "d": _without_data("d", Last()),
    "t": _tweets_of_tag,
    "l": _list_tags,
    "s": _follow,
    "c": _without_data("c", Unfollow()),
    "n": _take_name,
    "w": _without_data("w", ListNames()),
    "g": _of_author,
    "x": _delete,
    "r": _client_report,
    "p": _without_data("p", Ping()),
    "i": _without_data("i", ShowStats()),
}


def encode_stored(tweet: Tweet | Tombstone, json: Json = STDLIB_JSON) -> bytes:
    """The answer to an upload: where it stands in the log and which tags find it, or that it was deleted since."""
    if isinstance(tweet, Tombstone):
        return b'["ok",{"id":%d,"at":%d,"tags":[],"deleted":true}]\n' % tweet
    return b'["ok",{"id":%d,"at":%d,"tags":%b}]\n' % (tweet.id, tweet.at, json.dumps(tweet.tags))


def encode_last(tweet: Tweet | None, json: Json = STDLIB_JSON) -> bytes:
    """The answer to `d`: null when there is no message or the last one is empty."""
    return encode_ok(as_json(tweet) if tweet and tweet.text else None, json)


def encode_page(page: Page, json: Json = STDLIB_JSON) -> bytes:
    """The answer to a query for tweets: those of the page, or as many as PAGE_BYTES hold."""
    tweets: list[bytes] = []
    size = 0
    for tweet in page.tweets:
        if size >= PAGE_BYTES:
            break
        tweets.append(json.dumps(as_json(tweet)))
        size += len(tweets[-1])
    more = page.more or len(tweets) < len(page.tweets)
    return b'["ok",{"tweets":[%b],"more":%b}]\n' % (b",".join(tweets), json.dumps(more))


def encode_tags(page: TagPage, json: Json = STDLIB_JSON) -> bytes:
    """The answer to `l`."""
    return encode_ok({"tags": [asdict(summary) for summary in page.tags], "more": page.more}, json)


def encode_ok(data: object, json: Json = STDLIB_JSON) -> bytes:
    """An answer."""
    return json.dumps(("ok", data)) + b"\n"


def encode_error(error: TtweetError, json: Json = STDLIB_JSON) -> bytes:
    """The answer to what is not carried out."""
    data: dict[str, object] = {"code": error.code, "text": error.public_text}
    if isinstance(error, SlowDown):
        data["wait"] = error.wait_s
    return json.dumps(("err", data)) + b"\n"


def encode_classic(tweet: Tweet | None) -> bytes:
    """The last message as the classic protocol sends it: bare text, no line feed."""
    return ((tweet and tweet.text) or reports.EMPTY_MESSAGE).encode()


def as_json(tweet: Tweet) -> dict[str, object]:
    """A tweet as every interface of ttweet shows it."""
    return {"id": tweet.id, "at": tweet.at, "by": tweet.by, "text": tweet.text, "tags": tweet.tags}
