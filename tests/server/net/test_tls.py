"""Clients and a server over TLS: what works, and what is said at both ends when it does not."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import ttweet
from tests.support.authority import LONG_AGO, Authority
from tests.support.peers import Script, listens, peer
from tests.support.processes import LIMIT_S
from tests.support.serving import SWEPT_S, Serving, jump, serving
from ttweet.client.tls import explained
from ttweet.model.errors import ConnectError, Refused, TtweetError
from ttweet.security.certificates import Certificates
from ttweet.server.config import Limits

Ask = Callable[..., Awaitable[str]]


async def by_thread(host: str, port: int, **settings: Any) -> str:
    """Post and read by the client that threads use."""

    def post() -> str:
        with ttweet.Client(host, port, **settings) as client:
            client.post("hello")
            return client.last_text()

    return await trio.to_thread.run_sync(post)


async def by_task(host: str, port: int, **settings: Any) -> str:
    """Post and read by the client for trio."""
    async with ttweet.AsyncClient(host, port, **settings) as client:
        await client.post("hello")
        last = await client.last()
        return last.text if last else ""


BOTH = pytest.mark.parametrize("ask", [by_thread, by_task])


async def error_of(ask: Ask, here: Serving, **settings: Any) -> TtweetError:
    with pytest.raises((ConnectError, Refused)) as raised:
        await ask(*here.address, **settings)
    return raised.value


async def told(here: Serving, amount: int) -> list[str]:
    """Return the lines about TLS in the report log, without the ports, when there are so many."""

    def lines() -> list[str]:
        return [line.split(") ", 1)[1] for line in here.lines if "NO TLS WITH CLIENT" in line]

    while len(lines()) < amount:
        await here.journal.wait_commit(here.journal.commits)
    return lines()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate that no authority has signed, and its key."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ttweet")])
    made = (
        x509.CertificateBuilder(name, name, secret.public_key(), 1, LONG_AGO, LONG_AGO + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(secret.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(secret.public_key()), critical=False)
        .sign(secret, hashes.SHA256())
    )
    cert, key = folder / "self.pem", folder / "self.key"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    key.touch(0o600)
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert, key


@BOTH
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_client_that_trusts_the_authority_is_served(authority: Authority, ask: Ask, host: str) -> None:
    async with serving(certificates=authority.certificates()) as here:
        assert await ask(host, here.address[1], ca=authority.ca) == "hello"
        assert await ask(host, here.address[1], ca=str(authority.folder / "server.pem")) == "hello"


@BOTH
async def test_settings_come_from_the_environment(
    authority: Authority, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = authority.issue("ann@example.org", name="ann")
    async with serving(certificates=authority.certificates(client_ca=authority.ca)) as here:
        for name, value in {"CA": authority.ca, "CERT": str(cert), "KEY": str(key)}.items():
            monkeypatch.setenv(f"TTWEET_{name}", value)
        assert await ask(*here.address) == "hello"


UNTRUSTED = "is not trusted, nothing was sent; get its certificate file from the operator and set TTWEET_CA to it"


@BOTH
async def test_a_certificate_of_an_unknown_authority_is_not_accepted(
    authority: Authority, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    async with serving(certificates=authority.certificates()) as here:
        for ca in (other.ca, "system"):
            error = await error_of(ask, here, ca=ca)
            assert (error.code, error.text) == ("tls", f"the certificate of 127.0.0.1:{here.address[1]} {UNTRUSTED}")


@BOTH
async def test_a_self_signed_certificate_is_accepted_only_when_it_is_trusted(
    authority: Authority, ask: Ask, tmp_path: Path
) -> None:
    cert, key = self_signed(tmp_path)
    old_one = cert.read_bytes()
    self_signed(tmp_path)
    (tmp_path / "both.pem").write_bytes(old_one + cert.read_bytes())
    async with serving(certificates=Certificates(cert, key)) as here:
        assert (await error_of(ask, here, ca=authority.ca)).text.endswith(UNTRUSTED)
        assert await ask(*here.address, ca=str(cert)) == "hello"
        assert await ask(*here.address, ca=str(tmp_path / "both.pem")) == "hello", "while another is handed out"


@BOTH
async def test_an_expired_certificate_is_not_accepted(authority: Authority, ask: Ask) -> None:
    async with serving(certificates=authority.certificates(expired=True)) as here:
        error = await error_of(ask, here, ca=authority.ca)
    assert error.code == "tls"
    assert error.text.endswith("is invalid: certificate has expired")


@BOTH
async def test_a_certificate_for_another_host_is_not_accepted(authority: Authority, ask: Ask) -> None:
    async with serving(certificates=authority.certificates("tweets.example.org")) as here:
        error = await error_of(ask, here, ca=authority.ca)
        where = f"127.0.0.1:{here.address[1]}"
    expected = f"the certificate of {where} is not for 127.0.0.1; connect by a name in the certificate"
    assert (error.code, error.text) == ("tls", expected)


@BOTH
async def test_a_plain_client_learns_that_the_port_speaks_tls(authority: Authority, ask: Ask) -> None:
    async with serving(certificates=authority.certificates()) as here:
        error = await error_of(ask, here)
        assert isinstance(error, Refused)
        expected = "this port requires TLS; set TTWEET_CA to the certificates to trust"
        assert (error.code, error.text) == ("tls", expected)
        assert await told(here, 1) == ["the client does not speak TLS"]


@BOTH
async def test_a_tls_client_learns_that_the_port_is_plain(authority: Authority, ask: Ask) -> None:
    async with serving() as here:
        error = await error_of(ask, here, ca=authority.ca)
        assert isinstance(error, ConnectError)
        assert error.code == "tls"
        way_out = "if its operator uses no TLS, unset TTWEET_CA"
        problem = "does not speak TLS, or something in between answered; nothing was sent"
        assert error.text == f"127.0.0.1:{here.address[1]} {problem}; {way_out}"
        assert await told(here, 1) == ["the client uses TLS, this port does not"]


async def test_a_hello_on_a_plain_port_is_answered_once_and_ended() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"\x16\x03\x01\x02\x00\x01")
        (line,) = (await caller.rest()).splitlines()  # the end comes though the client keeps its own side open
        assert json.loads(line)[1] == {"code": "tls", "text": "no TLS on this port; ask the operator"}
        assert await told(here, 1) == ["the client uses TLS, this port does not"]


async def test_http_and_classic_clients_on_a_tls_port_are_ended_with_a_sentence(authority: Authority) -> None:
    async with serving(certificates=authority.certificates()) as here:
        for request in (b"GET / HTTP/1.1\r\n\r\n", b"d\n", b"u\nhello"):
            caller = await here.call()
            await caller.stream.send_all(request)
            kind, data = json.loads(await caller.rest())
            assert (kind, data["code"]) == ("err", "tls")


@BOTH
async def test_a_server_that_requires_certificates_serves_clients_that_have_one(
    authority: Authority, ask: Ask, tmp_path: Path
) -> None:
    cert, key = authority.issue("ann@example.org", name="ann")
    (tmp_path / "other").mkdir()
    stranger, strangers_key = Authority(tmp_path / "other").issue("eve@example.org", name="eve")
    async with serving(certificates=authority.certificates(client_ca=authority.ca)) as here:
        assert await ask(*here.address, ca=authority.ca, cert=str(cert), key=str(key)) == "hello"
        wanted = f"127.0.0.1:{here.address[1]} requires a client certificate"
        without = await error_of(ask, here, ca=authority.ca)
        assert without.text.startswith(f"{wanted} (certificate required); set TTWEET_CERT and TTWEET_KEY")
        wrong = await error_of(ask, here, ca=authority.ca, cert=str(stranger), key=str(strangers_key))
        assert wrong.text.startswith(f"{wanted} (unknown ca)")
        assert without.code == wrong.code == "tls"
        first, second = await told(here, 2)
        assert first == "the client has shown no certificate"
        assert second.startswith("the client's certificate is not accepted: ")


@BOTH
async def test_a_client_that_finds_no_room_on_a_tls_port_gets_an_error(authority: Authority, ask: Ask) -> None:
    async with (
        serving(certificates=authority.certificates(), max_clients=1) as here,
        ttweet.AsyncClient(*here.address, ca=authority.ca) as first,
    ):
        await first.ping()
        with pytest.raises(ConnectError, match=r"has too many clients; retry later$"):
            await ask(*here.address, ca=authority.ca)


@BOTH
@pytest.mark.parametrize(
    ("script", "timeout_s", "text"),
    [
        (listens, 0.2, "{where} did not answer the TLS handshake; ask the operator whether the server uses TLS"),
        (lambda connection: connection.recv(9), LIMIT_S, "{where} closed the connection during the TLS handshake"),
    ],
    ids=["silent", "gone"],
)
async def test_a_client_that_does_not_answer_in_tls_is_given_up(
    authority: Authority, ask: Ask, script: Script, timeout_s: float, text: str
) -> None:
    with peer(script) as client, pytest.raises(ConnectError) as raised:
        await ask(client.host, client.port, ca=authority.ca, timeout_s=timeout_s)
    assert (raised.value.code, raised.value.text) == ("tls", text.format(where=f"127.0.0.1:{client.port}"))


def test_an_error_of_tls_without_a_sentence_of_its_own_is_shown_as_it_is() -> None:
    assert explained(ValueError("no such name"), "x:1", "x").text == "TLS with x:1 failed: no such name"


@BOTH
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"ca": "{folder}/none"},
            "cannot read the certificate to trust in {folder}/none: No such file or directory; check the path",
        ),
        ({"ca": "{folder}/x"}, "no certificate to trust in {folder}/x; give a PEM file with one"),
        (
            {"ca": "system", "cert": "{folder}/x", "key": "{folder}/none"},
            "cannot read the key in {folder}/none: No such file or directory; check the path",
        ),
        (
            {"ca": "system", "cert": "{folder}/x"},
            "no certificate in {folder}/x, or not its key; give a PEM file with both",
        ),
    ],
)
async def test_files_that_do_not_serve_a_client_are_named(
    ask: Ask, settings: dict[str, str], text: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("nothing")
    async with serving() as here:
        given = {name: value.format(folder=tmp_path) for name, value in settings.items()}
        with pytest.raises(ConnectError) as raised:
            await ask(*here.address, **given)
    assert (raised.value.code, raised.value.text) == ("tls", text.format(folder=tmp_path))


async def test_half_a_handshake_holds_no_client_up_and_has_its_time(
    authority: Authority, mock_clock: trio.testing.MockClock
) -> None:
    async with serving(certificates=authority.certificates()) as here:
        halves = [await here.call() for _ in range(20)]
        for half in halves:
            await half.stream.send_all(b"\x16\x03\x01")
        assert await by_task(*here.address, ca=authority.ca) == "hello"
        await jump(mock_clock, Limits().first_byte_s + SWEPT_S)
        for half in halves:
            assert await half.rest() == b""


async def test_a_reload_gives_new_clients_the_new_certificate_and_drops_no_client(authority: Authority) -> None:
    certificates = authority.certificates()
    async with (
        serving(certificates=certificates) as here,
        ttweet.AsyncClient(*here.address, ca=authority.ca) as before,
    ):
        await before.ping()
        authority.issue("tweets.example.org")
        certificates.reload()
        error = await error_of(by_task, here, ca=authority.ca)
        assert "is not for 127.0.0.1" in error.text
        link = before._link
        await before.post("still here")
        assert before._link is link, "over the same connection"


async def test_a_follower_gets_everything_in_order(authority: Authority) -> None:
    """More than fits into the sockets' buffers, while the follower does not read: it has to wait for room."""
    async with serving(certificates=authority.certificates()) as here:
        async with ttweet.AsyncClient(*here.address, ca=authority.ca).follow(after=0) as follower:
            here_plain = ttweet.Client(*here.address, ca=authority.ca)
            await trio.to_thread.run_sync(lambda: list(here_plain.post_many("x" * 150 for _ in range(5_000))))
            here_plain.close()
            ids = [(await anext(follower)).id for _ in range(5_000)]
        assert ids == list(range(1, 5_001))


async def test_a_follower_that_is_cancelled_continues_where_it_was(authority: Authority) -> None:
    async with (
        serving(certificates=authority.certificates()) as here,
        ttweet.AsyncClient(*here.address, ca=authority.ca) as client,
        client.follow(after=0) as follower,
    ):
        await client.post("one")
        assert (await anext(follower)).text == "one"
        link = follower._link
        with trio.CancelScope() as scope:
            scope.cancel()
            await anext(follower)
        await client.post("two")
        assert (await anext(follower)).text == "two"
        assert follower._link is link, "over the same connection"
