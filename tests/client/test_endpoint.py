"""How a client comes to a connection, and what is said when there is none."""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import trio

import ttweet
from tests.support.ownership import give_away
from tests.support.peers import peer
from tests.support.processes import output_of
from tests.support.resolver import Resolver
from ttweet.client import link_errors, tcp
from ttweet.client.any_client import AnyClient
from ttweet.client.async_client import AsyncClient
from ttweet.client.async_link import AsyncLink
from ttweet.client.endpoint import own_token
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError, SetupError


def test_no_server_is_there() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with Client("127.0.0.1", port) as client, pytest.raises(ConnectError) as raised:
            client.ping()
    assert raised.value.code == "unreachable"
    assert raised.value.text == f"no server is listening on 127.0.0.1:{port}; start one"


@pytest.mark.parametrize(
    ("host", "error", "text"),
    [
        ("localhost", ConnectionRefusedError(), "no server is listening on localhost:80; start one"),
        ("::1", ConnectionRefusedError(), "no server is listening on [::1]:80; start one"),
        (
            "10.0.0.7",
            ConnectionRefusedError(),
            "no server is listening on 10.0.0.7:80; start one there",
        ),
        ("10.0.0.7", TimeoutError(), "no answer from 10.0.0.7:80; check the address and the firewall"),
        ("nowhere", socket.gaierror(), "unknown host 'nowhere'; check its spelling, or use 127.0.0.1 for this machine"),
        ("a" * 99, UnicodeError(), f"unknown host '{'a' * 99}'; check its spelling, or use 127.0.0.1 for this machine"),
        (
            "10.0.0.7",
            OSError(113, "No route to host"),
            "cannot connect to 10.0.0.7:80: No route to host; check the address and the network",
        ),
        (
            "h",
            OSError(errno.EMFILE, ""),
            "cannot connect to h:80: too many open files; raise the limit: ulimit -n 4096",
        ),
        (
            "h",
            OSError(errno.ENFILE, ""),
            "cannot connect to h:80: too many open files; raise the limit: ulimit -n 4096",
        ),
    ],
)
def test_the_sentence_of_each_failed_connection(host: str, error: OSError, text: str) -> None:
    raised = link_errors.unreachable(host, 80, error)
    assert (raised.code, raised.text) == ("unreachable", text)


def test_a_resolver_that_lacks_descriptors_is_not_told_as_an_unknown_host() -> None:
    code = """
import os, resource, socket, threading
from ttweet.client.link import SyncLink
from ttweet.model.errors import ConnectError

with socket.create_server(("127.0.0.1", 0)) as listener:
    try:
        SyncLink("127.0.0.1", listener.getsockname()[1], 5).close()  # all is imported, all pipes are open
        resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0) + 3, 64))
        SyncLink("localhost", 1, 5)
    except ConnectError as error:
        print(error.text)
"""
    assert output_of(code) == "cannot connect to localhost:1: too many open files; raise the limit: ulimit -n 4096\n"


@pytest.mark.parametrize("host", ["a..b", "é..b", "x" * 300])
def test_a_host_that_cannot_be_one_is_unreachable(host: str) -> None:
    with Client(host, 1) as client, pytest.raises(ConnectError) as raised:
        client.ping()
    assert raised.value.code == "unreachable"


@pytest.mark.parametrize("port", [0, -1, 65536, 999999])
@pytest.mark.parametrize("kind", [ttweet.Client, ttweet.AsyncClient])
def test_an_invalid_port_is_named_and_no_other_server_is_asked(kind: Callable[[str, int], object], port: int) -> None:
    with pytest.raises(SetupError, match=f"^invalid port {port}: use a port from 1 to 65535$"):
        kind("127.0.0.1", port)


# Tokens


