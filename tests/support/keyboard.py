"""A person at a terminal: the session, the keys that are typed, and what the terminal shows."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping

from tests.support.processes import LIMIT_S, environment
from tests.support.terminal import Terminal

COLUMNS = 60
LEFT, UP, HOME = "\x1b[D", "\x1b[A", "\x01"
CTRL_C, CTRL_D = "\x03", "\x04"
OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY)"  # so that Ctrl-C is more than a character


class Keyboard:
    """A session of `chat` at a terminal; `start` is Python code that its process runs first."""

    def __init__(self, port: int, *words: str, start: str = "", variables: Mapping[str, str] | None = None) -> None:
        self.terminal = Terminal(COLUMNS)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        program = f"{OWN_TERMINAL}\n{start}\nimport sys\nfrom ttweet.__main__ import main\nsys.exit(main())"
        command = [sys.executable, "-c", program, "chat", *words, "--server", f"127.0.0.1:{port}"]
        env = environment({"TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8", **(variables or {})})
        self.process = subprocess.Popen(
            command, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def is_reset(self) -> None:
        """Give the terminal the modes of a shell, and continue the session, as after Ctrl-Z and fg."""
        modes = termios.tcgetattr(self._master)
        modes[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(self._master, termios.TCSANOW, modes)
        self.process.send_signal(signal.SIGCONT)

    def types(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def sees(self, *last_lines: str) -> None:
        """Wait until these are the last lines."""
        self.waits(lambda lines: lines[-len(last_lines) :] == list(last_lines))

    def waits(self, until: Callable[[list[str]], bool]) -> None:
        rest = b""
        while not until([line for line in self.terminal.lines if line]):
            readable, _, _ = select.select([self._master], [], [], LIMIT_S)
            assert readable, self.terminal.lines
            rest += os.read(self._master, 4096)
            text = rest.decode(errors="ignore")
            rest = rest[len(text.encode()) :]
            self.terminal.feed(text)

    def leaves(self) -> None:
        self.types("\x05\x15exit\n")
        self.ends(0)

    def ends(self, code: int) -> None:
        assert self.process.wait(LIMIT_S) == code
        while data := read(self._master):
            self.terminal.feed(data.decode())
        os.close(self._master)


def read(master: int) -> bytes:
    try:
        return os.read(master, 4096)
    except OSError:  # EIO: the other end is closed
        return b""
