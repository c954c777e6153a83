"""Times that pass, as people write and read them: `1.5s`, `2h`, `90 d`, `4m12s`."""

import re

DAY_MS = 86_400_000
MAX_AMOUNT = 10**9  # of any unit of a time on the command line: thirty years of seconds, or a mistake

_SIZES = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_STEPS = ((60, "s"), (60, "min"), (24, "h"), (7, "d"), (52, "wk"))


def parse(text: str, *, bare: bool = True) -> float:
    """Return a duration such as `30`, `1.5s`, `10m`, `2h` or `1d` in seconds.

    Unless `bare`, all but 0 need a unit: where 90 would remove tweets or end tokens, it may be days that were meant.
    Raises ValueError, with what is wrong as a sentence that a name goes before.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text, re.ASCII)
    if not found or not (bare or found[2] or float(found[1]) == 0):
        raise ValueError(f"{text[:40]!a}: use a number with a unit, such as 90s, 10m, 2h or 1d")
    if float(found[1]) >= MAX_AMOUNT:
        raise ValueError(f"{text[:40]!a}: too long; use less than {MAX_AMOUNT:,} of any unit")
    return float(found[1]) * _SIZES[found[2]]


def exact(seconds: float) -> str:
    """In the largest unit that has a whole number: 7776000 is `90 d`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,g} s"


def two_units(seconds: float) -> str:
    """In its two largest units: 7500 is `2 h 5 min`."""
    found = []
    for size, unit in _UNITS:
        if whole := int(seconds // size):
            found.append(f"{whole} {unit}")
            seconds -= whole * size
    if seconds or not found:
        found.append(f"{seconds:g} s")
    return " ".join(found[:2])


def short(seconds: float) -> str:
    """Return a time in the two largest units, without spaces: `0.4s`, `12s`, `4m12s`, `2h05m`."""
    whole = round(seconds)
    if whole < 10:
        return f"{seconds:.1f}s"
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def ago(at: int, now: int) -> str:
    """How long before `now` (both ms): `now`, `12 s`, `5 min`, `3 h`, `2 d`, `6 wk`, `2 yr`."""
    amount = (now - at) // 1000
    if amount < 1:
        return "now"
    for size, unit in _STEPS:
        if amount < size:
            return f"{amount} {unit}"
        amount //= size
    return f"{amount} yr"
