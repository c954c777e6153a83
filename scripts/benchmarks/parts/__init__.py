"""The parts of the benchmark, in the order of the page."""

from __future__ import annotations

from benchmarks.parts import acks, cluster, connects, find, follow, fsyncs, growth, http, idle, lines, reads, start
from benchmarks.parts.part import Kind

KINDS: tuple[Kind, ...] = (
    acks.KIND, connects.KIND, reads.KIND, follow.KIND, http.KIND, idle.KIND, growth.KIND, find.KIND, start.KIND,
    fsyncs.KIND, lines.KIND, cluster.KIND,
)  # fmt: skip
