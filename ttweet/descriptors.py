"""Too few file descriptors: the errors that say so, whether it is so, and what to do. Quick to import."""

import errno
import os
from contextlib import ExitStack

SHORTAGES = (errno.EMFILE, errno.ENFILE)
"""The errors of too many open files, of a process and of the system."""
RAISE_LIMIT = "raise the limit: ulimit -n 4096"


def lacks_descriptors(wanted: int) -> bool:
    """Whether this process, or the system, has no room for so many open files more."""
    with ExitStack() as opened:
        try:
            for _ in range(wanted):
                opened.callback(os.close, os.open("/", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as exc:
            return exc.errno in SHORTAGES
    return False
