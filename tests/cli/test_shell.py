import errno
import io
import os
import subprocess
import sys

import pytest

from tests.support.processes import LIMIT_S, TTWEET, environment
from tests.support.terminal import TerminalText
from ttweet.cli import shell
from ttweet.cli.shell import UsageError
from ttweet.model.errors import ConnectError, OpenError, ProtocolError, Refused, SetupError, StoreError, TtweetError


def fails(error: BaseException) -> int:
    def command() -> int:
        raise error

    return shell.run(command)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), shell.USAGE),
        (ConnectError("unreachable", "no"), shell.UNREACHABLE),
        (ConnectError("unknown", "no"), shell.UNREACHABLE),
        (Refused("tls", "no"), shell.UNREACHABLE),
        (SetupError("tls", "no"), shell.USAGE),
        (OpenError("missing", "no"), shell.NOTHING),
        (OpenError("newer", "no"), shell.FAILED),
        (Refused("too_long", "no"), shell.REFUSED),
        (Refused("full", "no"), shell.REFUSED),
        (Refused("internal", "no"), shell.FAILED),
        (Refused("unknown", "no"), shell.FAILED),
        (StoreError("busy", "no"), shell.FAILED),
        (ProtocolError("bad_frame", "no"), shell.FAILED),
    ],
)
def test_an_error_is_a_line_on_stderr_and_an_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(error) == code
    assert capsys.readouterr() == ("", "ttweet: no\n")
    assert code in shell.EXIT_CODES
    if isinstance(error, TtweetError):
        assert shell.exit_code(error) == code


def test_an_error_of_the_system_names_the_file_or_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(PermissionError(errno.EACCES, "Permission denied", "x.txt")) == shell.FAILED
    assert fails(OSError(errno.ENOSPC, "No space left on device")) == shell.FAILED
    assert capsys.readouterr().err == (
        "ttweet: x.txt: Permission denied; check the permissions of the file and of its folder\n"
        "ttweet: stdout: No space left on device; make room on the disk\n"
    )


def test_a_closed_pipe_and_ctrl_c_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(BrokenPipeError()) == 128 + 13
    assert fails(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("no"), shell.USAGE, "ttweet: no\n"),
        (ConnectError("unknown", "no"), shell.UNREACHABLE, "ttweet: no\n"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), shell.FAILED, "ttweet: x: No such file"),
        (KeyboardInterrupt(), shell.INTERRUPTED, ""),
    ],
)
def test_an_error_is_a_line_on_stderr_when_what_was_written_before_finds_no_reader(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    out = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stdout", out)

    def command() -> int:
        shell.write("data")
        raise error

    assert shell.run(command) == code
    assert sys.stdout is None  # so that the interpreter does not try again
    with pytest.raises(BrokenPipeError):
        out.close()
    monkeypatch.undo()
    assert capsys.readouterr().err.startswith(said)


def test_output_before_an_error_of_the_system_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        shell.write("data")
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")

    assert shell.run(command) == shell.FAILED
    assert capsys.readouterr().out == "data\n"


def test_a_command_without_stdout_and_stderr_does_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    def command(code: int) -> int:
        shell.write("data")
        shell.hint("talk")
        return code

    assert shell.run(command, 4) == 4
    assert not shell.on_terminal(sys.stdout)


def test_a_terminal_of_another_encoding_shows_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    class Latin(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Latin(raw, encoding="latin-1"))

    def command() -> int:
        shell.write("é 寿")
        return 0

    assert shell.run(command) == 0
    assert raw.getvalue() == b"\xe9 \\u5bff\n"


def test_a_pipe_gets_utf8_whatever_the_locale_says(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))

    def command() -> int:
        shell.write("é 寿")
        return 0

    assert shell.run(command) == 0
    assert raw.getvalue() == "é 寿\n".encode()


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_whose_reader_wants_it(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = TerminalText()
    monkeypatch.setattr(sys, "stderr", terminal)
    shell.complain("wrong")
    shell.hint("by the way")
    assert ("\x1b[" in terminal.getvalue()) == coloured == shell.has_colour(terminal)
    assert not shell.has_colour(io.StringIO())


def test_talk_comes_after_the_data_that_was_written_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    both = io.TextIOWrapper(io.BufferedWriter(io.BytesIO()), write_through=False)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))
    monkeypatch.setattr(sys, "stderr", both)
    shell.write("data")
    shell.complain("talk")
    assert raw.getvalue() == b"data\n"


def test_the_exit_code_says_what_happened_where_messages_have_no_reader() -> None:
    with open("/dev/full", "w") as full:
        for arguments, code in ((["foo"], shell.USAGE), (["-d", "127.0.0.1", "1"], shell.UNREACHABLE)):
            command = [*TTWEET, *arguments]
            assert subprocess.run(command, stderr=full, env=environment(), timeout=LIMIT_S).returncode == code


@pytest.mark.parametrize("text", ["1", "13001", "65535"])
def test_a_port_is_a_number(text: str) -> None:
    assert shell.checked_port(text) == int(text)


@pytest.mark.parametrize("text", ["", "0", "65536", "-3", "+1", "1e3", " 1", "٣", "http", "9" * 5000])
def test_an_invalid_port_is_shown(text: str) -> None:
    with pytest.raises(UsageError, match=r"^invalid port .*: use a port from 1 to 65535$") as raised:
        shell.checked_port(text)
    assert len(str(raised.value)) < 150


def test_an_argument_of_bad_bytes_is_refused_with_their_place() -> None:
    assert shell.checked_text("寿司") == "寿司"
    with pytest.raises(
        UsageError, match=r"^the key is not valid UTF-8: byte 0xff after 2 characters; convert it to UTF-8$"
    ):
        shell.checked_text(b"h\xc3\xa9\xff".decode(errors="surrogateescape"), "the key")
