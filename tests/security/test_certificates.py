"""The server's PEM files: what is wrong with one is said by its name, and what serves stays in use."""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ttweet
from tests.support.authority import Authority, encrypt
from tests.support.ownership import NOBODY, give_away
from tests.support.processes import LIMIT_S
from ttweet.model.errors import OpenError
from ttweet.security import certificates
from ttweet.security.certificates import Certificates
from ttweet.security.outgoing import make_context

SECURITY = Path(ttweet.__file__).parent.parent / "docs" / "security.md"


def test_a_pair_makes_connections_of_tls_1_2_at_least(authority: Authority) -> None:
    context = authority.certificates().context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


def test_with_an_authority_for_clients_each_must_have_a_certificate(authority: Authority) -> None:
    wanting = authority.certificates(client_ca=authority.ca)
    assert wanting.context.verify_mode is ssl.CERT_REQUIRED
    assert str(wanting).endswith(f", for clients with one signed by {authority.ca}")
    assert wanting.valid_until is not None


def test_a_certificate_says_how_long_it_is_valid(authority: Authority) -> None:
    expired = authority.certificates(expired=True)
    assert expired.valid_until == datetime(2020, 1, 2, tzinfo=UTC).timestamp()
    assert str(expired) == f"certificate {expired.cert}, valid until 2020-01-02"


def test_files_that_go_while_they_are_read_again_change_nothing(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = authority.certificates()
    context = used.context
    monkeypatch.setattr(certificates, "_check_private", lambda _: used.cert.unlink())
    with pytest.raises(OpenError, match="No such file") as refused:
        used.reload()
    assert refused.value.code == "denied"
    assert used.context is context
    assert str(used) == f"certificate {used.cert}"  # its end of validity is unknown
    assert used.valid_until is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make root's files")
@pytest.mark.parametrize("mode", [0o640, 0o440])
def test_a_key_of_roots_for_a_group_is_taken_as_debians_ssl_cert_is(mode: int, tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).issue()
    os.chown(key, 0, NOBODY)
    key.chmod(mode)
    Certificates(cert, key)


def no_cert(cert: Path, _: Path) -> None:
    cert.unlink()


def no_key(_: Path, key: Path) -> None:
    key.unlink()


def folder(cert: Path, _: Path) -> None:
    cert.unlink()
    cert.mkdir()


def no_pem(cert: Path, _: Path) -> None:
    cert.write_bytes(b"\xff\x00 what is that?")


def swapped(cert: Path, key: Path) -> None:
    key.write_bytes(cert.read_bytes())


def torn(cert: Path, _: Path) -> None:
    cert.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")


def of_another(_: Path, key: Path) -> None:
    _, other = Authority(key.parent).issue(name="other")
    key.write_bytes(other.read_bytes())


def for_the_group(_: Path, key: Path) -> None:
    give_away(key)
    key.chmod(0o640)


def for_all(_: Path, key: Path) -> None:
    key.chmod(0o604)


def replaceable(_: Path, key: Path) -> None:
    key.parent.chmod(0o777)


def writable_cert(cert: Path, _: Path) -> None:
    cert.chmod(0o646)


def huge_cert(cert: Path, _: Path) -> None:
    os.truncate(cert, 1 << 40)  # a file with a hole, which no memory has room for


def huge_key(_: Path, key: Path) -> None:
    os.truncate(key, certificates.MAX_FILE_BYTES + 1)


def encrypted(_: Path, key: Path) -> None:
    encrypt(key)


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [
        (no_cert, "missing", "no such file: {cert}; give a file with a certificate"),
        (no_key, "missing", "no such file: {key}; give a file with a private key"),
        (folder, "denied", "cannot read {cert}: Is a directory; choose another file"),
        (huge_cert, "not_ours", "{cert} has more than 1,024 KiB; give a smaller file with a certificate"),
        (huge_key, "not_ours", "{key} has more than 1,024 KiB; give a smaller file with a private key"),
        (no_pem, "not_ours", "no certificate in {cert}; give a PEM file with one"),
        (swapped, "not_ours", "no private key in {key}; give a PEM file with one"),
        (torn, "damaged", "cannot use {cert} with {key}: "),
        (
            of_another,
            "not_ours",
            "{key} is not the key of the certificate in {cert}; give the two files that belong together",
        ),
        (for_the_group, "denied", "other users can read the key {key} (mode 0640); run: chmod 600 {key}"),
        (for_all, "denied", "other users can read the key {key} (mode 0604); run: chmod 600 {key}"),
        (replaceable, "denied", "cannot trust the certificate in {cert}: any user can replace the files in "),
        (
            writable_cert,
            "denied",
            "cannot trust the certificate in {cert}: any user can write to it (mode 0646); run: ",
        ),
        (encrypted, "denied", "{key} is encrypted; decrypt it: openssl pkey -in {key} -out NEW"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_file_that_does_not_serve_is_named_with_the_way_out(
    authority: Authority, spoil: Callable[[Path, Path], None], code: str, text: str
) -> None:
    cert, key = authority.issue()
    certificates = Certificates(cert, key)
    before = certificates.context
    spoil(cert, key)
    with pytest.raises(OpenError) as raised:
        Certificates(cert, key)
    assert raised.value.code == code
    assert raised.value.text.startswith(text.format(cert=cert, key=key))
    with pytest.raises(OpenError):
        certificates.reload()
    assert certificates.context is before, "what served goes on to serve"


@pytest.mark.parametrize(("content", "code"), [("nothing", "not_ours"), ("-----BEGIN CERTIFICATE-----", "damaged")])
def test_an_authority_for_clients_that_does_not_serve_is_refused(authority: Authority, content: str, code: str) -> None:
    spoilt = authority.folder / "clients.pem"
    spoilt.write_text(content)
    with pytest.raises(OpenError, match=r"clients\.pem") as raised:
        authority.certificates(client_ca=str(spoilt))
    assert raised.value.code == code


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_the_commands_of_the_documents_make_what_servers_and_clients_take(tmp_path: Path) -> None:
    commands = re.findall(r"^    (openssl req .*(?:\n {8}.*)*)", SECURITY.read_text(), re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=LIMIT_S)
    made = Certificates(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem")
    assert made.valid_until is not None
    make_context(str(tmp_path / "cert.pem"), str(tmp_path / "ann.pem"), str(tmp_path / "ann.key"))
    checked = ["openssl", "verify", "-CAfile", "ca.pem", "ann.pem"]
    subprocess.run(checked, cwd=tmp_path, check=True, capture_output=True, timeout=LIMIT_S)
