"""The folder in which ttweet keeps what belongs to a user of this machine."""

import errno
from pathlib import Path


def state_folder(what: str) -> Path:
    """Return the folder for what is kept there. Raises OSError, which names it, when there is no such place."""
    from platformdirs import user_state_path  # a command that keeps nothing goes without

    try:
        return user_state_path("ttweet", appauthor=False)
    except RuntimeError as exc:  # of a user whom the system does not know, as in a container
        raise FileNotFoundError(errno.ENOENT, "no home folder; set HOME or XDG_STATE_HOME", what) from exc
