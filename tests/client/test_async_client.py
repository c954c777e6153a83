import inspect
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

import ttweet
from tests.client.test_cursor import Diary, line, tweet
from tests.client.test_follower import begins, then
from tests.support.guard import GUARD_S
from tests.support.peers import Script, listens, peer, says, says_and_ends
from tests.support.serving import Serving, jump, serving
from ttweet.model.errors import ConnectError, Refused


@asynccontextmanager
async def client_of_server(name: str | None = None) -> AsyncIterator[tuple[ttweet.AsyncClient, Serving]]:
    async with serving() as here, ttweet.AsyncClient(*here.address, name=name) as client:
        yield client, here


@asynccontextmanager
async def client_of(*scripts: Script, timeout_s: float = GUARD_S) -> AsyncIterator[ttweet.AsyncClient]:
    with peer(*scripts) as other:
        async with ttweet.AsyncClient(other.host, other.port, timeout_s=timeout_s) as client:
            yield client


async def interrupted(follower: ttweet.AsyncFollower) -> None:
    """Let a follower that has no tweet to give wait a little for one."""
    with trio.move_on_after(0.05):
        pytest.fail(f"{await anext(follower)} has come")


FOR_THREADS_ALONE = {"connect", "report_if_connected"}


def verbs(kind: type) -> dict[str, list[tuple[str, object, object]]]:
    """The parameters of each public method: name, kind and default."""
    return {
        name: [(each.name, each.kind, each.default) for each in inspect.signature(verb).parameters.values()]
        for name, verb in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_a_verb_takes_the_same_in_both_clients() -> None:
    of_threads = verbs(ttweet.Client)
    for name in FOR_THREADS_ALONE:
        del of_threads[name]
    assert verbs(ttweet.AsyncClient) == of_threads


async def test_many_tasks_share_a_connection() -> None:
    async with client_of_server() as (client, here):
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(client.post, f"{number}")
        assert here.places.taken == 1
        assert here.store.count() == 20


async def test_a_follower_gets_history_then_new_tweets() -> None:
    async with client_of_server() as (client, _):
        await client.post("one #a")
        async with client.follow("a", after=0) as follower:
            assert (await anext(follower)).text == "one #a"
            await client.post("two #b")
            await client.post("three #a")
            assert (await anext(follower)).text == "three #a"
            assert follower.after == 3


async def test_a_follower_that_loses_its_connection_continues_after_its_last_tweet() -> None:
    diary = Diary()
    first = begins(line("ok", {"from": 7}), line("e", {"id": 7}), tweet(8), tweet(9)[:20], asked=b'["s",{}]\n')
    second = begins(line("ok", {"from": 8}), tweet(9), line("e", {"id": 9}), asked=b'["s",{"after":8}]\n')
    async with client_of(first, then(second, listens)) as client, client.follow(listener=diary) as follower:
        assert [(await anext(follower)).id for _ in range(2)] == [8, 9]
        while len(diary.entries) < 2:
            await interrupted(follower)
    assert diary.entries == ["unknown", 1]


async def test_a_follower_that_was_cancelled_continues_where_it_was() -> None:
    sent: list[Callable[[], None]] = []

    def in_two_parts(connection: socket.socket) -> None:
        connection.makefile("rb").readline()
        connection.sendall(line("ok", {"from": 0}) + tweet(1)[:30])
        sent.append(lambda: connection.sendall(tweet(1)[30:]))
        listens(connection)

    async with client_of(in_two_parts) as client, client.follow() as follower:
        while not sent:
            await interrupted(follower)
        sent[0]()
        assert (await anext(follower)).id == 1


async def test_a_loop_that_is_left_leaves_no_connection() -> None:
    async with client_of(then(begins(line("ok", {"from": 0}), tweet(1), asked=b'["s",{}]\n'), listens)) as client:
        async for one in client.follow():
            assert one.id == 1
            break


async def collect(follower: ttweet.AsyncFollower, seen: list[int]) -> None:
    """Iterate until another task closes it."""
    seen += [one.id async for one in follower]


async def until(ready: Callable[[], bool]) -> None:
    while not ready():
        await trio.testing.wait_all_tasks_blocked()


async def has_yielded(follower: ttweet.AsyncFollower, id_: int) -> None:
    await until(lambda: follower.after == id_)


async def test_a_follower_that_another_task_closes_ends_its_loop_and_can_be_iterated_again() -> None:
    diary = Diary()
    seen: list[int] = []
    async with client_of_server() as (client, here):
        follower = client.follow(after=0, listener=diary)
        for number in (1, 2):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(collect, follower, seen)
                await client.post(f"{number}")
                await has_yielded(follower, number)
                follower.close()
        client.close()
        await here.others_gone()
    assert seen == [1, 2]
    assert diary.entries == []


async def test_a_follower_that_waits_to_connect_again_can_be_closed(mock_clock: trio.testing.MockClock) -> None:
    diary = Diary()
    script = begins(line("ok", {"from": 0}), asked=b'["s",{}]\n')
    async with client_of(script) as client, trio.open_nursery() as nursery:
        follower = client.follow(listener=diary)
        nursery.start_soon(collect, follower, [])
        await until(lambda: diary.entries == ["unknown"])
        follower.close()


async def test_a_follower_ends_when_its_time_is_over(mock_clock: trio.testing.MockClock) -> None:
    seen: list[int] = []
    script = then(begins(line("ok", {"from": 0}), tweet(1), asked=b'["s",{}]\n'), listens)
    async with client_of(script) as client, trio.open_nursery() as nursery:
        follower = client.follow(timeout_s=7)
        nursery.start_soon(collect, follower, seen)
        await has_yielded(follower, 1)
        mock_clock.jump(7)
    assert seen == [1]


async def test_a_follower_that_never_got_an_answer_says_so_when_its_time_is_over(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with client_of(listens) as client, trio.open_nursery() as nursery:
        nursery.start_soon(jump, mock_clock, 7)
        with pytest.raises(ConnectError, match="no answer from"):
            await anext(client.follow(timeout_s=7))


async def test_other_requests_have_their_own_connection_during_a_batch() -> None:
    async with client_of_server() as (client, here):
        outcomes = client.post_many(map(str, range(9)), in_flight=2)
        await anext(outcomes)
        assert await client.last_text() != ""
        assert here.places.taken == 2
        assert len([outcome async for outcome in outcomes]) == 8
        await client.ping()
        client.close()
        await here.others_gone()


async def test_a_request_whose_connection_another_task_closes_fails_as_unknown() -> None:
    async def post() -> None:
        with pytest.raises(ConnectError, match=r"the connection was closed before 127.* answered") as error:
            await client.post("hello")
        assert error.value.code == "unknown"

    async with client_of(listens) as client, trio.open_nursery() as nursery:
        nursery.start_soon(post)
        await until(lambda: client._link is not None)
        client.close()


async def test_a_refusal_leaves_the_connection_and_a_cancelled_request_ends_it() -> None:
    async with client_of_server() as (client, here):
        with pytest.raises(Refused) as refused:
            await client.post("x" * 151)
        assert refused.value.code == "too_long"
        await client.ping()
        assert here.places.taken == 1
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.ping()
        await client.ping()


async def test_a_connection_that_has_ended_is_made_again() -> None:
    async with client_of(says_and_ends(b'["ok",null]\n'), says(b'["ok",null]\n')) as client:
        await client.ping()
        await client.ping()


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (says(b""), "closed the connection without an answer"),
        (says(b'["ok"'), "closed the connection without an answer"),
        (says(b"HTTP/1.1 400 Bad Request\n"), "is not a ttweet server"),
        (says(b'["ok",{"id":1}]\n'), "is not a ttweet server"),
    ],
)
async def test_no_answer_leaves_an_upload_unknown(script: Script, text: str) -> None:
    async with client_of(script) as client:
        with pytest.raises(ConnectError, match=text) as error:
            await client.post("hello")
        assert error.value.code == "unknown"
        assert "look before you post it again" in error.value.text


async def test_an_answer_has_its_time(mock_clock: trio.testing.MockClock) -> None:
    async with client_of(listens, timeout_s=7) as client, trio.open_nursery() as nursery:
        nursery.start_soon(jump, mock_clock, 7)
        with pytest.raises(ConnectError, match=r"no answer from .* within 7 seconds"):
            await client.ping()


async def test_a_name_that_is_taken_is_refused() -> None:
    async with client_of_server("matt") as (client, here):
        await client.ping()
        async with ttweet.AsyncClient(*here.address, name="matt") as other:
            with pytest.raises(Refused) as refused:
                await other.ping()
            assert refused.value.code == "name_taken"


async def test_a_missing_server_is_reported_as_by_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError, match="no server is listening on 127") as error:
        await ttweet.AsyncClient("127.0.0.1", port).ping()
    assert error.value.code == "unreachable"
    with pytest.raises(ConnectError, match="unknown host"):
        await ttweet.AsyncClient("no such host", 1).ping()
