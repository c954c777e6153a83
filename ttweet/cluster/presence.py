"""The servers of a cluster as they know each other: each publishes its state under a lease."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from msgspec import Struct
from msgspec.structs import replace

from ttweet.cluster.lease import CALL_S, RENEW_S, KeptLease
from ttweet.cluster.messages import (
    COMPACT,
    PUT,
    RANGE,
    EmptyResponse,
    GatewayError,
    MalformedAnswerError,
    RangeResponse,
    all_of,
    decode,
    encode,
    get,
    put,
)
from ttweet.cluster.nodes import Caller, UnansweredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ttweet.cluster.layout import Layout
    from ttweet.cluster.log_watch import LogWatch
    from ttweet.cluster.messages import KeyRange
    from ttweet.cluster.nodes import Nodes

PUBLISH_S = 1.0  # between two states of a server
LIST_S = 2.0  # for etcd to list a server before it takes clients; it takes 20 ms
COMPACT_S = 60.0  # between compactions of the log
MIN_KEPT = 10_000  # revisions that stay for servers that are away: minutes of a busy cluster, hours of a quiet one
MAX_SERVERS = 100  # of a cluster that are read
CHECKPOINTS = 64  # states of this server that those of others are compared with: a minute


class ServerState(Struct, frozen=True):
    """The state of a server: how far its file has come, and the checksum of all that was applied until then."""

    server: str
    position: int
    newest: int
    checksum: int
    needed: int = 0
    """The position that the server will not fall behind; as published, the revision up to which it needs no history."""
    age_ms: int = 0
    """How old the newest confirmation was that nothing was missing."""


class Presence:
    """Publishes the state of one server, and compares it with those of the others."""

    def __init__(
        self, nodes: Nodes, layout: Layout, origin: str, watch: LogWatch, on_divergence: Callable[[str], None]
    ) -> None:
        self._caller = Caller(nodes)
        self._layout = layout
        self._origin = origin
        self._on_divergence = on_divergence
        self._watch = watch
        self._lease = KeptLease(self._caller)
        self._published: ServerState | None = None
        self._checksums: OrderedDict[int, int] = OrderedDict()
        self._published_at = self._compacted_at = 0.0
        self._state: Callable[[], ServerState]
        self._has_state, self._is_listed = trio.Event(), trio.Event()

    async def show(self, state: Callable[[], ServerState]) -> None:
        """Publish what this function returns, from now on. Returns once etcd has it, or after `LIST_S`."""
        self._state = state
        self._has_state.set()
        with trio.move_on_after(LIST_S):
            await self._is_listed.wait()

    async def run(self) -> None:
        """Publish until cancelled, once there is a state."""
        await self._has_state.wait()
        self._compacted_at = trio.current_time()
        try:
            while True:
                try:
                    await self._publish()
                    await self._look_at(await read_servers(self._caller, self._layout.all_servers))
                except (UnansweredError, GatewayError):
                    self._lease.id = 0  # it may have ended; a new one does no harm
                await trio.sleep(PUBLISH_S)
        finally:
            await self._lease.revoke()
            self._caller.drop()

    async def _publish(self) -> None:
        state = self._state()
        self._note(state)
        now = trio.current_time()
        if self._lease.id and state == self._published and now - self._published_at < RENEW_S:
            return
        await self._lease.renew()
        shown = replace(state, needed=self._watch.needed(state.needed), age_ms=self._watch.age_ms)
        request = put(self._layout.server(self._origin), encode(shown), self._lease.id)
        await self._caller.call(PUT, request, EmptyResponse, within_s=CALL_S)
        self._published, self._published_at = state, now
        self._is_listed.set()

    def _note(self, state: ServerState) -> None:
        self._checksums[state.position] = state.checksum
        while len(self._checksums) > CHECKPOINTS:
            self._checksums.popitem(last=False)

    async def _look_at(self, servers: dict[bytes, ServerState]) -> None:
        for key, state in servers.items():
            own = self._checksums.get(state.position, state.checksum)
            if key.startswith(self._layout.servers.prefix) and own != state.checksum:
                self._on_divergence(f"{state.server} has other tweets than this server at {state.position} of the log")
        is_first = min(servers, default=b"") == self._layout.server(self._origin)
        if is_first and trio.current_time() - self._compacted_at >= COMPACT_S:
            self._compacted_at = trio.current_time()
            await self._compact(min(state.needed for state in servers.values()))

    async def _compact(self, needed: int) -> None:
        """Let etcd forget its history up to a revision, but for the newest part. It is that of all clusters."""
        found = await self._caller.call(RANGE, get(self._layout.genesis), RangeResponse, within_s=CALL_S)
        revision = min(needed, found.header.revision - MIN_KEPT)
        if revision > 0:
            try:
                await self._caller.call(COMPACT, {"revision": revision}, EmptyResponse, within_s=CALL_S)
            except GatewayError as exc:
                if not exc.is_compacted:
                    raise


async def read_servers(caller: Caller, keys: KeyRange) -> dict[bytes, ServerState]:
    """Return the states of servers by their keys. Raises UnansweredError and GatewayError."""
    found = await caller.call(RANGE, all_of(keys, MAX_SERVERS), RangeResponse, within_s=CALL_S)
    states = {}
    for pair in found.kvs:
        with suppress(MalformedAnswerError):  # of a version that writes another form
            states[pair.key] = decode(pair.value, ServerState)
    return states
