"""Many uploads under way: their outcomes stand in order, also when some had to be sent again."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, cast

from hypothesis import given
from hypothesis import strategies as st

from ttweet.client.exchanges import RECEIVE
from ttweet.client.pipeline import MAX_BATCH_BYTES, Pipeline
from ttweet.client.retry import RetryBudget
from ttweet.model.errors import Refused

if TYPE_CHECKING:
    from ttweet.client.exchanges import Steps
    from ttweet.client.pipeline import PostOutcome


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


def carried_out(steps: Steps[PostOutcome], server: SlowServer, pauses: list[float]) -> PostOutcome:
    """Do what the steps say with a server whose pauses take no time, and are noted."""
    received: bytes | None = None
    while True:
        try:
            step = steps.send(received)
        except StopIteration as end:
            return cast("PostOutcome", end.value)
        received = server.receive() if step is RECEIVE else None
        if isinstance(step, bytes):
            server.send(step)
        elif step is not RECEIVE:
            pauses.append(step)


def outcomes(
    server: SlowServer,
    frames: list[str],
    *,
    size: int = 4,
    budget: RetryBudget | None = None,
    pauses: list[float] | None = None,
) -> list[str]:
    """Return the outcome of each frame: the frame itself, as the server has it, or the code of its refusal."""
    pipeline = Pipeline(size, budget or RetryBudget())
    uploads = iter([f"{frame}\n".encode() for frame in frames])
    noted: list[float] = [] if pauses is None else pauses
    found: list[str] = []
    while (data := pipeline.fill(uploads)) or pipeline:
        server.send(data)
        outcome = carried_out(pipeline.next_outcome(), server, noted)
        found.append(outcome.code if isinstance(outcome, Refused) else outcome.tags[0])
    return found


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 8))
def test_every_upload_is_stored_once_and_its_outcome_stands_in_its_place(refusals: list[int], size: int) -> None:
    frames = [f"{number}:{times}" for number, times in enumerate(refusals)]
    server = SlowServer()
    assert outcomes(server, frames, size=size, budget=RetryBudget(float("inf"))) == frames
    assert sorted(server.stored) == sorted(frames)


def test_posts_that_are_refused_together_keep_their_order() -> None:
    pauses: list[float] = []
    frames = ["a:0", "b:1", "c:1", "d:1"]
    server = SlowServer(wait_s=7)
    assert outcomes(server, frames, pauses=pauses) == server.stored == frames
    assert pauses == [7]


def test_out_of_budget_the_uploads_are_refused_and_none_is_sent_again() -> None:
    server = SlowServer(wait_s=61)
    assert outcomes(server, ["a:0", "b:9", "c:9"], size=3) == ["a:0", "slow_down", "slow_down"]
    assert b"".join(server.batches).splitlines() == [b"a:0", b"b:9", b"c:9"]


def test_the_budget_lasts_as_long_as_there_is_progress() -> None:
    pauses: list[float] = []
    frames = [f"{number}:1" for number in range(5)]
    assert outcomes(SlowServer(wait_s=50), frames, size=1, pauses=pauses) == frames
    assert pauses == [50] * 5


def test_a_batch_is_small_enough_for_the_buffers_of_a_socket() -> None:
    pipeline = Pipeline(64, RetryBudget())
    batch = pipeline.fill(iter([b"x" * 9_999 + b"\n"] * 20))
    assert MAX_BATCH_BYTES <= len(batch) <= MAX_BATCH_BYTES + 10_000
    assert len(pipeline) == len(batch) // 10_000
