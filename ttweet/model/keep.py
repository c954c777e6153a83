"""Which tweets are kept when old ones go."""

from typing import NamedTuple


class Keep(NamedTuple):
    """What is kept: tweets younger than `age_s`, or the `last` so many; all of them when neither is set."""

    age_s: float | None = None
    last: int | None = None

    def __bool__(self) -> bool:
        return self.age_s is not None or self.last is not None

    def __str__(self) -> str:
        if self.last is not None:
            return f"the last {self.last:,} are kept"
        return "all are kept" if self.age_s is None else f"those younger than {_duration(self.age_s)} are kept"


KEEP_ALL = Keep()


def _duration(seconds: float) -> str:
    """In the largest unit that has a whole number: 7776000 is 90 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,g} s"
