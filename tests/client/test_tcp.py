"""How a client comes to a connection: one attempt after the other, and the first that succeeds."""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.client.test_cursor import Diary, line, tweet
from tests.client.test_follower import begins
from tests.support.peers import peer, says, silent_port
from tests.support.processes import LIMIT_S
from tests.support.resolver import Resolver
from ttweet.cli import shell
from ttweet.cli.chat import course
from ttweet.cli.main import main
from ttweet.client import tcp
from ttweet.client.sync_client import Client
from ttweet.client.tcp import addresses, first_connected, in_turn
from ttweet.model.errors import ConnectError, ResolverError, TtweetError

if TYPE_CHECKING:
    from ttweet.client.tcp import SocketAddress

V4, V6 = socket.AF_INET, socket.AF_INET6


def late() -> float:
    return time.monotonic() + LIMIT_S


def at(port: int) -> "SocketAddress":
    return V4, ("127.0.0.1", port)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


NO_ROUTE = (V4, ("255.255.255.255", 9))  # which no TCP connects to


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("families", "order"),
    [
        ([V6, V6, V4, V4], [0, 2, 1, 3]),
        ([V6, V6, V6, V4], [0, 3, 1, 2]),
        ([V4, V6, V6], [0, 1, 2]),
        ([V4, V4], [0, 1]),
        ([V6], [0]),
        ([], []),
    ],
)
def test_the_families_take_turns_beginning_with_the_best_address(families: list[int], order: list[int]) -> None:
    assert [place for _, place in in_turn(list(zip(families, range(9), strict=False)))] == order


def test_an_address_that_is_silent_does_not_block_the_next_one() -> None:
    with silent_port() as silent, listening() as port:
        for places in ([silent, port], [silent, silent, port], [port, silent]):
            with first_connected([at(place) for place in places], late()) as connected:
                assert connected.getpeername()[1] == port
                assert not connected.getblocking()


def test_an_address_that_fails_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "NEXT_ATTEMPT_S", LIMIT_S)
    end = late()
    with listening() as port, first_connected([NO_ROUTE, at(closed_port()), at(port)], end) as connected:
        assert connected.getpeername()[1] == port
    assert time.monotonic() < end


def test_when_all_fail_a_refusal_is_what_is_reported() -> None:
    with pytest.raises(ConnectionRefusedError):
        first_connected([NO_ROUTE, at(closed_port()), NO_ROUTE], late())
    with pytest.raises(OSError, match="unreachable") as failure:
        first_connected([NO_ROUTE], late())
    assert failure.value.errno == errno.ENETUNREACH


def test_when_none_answers_the_time_is_up_and_nothing_stays_open() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with silent_port() as silent:
        before = descriptors()
        with pytest.raises(TimeoutError):
            first_connected([at(silent), at(silent)], time.monotonic() + 0.01)
        assert descriptors() == before


# Names


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo"])
def test_an_address_is_not_looked_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.Thread", None)
    [(family, found)] = addresses(host, 13001, 0)
    assert family == (V6 if ":" in host else V4)
    assert found[:2] == (host.partition("%")[0], 13001)


def test_the_first_address_of_a_name_that_answers_is_taken(resolver: Resolver) -> None:
    with peer(says(b'["ok",null]\n')) as other, silent_port() as silent:
        resolver.found = [at(silent), at(closed_port()), at(other.port)]
        with Client("twofold.example", other.port) as client:
            client.ping()


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure"),
            ResolverError,
            "cannot look up 'a.example': Temporary failure; retry, or use an IP address",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            ConnectError,
            "unknown host 'a.example'; check its spelling, or use 127.0.0.1 for this machine",
        ),
        (
            socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"),
            ConnectError,
            "cannot connect to a.example:1: Non-recoverable failure; check the address and the network",
        ),
        (
            UnicodeError("label too long"),
            ConnectError,
            "unknown host 'a.example'; check its spelling, or use 127.0.0.1 for this machine",
        ),
    ],
)
def test_a_name_that_cannot_be_looked_up_is_not_one_that_is_unknown(
    resolver: Resolver, fault: Exception, kind: type[ConnectError], text: str
) -> None:
    resolver.fault = fault
    with Client("a.example", 1) as client, pytest.raises(ConnectError) as raised:
        client.ping()
    assert (type(raised.value), raised.value.code, raised.value.text) == (kind, "unreachable", text)


def test_a_follower_begins_when_its_servers_name_can_be_looked_up(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mended(Diary):
        def on_disconnected(self, error: TtweetError, pause_s: float) -> None:
            super().on_disconnected(error, pause_s)
            resolver.fault = None

    monkeypatch.setattr("ttweet.client.follower.pause", lambda pause_s, until: None)
    diary = Mended()
    script = begins(line("ok", {"from": 0}), tweet(1), line("e", {"id": 1}), tweet(2), asked=b'["s",{}]\n')
    resolver.fault = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
    with peer(script) as other:
        resolver.found = [at(other.port)]
        with Client("later.example", other.port) as client, client.follow(listener=diary) as follower:
            assert [next(follower).id for _ in range(2)] == [1, 2]
    assert diary.entries == ["unreachable", 1]


def test_a_tweet_is_kept_while_its_servers_name_cannot_be_looked_up(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("TTWEET_CA", raising=False)
    stored = [b'["ok",{"id":%d,"at":7,"tags":[]}]\n' % number for number in (1, 2)]
    with peer(says(*stored)) as other:
        server = f"later.example:{other.port}"
        resolver.fault = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        assert main(["post", "--spool", "one", "--server", server]) == shell.UNREACHABLE
        assert "cannot look up 'later.example'" in capfd.readouterr().err
        resolver.fault, resolver.found = None, [at(other.port)]
        assert main(["post", "--spool", "two", "--server", server]) == shell.DONE
    assert capfd.readouterr() == ("2\n", "posted 1 waiting tweet\n")


@pytest.mark.parametrize(
    ("fault", "known"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), True),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), False),
        (UnicodeError("label too long"), False),
        (None, True),
    ],
)
def test_a_session_calls_a_host_wrong_only_if_it_is(resolver: Resolver, fault: Exception | None, known: bool) -> None:
    resolver.fault, resolver.found = fault, [at(1)]
    assert course._is_known("a.example") is known


def test_a_resolver_that_does_not_answer_is_given_up(resolver: Resolver) -> None:
    with resolver.silent(), Client("a.example", 1, timeout_s=0.01) as client, pytest.raises(ResolverError) as raised:
        client.ping()
    assert raised.value.text == "cannot look up 'a.example': no answer; retry, or use an IP address"


def test_a_name_is_looked_up_where_there_is_no_room_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", start)
    assert {host for _, (host, *_) in addresses("localhost", 1, late())} <= {"127.0.0.1", "::1"}
    with pytest.raises(UnicodeError):
        addresses("é..b", 1, late())
