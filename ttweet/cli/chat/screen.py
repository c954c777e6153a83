"""The screen of a session: a pipe, or a terminal on which new tweets leave the line that is being typed intact.

Knows no servers and no commands.
"""

import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TextIO

from ttweet.cli import shell, terminal
from ttweet.cli.chat.history import History
from ttweet.cli.chat.wrapping import wrapped
from ttweet.cli.stdin import Stdin
from ttweet.client.waiting import Bell, ready
from ttweet.model.reports import escape

PROMPT = "> "
READ_BYTES = 64 * 1024  # of one read of a pipe
MAX_COMMAND_BYTES = 64 * 1024  # of a command in a pipe, which has less than 1 KiB; the rest of a longer one is dropped
TICK_S = 0.01  # between two signals that end the line being typed


class Aids(NamedTuple):
    """Help of a session for people on a terminal, where Ctrl-C first discards the line."""

    open_history: Callable[[], History]
    complete: Callable[[str, str], list[str]]
    """Return the words that the last word of a line may become, given the line before it and the word."""


class Screen:
    """One session's lines, both ways. On a terminal there is a prompt, line editing and a history."""

    def __init__(self, aids: Aids | None = None) -> None:
        self._lock = threading.Lock()
        self._history: History | None = None
        self._hook = _Hook.found(self._look_up) if _on_terminal(sys.stdin) and _on_terminal(sys.stdout) else None
        self.is_typed = self._hook is not None
        self._discards = aids is not None
        self._wraps = self.is_typed and aids is not None  # the words of the course stay as they are
        self._discarding = False
        self._is_continued = False  # after Ctrl-Z, with the terminal as the shell had it
        if self._hook is not None and aids is not None:
            self._history = _opened(aids.open_history)
            self._hook.offer(self._history.lines if self._history else [], aids.complete)
        self._typing = False
        self._waiting: deque[str] = deque()  # for the thread that edits the line; no other may touch the terminal then
        self._over = False
        self._end = Bell()  # for the thread that waits at a pipe

    def say(self, text: str) -> None:
        """One line, at once; above the line that is being typed, if one is, within a tenth of a second."""
        columns = terminal.size().columns
        if self._wraps and columns >= terminal.PLAIN:
            text = wrapped(text, columns)
        with self._lock:
            if self._typing:
                self._waiting.append(text)
            else:
                print(text, flush=True)

    def complain(self, text: str) -> None:
        """Say what went wrong: on stderr when commands come from a pipe."""
        if self.is_typed:
            self.say(f"error: {escape(text)}")
        else:
            shell.complain(text)

    def end(self) -> None:
        """Let no more commands come, whatever is being typed. Any thread may call it."""
        self._over = True
        self._end.ring()

    def commands(self) -> Iterator[str]:
        """Yield the lines that are typed; Ctrl-C and Ctrl-D end them, and so does `end`."""
        if sys.stdin is None:  # it is closed
            return
        yield from self._piped() if self._hook is None else self._typed()

    def _typed(self) -> Iterator[str]:
        while not self._over:
            try:
                with self._while_typing():
                    line = input(PROMPT)
            except EOFError:
                if not self._discarding:
                    return
                self._discarding = False
                continue
            self._keep(line)
            yield line

    def _keep(self, line: str) -> None:
        if self._history is None or not line.strip():
            return
        try:
            self._history.add(line)
        except OSError as exc:
            self._history = None
            self.complain(f"the history is no longer kept: {shell.sentence(exc)}")

    @contextmanager
    def _while_typing(self) -> Iterator[None]:
        """Let what comes in wait for the hook, and Ctrl-C too: what it raises there would be lost."""
        with self._lock:
            self._typing = True
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: self._interrupted()),
            signal.SIGCONT: signal.signal(signal.SIGCONT, lambda *_: self._continued()),
        }
        if self._hook is not None:
            self._hook.attach()
        try:
            yield
        except EOFError:
            print()
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._say_what_waits()

    def _interrupted(self) -> None:
        if self._discards and self._hook is not None and self._hook.has_text():
            self._discarding = True
        else:
            self.end()

    def _continued(self) -> None:
        self._is_continued = True

    def _say_what_waits(self) -> None:
        with self._lock:
            self._typing = False
            while self._waiting:
                print(self._waiting.popleft(), flush=True)

    def _look_up(self) -> None:
        if self._hook is not None:
            if self._over or self._discarding:
                self._hook.leave()
            if self._is_continued:
                self._is_continued = False
                self._hook.take_back()
            while self._waiting:
                self._hook.print_above(self._waiting.popleft())

    def _piped(self) -> Iterator[str]:
        pipe = Stdin()
        rest, data = b"", b"\n"
        while data and self._has_input(pipe):
            data = pipe.read(READ_BYTES)
            *lines, rest = (rest + data).split(b"\n")
            yield from [line.decode(errors="surrogateescape") for line in lines]
            rest = rest[:MAX_COMMAND_BYTES]
        if rest and not self._over:
            yield rest.decode(errors="surrogateescape")

    def _has_input(self, pipe: Stdin) -> bool:
        """Wait until there is something to read. False when the session is over."""
        ready({pipe.fileno(): select.POLLIN, self._end.fd: select.POLLIN})
        return not self._over


