"""Names of servers: valid ones, the errors of others, and the choice among several."""

import socket
from collections.abc import Callable

import pytest
import trio

import ttweet
from tests.support.peers import peer, says
from tests.support.resolver import Resolver
from ttweet.client import servers
from ttweet.client.servers import parse, resolve
from ttweet.model.errors import ConnectError, Refused, ResolverError, SetupError

PONG = b'["ok",null]\n'


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TTWEET_SERVER", "TTWEET_CA", "TTWEET_TOKEN", "TTWEET_TOKEN_FILE", "TTWEET_NO_TLS"):
        monkeypatch.delenv(name, raising=False)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("name", "host", "port", "tls"),
    [
        ("127.0.0.1:13001", "127.0.0.1", 13001, False),
        ("example.org", "example.org", 13001, False),
        ("example.org:80", "example.org", 80, False),
        ("localhost:65535", "localhost", 65535, False),
        ("[::1]", "::1", 13001, False),
        ("[::1]:80", "::1", 80, False),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80, False),
        ("höhe.example:1", "höhe.example", 1, False),
        ("ttweet://example.org", "example.org", 13001, False),
        ("ttweet://example.org:80/", "example.org", 80, False),
        ("ttweets://example.org:80", "example.org", 80, True),
        ("TTweetS://[::1]", "::1", 13001, True),
        ("  example.org:80\n", "example.org", 80, False),
    ],
)
def test_a_server_is_a_host_and_may_have_a_scheme_and_a_port(name: str, host: str, port: int, tls: bool) -> None:
    [server] = parse(name)
    assert (server.host, server.port, server.tls) == (host, port, tls)
    [again] = parse(str(server))
    assert (again.host, again.port, again.tls) == (host, port, tls)


USE_PORT = "use a port from 1 to 65535"
NO_HOST = "use HOST:PORT, such as 127.0.0.1:13001"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", NO_HOST),
        (":80", NO_HOST),
        ("13001", NO_HOST),
        ("ttweets://", NO_HOST),
        ("h:", USE_PORT),
        ("h:p", USE_PORT),
        ("h:0", USE_PORT),
        ("h:65536", USE_PORT),
        ("h:000080", USE_PORT),
        ("h:\u0663", USE_PORT),
        ("h:80/x", USE_PORT),
        ("a:1:2", "use HOST:PORT, such as 127.0.0.1:13001"),
        ("h/x", "use HOST:PORT, such as 127.0.0.1:13001"),
        ("me@h:1", "use HOST:PORT, such as 127.0.0.1:13001"),
        ("two words:1", "use HOST:PORT, such as 127.0.0.1:13001"),
        ("h\0:1", "use HOST:PORT, such as 127.0.0.1:13001"),
        ("\udcff:1", "use HOST:PORT, such as 127.0.0.1:13001"),
        ("::1", "use brackets for an IPv6 address: [::1]:13001"),
        ("::1:13001", "use brackets for an IPv6 address: [::1]:13001"),
        ("2001:db8::7:13001", "use brackets for an IPv6 address: [2001:db8::7]:13001"),
        ("fe80::1%lo", "use brackets for an IPv6 address: [fe80::1%lo]:13001"),
        ("[::1", "use an IPv6 address in brackets and a port, such as [::1]:13001"),
        ("[::1]80", "use an IPv6 address in brackets and a port, such as [::1]:13001"),
        ("[h]:80", "use an IPv6 address in brackets and a port, such as [::1]:13001"),
        ("[::1]:x", USE_PORT),
        ("http://h:8080/x", "HTTP is not supported; use h:PORT"),
        ("HTTPS://h", "HTTP is not supported; use h:PORT"),
        ("http://", "HTTP is not supported; use HOST:PORT"),
        ("ftp://h:1", "use ttweet:// or, for TLS, ttweets://"),
        ("tcp://h:1", "use ttweet:// or, for TLS, ttweets://"),
    ],
)
@pytest.mark.parametrize("kind", [ttweet.Client, ttweet.AsyncClient])
def test_an_invalid_server_is_named(kind: Callable[[str], object], name: str, why: str) -> None:
    with pytest.raises(SetupError) as refused:
        kind(name)
    assert refused.value.text == f"invalid server {name!a}: {why}"


@pytest.mark.parametrize("names", ["a,,b", "a:1,", ",a"])
def test_a_list_of_servers_has_no_gaps(names: str) -> None:
    with pytest.raises(SetupError, match=r"^invalid server '': use HOST:PORT"):
        parse(names)


def test_a_long_name_that_is_wrong_is_cut() -> None:
    with pytest.raises(SetupError, match=f"^invalid server '{'h' * servers.SHOWN}': "):
        parse("h" * 1000 + ":p")


