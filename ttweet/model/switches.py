"""Environment variables that are switches: their value turns them on or off, not their presence."""

from __future__ import annotations

import os

from ttweet.model.errors import SetupError

_ON = ("1", "yes", "true", "on")
_OFF = ("", "0", "no", "false", "off")
_SHOWN = 40  # characters of a value that is neither


def is_on(variable: str) -> bool:
    """Whether a switch is on, in any case of letters; one that is not set is off. Raises SetupError."""
    value = os.environ.get(variable, "")
    said = value.strip().lower()
    if said not in _ON + _OFF:
        raise SetupError("unreachable", f"invalid {variable} {value[:_SHOWN]!a}: use 1 for yes or 0 for no")
    return said in _ON
