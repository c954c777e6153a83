"""The nodes of etcd in turn, and calls that any of them may answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from ttweet.cluster.alarm import Alarm
from ttweet.cluster.messages import STATUS, GatewayError, StatusResponse
from ttweet.cluster.node_connection import NodeConnection, NodeError, open_connection

if TYPE_CHECKING:
    import ssl

    from ttweet.cluster.address import ClusterAddress
    from ttweet.cluster.session import Session
    from ttweet.cluster.settings import ClusterSettings

T = TypeVar("T")

PAUSE_S = 0.1  # between attempts: an election takes 1 s or more
HEDGE_S = 0.5  # for an answer; then a second node is asked, too: the first may wait for a leader that is gone
CHECK_USER = "check TTWEET_CLUSTER_USER, its password and its role"
CORRUPTING = ("3.5.0", "3.5.1", "3.5.2")  # they can lose what they have acknowledged: etcd's issue 13766


class UnansweredError(Exception):
    """No node answered in time. Unless the request was sent, it was not carried out."""

    def __init__(self, problem: str, *, sent: bool) -> None:
        super().__init__(problem)
        self.sent = sent


def explained(error: BaseException | None, settings: ClusterSettings) -> tuple[str, str]:
    """Return the problem that etcd does not answer, or rejects the request, and its remedy."""
    if isinstance(error, GatewayError):
        return f"etcd at {settings.address} rejects the request: {error}", CHECK_USER
    remedy = "start its nodes, or check the URL" + " and the certificates" * settings.address.tls
    return f"no majority of etcd answers at {settings.address}: {error}", remedy


class Nodes:
    """Opens connections, with one node after another."""

    def __init__(
        self, address: ClusterAddress, tls: ssl.SSLContext | None = None, session: Session | None = None
    ) -> None:
        self._nodes = address.nodes
        self._tls = tls
        self._session = session
        self._turn = 0
        self.problem = ""
        """The fault of the last node that failed."""

    def skip(self, problem: str) -> None:
        """Take the next node from now on."""
        self.problem = problem
        self._turn = (self._turn + 1) % len(self._nodes)

    async def open(self) -> NodeConnection:
        """Connect with the node whose turn it is. Raises GatewayError and NodeError."""
        connection = await open_connection(self._nodes[self._turn], self._tls)
        try:
            await self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _prepare(self, connection: NodeConnection) -> None:
        status = await connection.call(STATUS, {}, StatusResponse)
        if status.version in CORRUPTING:
            raise NodeError(f"{connection.node} runs etcd {status.version}, which can lose data; upgrade it")
        if self._session is not None:
            await self._session.authorize(connection)


class Caller:
    """Makes one call at a time, on a connection that it keeps."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._connection: NodeConnection | None = None

    async def call(self, path: str, request: dict[str, Any], kind: type[T], *, within_s: float) -> T:
        """Ask node after node until one answers. So the request must be one that may be carried out twice.

        Raises UnansweredError, and GatewayError for what every node would reject.
        """
        sent, problem = False, ""
        with trio.move_on_after(within_s):
            while True:
                try:
                    connection = await self._open()
                    sent = True
                    return await connection.call(path, request, kind)
                except (NodeError, GatewayError) as exc:
                    if isinstance(exc, GatewayError) and _is_final(exc):
                        raise
                    self.drop()
                    problem = str(exc)
                    self._nodes.skip(problem)
                except BaseException:  # cancelled, which trio raises as a group while it connects
                    self.drop()
                    self._nodes.skip(problem or "no answer in time")
                    raise
                await trio.sleep(PAUSE_S)
        raise UnansweredError(self._nodes.problem or "no answer in time", sent=sent)

    def drop(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _open(self) -> NodeConnection:
        if self._connection is None:
            self._connection = await self._nodes.open()
        return self._connection


class HedgedCaller:
    """Makes one call at a time, to a second node as well when the first takes long, whose answer still counts.

    Without `run`, no second node is asked.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._first, self._second = Caller(nodes), Caller(nodes)
        self._alarm = Alarm()

    async def run(self) -> None:
        """Ask second nodes until cancelled; then close the connections."""
        try:
            await self._alarm.run()
        finally:
            self.drop()

    async def call(self, path: str, request: dict[str, Any], kind: type[T], *, within_s: float) -> T:
        """See Caller.call. Both nodes may carry out the request."""
        answers: list[T] = []
        problems: list[UnansweredError | GatewayError] = []

        async def ask(caller: Caller, seconds: float) -> None:
            try:
                answers.append(await caller.call(path, request, kind, within_s=seconds))
            except UnansweredError as exc:
                problems.append(exc)
                return  # the other caller may have an answer yet
            except GatewayError as exc:
                problems.append(exc)
            if caller is self._second:
                self._first, self._second = self._second, self._first  # the next call begins with the one that answers
            nursery.cancel_scope.cancel()

        def ask_second() -> None:
            self._nodes.skip("no answer in time")
            nursery.start_soon(ask, self._second, within_s - HEDGE_S)

        async with trio.open_nursery() as nursery:
            with self._alarm.ringing(HEDGE_S if within_s > HEDGE_S else math.inf, ask_second):
                await ask(self._first, within_s)
        if answers:
            return answers[0]
        raise max(problems, key=_weight)

    def drop(self) -> None:
        """Close the connections."""
        self._first.drop()
        self._second.drop()


def _weight(problem: UnansweredError | GatewayError) -> int:
    """Return how much a problem says: a rejection more than a request without an answer, and that more than none."""
    return 2 if isinstance(problem, GatewayError) else int(problem.sent)


def _is_final(error: GatewayError) -> bool:
    return error.is_rejection or error.is_full or error.is_compacted
