"""What is said of an exception that no command has foreseen: a sentence, and never a traceback unless you ask for one.

Quick to import: the classic commands use it.
"""

from __future__ import annotations

import errno
import os
import sys

DEBUG = "TTWEET_DEBUG"
_NOT_OF_WRITING = (errno.ENOENT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
"""The errors without a file's name that no write to stdout has; those of all other files come with their name."""

NO_THREAD = "can't start new thread"  # CPython's words, of a RuntimeError


def system_fault(error: OSError) -> str:
    """A sentence about an error of the system: what it happened to, and its reason."""
    reason = error.strerror or str(error)
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason}"
    if error.errno not in _NOT_OF_WRITING:
        return f"stdout: {reason}"
    if error.errno == errno.ENOENT and _is_folder_gone():
        return "the working folder was removed or moved; cd to another one"
    return f"the system refused: {reason}"


def unforeseen(error: BaseException) -> str:
    """A sentence about any other exception. With TTWEET_DEBUG set stderr has the traceback before it."""
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, MemoryError):
        return "out of memory; raise the limit (ulimit -v) or close other programs"
    if isinstance(error, RuntimeError) and str(error) == NO_THREAD:
        return "no room for another thread; raise the limit (ulimit -u) or close other programs"
    return f"internal error: {_named(error)}; please report it to the authors, with what {DEBUG}=1 prints"


def is_interrupt(error: BaseException) -> bool:
    """Whether it is Ctrl-C, which comes out of a nursery in a group."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)


def _named(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split())
    name = type(error).__name__
    return ascii(f"{name}: {text}" if text else name)[1:-1]


def _is_folder_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  # pathlib is not quick to import
    except FileNotFoundError:
        return True
    return False
