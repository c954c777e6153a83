"""The part of the benchmark on clusters measures a server over a log in memory, also where there is no etcd."""

import os
from pathlib import Path

import pytest
from benchmarks import generator
from benchmarks import stage as stages
from benchmarks.one_log import OwnNames
from benchmarks.parts import cluster
from benchmarks.plan import Plan

from ttweet.broker.online import Online
from ttweet.cluster import local_etcd

pytestmark = [
    pytest.mark.skipif(generator.compiler() is None, reason="there is no C compiler"),
    pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here"),
]


def test_without_etcd_one_server_is_measured_beside_one_over_a_log_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_etcd, "is_installed", lambda: False)
    with stages.make(tmp_path) as stage:
        part = cluster.measure(stage, Plan(rounds=1, seconds=0.1, warmup_s=0.05, cases=((1, 1), (2, 2))))
    assert {(figure.subject, figure.case) for figure in part.figures} == {
        (subject, case) for subject in ("alone", "memory") for case in ("1", "1, p50", "2x2")
    }
    assert all(figure.median > 0 for figure in part.figures)
    assert part.notes == ["etcd is not installed here and was left out (`apt install etcd-server`)."]


async def test_a_client_of_the_log_in_memory_signs_in_and_keeps_its_name() -> None:
    online = Online(OwnNames())
    await online.take_everywhere("ann", 1, instead_of=None)
    assert (online.names, online.is_lost("ann")) == (["ann"], False)
    online.free("ann")
    assert online.names == []
