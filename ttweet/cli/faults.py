"""The message of an unexpected exception: a sentence, and a traceback only if you ask for one.

Quick to import: the classic commands use it.
"""

from __future__ import annotations

import errno
import os
import sys

from ttweet.descriptors import RAISE_LIMIT, SHORTAGES
from ttweet.model import remedies
from ttweet.model.errors import SetupError
from ttweet.model.switches import is_on

DEBUG = "TTWEET_DEBUG"
_NOT_OF_WRITING = (errno.ENOENT, errno.EAGAIN, errno.ENOMEM)
"""The errors without a file's name that no write to stdout has; those of all other files come with their name."""

_PACKAGE = __file__.removesuffix("cli/faults.py")
NO_THREAD = "can't start new thread"  # CPython's words, of a RuntimeError


def cause(error: BaseException) -> BaseException:
    """Return the exception inside a nursery's group, or inside the error of importing a command's module.

    From a group it is Ctrl-C, if that is in it, else the first exception.
    """
    if isinstance(error, BaseExceptionGroup):
        interrupts = error.subgroup(KeyboardInterrupt)
        return cause((interrupts or error).exceptions[0])
    if isinstance(error, ImportError) and error.__cause__ is not None:
        return cause(error.__cause__)
    return error


def system_fault(error: OSError) -> str:
    """Return a sentence about an error of the system: what it happened to, its reason, and what to do."""
    reason = error.strerror or str(error)
    if error.errno in SHORTAGES:  # whatever was to be opened is not at fault
        return f"the system refused: {reason}; {RAISE_LIMIT}"
    if error.filename is not None or error.errno not in _NOT_OF_WRITING:
        name = "stdout" if error.filename is None else os.fsdecode(error.filename)
        return f"{name}: {remedies.reason(error)}"
    if error.errno == errno.ENOENT and _is_folder_gone():
        return "the current folder was removed or moved; cd to another one"
    return f"the system refused: {reason}; close other programs, or retry"


def unforeseen(error: BaseException) -> str:
    """Return a sentence about any other exception. With TTWEET_DEBUG=1 stderr has the traceback before it."""
    if _is_debugging():
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, MemoryError):
        return "out of memory; raise the limit (ulimit -v), or close other programs"
    if isinstance(error, RuntimeError) and str(error) == NO_THREAD:
        return "cannot start a thread; raise the limits (ulimit -u, -v), or close other programs"
    return f"internal error: {_named(error)}; please report it with the output of {DEBUG}=1"


def _is_debugging() -> bool:
    """Whether a traceback is asked for; a value that says neither yes nor no must not hide the error it is set for."""
    try:
        return is_on(DEBUG)
    except SetupError:
        return True


def _named(error: BaseException) -> str:
    """Return the kind of an exception, its text on one line, and the place in ttweet where it came from."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return ascii(f"{name}: {text}" if text else name)[1:-1] + _place(error)


def _place(error: BaseException) -> str:
    place, trace = "", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(_PACKAGE):
            place = f" ({path.removeprefix(_PACKAGE)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


def _is_folder_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  # pathlib is not quick to import
    except FileNotFoundError:
        return True
    return False
