"""The scripts measure on a machine whose kernel or container keeps less from them than others do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from benchmarks.stage import cache_folder, processor_s
from proofs import attacks
from server_process import ServerProcess

BUSY_MS = 30
BUSY = f"import time\nwhile time.process_time() * 1000 < {BUSY_MS}: pass\nprint(flush=True)\ninput()"


@contextmanager
def busy(*wrapper: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has taken BUSY_MS of the processor, or the wrapper whose child has, until the block ends."""
    command = [*wrapper, sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.communicate(b"\n")


def test_a_kernel_that_keeps_no_peak_is_asked_for_what_is_resident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServerProcess, "_proc", lambda _, name: tmp_path / "proc" / name)
    with busy() as process:
        server = ServerProcess(process, 1, tmp_path)
        server.forget_peak()
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc" / "status").write_text("VmSize:\t 900 kB\nVmRSS:\t 123 kB\n")
        assert server.peak_kib() == 123


def test_the_processor_time_of_a_server_needs_no_statistics_of_the_scheduler(tmp_path: Path) -> None:
    with busy() as process:
        assert ServerProcess(process, 1, tmp_path).processor_ms() >= BUSY_MS


def test_the_processor_time_of_children_needs_no_list_of_them() -> None:
    with busy("sh", "-c", '"$@"; true', "sh") as process:
        assert processor_s(process.pid) * 1000 >= BUSY_MS / 2  # the kernel counts ticks


def test_a_process_that_may_not_choose_its_scheduling_is_nice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    added: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "nice", added.append)
    attacks.give_way()
    assert added == [19]


@pytest.mark.parametrize("home", [None, "/proc/nowhere"], ids=["none", "one that cannot be written"])
def test_a_user_without_a_home_compiles_the_generators_for_one_run(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown_user(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown_user)
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    folder = cache_folder.__wrapped__()
    (folder / "program").write_text("")
    assert folder.name.startswith("ttweet-bench-cache-")
