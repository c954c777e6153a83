"""Many uploads under way: their outcomes stand in order, also when some had to be sent again."""

import json
from collections import deque
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.client import link, pipeline
from ttweet.client.pipeline import MAX_BATCH_BYTES, Pipeline
from ttweet.client.retry import RetryBudget
from ttweet.model.errors import Refused
from ttweet.protocol import replies
from ttweet.protocol.replies import Stored


class SlowServer:
    """Answers frames in order: each tells how often it is refused for being too much at once."""

    def __init__(self, wait_s: int = 1) -> None:
        self.stored: list[str] = []
        self.batches: list[bytes] = []
        self._refused: dict[str, int] = {}
        self._answers: deque[bytes] = deque()
        self._wait_s = wait_s

    def send(self, data: bytes) -> None:
        self.batches.append(data)
        for frame in data.splitlines():
            self._answers.append(self._answer(frame.decode()))

    def receive(self) -> bytes:
        return self._answers.popleft()

    def _answer(self, frame: str) -> bytes:
        self._refused[frame] = self._refused.get(frame, 0) + 1
        if self._refused[frame] <= int(frame.partition(":")[2] or 0):
            return json.dumps(["err", {"code": "slow_down", "text": "too many", "wait": self._wait_s}]).encode()
        self.stored.append(frame)
        return json.dumps(["ok", {"id": len(self.stored), "at": 0, "tags": [frame]}]).encode()


def outcome_of(line: bytes) -> Stored | Refused:
    kind, data = json.loads(line)
    return replies.stored(data) if kind == "ok" else replies.refusal(data)


def outcomes(server: SlowServer, frames: list[str], *, size: int = 4, budget: RetryBudget | None = None) -> list[str]:
    """Return the outcome of each frame: the frame itself, as the server has it, or the code of its refusal."""
    pipeline_ = Pipeline(cast("link.SyncLink", server), size, outcome_of, budget or RetryBudget())
    uploads = iter([f"{frame}\n".encode() for frame in frames])
    found: list[str] = []
    while pipeline_.fill(uploads) or pipeline_:
        outcome = pipeline_.next_outcome()
        found.append(outcome.code if isinstance(outcome, Refused) else outcome.tags[0])
    return found


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses take no time, and are noted."""
    noted: list[float] = []
    monkeypatch.setattr(pipeline, "pause", lambda pause_s, until: noted.append(pause_s))
    return noted


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 8))
def test_every_upload_is_stored_once_and_its_outcome_stands_in_its_place(refusals: list[int], size: int) -> None:
    frames = [f"{number}:{times}" for number, times in enumerate(refusals)]
    server = SlowServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "pause", lambda pause_s, until: None)
        assert outcomes(server, frames, size=size, budget=RetryBudget(float("inf"))) == frames
    assert sorted(server.stored) == sorted(frames)


def test_what_is_refused_together_keeps_its_order(pauses: list[float]) -> None:
    frames = ["a:0", "b:1", "c:1", "d:1"]
    server = SlowServer(wait_s=7)
    assert outcomes(server, frames) == server.stored == frames
    assert pauses == [7]


def test_out_of_budget_the_uploads_are_refused_and_none_is_sent_again() -> None:
    server = SlowServer(wait_s=61)
    assert outcomes(server, ["a:0", "b:9", "c:9"], size=3) == ["a:0", "slow_down", "slow_down"]
    assert b"".join(server.batches).splitlines() == [b"a:0", b"b:9", b"c:9"]


def test_the_budget_lasts_as_long_as_there_is_progress(pauses: list[float]) -> None:
    frames = [f"{number}:1" for number in range(5)]
    assert outcomes(SlowServer(wait_s=50), frames, size=1) == frames
    assert pauses == [50] * 5


def test_a_batch_is_small_enough_for_the_buffers_of_a_socket() -> None:
    server = SlowServer()
    pipeline_ = Pipeline(cast("link.SyncLink", server), 64, outcome_of, RetryBudget())
    assert pipeline_.fill(iter([b"x" * 9_999 + b"\n"] * 20))
    assert len(server.batches[0]) <= MAX_BATCH_BYTES + 10_000
    assert len(pipeline_) == len(server.batches[0]) // 10_000
