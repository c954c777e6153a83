"""Hostile clients and random bytes: they harm no client, and harmful bytes are found."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofs import fuzz, fuzz_targets, hostile

from tests.support.proofs import staged
from ttweet.model import reports
from ttweet.protocol import frames

INPUTS = 4_000  # for each target, in some seconds; `scripts/prove fuzz --seconds 3600` is the long form


@pytest.mark.proof
def test_hostile_clients_harm_only_themselves() -> None:
    with staged() as stage:
        result = hostile.prove(stage, scale=0.02, seed=1, timed=False)  # that is for a machine of its own
    assert not result.findings.told
    assert result.ok


@pytest.mark.proof
def test_fuzzing_finds_nothing() -> None:
    seed = random.randrange(2**31)
    print(f"seed {seed}")
    with staged() as stage:
        fuzzed = fuzz.prove_briefly(stage, inputs=INPUTS, seed=seed)
    assert fuzzed.ok, (fuzzed.line, fuzzed.told)
    assert fuzzed.line.count(f"={INPUTS}") == len(fuzz_targets.TARGETS)


@pytest.mark.parametrize("seed", sorted(fuzz.CORPUS.rglob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_each_seed_of_the_fuzzing_is_handled(seed: Path) -> None:
    fuzz_targets.TARGETS[seed.parent.name](seed.read_bytes())


@given(st.binary(max_size=300))
def test_any_bytes_are_handled(data: bytes) -> None:
    for target in fuzz_targets.TARGETS.values():
        target(data)


def test_a_fault_in_what_is_fuzzed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "escape", lambda text: text)
    with pytest.raises(AssertionError):
        fuzz_targets.escapes(b"\x1b")
    monkeypatch.setattr(frames.FrameReader, "receive_data", lambda _, data: data.splitlines())
    with pytest.raises(AssertionError):
        fuzz_targets.decoder(b"\x01\x00\x04" + b'["p",""]\n')


def test_an_input_that_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz_targets.timed(lambda data: None)(b"quick")
    monkeypatch.setattr(fuzz_targets, "MAX_INPUT_S", 0.0)
    with pytest.raises(AssertionError, match="s for 4 bytes"):
        fuzz_targets.timed(lambda data: None)(b"slow")
