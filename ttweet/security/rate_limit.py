"""How fast a client may be: token buckets, for as many clients as there is room for.

A bucket holds `burst` requests and is filled at a rate; a request that takes long counts as several. A client that
finds it empty gets the seconds to wait, and no answer until then: requests behind a refused one are refused too, and a
client that sends them again keeps their order. Times are seconds of whatever clock the caller has. Knows no
clock, no requests and no addresses.
"""

import math
import re
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

MAX_BUCKETS = 10_000  # clients whose rate is in memory, about 300 bytes each; the longest idle is forgotten
ROUNDING = 1e-6  # requests: what has come in by parts may lack so many
UNITS = {"s": 1, "min": 60, "h": 3600}


class Rate(NamedTuple):
    """So many requests in a unit of time, after `burst` of them at once."""

    requests: int
    unit: str
    burst: int

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / UNITS[self.unit]

    def __str__(self) -> str:
        return f"{self.requests}/{self.unit}"


def parse(text: str, burst: int) -> Rate:
    """Return a rate as people write it: `20/s`, `100/min`, `500/h`. Raises ValueError."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})/(s|min|h)", text)
    if found is None:
        raise ValueError(f"{text[:40]!a}: use a rate such as 20/s, 100/min or 500/h")
    return Rate(int(found[1]), found[2], burst)


class _Bucket:
    __slots__ = ("at", "closed_until", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left = left
        self.at = at
        self.closed_until = at


class RateLimiter:
    """The buckets of all clients; a key is whatever tells them apart."""

    def __init__(self, rate: Rate, *, max_buckets: int = MAX_BUCKETS) -> None:
        self.rate = rate
        self.refused = 0
        """How many requests found an empty bucket."""
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, now: float, cost: int = 1) -> int:
        """Take a request that counts as `cost` out of a client's bucket: 0, or how many whole seconds to wait.

        One that counts as more than a bucket holds takes all of it.
        """
        needed = min(cost, self.rate.burst)
        bucket = self._bucket(key, now)
        bucket.left = min(bucket.left + (now - bucket.at) * self.rate.per_s, self.rate.burst)
        bucket.at = now
        if bucket.left >= needed - ROUNDING and now >= bucket.closed_until:
            bucket.left -= needed
            return 0
        self.refused += 1
        missing_s = (needed - bucket.left) / self.rate.per_s
        wait_s = max(1, math.ceil(max(missing_s, bucket.closed_until - now)))
        if now >= bucket.closed_until:
            bucket.closed_until = now + wait_s
        return wait_s

    def _bucket(self, key: Hashable, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self.rate.burst, now)
            if len(self._buckets) > self._max_buckets:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket
