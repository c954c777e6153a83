"""Two tables: when a server starts, and what the anonymous may do there."""

import pytest

from ttweet.security import exposure
from ttweet.security.rights import ADMIN, POST, READ

HERE = ["127.0.0.1", "::1"]
OPEN = "0.0.0.0"  # it is what is to be refused
LOCAL = [["127.0.0.1"], ["127.8.9.10"], ["::1"], HERE, ["::ffff:127.0.0.1"]]
OTHERS = [
    [OPEN],
    ["::"],
    ["::ffff:0.0.0.0"],
    ["::ffff:192.0.2.1"],
    [*HERE, "::"],
    ["192.0.2.1"],
    ["2001:db8::1"],
    ["fe80::1%eth0"],
    ["127.0.0.1", "192.0.2.1"],
    ["127.evil.example"],
    ["localhost"],
    ["127.0.0.1", ""],
    [],
]

# tokens, TLS, --anonymous, --no-tls: what is missing on an address that others reach
TABLE: list[tuple[bool, bool, str | None, bool, list[str]]] = [
    (False, False, None, False, ["token", "tls"]),
    (False, False, None, True, ["token"]),
    (False, False, "none", False, ["token", "tls"]),
    (False, False, "none", True, ["token"]),
    (False, False, "read", False, ["tls"]),
    (False, False, "read", True, []),
    (False, False, "write", False, ["tls"]),
    (False, False, "write", True, []),
    (False, True, None, False, ["token"]),
    (False, True, "none", False, ["token"]),
    (False, True, "read", False, []),
    (False, True, "write", False, []),
    (True, False, None, False, ["tls"]),
    (True, False, None, True, []),
    (True, False, "none", False, ["tls"]),
    (True, False, "none", True, []),
    (True, False, "read", False, ["tls"]),
    (True, False, "read", True, []),
    (True, False, "write", False, ["tls"]),
    (True, False, "write", True, []),
    (True, True, None, False, []),
    (True, True, "none", False, []),
    (True, True, "read", False, []),
    (True, True, "write", False, []),
]


@pytest.mark.parametrize("addresses", OTHERS, ids=str)
@pytest.mark.parametrize(("tokens", "tls", "anonymous", "no_tls", "missing"), TABLE)
def test_others_are_served_only_with_what_the_table_says(
    addresses: list[str], tokens: bool, tls: bool, anonymous: str | None, no_tls: bool, missing: list[str]
) -> None:
    assert exposure.missing(addresses, tokens=tokens, tls=tls, anonymous=anonymous, no_tls=no_tls) == missing


@pytest.mark.parametrize("addresses", LOCAL, ids=str)
@pytest.mark.parametrize(("tokens", "tls", "anonymous", "no_tls", "_"), TABLE)
def test_this_machine_is_served_without_a_token_or_tls(
    addresses: list[str], tokens: bool, tls: bool, anonymous: str | None, no_tls: bool, _: list[str]
) -> None:
    assert exposure.missing(addresses, tokens=tokens, tls=tls, anonymous=anonymous, no_tls=no_tls) == []


@pytest.mark.parametrize(
    ("anonymous", "here", "elsewhere"),
    [
        (None, {READ, POST, ADMIN}, set()),
        ("none", set(), set()),
        ("read", {READ}, {READ}),
        ("write", {READ, POST, ADMIN}, {READ, POST}),
    ],
)
def test_the_option_and_the_place_decide_the_rights_of_anonymous_clients(
    anonymous: str | None, here: set[str], elsewhere: set[str]
) -> None:
    for addresses in LOCAL:
        assert exposure.anonymous_rights(addresses, anonymous) == here
    for addresses in OTHERS:
        assert exposure.anonymous_rights(addresses, anonymous) == elsewhere


@pytest.mark.parametrize(
    ("tokens", "anonymous", "missing"),
    [(False, None, ["token"]), (False, "none", ["token"]), (True, None, []), (False, "read", [])],
)
def test_an_own_address_behind_a_proxy_wants_a_token_and_leaves_tls_to_the_proxy(
    tokens: bool, anonymous: str | None, missing: list[str]
) -> None:
    found = exposure.missing(["127.0.0.1"], tokens=tokens, tls=False, anonymous=anonymous, no_tls=False, proxied=True)
    assert found == missing


@pytest.mark.parametrize(
    ("anonymous", "rights"), [(None, set()), ("none", set()), ("read", {READ}), ("write", {READ, POST})]
)
def test_strangers_are_no_administrators(anonymous: str | None, rights: set[str]) -> None:
    assert exposure.rights_of_strangers(anonymous) == rights


def test_the_refusal_says_what_is_missing() -> None:
    error = exposure.UnsafeError(["token", "tls"], ["::"])
    assert error.text == "other machines can reach this server; it has no token and no tls"
