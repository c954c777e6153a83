"""The definition of a bug, and the table of all."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proofs.figure import Sign


BROKEN = 70  # the exit code of a server whose bug raises


class BrokenBugs(logging.Handler):
    """Ends the server when its bug itself raises, as one does that asks for a name of before: it shows nothing then."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        if record.exc_info and record.exc_info[1] is not None:
            innermost = traceback.extract_tb(record.exc_info[2])[-1]
            if Path(innermost.filename).parent == Path(__file__).parent:
                os._exit(BROKEN)


class Bug(NamedTuple):
    """The function that puts it in, the proof of `mutation` that must find it, and by which signs: others are no catch.

    `siege` is the one of `sieges` that must.
    """

    put_in: Callable[[], None]
    proof: str
    signs: frozenset[Sign]
    siege: str | None


BUGS: dict[str, Bug] = {}
"""Each by its name."""


def mutant(proof: str, *signs: Sign, siege: str | None = None) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a bug; its name is the function's, with hyphens."""

    def register(put_in: Callable[[], None]) -> Callable[[], None]:
        BUGS[put_in.__name__.replace("_", "-")] = Bug(put_in, proof, frozenset(signs), siege)
        return put_in

    return register