def greeted_with(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], token: str | None = None) -> list[bytes]:
    """Return the first frame of a connection with these variables in the environment."""
    for name in ("TTWEET_TOKEN", "TTWEET_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    heard = []

    def listen(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for line in lines:
            heard.append(line)
            connection.sendall(b'["ok",null]\n')

    with peer(listen) as client:
        client = Client(client.host, client.port, name="ci", token=token)
        client.ping()
        client.close()
    return heard


NAMED = [b'["n","ci"]\n', b'["p",""]\n']


def test_a_connection_begins_with_the_token_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert greeted_with(monkeypatch, {}) == NAMED
    assert greeted_with(monkeypatch, {"TTWEET_TOKEN": "ttw_x\n"}) == [b'["a","ttw_x"]\n', *NAMED]
    file = tmp_path / "token"
    file.write_text("ttw_y\n")
    file.chmod(0o600)
    of_file = {"TTWEET_TOKEN_FILE": str(file)}
    assert greeted_with(monkeypatch, of_file) == [b'["a","ttw_y"]\n', *NAMED]
    assert greeted_with(monkeypatch, of_file | {"TTWEET_TOKEN": "ttw_x"})[0] == b'["a","ttw_x"]\n'
    assert greeted_with(monkeypatch, of_file, token="ttw_z")[0] == b'["a","ttw_z"]\n'
    assert greeted_with(monkeypatch, of_file, token="") == NAMED


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_token_that_others_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text("ttw_y\n")
    give_away(file)
    file.chmod(mode)
    monkeypatch.setenv("TTWEET_TOKEN_FILE", str(file))
    with pytest.raises(SetupError, match=rf"\(mode 0{mode:o}\); run: chmod 600") as refused:
        own_token()
    assert "ttw_y" not in refused.value.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make root's files")
@pytest.mark.parametrize(("mode", "taken"), [(0o440, True), (0o640, True), (0o444, False), (0o660, False)])
def test_a_token_of_roots_may_be_for_a_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, taken: bool
) -> None:
    file = tmp_path / "token"
    file.write_text("ttw_y\n")
    file.chmod(mode)
    monkeypatch.setenv("TTWEET_TOKEN_FILE", str(file))
    with nullcontext() if taken else pytest.raises(SetupError, match="other users can read"):
        assert own_token() == "ttw_y"


@pytest.mark.parametrize("wrong", ["ttw_ö", "ttw_a\nttw_b", "ttw_\x00"])
def test_a_token_file_without_a_token_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "token"
    file.write_text(wrong)
    file.chmod(0o600)
    monkeypatch.setenv("TTWEET_TOKEN_FILE", str(file))
    with pytest.raises(SetupError, match=f"^TTWEET_TOKEN_FILE '{file}' has no token; a token begins with"):
        own_token()
    monkeypatch.setenv("TTWEET_TOKEN", "\udc80")
    with pytest.raises(SetupError, match="TTWEET_TOKEN has no token"):
        own_token()


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "cannot be read: No such file or directory; check the path"), ("", "is empty"), ("\n", "is empty")],
)
def test_a_file_without_a_token_is_not_the_same_as_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, fault: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
        file.chmod(0o600)
    monkeypatch.setenv("TTWEET_TOKEN_FILE", str(file))
    monkeypatch.delenv("TTWEET_TOKEN", raising=False)
    with pytest.raises(SetupError, match=f"^TTWEET_TOKEN_FILE '{file}' {fault}"):
        own_token()


def test_a_token_file_that_any_user_may_replace_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name_token_file(monkeypatch, tmp_path / "token", b"ttw_y")
    tmp_path.chmod(0o777)
    with pytest.raises(SetupError, match=f"any user can replace the files in {tmp_path}; run: chmod o-w"):
        own_token()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads a file of another user that no other may read")
def test_a_token_file_of_another_user_in_a_folder_of_all_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name_token_file(monkeypatch, tmp_path / "token", b"ttw_y")
    give_away(tmp_path / "token")
    tmp_path.chmod(0o1777)
    with pytest.raises(SetupError, match=r"it belongs to another user \(id 65534\), in a shared folder"):
        own_token()


def greetings(client: AnyClient, peer: str = "192.0.2.1") -> list[bytes]:
    return client.endpoint.greetings(client.endpoint.servers[0], lambda: peer, client.name)


