import socket
import time
from collections.abc import Callable

import pytest

from tests.client.test_cursor import Diary, line, tweet
from tests.support.peers import Script, listens, peer
from tests.support.processes import LIMIT_S
from ttweet.client.cursor import Cursor
from ttweet.client.follower import Follower
from ttweet.client.link import SyncLink
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError, Refused


def begins(*lines: bytes, asked: bytes) -> Script:
    """Answer the request that is expected with these lines."""

    def script(connection: socket.socket) -> None:
        assert connection.makefile("rb").readline() == asked
        connection.sendall(b"".join(lines))

    return script


def then(*scripts: Callable[[socket.socket], None]) -> Script:
    def script(connection: socket.socket) -> None:
        for one in scripts:
            one(connection)

    return script


def test_a_follower_that_loses_its_connection_continues_after_its_last_tweet() -> None:
    diary = Diary()
    first = begins(
        line("ok", {"from": 7}), line("e", {"id": 7}), tweet(8), tweet(9)[:20], asked=b'["s",{"tags":["a"]}]\n'
    )
    second = begins(
        line("ok", {"from": 8}), tweet(9), line("e", {"id": 9}), tweet(10), asked=b'["s",{"tags":["a"],"after":8}]\n'
    )
    with peer(first, then(second, listens)) as client, client.follow("a", listener=diary) as follower:
        start = follower.after
        assert start is None
        assert [next(follower).id for _ in range(3)] == [8, 9, 10]
        assert follower.after == 10
    assert diary.entries == ["unknown", 1]


def test_a_missing_server_at_the_start_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError) as error:
        next(Client("127.0.0.1", port).follow())
    assert error.value.code == "unreachable"


def test_a_refusal_is_raised_and_the_connection_ended() -> None:
    refusal = line("err", {"code": "bad_tag", "text": "no tag"})
    script = then(begins(refusal, asked=b'["s",{"tags":["?"]}]\n'), listens)
    with peer(script) as client:
        follower = client.follow("?")
        with pytest.raises(Refused, match="no tag"):
            next(follower)


def test_a_follower_ends_when_its_time_is_up() -> None:
    script = then(begins(line("ok", {"from": 0}), tweet(1), asked=b'["s",{"after":0}]\n'), listens)
    with peer(script) as client:
        follower = client.follow(after=0, timeout_s=LIMIT_S)
        assert next(follower).id == 1
        link = follower._link
        assert isinstance(link, SyncLink)
        follower._deadline = link._deadline = time.monotonic() + 0.05
        assert list(follower) == []


def test_a_follower_signs_in_on_each_connection() -> None:
    def signs_in(*lines: bytes, asked: bytes) -> Script:
        return then(begins(b'["ok",null]\n', asked=b'["n","matt"]\n'), begins(*lines, asked=asked))

    taken = begins(line("err", {"code": "name_taken", "text": "matt is online"}), asked=b'["n","matt"]\n')
    first = signs_in(line("ok", {"from": 0}), tweet(1), asked=b'["s",{"after":0}]\n')
    last = signs_in(line("ok", {"from": 1}), tweet(2), asked=b'["s",{"after":1}]\n')
    with peer(first, taken, then(last, listens)) as client:
        client.name = "matt"
        with client.follow(after=0) as follower:
            assert [next(follower).id for _ in range(2)] == [1, 2]


def test_a_loop_that_is_left_leaves_no_connection() -> None:
    gone = []

    def listens_to_the_end(connection: socket.socket) -> None:
        listens(connection)
        gone.append(True)

    with peer(
        then(begins(line("ok", {"from": 0}), tweet(1), asked=b'["s",{"after":0}]\n'), listens_to_the_end)
    ) as client:
        for one in client.follow(after=0):
            assert one.id == 1
            break
    assert gone == [True]


class FakeLink:
    """A connection on which sending is interrupted, or the server sends these lines."""

    def __init__(self, *lines: bytes, interrupted: bool = False) -> None:
        self._lines = list(lines)
        self._interrupted = interrupted
        self.is_closed = False

    def send(self, data: bytes) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    def receive(self) -> bytes:
        return self._lines.pop(0)

    def wait_at_most(self, timeout_s: float) -> None:
        """Wait for nothing."""

    def close(self) -> None:
        self.is_closed = True


def test_a_follower_that_was_interrupted_before_it_asked_asks_on_another_connection() -> None:
    interrupted = FakeLink(interrupted=True)
    links = [interrupted, FakeLink(line("ok", {"from": 7}), tweet(8))]
    follower = Follower(lambda _: links.pop(0), Cursor([], None))
    with pytest.raises(KeyboardInterrupt):
        next(follower)
    assert interrupted.is_closed
    assert next(follower).id == 8
