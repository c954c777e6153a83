"""The time, as the file and all answers have it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from ttweet.model import durations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

Clock = Callable[[], int]
"""Tells the time, in milliseconds since 1970 UTC."""


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return int(time.time() * 1000)


def utc(at: float) -> datetime:
    """Return a time (milliseconds since 1970 UTC) in UTC."""
    from datetime import UTC, datetime  # most commands show no time

    return datetime.fromtimestamp(at / 1000, UTC)


def local(at: float) -> datetime:
    """Return a time (milliseconds since 1970 UTC) in the time zone of this machine."""
    return utc(at).astimezone()


def rfc3339(at: int) -> str:
    """Return a time (milliseconds since 1970 UTC) as RFC 3339 has it, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000))


def instant(text: str, now: int) -> int:
    """Return the time that a text names, in milliseconds since 1970 UTC: `2h`, `7d` and `2w` are so long before `now`.

    `2026-01-31`, `2026-01`, `2026` and `2026-01-31T10:30` are in UTC, unless there is an offset such as `+02:00`.
    Raises ValueError.
    """
    from datetime import UTC, datetime, timedelta  # most commands name no time

    if re.fullmatch(r"[0-9.]+[smhdw]", text):
        return now - round(1000 * _age_s(text))
    if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", text):
        text += "-01-01"[len(text) - 4 :]
    given = datetime.fromisoformat(text)
    aware = given if given.tzinfo else given.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _age_s(text: str) -> float:
    return 7 * durations.parse(f"{text[:-1]}d") if text.endswith("w") else durations.parse(text)
