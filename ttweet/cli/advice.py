"""What to do about a database that cannot be opened, in words of the command line: the library's texts have none."""

from collections.abc import Iterator
from contextlib import contextmanager

from ttweet.model.errors import DatabaseError, OpenError

_ADVICE = {
    "missing": "; name another with --db",
    "not_ours": "; name another file with --db",
    "newer": ": ttweet export tweets.jsonl, ttweet import tweets.jsonl --db NEW; or name another file with --db",
    "locked": ", or name another file with --db",
    "denied": ", or name a file in another folder with --db",
}


def advised(error: DatabaseError) -> str:
    """The error's text with what most commands advise."""
    return error.text + _ADVICE.get(error.code, "")


@contextmanager
def advising(**advice: str) -> Iterator[None]:
    """Give other advice for errors of some codes, which a block raises."""
    try:
        yield
    except DatabaseError as error:
        if error.code not in advice:
            raise
        raise OpenError(error.code, f"{error.text}; {advice[error.code]}") from error
