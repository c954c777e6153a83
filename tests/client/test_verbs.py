"""Each verb of the two clients, in one table that both run through with a real server."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import trio

import ttweet
from tests.client.test_follower import then
from tests.support.peers import listens, peer, says
from tests.support.serving import serving
from ttweet.client.cursor import Cursor
from ttweet.client.sync_client import Client
from ttweet.client.verbs import Verbs
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol.calls import sign_in

CLIENTS = [ttweet.Client, ttweet.AsyncClient]
FIRST, SECOND = 1, 2  # the ids of the tweets that each row finds


class Row(NamedTuple):
    """A call, and what of its result stands in the table."""

    verb: str
    arguments: tuple[Any, ...]
    expected: Any
    shown: Callable[[Any], Any] = lambda result: result


def ids(page: ttweet.Page | ttweet.Found) -> list[int]:
    return [tweet.id for tweet in page.tweets]


ROWS = [
    Row("post", ("three #b",), (3, ["b"]), lambda stored: (stored.id, stored.tags)),
    Row("post_many", (["three", "x" * 151],), [3, "too_long"], lambda outcomes: [id_or_code(one) for one in outcomes]),
    Row("last", (), "two #a", lambda tweet: tweet.text),
    Row("last_text", (), "two #a"),
    Row("tweet", (FIRST,), "one #a", lambda tweet: tweet.text),
    Row("find", ("#a -one",), ([SECOND], False, None), lambda found: (ids(found), found.more, found.searched_to)),
    Row("count", ("from:matt",), (2, None)),
    Row("tweets_of_tag", ("A",), [SECOND, FIRST], ids),
    Row("tweets_by", ("matt",), [SECOND, FIRST], ids),
    Row("tweets_since_login", ("matt",), [FIRST, SECOND], ids),
    Row("who", (), ["matt"]),
    Row("list_tags", (), [("a", 2)], lambda page: [(one.tag, one.count) for one in page.tags]),
    Row("stats", (), True, lambda parts: "followers" in parts),
    Row("delete", (FIRST,), (3, FIRST), lambda deletion: (deletion.id, deletion.tweet)),
    Row("deletions_after", (0,), set()),
    Row("ping", (), None),
    Row("report", ("one",), None),
    Row("request", ("d", ""), "two #a", lambda data: data["text"]),
]


def id_or_code(outcome: Any) -> int | str:
    return outcome.code if isinstance(outcome, Refused) else outcome.id


async def called(client: Any, verb: str, *arguments: Any, **options: Any) -> Any:
    """Call a verb of either client and return its result, of `post_many` as a list."""

    def blocking() -> Any:
        result = method(*arguments, **options)
        return list(result) if verb == "post_many" else result

    method = getattr(client, verb)
    if isinstance(client, ttweet.Client):
        return await trio.to_thread.run_sync(blocking)
    if verb == "post_many":
        return [outcome async for outcome in method(*arguments, **options)]
    return await method(*arguments, **options)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("row", ROWS, ids=[row.verb for row in ROWS])
async def test_each_verb_does_the_same_from_both_clients(kind: type, row: Row) -> None:
    async with serving() as here:
        client = kind(*here.address, name="matt")
        for text in ("one #a", "two #a"):
            await called(client, "post", text)
        assert row.shown(await called(client, row.verb, *row.arguments)) == row.expected
        await called(client, "ping")  # the connection is in step
        client.close()
        await here.others_gone()
        assert here.admission.places.taken == len(here.callers)


def test_each_verb_has_its_row() -> None:
    assert {row.verb for row in ROWS} == {name for name in vars(Verbs) if not name.startswith("_")}


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("verb", [row.verb for row in ROWS])
def test_the_help_of_a_verb_has_its_docstring_and_names_what_it_returns(kind: type, verb: str) -> None:
    method = getattr(kind, verb)
    assert method.__doc__
    assert "Exchange" not in str(inspect.signature(method))


@pytest.mark.parametrize("kind", CLIENTS)
async def test_deletions_are_found_by_both_clients_and_leave_the_connection_usable(kind: type) -> None:
    async with serving() as here:
        client = kind(*here.address)
        for text in ("one", "two", "three"):
            await called(client, "post", text)
        await called(client, "delete", 2)
        assert await called(client, "deletions_after", 0) == {4}
        assert await called(client, "last_text") == "three"
        assert here.places.taken == 1
        client.close()


@pytest.mark.parametrize("kind", CLIENTS)
async def test_the_lines_of_a_report_arrive_in_order(kind: type) -> None:
    async with serving() as here:
        client = kind(*here.address)
        await called(client, "report", "one", "two")
        await called(client, "post", "three")  # it is committed after the lines
        client.close()
        assert [text for text in ("one", "two") if any(text in line for line in here.lines)] == ["one", "two"]


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_batch_with_keys_is_stored_once_and_in_order(kind: type) -> None:
    texts = [f"number {number}" for number in range(200)]
    async with serving() as here:
        client = kind(*here.address)
        first, again = [await called(client, "post_many", texts, keys=texts, in_flight=7) for _ in "12"]
        assert [one.id for one in first] == [one.id for one in again] == list(range(1, 201))
        assert here.places.taken == 1
        client.close()


@pytest.mark.parametrize("kind", CLIENTS)
def test_too_few_keys_are_an_error_of_the_call(kind: type) -> None:
    with pytest.raises(ValueError, match=r"^too few keys: 1 for 2 texts; give one for each"):
        kind("127.0.0.1", 1).post_many(["a", "b"], keys=["k"])


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_lost_connection_leaves_an_upload_unknown(kind: type) -> None:
    with peer(says(b"")) as other:
        with pytest.raises(ConnectError, match=r"the tweet may be stored or not; retry with the same key$") as raised:
            await called(kind(other.host, other.port), "post", "x", key="k")
        assert raised.value.code == "unknown"


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_request_that_no_frame_can_hold_is_refused_without_a_connection(kind: type) -> None:
    with pytest.raises(Refused, match="too long"):
        await called(kind("127.0.0.1", 1), "post", "x", tags=["\U0001d7d8" * 150] * 32)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("verb", "arguments"), [("ping", ()), ("post_many", (["x"],)), ("deletions_after", (0,))])
async def test_a_deadline_ends_the_wait_on_a_connection_that_is_open_already(
    kind: type, verb: str, arguments: tuple[Any, ...]
) -> None:
    with peer(then(says(b'["ok",null]\n'), listens)) as other:
        client = kind(other.host, other.port)
        await called(client, "ping")
        client.deadline = 0.0
        with pytest.raises(ConnectError, match=r"no answer from 127\.0\.0\.1:\d+$"):
            await called(client, verb, *arguments)


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_follower_with_a_query_gets_the_tweets_that_it_finds(kind: type) -> None:
    async with serving() as here:
        client = kind(*here.address)
        for text in ("red #ci", "green #ci", "green"):
            await called(client, "post", text)
        follower = client.follow(query="#ci -red", after=0)
        assert (await next_of(follower)).text == "green #ci"
        for text in ("red #ci again", "blue #ci"):
            await called(client, "post", text)
        assert (await next_of(follower)).text == "blue #ci"
        follower.close()
        client.close()


async def next_of(follower: Any) -> ttweet.Tweet:
    """The next tweet of a follower of either client."""
    if isinstance(follower, ttweet.Follower):
        return await trio.to_thread.run_sync(next, follower)
    tweet: ttweet.Tweet = await anext(follower)
    return tweet


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.post("\ud800"),
        lambda client: client.post("text", tags=["\ud800"]),
        lambda client: client.post("text", key="\ud800"),
        lambda client: client.tweets_of_tag("\ud800"),
        lambda client: client.tweets_by("\ud800"),
        lambda client: client.tweets_since_login("\ud800"),
        lambda client: client.find("\ud800"),
        lambda client: client.count("\ud800"),
        lambda client: client.report("\ud800"),
        lambda client: client.request("u", "\ud800"),
        lambda _: Cursor(["\ud800"], None).request(),
        lambda _: sign_in("\ud800"),
    ],
)
def test_a_lone_surrogate_is_refused_before_a_server_is_asked(ask: Callable[[Client], object]) -> None:
    with pytest.raises(Refused):
        ask(Client("127.0.0.1", 1))