def _on_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _opened(open_history: Callable[[], History]) -> History | None:
    try:
        return open_history()
    except OSError as exc:
        shell.complain(f"the history is not kept: {shell.sentence(exc)}")
        return None


class _Hook:
    """A way into `input`, which edits lines: Python's input hook, called ten times a second between two keys.

    Only then does the library know where its cursor is.
    """

    def __init__(self, look_up: Callable[[], None]) -> None:
        import ctypes

        terminal.clean_environment()
        import readline

        def called() -> int:
            look_up()
            return 0

        self._library = ctypes.CDLL(getattr(readline, "__file__", None))  # none: it is built into the interpreter
        self._called = ctypes.CFUNCTYPE(ctypes.c_int)(called)  # kept from being collected: Python holds its address
        self._place = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")
        self._address = ctypes.cast(self._called, ctypes.c_void_p).value
        self._readline = readline

    @classmethod
    def found(cls, look_up: Callable[[], None]) -> "_Hook | None":
        """None for a Python without the library: it edits no lines, and a terminal is as a pipe."""
        try:
            return cls(look_up)
        except ImportError:
            return None

    def attach(self) -> None:
        """Have `input` call the hook from now on."""
        self._place.value = self._address

    def has_text(self) -> bool:
        """Return whether something is typed already."""
        return bool(self._readline.get_line_buffer())

    def offer(self, lines: Iterable[str], complete: Callable[[str, str], list[str]]) -> None:
        """Offer the lines of earlier sessions, and words at the tab key."""
        for line in lines:
            self._readline.add_history(line)
        self._readline.set_completer(_Completer(self._readline, complete))
        self._readline.set_completer_delims(" \t\n")
        self._readline.parse_and_bind("set enable-bracketed-paste on")  # Python turns it off; lines would be entered
        is_libedit = "libedit" in (self._readline.__doc__ or "")
        self._readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")

    def print_above(self, text: str) -> None:
        """Print a line above the one that is typed."""
        if hasattr(self._library, "rl_clear_visible_line"):  # libedit has none, nor GNU readline before 7
            _print_above(text, self._library)
        else:
            _print_above_by_count(text)

    def take_back(self) -> None:
        """Take the terminal back from a shell, and show the line that is typed again."""
        self._library.rl_deprep_terminal()
        self._library.rl_prep_terminal(1)
        self._library.rl_forced_update_display()

    def leave(self) -> None:
        """Have `input` raise EOFError. It does for a signal, when no hook is there to take what the signal raises.

        And when it waits for a key: so one signal may come at a bad time, and there are more.
        """
        self._place.value = None
        signal.signal(signal.SIGALRM, _end_input)
        signal.setitimer(signal.ITIMER_REAL, TICK_S, TICK_S)


class _Completer:
    """A function that readline calls for one candidate after the other."""

    def __init__(self, readline: Any, complete: Callable[[str, str], list[str]]) -> None:
        self._readline = readline
        self._complete = complete
        self._found: list[str] = []

    def __call__(self, word: str, number: int) -> str | None:
        if number == 0:
            before = self._readline.get_line_buffer()[: self._readline.get_begidx()]
            found = self._complete(before, word)
            self._found = [f"{found[0]} "] if len(found) == 1 else found  # the word is complete, as in a shell
        return self._found[number] if number < len(self._found) else None


def _end_input(*_: object) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, lambda *_: None)  # one more may be on its way
    raise EOFError


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
    rows = len(typed) // terminal.size().columns
    up = f"\x1b[{rows}A" if rows else ""
    print(f"{up}\r\x1b[J{text}\n{typed}", end="", flush=True)
