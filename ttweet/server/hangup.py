"""Whether SIGHUP means that the terminal has closed, decided before anything else is loaded. Quick to import."""

import signal

from ttweet import system


def outlive_hangups() -> None:
    """Ignore SIGHUP for now, unless a terminal may end that this process was started from, and not with nohup.

    Without a handler the signal would end a server that is still starting.
    """
    if not system.has_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
