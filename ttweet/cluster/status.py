"""The state of a cluster, as any machine sees it that reaches etcd."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import trio

from ttweet.cluster.layout import Layout
from ttweet.cluster.messages import STATUS, GatewayError, StatusResponse
from ttweet.cluster.node_connection import NodeError, open_connection
from ttweet.cluster.nodes import Caller, Nodes, UnansweredError, explained
from ttweet.cluster.presence import ServerState, read_servers
from ttweet.cluster.session import session_of

if TYPE_CHECKING:
    import ssl

    from ttweet.cluster.address import Node
    from ttweet.cluster.settings import ClusterSettings


class NodeState(NamedTuple):
    """A node of etcd: its version and whether it leads, or its problem."""

    address: str
    version: str | None
    leads: bool
    problem: str | None


class ClusterStatus(NamedTuple):
    """The servers that are running, the nodes, and the problem that kept a majority of them from answering."""

    servers: list[ServerState]
    nodes: list[NodeState]
    problem: str | None

    @property
    def newest(self) -> int:
        """The newest id that any server has."""
        return max((server.newest for server in self.servers), default=0)


async def read_status(settings: ClusterSettings, tls: ssl.SSLContext | None) -> ClusterStatus:
    """Ask all nodes for their state, and a majority for the servers."""
    nodes: dict[Node, NodeState] = {}

    async def ask(node: Node) -> None:
        nodes[node] = await _node_state(node, tls)

    async with trio.open_nursery() as nursery:
        for node in settings.address.nodes:
            nursery.start_soon(ask, node)
    servers, problem = await _servers(settings, tls)
    return ClusterStatus(servers, [nodes[node] for node in settings.address.nodes], problem)


async def _node_state(node: Node, tls: ssl.SSLContext | None) -> NodeState:
    try:
        with await open_connection(node, tls) as connection:
            status = await connection.call(STATUS, {}, StatusResponse)
    except (NodeError, GatewayError) as exc:
        return NodeState(str(node), None, leads=False, problem=str(exc).removeprefix(f"{node}: "))
    return NodeState(str(node), status.version, leads=status.leader == status.header.member_id, problem=None)


async def _servers(settings: ClusterSettings, tls: ssl.SSLContext | None) -> tuple[list[ServerState], str | None]:
    caller = Caller(Nodes(settings.address, tls, session_of(settings.credentials)))
    try:
        found = await read_servers(caller, Layout(settings.address.name).servers)
    except (UnansweredError, GatewayError) as exc:
        return [], "; ".join(explained(exc, settings))
    finally:
        caller.drop()
    return sorted(found.values(), key=lambda state: state.server), None
