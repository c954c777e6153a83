"""Between an upload and its acknowledgement the disk was synced; and once for many."""

from __future__ import annotations

import random
from bisect import bisect_left

from proofs.checker import Findings, check
from proofs.disk import Do, operations, recorded
from proofs.figure import Result
from proofs.history import History
from proofs.load import clients, wait_for_acknowledged
from proofs.stage import Stage

MAX_SYNCS_PER_TWEET = 0.25  # with six clients that send up to sixteen together


def prove(stage: Stage, *, uploads: int, seed: int) -> Result:
    """Record the syncs of the write-ahead log beside the times of uploads and answers."""
    history = History()
    traced, trace = recorded(stage)
    with clients(history, random.Random(seed)) as target, traced.server() as server:
        target.set(server.port)
        wait_for_acknowledged(history, uploads)
        target.set(None, stopped=True)
        code = server.stop()
    syncs = [one.began for one in operations(trace) if one.do == Do.SYNC and one.name.endswith("-wal")]
    findings = check(history, stage.db, sample=stage.sample, ended=True)
    _check_syncs(history, syncs, findings)
    first = [upload for upload in history.uploads if upload.outcome == "ok" and not upload.retry]
    ratio = len(syncs) / max(1, len(first))
    passed = code == 0 and 0 < ratio <= MAX_SYNCS_PER_TWEET
    return Result(findings, ("lost",), history, f"syncs={len(syncs)} syncs/tweet={ratio:.3f}", passed=passed)


def _check_syncs(history: History, syncs: list[int], findings: Findings) -> None:
    """A sync must have begun between the moment that an upload was sent and the moment that its answer was there."""
    for upload in history.uploads:
        if upload.outcome == "ok" and upload.returned is not None and not upload.retry:
            place = bisect_left(syncs, upload.invoked)
            if place == len(syncs) or syncs[place] > upload.returned:
                findings.add("lost", f"{upload.id} was acknowledged without a sync")
