"""Differences between systems, also with missing features."""

import builtins
import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import ttweet
from ttweet import system

PACKAGE = Path(ttweet.__file__).parent
MEANS = re.compile(r"\bfcntl\b|\bimport resource\b|/proc/|select\.epoll\(")


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


def test_the_limit_of_descriptors_is_what_is_wanted_where_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "resource")
    assert system.raise_descriptor_limit(100_000_000) == 100_000_000
