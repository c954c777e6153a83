"""A session on a terminal of 60 columns: pushes appear above the line that is typed, and the line stays whole."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import LIMIT_S, Server, environment, running_server
from tests.terminal import Terminal
from ttweet import screen
from ttweet.client import Client

COLUMNS = 60
LEFT, HOME = "\x1b[D", "\x01"
PUSHED = 'ann "pushed" #a'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


class Keyboard:
    """A session of `chat` at a terminal."""

    def __init__(self, server: Server, name: str, *, start: str = "") -> None:
        self.terminal = Terminal(COLUMNS)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        program = f"{start}\nimport sys\nfrom ttweet.__main__ import main\nsys.exit(main())"
        command = [sys.executable, "-c", program, "chat", "127.0.0.1", str(server.port), name]
        variables = environment({"TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self.process = subprocess.Popen(command, env=variables, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)

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
        self.waits(lambda lines: "bye bye" in lines)
        assert self.process.wait(LIMIT_S) == 0
        os.close(self._master)


@pytest.mark.parametrize(
    ("typed", "then", "shown"),
    [
        ("half a li", "ne", ["> half a line"]),
        ("x" * 70, "y", [f"> {'x' * 58}", f"{'x' * 12}y"]),
        ("x" * 58, "y", [f"> {'x' * 58}", "y"]),
        ("x" * 130, f"{HOME}y", [f"> y{'x' * 57}", "x" * 60, "x" * 13]),
        (f"left of here{LEFT * 4}", "Z", ["> left of Zhere"]),
        (f"{'x' * 70}{LEFT * 40}", "Z", [f"> {'x' * 30}Z{'x' * 27}", "x" * 13]),
        ("寿司" * 20, "!", [f"> {'寿司' * 14}寿", f"{'司寿' * 5}司!"]),
    ],
)
def test_what_comes_in_does_not_tear_what_is_typed(server: Server, typed: str, then: str, shown: list[str]) -> None:
    keyboard = Keyboard(server, "matt")
    keyboard.sees("username legal, connection established.", ">")
    keyboard.types("subscribe #a\n")
    keyboard.sees("> subscribe #a", "operation success", ">")
    keyboard.types(typed)
    plain = typed.replace(LEFT, "")
    keyboard.waits(lambda lines: "".join(lines).endswith(plain))
    with Client("127.0.0.1", server.port, name="ann") as client:
        client.post("pushed", tags=["a"], scan=False)
    keyboard.waits(lambda lines: lines[3:4] == [PUSHED] and "".join(lines[4:]) == f"> {plain}")
    keyboard.types(then)
    keyboard.sees("operation success", PUSHED, *shown)
    keyboard.leaves()


def test_without_the_librarys_help_the_line_is_written_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setattr("readline.get_line_buffer", lambda: "x" * 70)
    terminal = Terminal(COLUMNS)
    terminal.feed(f"before\r\n> {'x' * 70}")
    screen._print_above_by_count(PUSHED)
    terminal.feed(capsys.readouterr().out.replace("\n", "\r\n"))
    assert terminal.lines == ["before", PUSHED, f"> {'x' * 58}", "x" * 12]


def test_a_closed_stdin_has_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert list(screen.Screen().commands()) == []


def test_a_line_library_that_is_built_into_python_edits_lines_too(server: Server) -> None:
    keyboard = Keyboard(server, "matt", start="import readline; del readline.__file__")
    keyboard.sees("username legal, connection established.", ">")
    keyboard.types("getuserz\x08s\n")
    keyboard.sees("> getusers", "matt", ">")
    keyboard.leaves()


def test_from_a_pipe_there_is_no_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "commands").write_text("one\ntwo\n")
    with (tmp_path / "commands").open() as commands:
        monkeypatch.setattr("sys.stdin", commands)
        assert list(screen.Screen().commands()) == ["one\n", "two\n"]
