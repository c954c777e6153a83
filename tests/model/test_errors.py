"""Every error has a code that is documented and a sentence that is its text."""

import ast
from pathlib import Path

import pytest

import ttweet
from ttweet.model.errors import (
    CODES,
    PASSING,
    REQUEST_FAULTS,
    ConnectError,
    Displaced,
    OpenError,
    ProtocolError,
    Refused,
    SetupError,
    StoreError,
    TtweetError,
)

FAMILY = (ConnectError, OpenError, ProtocolError, Refused, SetupError, StoreError)


def codes_raised() -> set[str]:
    """The constant codes with which the package makes its errors."""
    codes = set()
    for path in Path(ttweet.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]) if name in NAMES:
                    codes.add(code)
    return codes


NAMES = {kind.__name__ for kind in FAMILY}


def test_every_code_that_is_raised_is_documented() -> None:
    assert {"too_long", "busy", "full", "unknown"} <= codes_raised()
    assert codes_raised() <= CODES.keys()


def test_no_code_concerns_both_the_request_and_the_state_of_the_server() -> None:
    assert CODES.keys() >= REQUEST_FAULTS | PASSING
    assert not REQUEST_FAULTS & PASSING


def test_a_client_may_retry_every_error_that_the_store_recovers_from() -> None:
    assert {code for code in CODES if StoreError(code, "").may_pass} <= PASSING


@pytest.mark.parametrize("kind", FAMILY, ids=sorted(NAMES))
def test_an_error_has_a_code_for_machines_and_a_sentence_for_people(kind: type[TtweetError]) -> None:
    error = kind("busy", "come back later")
    assert isinstance(error, TtweetError)
    assert (error.code, error.text, str(error)) == ("busy", "come back later", "come back later")


@pytest.mark.parametrize(
    ("code", "may_pass"), [("full", True), ("busy", True), ("unknown", False), ("internal", False)]
)
def test_only_a_full_disk_and_a_lock_pass_by_themselves(code: str, may_pass: bool) -> None:
    assert StoreError(code, "").may_pass is may_pass


@pytest.mark.parametrize("code", ["unknown", "moved"])
def test_clients_get_no_names_of_a_file_that_was_moved(code: str) -> None:
    error = Displaced(code, "/srv/tweets.db was removed")
    assert code in CODES
    assert (error.may_pass, str(error)) == (True, "/srv/tweets.db was removed")
    assert "srv" not in error.public_text
