"""The nodes of etcd in turn, and calls that any of them may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import trio

from ttweet.cluster.link import BrokenLinkError, Link, open_link
from ttweet.cluster.messages import AUTHENTICATE, STATUS, GatewayError, Status, Token

if TYPE_CHECKING:
    import ssl

    from ttweet.cluster.address import ClusterAddress
    from ttweet.cluster.settings import Credentials

T = TypeVar("T")

PAUSE_S = 0.1  # between attempts: an election takes 1 s or more
CORRUPTING = ("3.5.0", "3.5.1", "3.5.2")  # they can lose what they have acknowledged: etcd's issue 13766


class UnansweredError(Exception):
    """No node answered in time. Unless the request was sent, it was not carried out."""

    def __init__(self, problem: str, *, sent: bool) -> None:
        super().__init__(problem)
        self.sent = sent


class Nodes:
    """Opens connections, with one node after another."""

    def __init__(
        self, address: ClusterAddress, tls: ssl.SSLContext | None = None, credentials: Credentials | None = None
    ) -> None:
        self._nodes = address.nodes
        self._tls = tls
        self._credentials = credentials
        self._turn = 0
        self.problem = ""
        """The fault of the last node that failed."""

    def skip(self, problem: str) -> None:
        """Take the next node from now on."""
        self.problem = problem
        self._turn = (self._turn + 1) % len(self._nodes)

    async def open(self) -> Link:
        """Connect with the node whose turn it is. Raises GatewayError and BrokenLinkError."""
        link = await open_link(self._nodes[self._turn], self._tls)
        try:
            await self._prepare(link)
        except BaseException:
            link.close()
            raise
        return link

    async def _prepare(self, link: Link) -> None:
        status = await link.call(STATUS, {}, Status)
        if status.version in CORRUPTING:
            raise BrokenLinkError(f"{link.node} runs etcd {status.version}, which can lose data; upgrade it")
        if self._credentials is not None:
            password = self._credentials._asdict()
            link.authorize((await link.call(AUTHENTICATE, password, Token)).token)


class Caller:
    """Makes one call at a time, on a connection that it keeps."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._link: Link | None = None

    async def call(self, path: str, request: dict[str, Any], kind: type[T], *, within_s: float) -> T:
        """Ask node after node until one answers. So the request must be one that may be carried out twice.

        Raises UnansweredError, and GatewayError for what every node would reject.
        """
        sent = False
        with trio.move_on_after(within_s):
            while True:
                try:
                    link = await self._open()
                    sent = True
                    return await link.call(path, request, kind)
                except (BrokenLinkError, GatewayError) as exc:
                    if isinstance(exc, GatewayError) and _is_final(exc):
                        raise
                    self.drop()
                    self._nodes.skip(str(exc))
                except trio.Cancelled:  # in the middle of an answer
                    self.drop()
                    raise
                await trio.sleep(PAUSE_S)
        raise UnansweredError(self._nodes.problem or "no answer in time", sent=sent)

    def drop(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _open(self) -> Link:
        if self._link is None:
            self._link = await self._nodes.open()
        return self._link


def _is_final(error: GatewayError) -> bool:
    return error.is_rejection or error.is_full or error.is_compacted
