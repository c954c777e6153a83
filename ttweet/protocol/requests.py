"""The server's end of both protocols: bytes to requests, answers to bytes. No I/O, no storage, no trio.

One connection speaks one protocol, and its first byte says which: `[` is framed; `u` or `d` followed by a line feed
is classic; anything else is an error. A request that is not carried out (`Refused`) leaves the connection open; bytes
that are not the protocol (`ProtocolError`) end it. Both come as values among the requests, in their place.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import NamedTuple

from ttweet.model import budget, reports
from ttweet.model.errors import ProtocolError, Refused, SlowDown, TtweetError
from ttweet.model.tweets import MAX_ID, MAX_TEXT_BYTES, Page, TagPage, Tombstone, Tweet
from ttweet.protocol import frames
from ttweet.protocol.fields import fields_of, flag, integer, optional_id, shown, string, tag_list

DEFAULT_LIMIT = 20  # tweets or tags of a query that names no limit: a screenful
MAX_TOKEN_BYTES = 64  # of a token that is shown: one has 47, and a longer one is not hashed
MAX_LIMIT = 200  # of one query: some 50 KiB. More: ask again with `before`
PAGE_BYTES = 256 * 1024  # of tweets sent to a client at once, a tweet more at most: so much waits if it does not read


class Json(NamedTuple):
    """A JSON library: bytes to plain values (ValueError when it is no strict UTF-8 JSON) and back."""

    loads: Callable[[bytes], object]
    dumps: Callable[[object], bytes]


STDLIB_JSON = Json(frames.loads, lambda value: frames.encode_value(value).encode())


class Upload(NamedTuple):
    """Store a tweet; `tags` are those beside the text, `scan` says whether the text's own count too."""

    text: str
    tags: tuple[str, ...] = ()
    scan: bool = True
    key: str | None = None


class Last(NamedTuple):
    """The last message."""


class TweetsOfTag(NamedTuple):
    """Tweets of a tag, newest first, from below the id `before` on."""

    tag: str
    limit: int = DEFAULT_LIMIT
    before: int | None = None


class ListTags(NamedTuple):
    """The most used tags; those without a letter only with `numbers`."""

    limit: int = DEFAULT_LIMIT
    numbers: bool = False


class ClientReport(NamedTuple):
    """A report line of the client's side. It gets no answer."""

    text: str


class Identify(NamedTuple):
    """This token says who I am. A connection may begin with it."""

    token: str

    def __repr__(self) -> str:
        return "Identify(...)"  # no log shall have it


class Ping(NamedTuple):
    """Are you there?"""


class Follow(NamedTuple):
    """Tweets with any of the tags, or all tweets when there are none, from above an id on, or only new ones.

    With `deletions` also which tweets are deleted.
    """

    tags: tuple[str, ...] = ()
    after: int | None = None
    deletions: bool = False


class Unfollow(NamedTuple):
    """Follow nothing any more."""


class TakeName(NamedTuple):
    """Be the author of what this connection posts."""

    name: str


class ListNames(NamedTuple):
    """The names that are online."""


class TweetsOfAuthor(NamedTuple):
    """Tweets of an author, newest first, from below the id `before` on."""

    by: str
    limit: int = DEFAULT_LIMIT
    before: int | None = None


class TweetsSinceLogin(NamedTuple):
    """Tweets of an author who is online, since the login, oldest first, from above the id `after` on."""

    by: str
    limit: int = DEFAULT_LIMIT
    after: int = 0


class ShowStats(NamedTuple):
    """How the server is doing."""


class Delete(NamedTuple):
    """Delete a tweet."""

    tweet: int


class ClassicUpload(NamedTuple):
    """Store a message; nobody waits for an answer."""

    text: str


class ClassicDownload(NamedTuple):
    """The last message as bare text; the connection ends with it."""


TLS_BEGINS = b"\x16"  # a handshake record, see RFC 8446, 5.1; no other byte is awaited, as reads are cut anywhere
IS_PLAIN = "this port speaks no TLS; ask the operator"
IS_TLS = "this port speaks TLS: set TTWEET_CA to the certificates to trust"


