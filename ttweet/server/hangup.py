"""The end of a terminal: whether SIGHUP means it, known before anything else is loaded. Quick to import."""

import os
import signal


def outlive_hangups() -> None:
    """Ignore SIGHUP for now, unless a terminal may end that this process was started from, and not with nohup.

    Without a handler the signal would end a server that is still starting.
    """
    if not _has_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal, whatever its standard streams are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
