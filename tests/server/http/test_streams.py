"""Streams: server-sent events and lines of JSON miss nothing, repeat nothing, and end in order."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.http_calls import HttpCaller, HttpServing, http_serving
from tests.support.serving import jump
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import POST, READ
from ttweet.security.token_file import TokenFile
from ttweet.server.config import Limits
from ttweet.server.http.streams import EventEncoder


def events_of(data: bytes) -> list[tuple[str, str | None, Any]]:
    """Server-sent events as (kind, id, data), read as strictly as the standard has it."""
    assert data.endswith(b"\n\n")
    events: list[tuple[str, str | None, Any]] = []
    for block in data.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith((":", "retry: ")))
        if fields:
            events.append((fields.pop("event", "message"), fields.pop("id", None), json.loads(fields.pop("data"))))
        assert not fields
    return events


def live(id_: int) -> bytes:
    """The event of a follower that is up to date."""
    return b'event: live\nid: %d\ndata: {"id":%d}\n\n' % (id_, id_)


async def follow(http: HttpServing, path: str, *, by: HttpCaller | None = None, **headers: str) -> HttpCaller:
    caller = by or http.call()
    await caller.send("GET", path, **headers)
    head = await caller.head()
    assert (head.status, head.headers["connection"]) == (200, "close")
    return caller


async def test_events_have_the_cursor_as_their_id_history_first() -> None:
    async with http_serving() as http:
        await http.post("one", "two #a")
        caller = await follow(http, "/tweets.sse?after=0")
        events = events_of(await caller.until(live(2)))
        assert [(kind, id_) for kind, id_, _ in events] == [("message", "1"), ("message", "2"), ("live", "2")]
        assert events[1][2]["tags"] == ["a"]
        await http.post("three")
        [(kind, id_, tweet)] = events_of(await caller.until(b"\n\n"))
        assert (kind, id_, tweet["text"]) == ("message", "3", "three")
        await http.ask("DELETE", "/tweets/3")
        [(kind, id_, deletion)] = events_of(await caller.until(b"\n\n"))
        assert (kind, id_, deletion["tweet"]) == ("deleted", "4", 3)


async def test_a_browser_that_comes_back_continues_where_it_was() -> None:
    async with http_serving() as http:
        await http.post("one", "two", "three")
        caller = await follow(http, "/tweets.sse?after=0", last_event_id="2")
        events = events_of(await caller.until(live(3)))
        assert [(kind, id_) for kind, id_, _ in events] == [("message", "3"), ("live", "3")]


@pytest.mark.parametrize("path", ["/tags/a.sse", "/tags/A,b.sse"])
async def test_a_tag_or_any_of_several_can_be_followed(path: str) -> None:
    async with http_serving() as http:
        caller = await follow(http, path)
        await caller.until(live(0))
        await http.post("no", "yes #a")
        [(_, id_, tweet)] = events_of(await caller.until(b"\n\n"))
        assert (id_, tweet["text"]) == ("2", "yes #a")


async def test_tweets_that_are_not_kept_any_more_are_reported() -> None:
    async with http_serving() as http:
        await http.post("one", "two")
        await http.here.journal.prune(before=2)
        caller = await follow(http, "/tweets.sse?after=0")
        events = events_of(await caller.until(live(2)))
        assert [(kind, data["id"]) for kind, _, data in events] == [("gone", 1), ("message", 2), ("live", 2)]


async def test_lines_are_tweets_deletions_on_demand_and_marks() -> None:
    async with http_serving() as http:
        await http.post("one", "two")
        await http.ask("DELETE", "/tweets/1")
        caller = await follow(http, "/tweets.ndjson?after=0&deletions=1")
        lines = [json.loads(line) for line in (await caller.until(b'{"live":3}\n')).splitlines()]
        assert [[*line][-1] for line in lines] == ["tags", "deleted", "live"]
        caller = await follow(http, "/tweets.ndjson")
        assert await caller.until(b"\n") == b'{"live":3}\n'
        await http.post("three")
        assert json.loads(await caller.until(b"\n"))["text"] == "three"


async def test_a_poll_ends_when_all_is_read() -> None:
    async with http_serving() as http:
        await http.post("one #a", "two", "three #a")
        caller = await follow(http, "/tags/a.ndjson?poll=1")
        lines = [json.loads(line) for line in (await caller.rest()).splitlines()]
        assert [line.get("id", "live") for line in lines] == [1, 3, "live"]
        assert await caller.is_closed
        caller = await follow(http, "/tweets.ndjson?poll=1&after=3")
        assert await caller.rest() == b'{"live":3}\n'


@pytest.mark.parametrize(
    ("path", "code"),
    [("/tags/a-b.sse", "bad_tag"), ("/tweets.sse?after=x", "bad_request"), ("/tweets.sse?limit=1", "bad_request")],
)
async def test_a_stream_of_what_cannot_be_is_refused_and_the_connection_continues(path: str, code: str) -> None:
    async with http_serving() as http:
        caller = http.call()
        assert (await caller.ask("GET", path)).code == code
        assert (await caller.ask("GET", "/tweets.sse", last_event_id="x")).code == "bad_request"
        assert (await caller.ask("GET", "/tweets")).status == 200


async def test_the_head_of_a_stream_is_asked_for_alone() -> None:
    async with http_serving() as http:
        caller = http.call()
        await caller.stream.send_all(b"HEAD /tweets.sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = b""
        async for part in caller.stream:
            data += part
        assert data.startswith(b"HTTP/1.1 200 OK\r\n")
        assert data.endswith(b"\r\n\r\n")
        assert http.here.followers == (0, 0)


async def test_no_stream_is_sent_by_http_1_0() -> None:
    async with http_serving() as http:
        caller = http.call()
        await caller.stream.send_all(b"GET /tweets.sse HTTP/1.0\r\n\r\n")
        assert bytes(await caller.stream.receive_some()).startswith(b"HTTP/1.1 505 ")


async def test_a_quiet_stream_has_a_keep_alive(mock_clock: trio.testing.MockClock) -> None:
    async with http_serving(limits=Limits(ping_s=15)) as http:
        caller = await follow(http, "/tweets.sse")
        await caller.until(live(0))
        lines = await follow(http, "/tweets.ndjson")
        await lines.until(b"\n")
        for _ in range(3):
            await jump(mock_clock, 16)
        assert await caller.until(b"\n\n") == b":\n\n"
        assert await lines.until(b"\n") == b"\n"


async def test_a_stream_ends_with_the_token(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ci", frozenset({READ, POST}))
    async with http_serving(authenticator=Authenticator(frozenset(), file)) as http:
        caller = await http.dial()
        await caller.send("GET", "/tweets.sse", token=secret)
        assert (await caller.head()).status == 200
        await caller.until(live(0))
        file.revoke("ci")
        await http.here.backend.authenticator.refresh()
        await http.here.places.recheck()
        assert await caller.rest() == b""
        assert await caller.is_closed


async def test_a_server_that_stops_ends_its_streams() -> None:
    async with http_serving() as http:
        caller = await follow(http, "/tweets.sse", by=await http.dial())
        await caller.until(live(0))
        await http.here.places.stop()
        assert await caller.rest() == b""
        assert http.here.followers == (0, 0)


async def test_a_follower_that_leaves_is_forgotten() -> None:
    async with http_serving() as http:
        caller = await follow(http, "/tweets.sse")
        await caller.until(live(0))
        await caller.stream.aclose()
        while http.here.places.taken:
            await trio.lowlevel.checkpoint()
        assert http.here.followers == (0, 0)


async def test_a_push_is_encoded_once_for_all_that_follow_in_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = EventEncoder.tweet

    def counting(self: EventEncoder, tweet: Any) -> bytes:
        encoded.append(tweet.id)
        return encode(self, tweet)

    monkeypatch.setattr(EventEncoder, "tweet", counting)
    async with http_serving() as http:
        callers = [await follow(http, "/tweets.sse") for _ in range(5)]
        for caller in callers:
            assert b"live" in await caller.until(live(0))
        await http.post("one")
        for caller in callers:
            await caller.until(b"\n\n")
        assert encoded == [1]
