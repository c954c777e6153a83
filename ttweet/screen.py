"""Where a session at the keyboard is held: a pipe, or a terminal on which what comes in does not tear what is typed.

Standard library only. Knows no servers and no commands.
"""

import shutil
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, TextIO

PROMPT = "> "


class Screen:
    """One session's lines, both ways. On a terminal there is a prompt, line editing and a history."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prompt = PROMPT if _on_terminal(sys.stdin) and _on_terminal(sys.stdout) else ""
        self._typing = False
        self._waiting: deque[str] = deque()  # for the thread that edits the line; no other may touch the terminal then

    def say(self, text: str) -> None:
        """One line, at once; above the line that is being typed, if one is, within a tenth of a second."""
        with self._lock:
            if self._typing:
                self._waiting.append(text)
            else:
                print(text, flush=True)

    def commands(self) -> Iterator[str]:
        """The lines that are typed; Ctrl-C and Ctrl-D end them."""
        if not self._prompt:
            yield from sys.stdin or ()  # None when it is closed
            return
        _edit_lines(self._waiting)
        while True:
            with self._lock:
                self._typing = True
            try:
                line = input(self._prompt)
            except (EOFError, KeyboardInterrupt):
                print()
                return
            finally:
                self._say_what_waits()
            yield line

    def _say_what_waits(self) -> None:
        with self._lock:
            self._typing = False
            while self._waiting:
                print(self._waiting.popleft(), flush=True)


def _on_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _edit_lines(waiting: deque[str]) -> None:
    """Give `input` line editing, during which what waits is printed above the line.

    By Python's input hook, ten times a second between two keys: only then does the library know where its cursor is.
    A Python without the library edits no lines, and what comes in is printed after the line.
    """
    try:
        import ctypes
        import readline
    except ImportError:
        return
    library = ctypes.CDLL(getattr(readline, "__file__", None))  # none: it is built into the interpreter
    has_help = hasattr(library, "rl_clear_visible_line")  # libedit has none, nor GNU readline before 7

    def print_what_waits() -> int:
        while waiting:
            text = waiting.popleft()
            if has_help:
                _print_above(text, library)
            else:
                _print_above_by_count(text)
        return 0

    hook = ctypes.CFUNCTYPE(ctypes.c_int)(print_what_waits)
    _hooks.append(hook)
    ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook").value = ctypes.cast(hook, ctypes.c_void_p).value


_hooks: list[object] = []
"""Kept from being collected: Python holds but their address."""


def _print_above(text: str, library: Any) -> None:
    library.rl_clear_visible_line()
    library.fflush(None)  # the library writes by way of C's stdout, and this is for the terminal before the text
    print(text, flush=True)
    library.rl_on_new_line()
    library.rl_redisplay()


def _print_above_by_count(text: str) -> None:
    """As well as it goes without the library's help: as if the cursor were at the end, and no character wide."""
    import readline

    typed = PROMPT + readline.get_line_buffer()
    rows = len(typed) // shutil.get_terminal_size().columns
    up = f"\x1b[{rows}A" if rows else ""
    print(f"{up}\r\x1b[J{text}\n{typed}", end="", flush=True)
