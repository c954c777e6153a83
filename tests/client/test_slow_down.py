"""A server that says `slow_down` is obeyed by every client, and says so to people."""

import json
import time
from pathlib import Path

import pytest
import trio

import ttweet
from tests.client.test_cursor import Diary, line, tweet
from tests.client.test_follower import begins
from tests.support.in_process import run
from tests.support.peers import peer, says
from tests.support.processes import LIMIT_S, running_server
from ttweet.cli import shell
from ttweet.model.errors import Refused, SlowDown, TtweetError

TOO_FAST = line("err", {"code": "slow_down", "text": "too many requests", "wait": 7})
DONE = b'["ok",null]\n'


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses take no time, and are noted."""
    noted: list[float] = []

    async def note(pause_s: float) -> None:
        noted.extend([pause_s] if pause_s else [])  # trio lets others run by a pause of none
        await trio.lowlevel.checkpoint()

    for module in ("sync_client", "follower"):
        monkeypatch.setattr(f"ttweet.client.{module}.pause", lambda pause_s, until: noted.append(pause_s))
    monkeypatch.setattr("ttweet.client.async_link.trio.sleep", note)
    return noted


def test_a_request_is_made_again_when_the_server_asks(pauses: list[float]) -> None:
    told: list[int] = []
    with (
        peer(says(TOO_FAST, TOO_FAST, DONE)) as other,
        ttweet.Client(other.host, other.port, on_wait=told.append) as one,
    ):
        one.ping()
    assert pauses == told == [7, 7]


def test_a_client_that_asks_for_deletions_obeys_too(pauses: list[float]) -> None:
    pushes = line("ok", {"from": 1}) + line("x", {"id": 5, "at": 1, "tweet": 2}) + line("e", {"id": 7})
    with peer(says(TOO_FAST, pushes, DONE)) as client:
        assert client.deletions_after(1) == {5}
    assert pauses == [7]


@pytest.mark.parametrize(
    ("push", "code"),
    [(line("err", {"code": "token", "text": "revoked"}), "token"), (b"[]\n", "unknown"), (line("ok", {}), "unknown")],
)
def test_pushes_that_tell_no_deletions_are_raised(push: bytes, code: str) -> None:
    with peer(says(line("ok", {"from": 1}) + push)) as client, pytest.raises(TtweetError) as raised:
        client.deletions_after(1)
    assert raised.value.code == code


def test_a_client_gives_up_after_a_minute_with_the_error_of_the_server(pauses: list[float]) -> None:
    with peer(says(*[TOO_FAST] * 9)) as client, pytest.raises(SlowDown, match="too many requests") as raised:
        client.ping()
    assert raised.value.wait_s == 7
    assert pauses == [7] * 8


def test_a_client_can_have_no_retry_budget(pauses: list[float]) -> None:
    with peer(says(TOO_FAST)) as other:
        client = ttweet.Client(other.host, other.port, retry_budget_s=0)
        with client, pytest.raises(Refused):
            client.ping()
    assert pauses == []


def test_signing_in_waits_as_long_as_the_server_asks(pauses: list[float]) -> None:
    with peer(says(TOO_FAST), says(DONE, DONE)) as other:
        client = ttweet.Client(other.host, other.port, name="matt")
        with client:
            client.ping()
    assert pauses == [7]


async def test_the_client_for_trio_obeys_as_well(pauses: list[float]) -> None:
    with peer(says(TOO_FAST, DONE)) as other:
        async with ttweet.AsyncClient(other.host, other.port) as client:
            await client.ping()
    assert pauses == [7]


async def test_a_follower_begins_when_the_server_asks(pauses: list[float]) -> None:
    diary = Diary()
    with peer(says(TOO_FAST), begins(line("ok", {"from": 0}), tweet(1), asked=b'["s",{}]\n')) as client:
        assert next(client.follow(listener=diary)).id == 1
    assert pauses == [7]
    assert diary.entries == ["slow_down"]


def test_the_command_line_waits_and_says_so(tmp_path: Path) -> None:
    with running_server(tmp_path, "--rate", "2/s", "--burst", "2", "--no-report-file") as server:
        done = run("post", "--lines", "--server", server.address, stdin=b"one\ntwo\nthree\nfour\nfive\n")
        assert (done.returncode, done.stdout) == (shell.DONE, "1\n2\n3\n4\n5\n")
        assert done.stderr.count("the server limits requests; retrying in 1 s\n") == 1
        done = run("-u", "127.0.0.1", str(server.port), "five")
        assert (done.returncode, done.stdout) == (shell.DONE, "Transmission Successfull...\n")


def test_a_rate_that_is_too_slow_to_wait_for_is_a_refusal(tmp_path: Path) -> None:
    with running_server(tmp_path, "--rate", "1/h", "--burst", "1", "--no-report-file") as server:
        assert run("post", "one", "--server", server.address).returncode == shell.DONE
        for command in (["post", "two"], ["follow", "--count", "1"], ["last"]):
            done = run(*command, "--server", server.address)
            assert done.returncode == shell.REFUSED
            assert done.stderr.startswith("ttweet: too many requests: the limit is 1/h after 1 at once; retry in 3")
        done = run("post", "--lines", "--json", "--server", server.address, stdin=b"three\nfour\n")
        assert done.returncode == shell.REFUSED
        assert [json.loads(row)["code"] for row in done.stdout.splitlines()] == ["slow_down"] * 2


def test_no_pause_goes_beyond_the_deadline_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[float] = []
    monkeypatch.setattr("ttweet.client.sync_client.pause", lambda pause_s, until: ends.append(until))
    stored = line("ok", {"id": 1, "at": 7, "tags": []})
    with peer(says(TOO_FAST, DONE, TOO_FAST, stored)) as client:
        client.deadline = time.monotonic() + LIMIT_S
        client.ping()
        assert [type(outcome).__name__ for outcome in client.post_many(["one"])] == ["Stored"]
        assert ends == [client.deadline] * 2
