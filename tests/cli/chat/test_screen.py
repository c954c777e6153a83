"""A session on a terminal of 60 columns: pushes appear above the line that is typed, and the line stays whole.

It ends when it is to, in the middle of a line too.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keyboard import COLUMNS, CTRL_C, CTRL_D, HOME, LEFT, UP, Keyboard
from tests.support.processes import Server, running_server
from tests.support.terminal import Terminal
from ttweet.cli import shell
from ttweet.cli.chat import screen
from ttweet.client.sync_client import Client

PUSHED = 'ann "pushed" #a'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


def at_keyboard(server: Server, name: str, *, start: str = "") -> Keyboard:
    return Keyboard(server.port, "--course", name, start=start)


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
def test_an_arriving_tweet_does_not_tear_the_line_that_is_being_typed(
    server: Server, typed: str, then: str, shown: list[str]
) -> None:
    keyboard = at_keyboard(server, "matt")
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


@pytest.mark.parametrize("columns", ["0", "99999999999"])
def test_a_session_can_be_held_whatever_columns_says(server: Server, columns: str) -> None:
    keyboard = at_keyboard(server, f"c{columns}", start=f"import os; os.environ['COLUMNS'] = '{columns}'")
    keyboard.sees(">")
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


@pytest.mark.parametrize(("typed", "key"), [("", CTRL_C), ("half a line", CTRL_C), ("", CTRL_D)])
def test_ctrl_c_and_ctrl_d_end_the_session_and_say_nothing(server: Server, typed: str, key: str) -> None:
    keyboard = at_keyboard(server, "matt")
    keyboard.sees("username legal, connection established.", ">")
    keyboard.types(typed)
    keyboard.sees(f"> {typed}".rstrip())
    keyboard.types(key)
    keyboard.ends(0)
    assert keyboard.terminal.lines == ["username legal, connection established.", f"> {typed}".rstrip(), ""]


def test_a_server_that_goes_ends_the_session_in_the_middle_of_a_line(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        keyboard = at_keyboard(server, "matt")
        keyboard.sees("username legal, connection established.", ">")
        keyboard.types("half a line")
        keyboard.sees("> half a line")
        server.stop(signal.SIGKILL)
        keyboard.ends(shell.UNREACHABLE)
    said = "connection error, please check your server: Connection closed"
    assert "".join(keyboard.terminal.lines[1:]) == f"> half a line{said}"


def test_a_line_that_was_typed_comes_again_once(server: Server) -> None:
    keyboard = at_keyboard(server, "matt")
    keyboard.sees("username legal, connection established.", ">")
    for _ in range(2):
        keyboard.types("getusers\n")
        keyboard.sees("> getusers", "matt", ">")
    keyboard.types("timeline\n")
    keyboard.sees("> timeline", ">")
    keyboard.types(UP * 2)
    keyboard.sees("> getusers")
    keyboard.types(UP)
    keyboard.types("!")
    keyboard.sees("> timeline", "> getusers!")
    keyboard.leaves()


def test_a_closed_stdin_has_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert list(screen.Screen().commands()) == []


def test_a_line_library_that_is_built_into_python_edits_lines_too(server: Server) -> None:
    keyboard = at_keyboard(server, "matt", start="import readline; del readline.__file__")
    keyboard.sees("username legal, connection established.", ">")
    keyboard.types("getuserz\x08s\n")
    keyboard.sees("> getusers", "matt", ">")
    keyboard.leaves()


def test_from_a_pipe_there_is_no_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, lines in (("one\ntwo\n", ["one", "two"]), ("\n寿司", ["", "寿司"]), ("", [])):
        (tmp_path / "commands").write_text(text)
        with (tmp_path / "commands").open() as commands:
            monkeypatch.setattr("sys.stdin", commands)
            assert list(screen.Screen().commands()) == lines


def test_a_bounded_part_of_a_command_in_a_pipe_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "commands").write_bytes(b"x" * 1_000_000 + b"\nexit\n")
    with (tmp_path / "commands").open() as commands:
        monkeypatch.setattr("sys.stdin", commands)
        first, second = screen.Screen().commands()
    assert (first.strip("x"), second) == ("", "exit")
    assert len(first) <= screen.MAX_COMMAND_BYTES + screen.READ_BYTES


def test_without_the_library_a_terminal_is_as_a_pipe(server: Server) -> None:
    keyboard = at_keyboard(server, "matt", start="import sys; sys.modules['readline'] = None")
    keyboard.waits(lambda lines: lines != [] and keyboard.terminal.column == 0)  # else the echo is on the same row
    keyboard.types("getusers\n")
    keyboard.waits(lambda lines: lines[1:] == ["getusers", "matt"] and keyboard.terminal.column == 0)
    keyboard.types("exit\n")
    keyboard.sees("exit", "bye bye")
    keyboard.ends(0)
