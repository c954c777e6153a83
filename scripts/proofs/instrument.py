"""The longest step of the event loop and the longest call of a worker, measured in the server's own process.

`python -m proofs.instrument PAGE MODULE ...` runs a module with both measured; PAGE is a file that the proof reads by
way of a `StepGauge`. A step is what one task does between two checkpoints: as long as it lasts, no other client is
served. A call of a worker holds the database. Both are processor time of their thread, which a busy machine does not
stretch. A timer that samples the loop's thread tells where the longest step was.
"""

from __future__ import annotations

import mmap
import runpy
import signal
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from types import FrameType
from typing import Any, NamedTuple

import trio

PAGE_BYTES = 4096
SEARCH_THREAD = "search"  # reads for half a second at most, beside all others
SAMPLE_S = 0.005  # of processor time between two looks at where the loop is
_ASKED, _STEP, _CALL = struct.Struct("=Q"), struct.Struct("=Qd"), struct.Struct("=Qd")
_STEP_AT, _CALL_AT = 8, 24
_WHERE, _CALLED = slice(64, 1064), slice(1064, 2064)


class Longest(NamedTuple):
    """The longest step and the longest call, ms, with their places in the code."""

    step_ms: float
    call_ms: float
    where: str
    called: str

    @property
    def told(self) -> str:
        """Both, in a sentence."""
        return f"a step of {self.step_ms:.1f} ms ({self.where}), a call of {self.call_ms:.1f} ms ({self.called})"


class StepGauge:
    """The proof's end of the page. Each `reset` begins a new measurement."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(PAGE_BYTES))
        self._page = _map(path)
        self._asked = 0

    def reset(self) -> None:
        """Have the server forget what it has measured."""
        self._asked += 1
        _ASKED.pack_into(self._page, 0, self._asked)

    def read(self) -> Longest:
        """The longest call since the reset; 0 for a kind that has not ended since."""
        step, where = self._of(_STEP, _STEP_AT, _WHERE)
        call, called = self._of(_CALL, _CALL_AT, _CALLED)
        return Longest(step, call, where, called)

    def _of(self, kind: struct.Struct, place: int, text: slice) -> tuple[float, str]:
        measured, took_s = kind.unpack_from(self._page, place)
        if measured != self._asked:
            return 0.0, ""
        return took_s * 1000, self._page[text].rstrip(b"\0").decode(errors="replace")


class _Record:
    """The server's end: the longest of one kind since the last reset. One thread at a time writes it."""

    def __init__(self, page: mmap.mmap, kind: struct.Struct, place: int, text: slice) -> None:
        self._page, self._kind, self._place, self._text = page, kind, place, text
        self._measured = 0
        self._longest_s = 0.0

    def note(self, took_s: float, where: Callable[[], str]) -> None:
        [asked] = _ASKED.unpack_from(self._page, 0)
        if asked == self._measured and took_s <= self._longest_s:
            return
        self._measured, self._longest_s = asked, took_s
        size = self._text.stop - self._text.start
        self._page[self._text] = where().encode(errors="replace")[:size].ljust(size, b"\0")
        self._kind.pack_into(self._page, self._place, asked, took_s)


class Steps(trio.abc.Instrument):
    """Times each step of the loop."""

    def __init__(self, page: mmap.mmap) -> None:
        self._record = _Record(page, _STEP, _STEP_AT, _WHERE)
        self._places: Counter[str] = Counter()
        self._began_s = 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - as trio calls it
        """Begin to measure."""
        self._places.clear()
        self._began_s = thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Note how long it was."""
        self._record.note(thread_time() - self._began_s, lambda: self._where(task))

    def sample(self, _: int, frame: FrameType | None) -> None:
        """Count the place where the loop is, once its step has lasted for SAMPLE_S."""
        if thread_time() - self._began_s >= SAMPLE_S:
            self._places[_place(frame)] += 1

    def _where(self, task: trio.lowlevel.Task) -> str:
        places = [place for place, _ in self._places.most_common(2)]
        return "; ".join(places) or task.name


def _place(frame: FrameType | None) -> str:
    """The innermost function of ttweet's, and the one that has called it."""
    names: list[str] = []
    while frame is not None and len(names) < 2:
        code = frame.f_code
        if "/ttweet/" in code.co_filename:
            names.append(f"{code.co_filename.rpartition('/ttweet/')[2]}:{code.co_name}")
        frame = frame.f_back
    return " < ".join(names) or "elsewhere"


def _time_calls(page: mmap.mmap) -> None:
    """Time each call of the workers, in the thread that makes it, but searches: their thread holds no file."""
    from ttweet.broker import lone_worker, worker

    record = _Record(page, _CALL, _CALL_AT, _CALLED)
    kinds: tuple[Any, ...] = (worker.WorkerCall, lone_worker.LoneCall)
    for kind in kinds:
        kind.make = _timed(kind.make, record)


def _timed(make: Callable[[Any], Any], record: _Record) -> Callable[[Any], Any]:
    """Return the method that makes a call, with its processor time noted."""

    def timed(self: Any) -> Any:
        began_s = thread_time()
        made = make(self)
        if threading.current_thread().name != SEARCH_THREAD:
            record.note(thread_time() - began_s, lambda: _name(self._function))
        return made

    return timed


def _name(function: Any) -> str:
    """Return the function of a worker's call, mostly a partial."""
    function = getattr(function, "func", function)
    return str(getattr(function, "__qualname__", function))


def _time_steps(page: mmap.mmap) -> None:
    """Time each step of what `trio.run` runs."""
    steps, run = Steps(page), trio.run

    def timed(*args: Any, **options: Any) -> Any:
        signal.signal(signal.SIGPROF, steps.sample)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
        try:
            return run(*args, instruments=[steps], **options)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)  # the interpreter ends without a handler, and the signal kills

    trio.run = timed  # type: ignore[assignment]


def _map(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), PAGE_BYTES)


def main() -> None:
    """Run the module that the second argument names, with the arguments after it."""
    page, module = _map(Path(sys.argv[1])), sys.argv[2]
    del sys.argv[:2]
    _time_calls(page)
    _time_steps(page)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