def test_a_token_goes_to_another_machine_only_with_tls_or_ttweet_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TTWEET_NO_TLS", raising=False)
    monkeypatch.setenv("TTWEET_TOKEN", "ttw_x")
    client = AnyClient("server.example", 13001)
    with pytest.raises(SetupError) as refused:
        greetings(client)
    assert refused.value.text == (
        "unencrypted connection to server.example:13001: the token was not sent; "
        "set TTWEET_CA to the server's certificate"
    )
    assert greetings(AnyClient("server.example", 13001, token="")) == []
    shown = [b'["a","ttw_x"]\n']
    assert greetings(AnyClient("server.example", 13001, ca="system")) == shown
    for here in ("127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"):
        assert greetings(client, here) == shown
    for value in ("0", "no", "False", "off", " ", "maybe"):
        monkeypatch.setenv("TTWEET_NO_TLS", value)
        with pytest.raises(SetupError):
            greetings(client)
    monkeypatch.setenv("TTWEET_NO_TLS", "1")
    assert greetings(client) == shown


NAMES = [
    "127.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1x",
    "localhost.evil",
    "localhost",
    "127.1",
    "0x7f.1",
    "server",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%lo", ""])
def test_a_token_goes_by_the_address_of_the_peer_and_not_by_the_name_of_the_server(
    name: str, peer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TTWEET_NO_TLS", raising=False)
    client = AnyClient(name, 13001, token="ttw_x")
    assert greetings(client, "127.0.0.1") == [b'["a","ttw_x"]\n']
    with pytest.raises(SetupError, match="unencrypted"):
        greetings(client, peer)


def test_a_server_that_is_elsewhere_gets_not_one_byte_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TTWEET_NO_TLS", raising=False)
    monkeypatch.setattr(tcp.PlainSocket, "peer", lambda _: "192.0.2.1")
    monkeypatch.setattr(AsyncLink, "peer", lambda _: "192.0.2.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Client("127.0.0.1", port, token="ttw_x") as client, pytest.raises(SetupError, match="unencrypted"):
            client.post("hello")
        with pytest.raises(SetupError, match="unencrypted"):
            trio.run(AsyncClient("127.0.0.1", port, token="ttw_x").post, "hello")
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100) == b""


@pytest.mark.parametrize(
    ("addresses", "refused"),
    [
        (["192.0.2.1"], True),
        (["192.0.2.1", "127.0.0.1"], False),  # the connection that is made decides
        (["127.0.0.1"], False),
        ([], True),  # the resolver fails: nothing shows that it is this machine
    ],
)
@pytest.mark.parametrize("name", ["127.evil.example", "server"])
def test_a_check_looks_a_server_up_before_there_is_anything_to_send(
    name: str, addresses: list[str], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TTWEET_NO_TLS", raising=False)
    resolver = Resolver(monkeypatch)
    resolver.found = [(socket.AF_INET, (address, 13001)) for address in addresses]
    if not addresses:
        resolver.fault = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    with pytest.raises(SetupError, match="unencrypted") if refused else nullcontext():
        AnyClient(name, 13001, token="ttw_x").check()
    AnyClient(name, 13001, token="").check()
    AnyClient(name, 13001, token="ttw_x", ca="system").check()


def test_a_token_file_may_begin_with_a_byte_order_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name_token_file(monkeypatch, tmp_path / "token", b"\xef\xbb\xbfttw_y\r\n")
    assert own_token() == "ttw_y"


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"\xef\xbb\xbf", "is empty; put the token into it"),
        ("ttw_y\r\n".encode("utf-16"), "is UTF-16, as PowerShell's > writes it; convert it: iconv -f UTF-16 -t UTF-8"),
        (b"\xfe\xff\0t", "is UTF-16, as PowerShell's > writes it; convert it: iconv -f UTF-16 -t UTF-8"),
    ],
)
def test_a_token_file_of_another_encoding_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, wrong: str
) -> None:
    name_token_file(monkeypatch, tmp_path / "token", data)
    with pytest.raises(SetupError, match=f"TTWEET_TOKEN_FILE .*{wrong}"):
        own_token()


def name_token_file(monkeypatch: pytest.MonkeyPatch, file: Path, data: bytes) -> None:
    """Have the environment name a file with these bytes."""
    file.write_bytes(data)
    file.chmod(0o600)
    monkeypatch.delenv("TTWEET_TOKEN", raising=False)
    monkeypatch.setenv("TTWEET_TOKEN_FILE", str(file))
