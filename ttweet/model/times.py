"""The time, as the file and all answers have it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Tells the time, in milliseconds since 1970 UTC."""


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return int(time.time() * 1000)
