"""Where a session at the keyboard is held: a pipe, or a terminal on which what comes in does not tear what is typed.

Standard library only. Knows no servers and no commands.
"""

import shutil
import sys
import threading
from collections.abc import Callable, Iterator

PROMPT = "> "


class Screen:
    """One session's lines, both ways. On a terminal there is a prompt, line editing and a history."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prompt = PROMPT if sys.stdin.isatty() and sys.stdout.isatty() else ""
        self._typing = False
        self._print_above: Callable[[str], None] = print

    def say(self, text: str) -> None:
        """One line, at once; above the line that is being typed, if one is."""
        with self._lock:
            if self._typing:
                self._print_above(text)
            else:
                print(text, flush=True)

    def commands(self) -> Iterator[str]:
        """The lines that are typed; Ctrl-C and Ctrl-D end them."""
        if not self._prompt:
            yield from sys.stdin
            return
        self._print_above = _above_the_typed_line()
        while True:
            try:
                with self._lock:
                    self._typing = True
                line = input(self._prompt)
            except (EOFError, KeyboardInterrupt):
                print()
                return
            finally:
                self._typing = False
            yield line


def _above_the_typed_line() -> Callable[[str], None]:
    """Give `input` line editing, and return what prints above it."""
    import ctypes
    import readline

    # Only the library knows in which row and column its cursor is, and Python hands on nothing of that.
    library = ctypes.CDLL(readline.__file__)
    if not hasattr(library, "rl_clear_visible_line"):  # libedit, or GNU readline before 7
        return _print_above_by_count

    def print_above(text: str) -> None:
        library.rl_clear_visible_line()
        library.fflush(None)  # the library writes by way of C's stdout, and this is for the terminal before the text
        print(text, flush=True)
        library.rl_on_new_line()
        library.rl_redisplay()

    return print_above


def _print_above_by_count(text: str) -> None:
    """As well as it goes without the library's help: as if the cursor were at the end, and no character wide."""
    import readline

    typed = PROMPT + readline.get_line_buffer()
    rows = len(typed) // shutil.get_terminal_size().columns
    up = f"\x1b[{rows}A" if rows else ""
    print(f"{up}\r\x1b[J{text}\n{typed}", end="", flush=True)
