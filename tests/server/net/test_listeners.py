"""Where a server listens: every address of its hosts, of both families, once, and at one port."""

import errno
import socket
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.support.listening import listen
from ttweet.server.net.listeners import ListenError, resolve, why_not_listening


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


BOTH = ["0.0.0.0", "::"]
needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        (["127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.1", "127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.2", "127.0.0.1"], ["127.0.0.2", "127.0.0.1"]),
        (["0.0.0.0", "127.0.0.1"], ["0.0.0.0"]),
        (["127.0.0.1", "0.0.0.0"], ["0.0.0.0"]),
        (["::ffff:127.0.0.1"], ["127.0.0.1"]),
        (["::ffff:127.0.0.1", "127.0.0.1"], ["127.0.0.1"]),
        (["::ffff:0.0.0.0"], ["0.0.0.0"]),
        (["::1", "127.0.0.1"], ["::1", "127.0.0.1"]),
        (["::"], BOTH),
        (["0::0"], BOTH),
        (["::", "0.0.0.0"], BOTH),
        (["::", "::1", "127.0.0.1"], BOTH),
        (["0.0.0.0", "::1"], ["0.0.0.0", "::1"]),
    ],
    ids=" ".join,
)
@needs_ipv6
def test_a_server_listens_on_each_address_once_at_one_port(hosts: list[str], addresses: list[str]) -> None:
    assert sorted(address.ip for address in resolve(tuple(hosts), 0)) == sorted(addresses)
    with ExitStack() as open_ones:
        listening = [open_ones.enter_context(one) for one in listen(tuple(hosts), 0)]
        names = [one.getsockname()[:2] for one in listening]
        assert sorted(host for host, _ in names) == sorted(addresses)
        assert len({port for _, port in names}) == 1


@needs_ipv6
def test_a_client_of_ipv4_has_an_address_of_ipv4_on_a_server_of_both_families() -> None:
    with ExitStack() as open_ones:
        by_family = {one.family: open_ones.enter_context(one) for one in listen(("::",), 0)}
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            by_family[family].setblocking(True)
            with socket.create_connection((host, by_family[family].getsockname()[1]), 10):
                accepted, address = by_family[family].accept()
                accepted.close()
                assert address[0] == host


def without(*missing: tuple[str, int]) -> Callable[..., socket.socket]:
    """`socket.create_server` on a machine that lacks addresses: each with the error of an attempt to listen there."""
    create = socket.create_server

    def create_server(address: tuple[Any, ...], **options: Any) -> socket.socket:
        for host, code in missing:
            if address[0] == host:
                raise OSError(code, "not here")
        return create(address, **options)

    return create_server


@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6_listens_on_ipv4_alone(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_server", without(("::", code)))
    (listener,) = listen(("::",), 0)
    with listener:
        assert listener.getsockname()[0] == "0.0.0.0"


def test_a_name_may_have_an_address_that_this_machine_lacks_but_an_address_may_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, other = [socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0] for host in ("127.0.0.1", "192.0.2.1")]
    known = {"here": [other, ours], "elsewhere": [other, (*other[:4], ("198.51.100.1", 0))], "192.0.2.1": [other]}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: known[host])
    (listener,) = listen(("here",), 0)
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    for hosts in (("elsewhere",), ("192.0.2.1", "here")):
        with pytest.raises(ListenError, match="is not an address of this machine") as raised:
            listen(hosts, 0)
        assert raised.value.host == hosts[0]


def test_a_port_that_is_taken_at_the_second_address_alone_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []
    create = socket.create_server

    def create_server(address: tuple[Any, ...], **options: Any) -> socket.socket:
        if address[0] == "127.0.0.2":
            attempts.append(address[1])
            if len(attempts) < 3:
                raise OSError(errno.EADDRINUSE, "taken")
        return create(address, **options)

    monkeypatch.setattr(socket, "create_server", create_server)
    first, second = listen(("127.0.0.1", "127.0.0.2"), 0)
    with first, second:
        assert first.getsockname()[1] == second.getsockname()[1] == attempts[-1]
    assert len(attempts) == 3


def test_no_port_that_is_free_at_every_address_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_server", without(("127.0.0.2", errno.EADDRINUSE)))
    with pytest.raises(ListenError, match=r"of 127\.0\.0\.2 is in use"):
        listen(("127.0.0.1", "127.0.0.2"), 0)


def test_a_failure_at_one_host_leaves_nothing_open_at_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    create, opened = without(("127.0.0.2", errno.EACCES)), []

    def create_server(address: tuple[Any, ...], **options: Any) -> socket.socket:
        opened.append(create(address, **options))
        return opened[-1]

    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(ListenError) as raised:
        listen(("127.0.0.1", "127.0.0.2"), 0)
    assert raised.value.host == "127.0.0.2"
    assert [listener.fileno() for listener in opened] == [-1]


@pytest.mark.parametrize("host", ["", "a..b", "[::1]", "no.such.host.invalid", "127.0.0.1:80"])
def test_an_invalid_host_is_named(host: str) -> None:
    with pytest.raises(ListenError, match="use an address of this machine") as raised:
        listen(("127.0.0.1", host), 0)
    assert raised.value.host == host


def test_port_0_picks_a_free_port_answers_leave_without_delay_and_dead_links_end() -> None:
    (listener,) = listen(("127.0.0.1",), 0)
    with listener:
        port = listener.getsockname()[1]
        assert port > 0
        with socket.create_connection(("127.0.0.1", port), 10), closing(wait_accept(listener)) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def wait_accept(listener: socket.socket) -> socket.socket:
    listener.setblocking(True)
    return listener.accept()[0]


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open() -> None:
    (taken,) = listen(("127.0.0.1",), 0)
    with taken, pytest.raises(OSError) as raised:
        listen(("127.0.0.1",), taken.getsockname()[1])
    assert raised.value.errno == errno.EADDRINUSE


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError) as raised:
        listen(("192.0.2.1",), 0)  # RFC 5737: of no machine
    assert raised.value.errno == errno.EADDRNOTAVAIL


def test_a_host_that_is_no_name_at_all_is_an_error_of_the_same_kind() -> None:
    with pytest.raises(OSError, match=r"a\.\.b"):
        listen(("a..b",), 0)


@needs_ipv6
def test_both_addresses_of_a_host_share_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0] for host in ("127.0.0.1", "::1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)  # whatever this machine calls localhost
    first, second = listen(("localhost",), 0)
    with first, second:
        assert first.getsockname()[1] == second.getsockname()[1]
        first.close()
        with pytest.raises(OSError) as raised:
            listen(("localhost",), second.getsockname()[1])  # the one was free; it is released again
    assert raised.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("exc", "said"),
    [
        (OSError(errno.EADDRNOTAVAIL, "x"), "192.0.2.1 is not an address of this machine; use 127.0.0.1"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "invalid host '192.0.2.1'"),
        (OSError(errno.EACCES, "x"), "no permission to listen on port 7"),
        (
            OSError(errno.ENOBUFS, "No room (while attempting to)"),
            "cannot listen on 192.0.2.1:7: No room; choose another address or port",
        ),
    ],
)
def test_why_it_does_not_listen_is_reported_with_what_would_work(exc: OSError, said: str) -> None:
    assert why_not_listening("192.0.2.1", 7, exc).startswith(said)
    assert "while" not in why_not_listening("192.0.2.1", 7, exc)
