"""Which tweets are kept when old ones go."""

from typing import NamedTuple

from ttweet.model.durations import exact


class Keep(NamedTuple):
    """The tweets to keep: those younger than `age_s` seconds, or the `last` ones; all when neither is set."""

    age_s: float | None = None
    last: int | None = None

    def __bool__(self) -> bool:
        return self.age_s is not None or self.last is not None

    def __str__(self) -> str:
        if self.last is not None:
            return f"the last {self.last:,} are kept"
        return "all are kept" if self.age_s is None else f"those younger than {exact(self.age_s)} are kept"


KEEP_ALL = Keep()