PageQuery = TweetsOfTag | TweetsOfAuthor | TweetsSinceLogin

Question = PageQuery | Last | ListTags | ListNames | ShowStats
"""What changes nothing."""

Query = Question | Follow | Unfollow | TakeName | Delete | ClassicDownload
"""What is answered only when all that stands before it is."""

Request = Query | Upload | ClientReport | Ping | ClassicUpload
Event = Request | Identify | TtweetError


class RequestReader:
    """One client's bytes on their way to requests. `json` reads the frames; a faster library may be given."""

    __slots__ = ("_classic", "_frames", "_json", "_parse", "classic", "understood")

    def __init__(self, json: Json = STDLIB_JSON) -> None:
        self._json = json
        self._parse: Callable[[str, object], Request | Identify] = parse_first
        self._frames: frames.FrameReader | None = None
        self._classic = b""
        self.classic = False
        self.understood = False
        """Whether a request has come that is one of ours."""

    @property
    def begun(self) -> bool:
        """Whether the first byte has come."""
        return self._frames is not None or self.classic

    @property
    def unfinished(self) -> bool:
        """Whether a frame, or a classic message, has begun and not ended."""
        return self.classic or (self._frames is not None and self._frames.unfinished)

    def receive_data(self, data: bytes) -> list[Event]:
        """The requests that these bytes complete, in order. A ProtocolError is the last of all."""
        if self._frames is not None:
            return self._read_frames(self._frames.receive_data(data))
        if data and not self.classic:
            if data[:1] == b"[":
                self._frames = frames.FrameReader()
                return self._read_frames(self._frames.receive_data(data))
            self.classic = data[:1] in (b"u", b"d")
        return self._read_classic(data)

    def receive_end(self) -> list[Event]:
        """What the clean end of the stream completes: a classic upload. An unfinished frame is dropped."""
        if self.classic and len(self._classic) == 1:
            return [ProtocolError("bad_protocol", f"the connection ended after {ascii(self._classic)[1:]}")]
        if not self._classic.startswith(b"u\n"):
            return []
        try:
            upload = ClassicUpload(self._classic[2:].decode())
        except UnicodeDecodeError as exc:
            return [ProtocolError("bad_text", f"a message is UTF-8; byte {exc.start + 1} of this one is not")]
        self.understood = True
        return [upload]

    def _read_frames(self, lines: list[bytes]) -> list[Event]:
        events: list[Event] = []
        for line in lines:
            try:
                events.append(self._parse(*frames.decode(line, self._json.loads)))
            except Refused as error:
                events.append(error)
            except ProtocolError as error:
                events.append(error)
                break
            else:
                self.understood = True
            self._parse = parse
        return events

    def _read_classic(self, data: bytes) -> list[Event]:
        self._classic += data
        if self._classic[:1] == TLS_BEGINS:
            return [ProtocolError("tls", IS_PLAIN)]
        if not self.classic or self._classic[1:2] not in (b"", b"\n"):
            first = ascii(self._classic[:8])[1:]
            return [ProtocolError("bad_protocol", f'a connection begins with [ or "u" LF or "d" LF, not with {first}')]
        if self._classic[:2] == b"d\n":
            self._classic = b""
            self.understood = True
            return [ClassicDownload()]
        if len(self._classic) > 2 + MAX_TEXT_BYTES:
            return [ProtocolError("too_long", f"more than {MAX_TEXT_BYTES} bytes, the limit of a message")]
        return []


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
        integer("limit", fields.get("limit", DEFAULT_LIMIT), MAX_LIMIT),
        optional_id("before", fields.get("before"), 1),
    )


def _list_tags(data: object) -> ListTags:
    if data == "":
        return ListTags()
    fields = fields_of("l", data, {"limit", "numbers"})
    return ListTags(
        integer("limit", fields.get("limit", DEFAULT_LIMIT), MAX_LIMIT),
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
    limit = integer("limit", fields.get("limit", DEFAULT_LIMIT), MAX_LIMIT)
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
