"""Text is UTF-8 in arguments, variables, names of files and pipes, whatever the locale says."""

import os
import sys

from ttweet import system


def ensure() -> None:
    """Start this program again in Python's UTF-8 mode when the locale has another encoding.

    Python decodes arguments and variables before the first line of a program, and some locales lose bytes in that. So
    the kernel's copy of the arguments is handed on. The process stays the same one, with its descriptors and signals.
    """
    if sys.getfilesystemencoding() == "utf-8" or "utf8" in sys._xoptions or not sys.executable:  # noqa: SLF001  # public
        return
    arguments = system.arguments()
    if arguments is None:
        return
    os.execv(sys.executable, [os.fsencode(sys.executable), b"-X", b"utf8", *arguments[1:]])  # noqa: S606  # itself
