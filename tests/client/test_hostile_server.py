"""No bytes of a server end a client in anything but an error of its own."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ttweet
from tests.support.hostile_lines import HOSTILE, STRANGE, TWEET
from tests.support.peers import peer, says
from ttweet.client.cursor import Cursor
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol import calls, frames, replies

Verb = Callable[[Any], Any]

VERBS: dict[str, Verb] = {
    "post": lambda client: client.post("x"),
    "last": lambda client: client.last(),
    "tweet": lambda client: client.tweet(7),
    "find": lambda client: client.find("x"),
    "count": lambda client: client.count("x"),
    "tweets_of_tag": lambda client: client.tweets_of_tag("x"),
    "tweets_by": lambda client: client.tweets_by("x"),
    "tweets_since_login": lambda client: client.tweets_since_login("x"),
    "who": lambda client: client.who(),
    "list_tags": lambda client: client.list_tags(),
    "stats": lambda client: client.stats(),
    "delete": lambda client: client.delete(1),
}
ASKED = [
    calls.identify("x"),
    calls.sign_in("x"),
    calls.post("x"),
    calls.last(),
    calls.last_text(),
    calls.tweet(7),
    calls.find("x"),
    calls.count("x"),
    calls.tweets_of_tag("x"),
    calls.list_names(),
    calls.list_tags(),
    calls.stats(),
    calls.delete(1),
    calls.follow(),
    calls.ping(),
]


def decode_all(line: bytes) -> None:
    """Let every decoder of the clients have a line, as their callers do."""
    for _, shape in ASKED:
        with suppress(Refused, *frames.MISFITS):
            shape(replies.data_of(line))
    with suppress(*frames.MISFITS):
        replies.is_reply(line)
    with suppress(Refused, ConnectError):
        Cursor([], 0).receive(line)


@pytest.mark.parametrize("line", [*HOSTILE, *STRANGE], ids=lambda line: repr(line)[:40])
def test_every_decoder_takes_any_line_for_what_it_is(line: bytes) -> None:
    decode_all(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["ok", "err", "m"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*TWEET, "code", "wait", "tweets", "more", "from", "gone", "days"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["ok", "err", "m", "x", "e", "g", "p"]), JSON)
def test_no_value_in_an_answer_or_a_push_raises_anything_else(kind: str, data: object) -> None:
    decode_all(json.dumps([kind, data]).encode())


@given(st.binary(max_size=60))
def test_no_bytes_do(data: bytes) -> None:
    decode_all(data)


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line)[:40])
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_a_client_of_no_ttweet_says_so(verb: Verb, line: bytes) -> None:
    with peer(says(line + b"\n")) as client, pytest.raises(ConnectError, match="is not a ttweet server") as raised:
        verb(client)
    assert raised.value.code == "unknown"


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line)[:40])
async def test_a_client_on_trio_of_no_ttweet_says_so(line: bytes) -> None:
    await _ends_in_a_sentence(lambda client: client.post("x"), line)


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line)[:40])
async def test_a_follower_on_trio_of_no_ttweet_says_so(line: bytes) -> None:
    await _ends_in_a_sentence(lambda client: anext(client.follow()), line)


async def _ends_in_a_sentence(ask: Callable[[ttweet.AsyncClient], Awaitable[object]], line: bytes) -> None:
    with peer(says(line + b"\n")) as other:
        async with ttweet.AsyncClient(other.host, other.port) as client:
            with pytest.raises(ConnectError, match="not a ttweet server"):
                await ask(client)


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line)[:40])
def test_a_follower_of_no_ttweet_says_so(line: bytes) -> None:
    with (
        peer(says(line + b"\n")) as client,
        client.follow() as follower,
        pytest.raises(ConnectError, match="not a ttweet server"),
    ):
        next(follower)


@pytest.mark.parametrize("line", STRANGE, ids=lambda line: repr(line)[:40])
@pytest.mark.parametrize("ask", [Client.ping, lambda client: next(client.follow())], ids=["ping", "follow"])
def test_an_error_is_an_error_however_it_is_spelled(ask: Verb, line: bytes) -> None:
    with peer(says(line + b"\n")) as client, pytest.raises(Refused) as raised:
        ask(client)
    assert raised.value.text.isprintable()