def test_a_program_names_a_server_or_the_variable_does_or_it_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(server: str | None = None, port: int | None = None) -> list[str]:
        return [str(one) for one in resolve(server, port)]

    assert named() == ["127.0.0.1:13001"]
    monkeypatch.setenv("TTWEET_SERVER", "")
    assert named() == ["127.0.0.1:13001"]
    monkeypatch.setenv("TTWEET_SERVER", "a:1, ttweets://b:2")
    assert named() == ["a:1", "ttweets://b:2"]
    assert named("c:3") == ["c:3"]
    for host in ("::1", "[::1]"):
        assert named(host, 4) == ["[::1]:4"]
    assert named(port=5) == ["127.0.0.1:5"]
    monkeypatch.setenv("TTWEET_SERVER", "a:x")
    with pytest.raises(SetupError, match=r"^TTWEET_SERVER: invalid server 'a:x': use a port"):
        named()


@pytest.mark.parametrize("host", ["127.0.0.1:80", "http://h", "ttweets://h", "a,b", "user@h", "h/x"])
@pytest.mark.parametrize("kind", [ttweet.Client, ttweet.AsyncClient])
def test_beside_a_port_there_is_a_host_alone(kind: Callable[[str, int], object], host: str) -> None:
    with pytest.raises(SetupError) as refused:
        kind(host, 80)
    assert refused.value.text == f"invalid host {host!a}: give the port separately, as HOST PORT"


def test_a_client_needs_no_more_than_a_name() -> None:
    with peer(says(PONG)) as other, ttweet.Client(f"127.0.0.1:{other.port}") as client:
        client.ping()


async def test_the_client_for_trio_needs_no_more_either() -> None:
    with peer(says(PONG)) as other:
        async with ttweet.AsyncClient(f"127.0.0.1:{other.port}") as client:
            await client.ping()


def test_the_first_of_several_that_can_be_reached_is_taken() -> None:
    dead = closed_port()
    with peer(says(PONG)) as other, ttweet.Client(f"127.0.0.1:{dead},127.0.0.1:{other.port}") as client:
        client.ping()
        assert (client.host, client.port) == ("127.0.0.1", other.port)
        assert client.address == f"127.0.0.1:{dead},127.0.0.1:{other.port}"


async def test_the_client_for_trio_takes_it_too() -> None:
    with peer(says(PONG)) as other:
        async with ttweet.AsyncClient(f"127.0.0.1:{closed_port()},127.0.0.1:{other.port}") as client:
            with trio.fail_after(30):
                await client.ping()


def test_a_server_that_refuses_is_not_passed_over() -> None:
    busy = b'["err",{"code":"busy","text":"the server has 1 clients already"}]\n'
    with (
        peer(says(busy)) as other,
        ttweet.Client(f"127.0.0.1:{other.port},127.0.0.1:1", name="ann") as client,
        pytest.raises(Refused, match="1 clients already"),
    ):
        client.ping()


def test_when_none_can_be_reached_each_is_reported() -> None:
    first, second = closed_port(), closed_port()
    with ttweet.Client(f"127.0.0.1:{first},127.0.0.1:{second}") as client, pytest.raises(ConnectError) as raised:
        client.ping()
    assert raised.value.code == "unreachable"
    assert raised.value.text == (
        f"no server can be reached: no server is listening on 127.0.0.1:{first}; "
        f"no server is listening on 127.0.0.1:{second}; start one"
    )


def test_one_whose_name_cannot_be_looked_up_now_may_be_reached_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str, port: int, until: float) -> socket.socket:
        raise socket.gaierror(socket.EAI_AGAIN if host == "a" else socket.EAI_NONAME, "no")

    monkeypatch.setattr("ttweet.client.tcp.connected", fail)
    with ttweet.Client("a,b") as client, pytest.raises(ResolverError, match="no server can be reached"):
        client.ping()


def test_a_scheme_asks_for_tls_and_sends_a_token_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTWEET_TOKEN", "ttw_x")
    Resolver(monkeypatch).found = [(socket.AF_INET, ("192.0.2.1", 13001))]
    ttweet.Client("ttweets://example.org").check()
    for name in ("example.org", "ttweet://example.org", "ttweets://example.org,example.org"):
        with pytest.raises(SetupError, match=r"^unencrypted connection to example\.org:13001"):
            ttweet.Client(name).check()


def test_with_the_scheme_for_tls_the_authorities_of_the_system_are_trusted() -> None:
    client = ttweet.Client("ttweets://example.org")
    context = client.endpoint.tls.context(client.endpoint.servers[0])
    assert context is not None
    assert context.check_hostname
    assert client.endpoint.tls.context(servers.ServerAddress("example.org", 1)) is None
