"""Run `ttweet serve --cluster URL` over a log in memory: what the replicated store costs without etcd.

`python one_log.py PROGRAM serve ...` takes the arguments of ttweet. Nothing is asked at the URL.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import trio

from ttweet.__main__ import main
from ttweet.broker.online import Login, SharedNames
from ttweet.server import membership
from ttweet.storage.replicated.log import Record

KEPT = 64  # records; the server has read all others


class OwnNames(SharedNames):
    """The names of a cluster of one server: they are free if the server reports it. See ClusterNames."""

    elsewhere: Mapping[str, int] = {}
    lost: frozenset[str] = frozenset()

    async def take(self, login: Login, instead_of: str | None) -> str | None:  # noqa: ARG002 - no name is in the way
        """See SharedNames."""
        return None

    def free(self, name: str) -> None:
        """See SharedNames."""

    async def run(self, recheck: object) -> None:  # noqa: ARG002 - there is nothing to check
        """Run until cancelled."""
        await trio.sleep_forever()


class LogInMemory:
    """The log of one server. See Log and EtcdLog."""

    origin = "memory"
    age_s = 0.0
    on_arrival: Callable[[], None]

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._end = 0

    def begin(self, genesis: bytes) -> bytes:
        """See Log."""
        return genesis

    def append(self, number: int, data: bytes) -> int:
        """See Log."""
        self._end += 1
        self._records = [*self._records[-KEPT:], Record(self._end, self.origin, number, data)]
        return self._end

    def read(self, after: int, *, wait_s: float) -> list[Record]:  # noqa: ARG002 - what is there is there
        """See Log."""
        return [record for record in self._records if record.position > after]

    def end(self) -> int:
        """See Log."""
        return self._end

    def names(self) -> OwnNames:
        """See EtcdLog."""
        return OwnNames()

    def publish(self, state: object) -> None:
        """There is no other server."""


@contextmanager
def opened(*_: object, **__: object) -> Iterator[LogInMemory]:
    """Open a new log."""
    yield LogInMemory()


if __name__ == "__main__":
    del sys.argv[0]
    membership.opened = opened  # type: ignore[attr-defined, assignment]
    sys.exit(main())
