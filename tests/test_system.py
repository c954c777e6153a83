"""Differences between systems, also with missing features."""

import builtins
import fcntl
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import ttweet
from tests.support.processes import LIMIT_S
from ttweet import system
from ttweet.cli import child_process

PACKAGE = Path(ttweet.__file__).parent
MEANS = re.compile(
    r"\bfcntl\b|\bos\.f(data)?sync\b"
    r"|\bimport resource\b|/proc/|/dev/tty|select\.epoll\(|EPOLL|TCP_USER_TIMEOUT|pidfd_open|waitid\("
)

ELSEWHERE = """
import importlib, os, pkgutil, select, socket, sys
import trio  # which has ways of its own
for module, names in {names}.items():
    for name in names:
        delattr(sys.modules[module], name)
import ttweet
for module in pkgutil.walk_packages(ttweet.__path__, "ttweet."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from ttweet.cli import child_process
from ttweet.server.net import listeners, transport
[listener] = listeners.listen_at(listeners.resolve(("127.0.0.1",), 0), 0)
with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
    print(type(transport.Sockets().transport(accepted)).__name__)
print(child_process.run(["sh", "-c", "exit 3"]).code)
"""
"""A program on a system without what Linux alone has: it imports all of ttweet, listens, and runs a command."""


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Let the module be missing, as on another system."""
    load: Callable[..., ModuleType] = builtins.__import__

    def load_others(name: str, *others: object) -> ModuleType:
        if name == missing:
            raise ImportError(name)
        return load(name, *others)

    monkeypatch.setattr(builtins, "__import__", load_others)


def test_no_other_module_uses_what_linux_alone_has() -> None:
    users = {path.name for path in PACKAGE.rglob("*.py") if MEANS.search(_code(path))}
    assert users == {"system.py"}


def test_all_modules_work_without_what_linux_alone_has() -> None:
    names = {
        "os": ["pidfd_open", "waitid"],
        "select": [name for name in dir(select) if name.lower().startswith("epoll")],
        "socket": ["TCP_USER_TIMEOUT"],
    }
    script = ELSEWHERE.replace("{names}", repr(names))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert (done.stdout.split(), done.stderr) == (["WaitingTransport", "3"], "")


def test_a_signal_is_passed_on_where_the_end_of_a_command_cannot_be_waited_for_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.delattr(os, "waitid")
    script = 'sleep 60 & trap "kill $!; exit 7" TERM; kill -TERM $PPID; wait'
    assert child_process.run(["sh", "-c", script]) == (7, signal.SIGTERM)


def test_the_numbers_of_the_kernel_are_those_that_python_knows() -> None:
    assert system.READABLE == select.EPOLLIN
    assert (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == system.TCP_USER_TIMEOUT


def test_dead_links_are_left_to_the_system_where_it_has_no_option_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with socket.socket() as listener:
        system.drop_dead_links(listener, 30)
        assert listener.getsockopt(*system.TCP_USER_TIMEOUT) == 0


def test_a_process_without_a_terminal_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(system, "TERMINAL", str(tmp_path / "none"))
    assert not system.has_terminal()
    tmp_path.joinpath("none").touch()
    assert system.has_terminal()


def _code(path: Path) -> str:
    """The text of a module without its docstrings and comments."""
    text = re.sub(r'"""(.|\n)*?"""', "", path.read_text())
    return re.sub(r"#.*", "", text)


def test_a_lock_keeps_others_out_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open("w") as second:
        system.lock(first.fileno())
        with pytest.raises(BlockingIOError):
            system.lock(second.fileno())
        first.close()
        system.lock(second.fileno(), wait=True)


def test_a_record_lock_of_ones_own_process_is_none_of_another(tmp_path: Path) -> None:
    with (tmp_path / "shm").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
        assert not system.is_locked_at(file.fileno(), 128)


def test_a_system_without_locks_says_where_ttweet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "fcntl")
    with (tmp_path / "lock").open("w") as file:
        for use in (lambda: system.lock(file.fileno()), lambda: system.is_locked_at(file.fileno(), 0)):
            with pytest.raises(OSError, match="no locks for files; run ttweet on Linux, macOS or WSL"):
                use()


def test_a_disk_writes_what_it_has_in_memory_where_a_system_can_have_it_do_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda fd, call: calls.append((fd, call)))
    monkeypatch.delattr(os, "fdatasync")
    monkeypatch.delattr(os, "fsync")
    with (tmp_path / "file").open("w") as file:
        system.sync(file.fileno())
        system.sync_data(file.fileno())
        assert calls == [(file.fileno(), 51)] * 2


@pytest.mark.parametrize("why", ["no such call", "the file system lacks it", "no fcntl"])
def test_a_file_is_synced_without_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    synced: list[int] = []

    def lacking(*_: object) -> None:
        raise OSError(25, "Inappropriate ioctl for device")

    if why == "no fcntl":
        without(monkeypatch, "fcntl")
    elif why == "the file system lacks it":
        monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
        monkeypatch.setattr(fcntl, "fcntl", lacking)
    monkeypatch.setattr(os, "fsync", synced.append)
    with (tmp_path / "file").open("w") as file:
        system.sync(file.fileno())
        assert synced == [file.fileno()]


def test_an_open_file_is_found_without_its_name(tmp_path: Path) -> None:
    path = tmp_path / "gone"
    with path.open("w") as file:
        file.write("kept")
        file.flush()
        path.unlink()
        found = os.fstat(file.fileno())
        descriptor = system.descriptor_of((found.st_dev, found.st_ino))
        assert descriptor is not None
        assert Path(descriptor).read_text() == "kept"
    assert system.descriptor_of((found.st_dev, found.st_ino)) is None


def test_a_kernel_that_tells_no_open_files_and_no_arguments_is_asked_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "OPEN_FILES", str(tmp_path / "none"))
    monkeypatch.setattr(system, "ARGUMENTS", str(tmp_path / "none"))
    found = Path(__file__).stat()
    assert not system.tells_open_files()
    assert system.descriptor_of((found.st_dev, found.st_ino)) is None
    assert system.arguments() is None


def test_the_limit_of_descriptors_is_the_wanted_one_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "resource")
    assert system.raise_descriptor_limit(100_000_000) == 100_000_000
