"""Wrong tokens: so many of an address are looked up, and then it has to wait."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import serving
from ttweet.model.errors import ProtocolError
from ttweet.security import authenticator as authenticator_module
from ttweet.security.authenticator import MAX_WRONG, WRONG_PAUSE_S, Authenticator, WrongTokens
from ttweet.security.rights import RIGHTS
from ttweet.security.token_file import TokenFile


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tweets.db")


class MonotonicClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def code(answer: tuple[str, Any]) -> str:
    return answer[1]["code"] if answer[0] == "err" else answer[0]


def test_wrong_tokens_of_an_address_have_to_wait_and_others_have_not() -> None:
    clock = MonotonicClock()
    wrong = WrongTokens(clock)
    for _ in range(MAX_WRONG):
        wrong.count("192.0.2.1")
    with pytest.raises(ProtocolError, match=f"retry in {WRONG_PAUSE_S:g} seconds") as refused:
        wrong.count("192.0.2.1")
    assert refused.value.code == "slow_down"
    wrong.count("192.0.2.2")
    clock.now += WRONG_PAUSE_S
    wrong.count("192.0.2.1")
    with pytest.raises(ProtocolError):
        wrong.count("192.0.2.1")
    clock.now += MAX_WRONG * WRONG_PAUSE_S
    for _ in range(MAX_WRONG):
        wrong.count("192.0.2.1")


def test_a_try_that_was_right_after_all_is_not_counted() -> None:
    wrong = WrongTokens(MonotonicClock())
    wrong.take_back("192.0.2.1")
    for _ in range(MAX_WRONG + 1):
        wrong.count("192.0.2.1")
        wrong.take_back("192.0.2.1")
    for _ in range(MAX_WRONG):
        wrong.count("192.0.2.1")
    with pytest.raises(ProtocolError):
        wrong.count("192.0.2.1")


def test_all_of_a_network_of_ipv6_count_as_one() -> None:
    wrong = WrongTokens(MonotonicClock())
    for number in range(MAX_WRONG):
        wrong.count(f"2001:db8::{number:x}%eth0")
    with pytest.raises(ProtocolError):
        wrong.count("2001:db8::ffff")
    wrong.count("2001:db8:0:1::1")


def test_so_many_addresses_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator_module, "MAX_ADDRESSES", 2)
    wrong = WrongTokens(MonotonicClock())
    for _ in range(MAX_WRONG):
        wrong.count("192.0.2.1")
    wrong.count("192.0.2.2")
    wrong.count("192.0.2.3")
    wrong.count("192.0.2.1")  # forgotten


async def test_a_right_token_is_taken_from_an_address_that_must_wait(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset(RIGHTS))
    authenticator = Authenticator(frozenset(), file)
    authenticator._wrong = WrongTokens(MonotonicClock())
    async with serving(authenticator=authenticator) as here:
        codes = [code(await (await here.call()).ask("a", "wrong")) for _ in range(MAX_WRONG + 2)]
        assert codes == ["token"] * MAX_WRONG + ["slow_down"] * 2
        assert code(await (await here.call()).ask("a", secret)) == "ok"
