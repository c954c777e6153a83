"""The certificates that a client trusts and shows: files that others may change are rejected."""

import os
from pathlib import Path

import pytest

from tests.support.authority import Authority, encrypt
from ttweet.model.errors import SetupError
from ttweet.security.outgoing import make_context


@pytest.mark.parametrize("which", ["certificate to trust", "certificate", "key"])
def test_a_client_trusts_no_file_that_any_user_may_write_to(authority: Authority, which: str) -> None:
    cert, key = authority.issue()
    file = {"certificate to trust": Path(authority.ca), "certificate": cert, "key": key}[which]
    file.chmod(0o602)
    with pytest.raises(SetupError) as refused:
        make_context(authority.ca, str(cert), str(key))
    assert refused.value.text == (f"cannot trust {file}: any user can write to it (mode 0602); run: chmod o-w {file}")


@pytest.mark.parametrize("is_apart", [True, False])
def test_a_client_uses_no_key_that_other_users_can_read(authority: Authority, *, is_apart: bool) -> None:
    cert, key = authority.issue()
    if not is_apart:
        key.write_bytes(cert.read_bytes() + key.read_bytes())
    key.chmod(0o644)
    with pytest.raises(SetupError) as refused:
        make_context(authority.ca, str(cert if is_apart else key), str(key) if is_apart else None)
    assert refused.value.text == f"other users can read the key {key} (mode 0644); run: chmod 600 {key}"


def test_a_client_trusts_no_file_in_a_folder_that_any_user_may_write_to(authority: Authority) -> None:
    authority.folder.chmod(0o777)
    with pytest.raises(SetupError, match="any user can replace the files in"):
        make_context(authority.ca, None, None)


def test_certificates_to_trust_may_come_through_a_pipe(authority: Authority) -> None:
    reader, writer = os.pipe()
    os.write(writer, Path(authority.ca).read_bytes())
    os.close(writer)
    try:
        assert make_context(f"/dev/fd/{reader}", None, None).get_ca_certs() != []
    finally:
        os.close(reader)


def test_a_client_asks_for_no_password_either(authority: Authority) -> None:
    cert, key = authority.issue("ann@example.org", name="ann")
    encrypt(key)
    with pytest.raises(SetupError, match=f"^the key in {cert} is encrypted; decrypt it first$"):
        make_context(authority.ca, str(cert), str(key))
