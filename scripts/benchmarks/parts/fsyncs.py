"""Syncs of the file against acknowledgements: group commit, seen from outside."""

from __future__ import annotations

from functools import partial

from benchmarks import strace
from benchmarks.figures import Load, PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers import ttweet
from benchmarks.peers.peer import Peer, Subject
from benchmarks.plan import Plan, Turn, take_turns
from benchmarks.stage import BenchStage

SUBJECT = Subject("fsyncs/ack", "syncs an acknowledgement", ttweet.PEER, "ttweet-upload")
CASES = (1, 64, 256)
QUICK_CASES = (64,)


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Count with strace at each number of clients."""
    part = PartFigures("fsyncs")
    for clients in plan.clients(CASES, QUICK_CASES):
        load = plan.load(clients)
        subjects = plan.with_baseline([SUBJECT])
        turns = [Turn(one.name, load.case, "1", partial(_syncs_an_ack, stage, one.peer, load)) for one in subjects]
        take_turns(plan, part, turns)
    return part


def _syncs_an_ack(stage: BenchStage, peer: Peer, load: Load) -> Sample:
    acknowledged, syncs = strace.count(stage, load, peer)
    return Sample(syncs / max(1, acknowledged))


KIND = Kind(
    name="fsyncs",
    title="Syncs and acknowledgements",
    about="Calls of `fsync` and `fdatasync` by the server, with those of checkpoints, for each acknowledged upload.",
    measure=measure,
    titles={SUBJECT.name: SUBJECT.title},
)
