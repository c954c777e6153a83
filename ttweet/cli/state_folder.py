"""The folder in which ttweet keeps what belongs to a user of this machine."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOT_WRITABLE = (errno.EACCES, errno.EROFS, errno.ENOTDIR)


def state_folder(what: str) -> Path:
    """Return the folder for what is kept there. Raises OSError, which names it, when there is no such place."""
    from platformdirs import user_state_path  # a command that keeps nothing goes without

    try:
        return user_state_path("ttweet", appauthor=False)
    except RuntimeError as exc:  # of a user whom the system does not know, as in a container
        raise FileNotFoundError(errno.ENOENT, "no home folder; set HOME or XDG_STATE_HOME", what) from exc


@contextmanager
def naming_the_variable() -> Iterator[None]:
    """Raise an error of a folder that this user cannot write with the variable that names another one."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in _NOT_WRITABLE:
            raise
        remedy = "set XDG_STATE_HOME to a folder that you can write"
        raise OSError(exc.errno, f"{exc.strerror}; {remedy}", exc.filename) from exc
