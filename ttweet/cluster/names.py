"""The names that are online in a cluster: a key in etcd for each look of a name, under a lease of its server."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from msgspec import Struct

from ttweet.cluster.lease import CALL_S, KeptLease
from ttweet.cluster.messages import (
    RANGE,
    TXN,
    GatewayError,
    MalformedAnswerError,
    RangeResponse,
    TxnResponse,
    all_of,
    decode,
    encode,
    remove_equal,
    replace_equal,
)
from ttweet.cluster.nodes import Caller, UnansweredError
from ttweet.storage.replicated.log import NoQuorum

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ttweet.cluster.layout import Layout
    from ttweet.cluster.messages import KeyValue
    from ttweet.cluster.nodes import Nodes

READ_S = 1.0  # between two readings of the names at other servers
TAKE_S = 4.0  # to take a name, with the calls before it; all requests have an answer within 5 s
MAX_KEYS = 10_000  # of names that are read, one or two for each; five servers that are full

Keys = dict[bytes, bytes]
"""The keys of a name, with the value of each, which no other login has."""


class Holder(Struct, frozen=True):
    """The value of a name's keys."""

    origin: str
    name: str
    newest: int
    number: int
    """The login's number among those of its server, so that no two have the same value."""


class ClusterNames:
    """The names of one run of a server among those of all servers; see `broker.online.SharedNames`.

    Its calls take turns. A name that cannot be freed now is freed later.
    """

    def __init__(self, nodes: Nodes, layout: Layout, origin: str) -> None:
        self._caller = Caller(nodes)
        self._lease = KeptLease(self._caller)
        self._layout = layout
        self._origin = origin
        self._turn = trio.Lock()
        self._held: dict[str, Keys] = {}
        self._freed: list[Keys] = []
        self._is_doubtful = False  # whether etcd has all keys of the names that are held
        self._logins = 0
        self._read_at = -READ_S
        self._wake = trio.Event()
        self.elsewhere: Mapping[str, int] = {}
        """See SharedNames."""
        self.lost: frozenset[str] = frozenset()
        """See SharedNames."""

    async def take(self, login: tuple[str, frozenset[str], int], instead_of: str | None) -> str | None:
        """See SharedNames."""
        name, looks, newest = login
        try:
            with trio.fail_after(TAKE_S):
                async with self._turn:
                    return await self._take(name, self._keys_of(name, looks, newest), instead_of or "")
        except (UnansweredError, GatewayError, trio.TooSlowError) as exc:
            raise NoQuorum from exc

    def free(self, name: str) -> None:
        """See SharedNames."""
        self.lost -= {name}
        if (keys := self._held.pop(name, None)) is not None:
            self._freed.append(keys)
            self._wake.set()

    async def run(self, recheck: Callable[[], Awaitable[None]]) -> None:
        """Keep the names of this server, and read those of others, until cancelled; then free all.

        `recheck` has all clients look whether their names were lost.
        """
        try:
            while True:
                with trio.move_on_after(READ_S):
                    await self._wake.wait()
                self._wake = trio.Event()
                lost = self.lost
                await self._keep()
                if self.lost - lost:
                    await recheck()
        finally:
            await self._lease.revoke()
            self._caller.drop()

    def _keys_of(self, name: str, looks: frozenset[str], newest: int) -> Keys:
        self._logins += 1
        value = encode(Holder(self._origin, name, newest, self._logins))
        return {self._layout.name(look): value for look in looks}

    async def _take(self, name: str, keys: Keys, instead_of: str) -> str | None:
        """Put a name into etcd. Without an answer, what was sent is undone later."""
        try:
            await self._settle()
            other = await self._put(keys, self._held.get(instead_of, {}))
        except BaseException:
            self._freed.append(keys)
            self._is_doubtful = True
            raise
        if other is None:
            self._held.pop(instead_of, None)
            self._held[name] = keys
        return other

    async def _keep(self) -> None:
        async with self._turn:
            with suppress(UnansweredError, GatewayError):
                if self._held or self._freed:
                    await self._settle()
                if trio.current_time() - self._read_at >= READ_S:
                    await self._read()

    async def _settle(self) -> None:
        """Have etcd hold the names that are online here, and no others."""
        if self._lease.is_due:
            self._is_doubtful |= await self._lease.renew()
        while self._freed:
            await self._caller.call(TXN, remove_equal(self._freed[-1]), TxnResponse, within_s=CALL_S)
            self._freed.pop()
        if self._is_doubtful:
            for name, keys in [*self._held.items()]:
                if await self._put(keys, {}) is not None and name in self._held:
                    del self._held[name]
                    self.lost |= {name}
            self._is_doubtful = False

    async def _put(self, keys: Keys, before: Keys) -> str | None:
        """Put keys that are free, or have these values; return the name that has one of them otherwise."""
        request = replace_equal(before, keys, self._lease.id)
        decided = await self._caller.call(TXN, request, TxnResponse, within_s=CALL_S)
        found = decided.all_found
        if decided.succeeded or {pair.key: pair.value for pair in found} == keys:  # by a call without an answer
            return None
        return next((holder.name for holder in map(_holder, found) if holder is not None), "another program's key")

    async def _read(self) -> None:
        found = await self._caller.call(RANGE, all_of(self._layout.names, MAX_KEYS), RangeResponse, within_s=CALL_S)
        self._read_at = trio.current_time()
        holders = map(_holder, sorted(found.kvs, key=lambda pair: pair.create_revision))
        self.elsewhere = {
            holder.name: holder.newest for holder in holders if holder is not None and holder.origin != self._origin
        }


def _holder(pair: KeyValue) -> Holder | None:
    try:
        return decode(pair.value, Holder)
    except MalformedAnswerError:  # of a version that writes another form
        return None
