"""The calls of a node of etcd, as strace records them, become operations on a disk."""

import random
from pathlib import Path

from proofs.cluster.node_disk import operations
from proofs.disk import Disk, Do

FOLDER = Path("/n1")


def hexed(text: str) -> str:
    """A text as strace writes it."""
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def opened(descriptor: int, path: str, flags: str = "O_RDWR|O_CREAT|O_CLOEXEC") -> str:
    return f'7 openat(AT_FDCWD</>, "{hexed(path)}", {flags}, 0600) = {descriptor}<{hexed(path)}>'


def written(descriptor: int, path: str, text: str) -> str:
    return f'7 write({descriptor}<{hexed(path)}>, "{hexed(text)}", {len(text)}) = {len(text)}'


def after(*lines: str, loss: str = "dropped") -> dict[str, bytes]:
    """The files of an empty disk after these calls and a power cut."""
    disk = Disk()
    for operation in operations(lines, FOLDER, set()):
        disk.apply(operation)
    return disk.after("kept" if loss == "kept" else "dropped", random.Random(1))


def test_synced_data_is_durable_where_it_was_written() -> None:
    path, other = "/n1/wal/0", "/elsewhere"
    file = f"3<{hexed(path)}>"
    lines = [
        opened(3, path),
        written(3, path, "abc"),
        f"7 lseek({file}, 10, SEEK_SET) = 10",
        written(3, path, "d"),
        f'7 pwrite64({file}, "{hexed("ef")}", 2, 5) = 2',
        written(4, other, "not ours"),
        f"7 fsync({file}) = 0",
        written(3, path, "g"),
        f"7 ftruncate({file}, 4) = 0",
    ]
    assert after(*lines) == {"wal/0": b"abc\0\0ef\0\0\0d"}
    assert after(*lines, loss="kept") == {"wal/0": b"abc\0"}


def test_a_write_during_a_sync_is_not_durable() -> None:
    path = "/n1/0"
    lines = [
        opened(3, path),
        written(3, path, "before"),
        f"8 fsync(3<{hexed(path)}> <unfinished ...>",
        f'7 write(3<{hexed(path)}>, "{hexed("+")}", 1 <unfinished ...>',
        "7 <... write resumed>) = 1",
        "8 <... fsync resumed>) = 0",
    ]
    assert after(*lines) == {"0": b"before"}
    assert after(*lines, loss="kept") == {"0": b"before+"}


def test_a_call_that_failed_or_was_cut_off_has_done_nothing() -> None:
    path = "/n1/0"
    file = f"3<{hexed(path)}>"
    lines = [opened(3, path), f'7 write({file}, "{hexed("x")}", 1) = ?', f"7 ftruncate({file}, 9) = -1 EIO (an error)"]
    assert after(*lines, loss="kept") == {"0": b""}


def test_the_files_of_a_folder_that_is_renamed_have_its_new_name() -> None:
    lines = [
        opened(3, "/n1/wal.tmp/0"),
        f'7 renameat(AT_FDCWD</>, "{hexed("/n1/wal.tmp")}", AT_FDCWD</>, "{hexed("/n1/wal")}") = 0',
    ]
    assert after(*lines, loss="kept") == {"wal/0": b""}
    assert after(*lines) == {}
    removed = f'7 unlinkat(AT_FDCWD</>, "{hexed("/n1/wal/0")}", 0) = 0'
    assert after(*lines, removed, loss="kept") == {}


def test_a_file_that_is_there_is_not_created_again() -> None:
    lines = [opened(3, "/n1/db")]
    assert [*operations(lines, FOLDER, {"db"})] == []
    [cleared] = operations([opened(3, "/n1/db", "O_RDWR|O_CREAT|O_TRUNC")], FOLDER, {"db"})
    assert cleared.do == Do.TRUNCATE
