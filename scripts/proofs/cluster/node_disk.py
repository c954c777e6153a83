"""The disk of a node of etcd, recorded by strace: etcd calls the system without the library that shim/disk.c stands in.

As in `disk`, what was synced stays after a power cut. A sync counts from the moment at which it was asked for, so that
nothing which was written meanwhile is durable. The sync of a file makes the names before it durable, too.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from server_process import Broken

from proofs.disk import LOSSES, Disk, Do, Operation
from proofs.stage import Skipped, until
from ttweet.cluster.local_etcd import EtcdNode

CALLS = "openat,write,pwrite64,lseek,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
MAX_DATA_BYTES = 4 * 1024 * 1024  # of one write
RECORDER = ("strace", "-D", "-f", "--seccomp-bpf", "-xx", "-y", "-e", "signal=SIGKILL", "-s", str(MAX_DATA_BYTES))
_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (\d+)(?:<(.*)>)?$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_UNFINISHED = " <unfinished ...>"

Call = tuple[str, list[str], int, str]
"""The name of a call, its arguments, its result, and the path of the file that the result is."""


class NodeDisk:
    """A running node whose folder is recorded: what of it is durable, and what was done to it since."""

    def __init__(self, node: EtcdNode) -> None:
        """Start the node again, recorded. Raises Skipped without strace."""
        if shutil.which(RECORDER[0]) is None:
            raise Skipped("etcd's writes are recorded by strace; apt install strace")
        self._node = node
        self._folder = node.folder / node.name
        self._trace = node.folder / f"{node.name}.trace"
        node.stop()
        node.command = [*RECORDER, "-e", f"trace={CALLS}", "-o", str(self._trace), *node.command]
        self._durable = self._read()
        node.start()

    def cut_power(self, chance: random.Random) -> None:
        """Make the folder of the node, which was killed, what the disk holds after a power cut.

        Raises Broken for a file that differs from what was recorded.
        """
        ended = re.compile(rf"^{self._node.pid} +\+\+\+ killed by SIGKILL", re.MULTILINE)
        self._node.kill()
        until(lambda: ended.search(self._trace.read_text()) is not None)
        disk = Disk(self._durable)
        for operation in operations(self._trace.read_text().splitlines(), self._folder, {*self._durable}):
            disk.apply(operation)
        self._trace.unlink()
        self._compare(disk.after("kept", chance))
        self._restore(disk.after(chance.choice(LOSSES), chance))
        self._durable = self._read()

    def _read(self) -> dict[str, bytes]:
        """Return the files, without the zeros at their ends, for which etcd reserves room."""
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self._folder)): path.read_bytes().rstrip(b"\0") for path in files}

    def _compare(self, recorded: dict[str, bytes]) -> None:
        found = self._read()
        for name in found.keys() | recorded.keys():
            if found.get(name) != recorded.get(name, b"").rstrip(b"\0"):
                raise Broken(f"{self._folder / name} is not as it was recorded")

    def _restore(self, files: dict[str, bytes]) -> None:
        shutil.rmtree(self._folder)
        self._folder.mkdir(mode=0o700)
        for name, data in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(data.rstrip(b"\0"))
                file.truncate(len(data))


def operations(lines: Iterable[str], folder: Path, known: set[str]) -> Iterator[Operation]:
    """Yield what was done to the files below a folder. `known` are their names."""
    names, positions = _Names(folder, known), dict[str, int]()
    for call, arguments, result, path in _calls(lines):
        if call == "openat":
            positions[str(result)] = 0
            yield from names.opened(names.of(f"<{path}>"), arguments[2])
            continue
        paths = [name for word in arguments if (name := names.of(word)) is not None]
        if paths and "name" in call:
            yield from names.renamed(*paths[-2:])
        elif paths and "sync" in call:
            yield from names.synced(paths[0], whole=call == "fsync")
        elif paths and "unlink" in call:
            yield from names.removed(paths[-1])
        elif paths:
            yield from _written(call, arguments, result, paths[0], positions)


def _written(call: str, arguments: list[str], result: int, name: str, positions: dict[str, int]) -> Iterator[Operation]:
    """Yield a write or a change of the length. `positions` are those of the open files, by their descriptors."""
    descriptor = arguments[0].partition("<")[0]
    match call:
        case "write":
            yield Operation(0, Do.WRITE, name, positions[descriptor], _bytes(arguments[1]))
            positions[descriptor] += result
        case "pwrite64":
            yield Operation(0, Do.WRITE, name, int(arguments[3]), _bytes(arguments[1]))
        case "lseek":
            positions[descriptor] = result
        case "ftruncate":
            yield Operation(0, Do.TRUNCATE, name, int(arguments[1]), b"")


class _Names:
    """The names of the files below a folder."""

    def __init__(self, folder: Path, known: set[str]) -> None:
        self._folder = f"{folder}/"
        self._known = known

    def of(self, word: str) -> str | None:
        """Return the path in an argument, relative to the folder; None without one that is there."""
        if "<" not in word and not word.startswith('"'):
            return None
        path = _bytes(word).decode(errors="replace")
        return path.removeprefix(self._folder) if path.startswith(self._folder) else None

    def opened(self, name: str | None, flags: str) -> Iterator[Operation]:
        if name is not None and "O_CREAT" in flags and name not in self._known:
            self._known.add(name)
            yield Operation(0, Do.CREATE, name, 0, b"")
        elif name in self._known and "O_TRUNC" in flags:
            yield Operation(0, Do.TRUNCATE, str(name), 0, b"")

    def synced(self, name: str, *, whole: bool) -> Iterator[Operation]:
        if name in self._known:
            yield Operation(0, Do.SYNC, name, 0, b"")
        if whole:
            yield Operation(0, Do.SYNC_FOLDER, "", 0, b"")

    def renamed(self, old: str, new: str) -> Iterator[Operation]:
        """Rename a file, or all files of a folder."""
        for name in sorted(one for one in self._known if one == old or one.startswith(f"{old}/")):
            changed = new + name[len(old) :]
            self._known ^= {name} | ({changed} - self._known)
            yield Operation(0, Do.RENAME, name, 0, changed.encode())

    def removed(self, name: str) -> Iterator[Operation]:
        if name in self._known:
            self._known.discard(name)
            yield Operation(0, Do.UNLINK, name, 0, b"")


def _calls(lines: Iterable[str]) -> Iterator[Call]:
    """Yield the calls that succeeded: syncs when they began, others when they ended."""
    begun: dict[str, str] = {}
    for line in lines:
        if (found := _LINE.match(line)) is None:
            continue
        thread, text = found.groups()
        if text.endswith(_UNFINISHED):
            begun[thread] = text.removesuffix(_UNFINISHED)
            if "sync(" not in text:
                continue
            text = f"{begun[thread]}) = 0"
        elif resumed := _RESUMED.match(text):
            text = begun.pop(thread, "") + text[resumed.end() :]
            if "sync(" in text:
                continue
        if (call := _CALL.match(text)) is not None:
            yield call[1], call[2].split(", "), int(call[3]), call[4] or ""


def _bytes(word: str) -> bytes:
    """Return the text of an argument, or the path of its file: strace writes both in hexadecimal digits."""
    return bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", word)))
