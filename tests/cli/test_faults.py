"""An exception that no command expects becomes a sentence and an exit code."""

import errno
import re
import threading

import pytest

from ttweet.cli import faults, shell
from ttweet.model.errors import ConnectError

REPORT = "; please report it with the output of TTWEET_DEBUG=1"


def fails(error: BaseException) -> int:
    def command() -> int:
        raise error

    return shell.run(command)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyError("getpwuid(): uid not found: 12345"), "internal error: KeyError: 'getpwuid(): uid not found: 12345'"),
        (RuntimeError("Could not determine home directory."), "internal error: RuntimeError: Could not determine"),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates"), "internal error: UnicodeEncodeError: "),
        (
            RecursionError("maximum recursion depth exceeded"),
            "internal error: RecursionError: maximum recursion depth exceeded",
        ),
        (ValueError("two\nlines \x1b[31m"), "internal error: ValueError: two lines \\x1b[31m"),
        (AssertionError(), "internal error: AssertionError"),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [KeyError("x")])]), "internal error: KeyError: 'x'"),
        (BaseExceptionGroup("tasks", [GeneratorExit("x")]), "internal error: GeneratorExit: x"),
        (ExceptionGroup("tasks", [RuntimeError(faults.NO_THREAD)]), "cannot start a thread"),
        (ExceptionGroup("tasks", [OSError(errno.EIO, "Input/output error", "t.db")]), "t.db: Input/output error"),
        (caused(ImportError("Cannot import module 'x'"), MemoryError()), "out of memory; raise the limit"),
        (ImportError("no module x"), "internal error: ImportError: no module x"),
        (MemoryError(), "out of memory; raise the limit (ulimit -v), or close other programs"),
        (RuntimeError(faults.NO_THREAD), "cannot start a thread; raise the limits (ulimit -u, -v)"),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "the system refused: Too many open files; raise the limit: ulimit -n 4096",
        ),
        (
            BlockingIOError(errno.EAGAIN, "Resource unavailable"),
            "the system refused: Resource unavailable; close other programs, or retry",
        ),
        (
            OSError(errno.EIO, "Input/output error"),
            "stdout: Input/output error; check the disk in the log of the system",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", b"x.txt"),
            "x.txt: Permission denied; check the permissions of the file and of its folder",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "x.txt"),
            "x.txt: No such file or directory; check the path",
        ),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "x"), "x: Is a directory; choose another file"),
        (OSError(errno.EPERM, "not yours; run: chown", "x"), "x: not yours; run: chown"),
        (OSError("without a number"), "stdout: without a number; choose another file"),
    ],
)
def test_every_exception_is_one_sentence(
    error: BaseException, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(error) == shell.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ttweet: {sentence}")
    assert line.endswith(REPORT) == ("internal error" in sentence)


def test_ctrl_c_out_of_a_nursery_is_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [KeyboardInterrupt()])])) == shell.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_the_variable_for_debugging_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(faults.DEBUG, "1")
    assert fails(KeyError("x")) == shell.FAILED
    seen = capsys.readouterr().err
    assert seen.startswith("Traceback (most recent call last):\n")
    assert re.search(rf"ttweet: internal error: KeyError: 'x' \(cli/shell\.py:\d+\){REPORT}\n$", seen)


@pytest.mark.parametrize(
    ("value", "shown"), [("0", False), ("no", False), ("", False), ("yes", True), ("verbose", True)]
)
def test_the_switch_for_the_traceback_may_say_no(
    value: str, shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(faults.DEBUG, value)
    assert fails(KeyError("x")) == shell.FAILED
    assert ("Traceback" in capsys.readouterr().err) == shown


def test_an_error_in_a_group_keeps_its_sentence_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(ExceptionGroup("tasks", [ConnectError("unreachable", "nobody there")])) == shell.UNREACHABLE
    assert capsys.readouterr().err == "ttweet: nobody there\n"


def test_the_words_about_threads_are_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.stack_size(1 << 46)  # no machine has so much
    try:
        with pytest.raises(RuntimeError, match=f"^{faults.NO_THREAD}$"):
            threading.Thread(target=lambda: None).start()
    finally:
        threading.stack_size(before)
