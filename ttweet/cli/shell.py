"""How ttweet behaves towards a shell: data on stdout, messages on stderr, one set of exit codes.

In a pipe data is UTF-8 whatever the locale says; on a terminal the command that writes it escapes it. Messages are
escaped here, wherever their words come from. Quick to import for the classic commands. Knows no servers and no files.
"""

from __future__ import annotations

import os
import sys

from ttweet.cli import faults
from ttweet.model.errors import ConnectError, DatabaseError, Refused, SetupError, TtweetError
from ttweet.model.reports import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TextIO

    P = ParamSpec("P")

DONE = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3
NOTHING = 4
REFUSED = 5
TIMED_OUT = 124  # as timeout(1) has it
INTERRUPTED = 130
PIPE_CLOSED = 141  # as a shell shows a process that SIGPIPE has ended; no reader is left for a message

EXIT_CODES = {
    DONE: "done; a posted tweet is on the server's disk",
    FAILED: "the server or the file failed",
    USAGE: "invalid command line, certificate or token",
    UNREACHABLE: "no server there, or the connection was lost",
    NOTHING: "nothing found",
    REFUSED: "refused; nothing was stored",
    TIMED_OUT: "--timeout has passed",
    INTERRUPTED: "Ctrl-C",
}


class UsageError(Exception):
    """The command line is invalid. The text says what was seen and what would work."""


class TimeUp(Exception):  # as what a person would say
    """The time that the command line gave is up. The text says what was waited for."""


def run(command: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> int:
    """Carry out a command to its exit code: an error becomes a line on stderr, a closed pipe or Ctrl-C nothing.

    That is so for exceptions of every kind, also for those that no command has foreseen.
    """
    try:
        _prepare_streams()
        code = command(*args, **kwargs)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _flush_or_forget_stdout()
        return PIPE_CLOSED
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as exc:  # noqa: BLE001  # the last resort
        _flush_or_forget_stdout()
        error = faults.cause(exc)
        if isinstance(error, KeyboardInterrupt):
            return INTERRUPTED
        text = sentence(error)
        complain(*(text.split("\n") if isinstance(error, UsageError) else [text]))
        return exit_code(error)
    return code


def stored_with(id_: int) -> str:
    """Return the sentence that says what is done when the output of `post` cannot be written."""
    return f"the message is stored with id {id_}"


def sentence(error: BaseException) -> str:
    """Return the message of an error of any kind."""
    match error:
        case UsageError() | TimeUp():
            return str(error)
        case TtweetError() if error.remedy or error.code == "token" or isinstance(error, DatabaseError):
            from ttweet.cli.advice import advised  # most errors are of another kind

            return advised(error)
        case TtweetError():
            return error.text
        case OSError():
            return faults.system_fault(error)
        case _:
            return faults.unforeseen(error)


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, TimeUp):
        return TIMED_OUT
    if not isinstance(error, TtweetError):
        return FAILED
    if isinstance(error, SetupError):
        return USAGE
    if isinstance(error, ConnectError) or error.code == "tls":
        return UNREACHABLE
    if error.code == "missing":
        return NOTHING
    if isinstance(error, Refused) and error.code not in ("internal", "unknown"):
        return REFUSED
    return FAILED


def write(text: str) -> None:
    """One line of data for stdout."""
    if sys.stdout is not None:
        sys.stdout.write(text + "\n")


def tell_done(done: str, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Write data about what is done. Where stdout does not take it, the OSError says that it is done all the same."""
    try:
        write(*args, **kwargs)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as exc:
        raise OSError(exc.errno, f"{exc.strerror}; {done}", "stdout") from exc


def complain(*lines: str) -> None:
    """Say on stderr what went wrong, each line escaped."""
    name = "\x1b[1;31mttweet:\x1b[0m" if has_colour(sys.stderr) else "ttweet:"
    _write_message(f"{name} " + "\n".join(map(escape, lines)))


def hint(text: str) -> None:
    """Say something by the way on stderr, escaped and dim."""
    text = escape(text)
    _write_message(f"\x1b[2m{text}\x1b[0m" if has_colour(sys.stderr) else text)


def wait_teller() -> Callable[[int], None]:
    """Return a function that reports on stderr a wait of some seconds: the first one, and each longer one."""
    longest = 0

    def tell(seconds: int) -> None:
        nonlocal longest
        if seconds > longest:
            longest = seconds
            hint(f"the server limits requests; retrying in {seconds} s")

    return tell


def amount(number: int, one: str) -> str:
    """Return a number of things, as people write it: 1 tweet, 2,000 tweets."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def on_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads what goes to the stream."""
    return stream is not None and stream.isatty()


def has_colour(stream: TextIO | None) -> bool:
    """Whether the stream takes colour and its reader wants it (https://no-color.org)."""
    return on_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def checked_port(text: str) -> int:
    """Return a port to connect to. Raises UsageError."""
    from ttweet.client.servers import USE_PORT, port_of  # only the classic commands take a port apart

    if (port := port_of(text)) is None:
        raise UsageError(f"invalid port {quoted(text)}: {USE_PORT}")
    return port


def checked_text(argument: str, name: str = "the message") -> str:
    """Return an argument that is valid UTF-8. Raises UsageError with the place of the first byte that is not."""
    try:
        argument.encode()
    except UnicodeEncodeError as exc:
        byte = ord(argument[exc.start]) & 0xFF  # surrogateescape: byte b came in as U+DC00 + b
        problem = f"{name} is not valid UTF-8: byte 0x{byte:02x} after {exc.start} characters"
        raise UsageError(f"{problem}; convert it to UTF-8") from exc
    return argument


def quoted(text: str) -> str:
    """Return a value as errors show it: in quotes, escaped, and not longer than part of a line."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")


def _write_message(line: str) -> None:
    if sys.stdout is not None:
        sys.stdout.flush()  # the two are one stream to the eye
    if sys.stderr is not None:
        try:
            sys.stderr.write(line + "\n")
        except OSError:
            sys.stderr = None  # no reader is left, so the exit code must show the failure


def _prepare_streams() -> None:
    """Have pipes take UTF-8, and the name of a file as it is; a terminal shows what it can."""
    for number in (0, 1, 2):
        _prepare_stream(number)
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        reconfigure = getattr(stream, "reconfigure", None)  # None where it is closed
        if reconfigure is None:
            continue
        if on_terminal(stream):
            reconfigure(errors="backslashreplace")  # a terminal of ISO 8859 has no CJK
        else:
            reconfigure(encoding="utf-8", errors=errors)


def _prepare_stream(number: int) -> None:
    """Have a full or empty pipe wait, and give the number of a closed stream to no file or socket of ours."""
    if sys.platform == "win32":  # where a pipe always waits, and numbers of files are no handles
        return
    try:
        if not os.get_blocking(number):  # as a parent's event loop leaves it; data would be cut short
            os.set_blocking(number, True)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number; what is run by us still finds it closed


def _flush_or_forget_stdout() -> None:
    """Write what is buffered. Where that fails, neither a message nor the interpreter's end may try it again."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        sys.stdout = None
