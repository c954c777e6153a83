"""Secrets and what is kept of them."""

import re

import pytest

from ttweet.model.errors import Refused
from ttweet.security import tokens
from ttweet.security.rights import ADMIN, POST, READ, Principal
from ttweet.security.tokens import Token

SECRET = re.compile(r"ttw_[A-Za-z0-9_-]{43}")  # 6 bits each: 258
TOKEN = Token(7, "ci", "00ff", frozenset({POST, READ}), 1_000, expires=2_000)


def test_secrets_are_all_different_have_256_bits_and_one_form() -> None:
    made = {tokens.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(SECRET.fullmatch(secret) for secret in made)


def test_only_the_sha_256_of_a_secret_is_kept() -> None:
    assert tokens.hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(tokens.hash_of("\udc80")) == 64  # what no command line can hold is no reason to fail


def test_a_token_is_live_until_it_expires_or_is_revoked() -> None:
    assert TOKEN.state(1_999) == "live"
    assert TOKEN.state(2_000) == "expired"
    assert TOKEN._replace(revoked=1_500).state(1_600) == "revoked"
    assert TOKEN._replace(expires=None).state(10**15) == "live"


def test_a_token_is_read_as_it_was_printed() -> None:
    assert TOKEN.as_json()["rights"] == ["read", "post"]
    assert Token.from_json(TOKEN.as_json() | {"of a later version": 1}) == TOKEN
    assert TOKEN.who == Principal("ci", frozenset({READ, POST}), "00ff")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rights": ["root"]},
        {"rights": "read"},
        {"rights": [["read"]]},
        {"id": "7"},
        {"expires": "soon"},
        {"name": None},
    ],
)
def test_an_invalid_token_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Token.from_json(TOKEN.as_json() | wrong)


def test_rights_are_typed_with_commas() -> None:
    assert tokens.checked_rights("post, read") == {READ, POST}
    assert tokens.checked_rights("admin") == {ADMIN}
    for text, seen in (("reed", "'reed'"), ("", "''"), ("read,", "''")):
        with pytest.raises(Refused, match=f"invalid right {seen}: use read, post, admin"):
            tokens.checked_rights(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('invalid JSON: \'["x",["ttw_aB3-_x"]\'', 'invalid JSON: \'["x",["ttw_***"]\''),
        ("ttw_a ttw_b", "ttw_*** ttw_***"),
        ("no token: ttw_", "no token: ttw_"),
    ],
)
def test_a_text_for_a_log_has_no_secrets(text: str, shown: str) -> None:
    assert tokens.masked(text) == shown


def test_nothing_of_a_new_secret_is_left_in_a_log() -> None:
    assert tokens.masked(tokens.new_secret()) == "ttw_***"
