"""The content of a disk after a power cut, computed from the operations that shim/disk.c has recorded.

A disk keeps what was synced. It may keep nothing of the rest, all, any sectors of any write, or the newest write torn
in the middle; names that were made or removed since the folder was last synced are kept up to any one of them, in
order, as a journaling file system does it.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Literal, NamedTuple

from server_process import Broken

from proofs.stage import Stage, compiled

SECTOR = 512  # what a disk writes as a whole
Loss = Literal["dropped", "kept", "part", "torn"]
LOSSES: tuple[Loss, ...] = ("dropped", "kept", "part", "torn")
_RECORD = struct.Struct("=QQIIQQ")


class Do(IntEnum):
    """As in shim/disk.c."""

    CREATE = 1
    WRITE = 2
    TRUNCATE = 3
    SYNC = 4
    UNLINK = 5
    RENAME = 6
    SYNC_FOLDER = 7
    FAILED_SYNC = 8


class Operation(NamedTuple):
    """One operation: when it began, what it did to which file, and where; a rename has the new name as its data."""

    began: int
    do: Do
    name: str
    offset: int
    data: bytes
    ended: int = 0


def operations(trace: Path) -> Iterator[Operation]:
    """The recorded operations. A record that the end of the process has cut off is none."""
    recorded, place = trace.read_bytes(), 0
    while place + _RECORD.size <= len(recorded):
        began, ended, do, name_bytes, offset, data_bytes = _RECORD.unpack_from(recorded, place)
        name_at = place + _RECORD.size
        place = name_at + name_bytes + data_bytes
        if place <= len(recorded):
            name, data = recorded[name_at : name_at + name_bytes].decode(), recorded[name_at + name_bytes : place]
            yield Operation(began, Do(do), name, offset, data, ended)


@dataclass(slots=True)
class DiskFile:
    """A file: what of it is durable, and what was done to it since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def sync(self) -> None:
        """All that was done is durable now."""
        for operation in self.pending:
            _do(self.durable, operation)
        self.pending.clear()

    def fail(self) -> None:
        """Writes since the last sync are never made durable: the system takes them for clean. Lengths are."""
        self.pending = [operation for operation in self.pending if operation.do == Do.TRUNCATE]

    def after(self, loss: Loss, chance: random.Random) -> bytearray:
        """Return what is left of it."""
        left = bytearray(self.durable)
        for operation in self.pending if loss != "dropped" else ():
            newest = operation is self.pending[-1]
            _do(left, operation, None if loss == "kept" or (loss == "torn" and not newest) else (loss, chance))
        return left


class Disk:
    """The files of one folder, with what is durable of them and of their names."""

    def __init__(self, durable: dict[str, bytes] | None = None) -> None:
        self._names = {name: DiskFile(bytearray(data)) for name, data in (durable or {}).items()}
        self._durable_names = dict(self._names)
        self._name_changes: list[dict[str, DiskFile]] = []  # the names after each change since the folder was synced

    def apply(self, operation: Operation) -> None:
        """Take note of one more operation."""
        name, names = operation.name, self._names
        match operation.do:
            case Do.WRITE | Do.TRUNCATE:
                names[name].pending.append(operation)
            case Do.SYNC:
                names[name].sync()
            case Do.FAILED_SYNC if name:
                names[name].fail()
            case Do.SYNC_FOLDER:
                self._durable_names = dict(names)
                self._name_changes.clear()
            case Do.CREATE:
                self._rename({**names, name: DiskFile()})
            case Do.UNLINK:
                self._rename({other: file for other, file in names.items() if other != name})
            case Do.RENAME:
                others = {other: file for other, file in names.items() if other != name}
                self._rename({**others, operation.data.decode(): names[name]})

    def reconcile(self, folder: Path) -> None:
        """Take the files as a killed process has left them: its last operations may not have been recorded.

        Raises Broken for a file of which nothing is known: it was made by a call that shim/disk.c does not see.
        """
        if unknown := sorted(file_names(folder) - self._names.keys()):
            raise Broken(f"of {', '.join(unknown)} shim/disk.c has recorded nothing")
        for name, file in self._names.items():
            path = folder / name
            if path.exists() and (data := path.read_bytes()) != file.after("kept", random.Random()):
                file.pending.append(Operation(0, Do.TRUNCATE, name, len(data), b""))
                file.pending.append(Operation(0, Do.WRITE, name, 0, data))

    def after(self, loss: Loss, chance: random.Random) -> dict[str, bytes]:
        """The files as a power cut at this moment may leave them."""
        states = [self._durable_names, *self._name_changes]
        names = states[{"dropped": 0, "kept": -1}.get(loss, chance.randrange(len(states)))]
        return {name: bytes(file.after(loss, chance)) for name, file in names.items()}

    def _rename(self, names: dict[str, DiskFile]) -> None:
        self._names = names
        self._name_changes.append(names)


def _do(data: bytearray, operation: Operation, damage: tuple[Loss, random.Random] | None = None) -> None:
    """Carry an operation out, whole or damaged."""
    if operation.do == Do.TRUNCATE:
        if damage is None or damage[1].random() < 0.5:
            del data[operation.offset :]
            data.extend(bytes(operation.offset - len(data)))
        return
    for start, end in _kept(len(operation.data), damage):
        at = operation.offset + start
        data.extend(bytes(max(0, at - len(data))))
        data[at : at + end - start] = operation.data[start:end]


def _kept(size: int, damage: tuple[Loss, random.Random] | None) -> list[tuple[int, int]]:
    """Which parts of a write arrive."""
    if damage is None:
        return [(0, size)]
    loss, chance = damage
    if loss == "torn":
        return [(0, chance.randrange(size + 1))]
    sectors = [(start, min(start + SECTOR, size)) for start in range(0, size, SECTOR)]
    return [sector for sector in sectors if chance.random() < 0.5]


def file_names(folder: Path) -> set[str]:
    """The files in a folder that a disk keeps: -shm is memory."""
    return {path.name for path in folder.iterdir() if not path.name.endswith("-shm")}


def restore(folder: Path, files: dict[str, bytes]) -> None:
    """Make the folder what the disk holds."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def recorded(stage: Stage, *, sync_us: int = 0, fail_sync: int = 0) -> tuple[Stage, Path]:
    """The stage with its disk recorded, and where the trace is; `fail_sync` is the number of the sync that fails.

    Raises Skipped without a C compiler.
    """
    stage.data.mkdir(parents=True, exist_ok=True)
    shim, trace = compiled("disk", stage.folder), stage.folder / "trace"
    variables = {
        "LD_PRELOAD": str(shim),
        "DISK_FOLDER": str(stage.data),
        "DISK_TRACE": str(trace),
        "DISK_SYNC_US": str(sync_us),
        "DISK_FAIL_SYNC": str(fail_sync),
    }
    return Stage(stage.folder, stage.mutant, variables, stage.wrapper, stage.options), trace
