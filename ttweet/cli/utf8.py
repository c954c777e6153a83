"""Text is UTF-8 in arguments, variables, names of files and pipes, whatever the locale says."""

import os
import sys

ARGUMENTS = "/proc/self/cmdline"


def ensure() -> None:
    """Start this program again in Python's UTF-8 mode when the locale has another encoding.

    Python decodes arguments and variables before the first line of a program, and some locales lose bytes in that. So
    the kernel's copy of the arguments is handed on. The process stays the same one, with its descriptors and signals.
    """
    if sys.getfilesystemencoding() == "utf-8" or "utf8" in sys._xoptions or not sys.executable:  # noqa: SLF001  # public
        return
    try:
        with open(ARGUMENTS, "rb") as file:
            [_, *arguments, _] = file.read().split(b"\0")
    except OSError:
        return  # no Linux
    os.execv(sys.executable, [os.fsencode(sys.executable), b"-X", b"utf8", *arguments])  # noqa: S606  # itself
