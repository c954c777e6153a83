"""A histogram of durations, counted in buckets."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The upper bounds of the buckets: from an idle SSD's sync to a request that has waited too long."""


class Histogram:
    """Counts durations. An observation costs less than a microsecond."""

    __slots__ = ("_counts", "sum_s")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0
        """All durations together."""

    def observe(self, duration_s: float) -> None:
        """Count a duration."""
        self._counts[bisect_left(BOUNDS_S, duration_s)] += 1
        self.sum_s += duration_s

    @property
    def buckets(self) -> Iterator[tuple[float, int]]:
        """The upper bound of each bucket, and how many durations were at most that long."""
        return zip((*BOUNDS_S, float("inf")), accumulate(self._counts), strict=True)
