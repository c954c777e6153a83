"""A connection with one node of etcd: its calls and its watches, each with a deadline."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import trio

from ttweet.cluster.gateway_codec import GatewayCodec
from ttweet.cluster.messages import (
    WATCH,
    GatewayError,
    MalformedAnswerError,
    WatchResponse,
    decode,
    decode_watched,
    encode,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from ttweet.cluster.address import Node

T = TypeVar("T")

CONNECT_S = 1.0  # to a node, with TLS; in a data centre it takes 2 ms
ANSWER_S = 1.0  # of a node, to a call; then the next node gets it: a node without a leader keeps calls for 7 s
READ_BYTES = 64 * 1024  # of one read: the largest record takes 22


class NodeError(Exception):
    """The node was not reached, went away, did not answer in time, or what it sent is not etcd's."""


class NodeConnection:
    """One open connection. A context manager: leaving it closes the connection."""

    def __init__(self, node: Node, stream: trio.abc.Stream) -> None:
        self.node = node
        self._stream = stream
        self._codec = GatewayCodec(str(node))
        self._on_invalid_token: Callable[[], None] = _ignore

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection without a farewell, which might block."""
        stream = self._stream
        plain = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        assert isinstance(plain, trio.SocketStream)
        plain.socket.close()

    def authorize(self, token: str, on_invalid: Callable[[], None]) -> None:
        """Send this token with each request from now on, and call the function when the node rejects it."""
        self._codec.token = token
        self._on_invalid_token = on_invalid

    async def call(self, path: str, request: dict[str, Any], kind: type[T], *, within_s: float = ANSWER_S) -> T:
        """Return the answer to a request. Raises GatewayError, and NodeError: the request may be carried out."""
        with self._faults(), trio.fail_after(within_s):
            await self._stream.send_all(self._codec.request(path, encode(request)))
            while (answer := self._codec.next_answer()) is None:
                await self._receive()
            return decode(answer, kind)

    async def begin_watch(self, request: dict[str, Any]) -> None:
        """Send a watch. Raises NodeError."""
        with self._faults(), trio.fail_after(ANSWER_S):
            await self._stream.send_all(self._codec.request(WATCH, encode(request)))

    async def next_watched(self) -> list[WatchResponse]:
        """Return the next lines of the watch, without a deadline. Raises GatewayError and NodeError."""
        with self._faults():
            await self._receive()
            return [decode_watched(line) for line in self._codec.next_lines() if line]

    async def _receive(self) -> None:
        self._codec.receive_data(bytes(await self._stream.receive_some(READ_BYTES)))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Tell what went wrong, and with which node."""
        try:
            yield
        except GatewayError as exc:
            if exc.is_invalid_token:
                self._on_invalid_token()
            raise
        except trio.TooSlowError as exc:
            raise NodeError(f"{self.node} did not answer in time") from exc
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise NodeError(f"{self.node} closed the connection") from exc
        except MalformedAnswerError as exc:
            raise NodeError(f"{self.node}: {exc}") from exc


async def open_connection(node: Node, tls: ssl.SSLContext | None) -> NodeConnection:
    """Connect with a node. Raises NodeError."""
    try:
        with trio.fail_after(CONNECT_S):
            return NodeConnection(node, await _open_stream(node, tls))
    except trio.TooSlowError as exc:
        raise NodeError(f"{node} did not answer in time") from exc
    except OSError as exc:
        raise NodeError(f"{node}: {_reason(exc)}") from exc
    except trio.BrokenResourceError as exc:
        raise NodeError(f"{node}: TLS failed: {exc.__cause__ or exc}") from exc


def _reason(exc: OSError) -> str:
    """Return the reason of the first attempt, of those that trio groups."""
    causes = exc.__cause__.exceptions if isinstance(exc.__cause__, BaseExceptionGroup) else [exc.__cause__]
    first = next((cause for cause in causes if isinstance(cause, OSError)), exc)
    return str(first.strerror or first).rpartition(": ")[2].lower()


async def _open_stream(node: Node, tls: ssl.SSLContext | None) -> trio.abc.Stream:
    plain = await trio.open_tcp_stream(node.host, node.port)
    if tls is None:
        return plain
    stream = trio.SSLStream(plain, tls, server_hostname=node.host, https_compatible=True)
    try:
        await stream.do_handshake()
    except BaseException:
        plain.socket.close()
        raise
    return stream


def _ignore() -> None:
    """Do nothing."""
