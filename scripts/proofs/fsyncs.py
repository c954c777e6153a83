"""Between the moment that an upload was written and its acknowledgement the disk was synced; and once for many.

The disk is a slow one, so that an acknowledgement which does not wait for the end of the sync comes before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from server_process import LIMIT_S

from proofs.disk import Do, Operation, operations, recorded
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History, Upload
from proofs.scene import scene
from proofs.stage import Stage

UPLOADS = 20_000
MAX_SYNCS_PER_TWEET = 0.25  # with six clients that send up to sixteen together
SYNC_US = 4000  # how much longer a sync takes: longer than a client needs to read an answer
_NUMBERED = re.compile(rb"[0-9a-f]{8}-\d+\.\d+ ")  # how each text of `load` begins, and no other


@dataclass(slots=True)
class SyncLog:
    """The operations on the write-ahead log: its syncs, and when a text was written first, by its beginning."""

    syncs: list[Operation] = field(default_factory=list)
    written: dict[bytes, int] = field(default_factory=dict)

    def note(self, done: Iterable[Operation]) -> None:
        """Take note of what was recorded."""
        for one in done:
            if one.do == Do.SYNC and one.name.endswith("-wal"):
                self.syncs.append(one)
            elif one.do == Do.WRITE and one.name.endswith("-wal"):
                for text in _NUMBERED.findall(one.data):
                    self.written.setdefault(text, one.began)

    def has_synced(self, upload: Upload) -> bool:
        """Whether a sync has begun after the upload was written, and has ended before it was answered."""
        written = self.written.get(upload.text.partition(" ")[0].encode() + b" ")
        place = len(self.syncs) if written is None else bisect_left(self.syncs, written, key=attrgetter("began"))
        return place < len(self.syncs) and upload.returned is not None and self.syncs[place].ended <= upload.returned


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Record the syncs of the write-ahead log beside the times of uploads and answers."""
    traced, trace = recorded(stage, sync_us=SYNC_US)
    with scene(traced, seed) as here, here.server() as server:
        enough = here.acknowledges(int(UPLOADS * scale), LIMIT_S)
        here.target.stop()
        code = server.stop()
    log = SyncLog()
    log.note(operations(trace))
    here.check()
    check_syncs(here.history, log, here.findings)
    first = [upload for upload in here.history.uploads if upload.outcome == "ok" and not upload.retry]
    ratio = len(log.syncs) / max(1, len(first))
    passed = code == 0 and enough and 0 < ratio <= MAX_SYNCS_PER_TWEET
    return here.result("lost", beside=f"syncs={len(log.syncs)} syncs/tweet={ratio:.3f}", passed=passed)


def check_syncs(history: History, log: SyncLog, findings: Findings) -> None:
    """Each acknowledged tweet was written and then synced; a retry finds what the first attempt has written."""
    for upload in history.uploads:
        if upload.outcome == "ok" and not upload.retry and not log.has_synced(upload):
            findings.add("lost", f"{upload.id} was acknowledged without a sync")
