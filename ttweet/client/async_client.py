"""The client for programs that run on trio: the verbs of `Client`, to be awaited.

One connection for requests, which many tasks may share, and one for each follower. Knows no server and no storage.
"""

import select
import ssl
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import trio

from ttweet.client.connection import MAX_ANSWER_BYTES, Endpoint, none_reached, unreachable
from ttweet.client.cursor import SILENCE_S, Cursor, Watcher
from ttweet.client.retry import RetryBudget
from ttweet.client.servers import Server, address
from ttweet.client.sync_client import with_advice
from ttweet.client.tls import explained
from ttweet.model.errors import ConnectError, Refused, SlowDown
from ttweet.model.tweets import Deletion, Page, TagPage, Tweet
from ttweet.protocol import calls, frames, replies
from ttweet.protocol.replies import Stored

T = TypeVar("T")

READ_BYTES = 64 * 1024


class AsyncClient(Endpoint):
    """A server, as its clients see it. It connects at the first request, and again when a connection has ended.

    Every method raises ConnectError and Refused as those of Client do. A cancelled request ends the connection, since
    nobody would take its answer; whether a tweet was stored is unknown then. A `name` is as in Client.
    """

    def _start(self) -> None:
        self._asking = trio.Lock()
        self._link: _Link | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection that requests go over; one that another task waits for fails, its outcome unknown."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def post(self, text: str, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None) -> Stored:
        """Upload a tweet; it is on the server's disk when this returns. See Client.post."""
        call = calls.post(text, tags, scan=scan, key=key)
        try:
            return await self.call(*call)
        except ConnectError as error:
            raise with_advice(error, key) from error

    async def last(self) -> Tweet | None:
        """The newest tweet; None when there is none or it is empty."""
        return await self.call(*calls.last())

    async def tweets_of_tag(self, tag: str, *, limit: int | None = None, before: int | None = None) -> Page:
        """The newest tweets of a tag in any spelling, newest first; with `before` those with a lower id."""
        return await self.call(*calls.tweets_of_tag(tag, limit=limit, before=before))

    async def tweets_by(self, name: str, *, limit: int | None = None, before: int | None = None) -> Page:
        """The newest tweets of an author, newest first; with `before` those with a lower id."""
        return await self.call(*calls.tweets_of_author(name, limit=limit, before=before))

    async def tweets_since_login(self, name: str, *, limit: int | None = None, after: int | None = None) -> Page:
        """The tweets since the login of an author who is online, oldest first; with `after` those with a higher id."""
        return await self.call(*calls.tweets_since_login(name, limit=limit, after=after))

    async def who(self) -> list[str]:
        """The names that are online, in the order of their login."""
        return (await self.call(*calls.list_names())).names

    async def list_tags(self, *, limit: int | None = None, numbers: bool = False) -> TagPage:
        """The most used tags; those without a letter only with `numbers`."""
        return await self.call(*calls.list_tags(limit=limit, numbers=numbers))

    async def stats(self) -> dict[str, dict[str, Any]]:
        """How the server is doing. See Client.stats."""
        return (await self.call(*calls.stats())).parts

    async def delete(self, tweet: int) -> Deletion:
        """Delete a tweet, its text, tags and author; its id stays. See Client.delete."""
        return await self.call(*calls.delete(tweet))

    async def ping(self) -> None:
        """See whether the server answers."""
        await self.call(*calls.ping())

    def follow(self, *tags: str, after: int | None = None, watcher: Watcher | None = None) -> "AsyncFollower":
        """Iterate over tweets with any of the tags, or over all: first those after the id, then live.

        Without `after` only new ones. It reconnects and goes on by itself until it is cancelled or left.
        """
        return AsyncFollower(self._connect, Cursor(tags, after, watcher))

    async def request(self, operation: str, data: object) -> Any:
        """Ask one thing and return the data of its answer."""
        return await self._ask(frames.encode(operation, data))

    async def call(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make one of the calls of `protocol.calls` and return what its shape makes of the answer."""
        return self._shaped(shape, await self._ask(frame))

    async def _ask(self, frame: bytes) -> Any:
        patience: RetryBudget | None = None
        while True:
            try:
                return await self._ask_once(frame)
            except SlowDown as refused:
                patience = patience or self._patience()
                await trio.sleep(patience.pause_s(refused))

    async def _ask_once(self, frame: bytes) -> Any:
        async with self._asking:
            link = await self._usable_link()
            try:
                answer = await link.ask(frame, self._timeout_s)
            except BaseException:
                self.close()  # an answer that is still to come would be taken for that of the next request
                raise
        return self._shaped(replies.data_of, answer)

    async def _usable_link(self) -> "_Link":
        if self._link is not None and self._link.has_ended():
            self.close()
        if self._link is None:
            self._link = await self._connect()
        return self._link

    async def _connect(self) -> "_Link":
        failures: list[ConnectError] = []
        for server in self.servers:
            try:
                return await self._connect_to(server)
            except ConnectError as error:
                failures.append(error)
        raise none_reached(failures)

    async def _connect_to(self, server: Server) -> "_Link":
        self.host, self.port = server.host, server.port
        link = await _open_link(self.host, self.port, self._timeout_s, self._tls_context(server))
        try:
            for frame in self._greetings(server, link.peer):
                self._shaped(replies.data_of, await link.ask(frame, self._timeout_s))
        except BaseException:
            link.close()
            raise
        return link


class AsyncFollower:
    """Iterate it for tweets in the order of their ids: none is missed, none comes twice. See Follower.

    Cancelled in the middle, it can be iterated again and goes on where it was. For one task at a time.
    """

    def __init__(self, connect: Callable[[], Any], cursor: Cursor) -> None:
        self._connect = connect
        self._cursor = cursor
        self._link: _Link | None = None
        self._waiting = trio.CancelScope()  # of who waits for the next tweet

    @property
    def after(self) -> int | None:
        """The id to go on from, in this program or in another; None before the server has answered."""
        return self._cursor.after

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Tweet:
        with trio.CancelScope() as self._waiting:
            while True:
                try:
                    tweet = await self._receive()
                except (ConnectError, Refused) as error:
                    self._hang_up()
                    await trio.lowlevel.checkpoint_if_cancelled()  # else what `close` has ended would be told as lost
                    await trio.sleep(self._cursor.pause_s(error))
                else:
                    if tweet is not None:
                        return tweet
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._hang_up()  # of a loop that was left

    def close(self) -> None:
        """End the connection, and the loop of another task. To iterate again makes another, which goes on from here."""
        self._waiting.cancel()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _receive(self) -> Tweet | None:
        if self._link is None:
            link: _Link = await self._connect()
            try:
                await link.send(self._cursor.request(), SILENCE_S)
            except BaseException:
                link.close()
                raise
            self._link = link
        return self._cursor.receive(await self._link.receive(SILENCE_S))


class _Link:
    """One open connection. Raises ConnectError."""

    def __init__(self, sock: trio.socket.SocketType, stream: trio.abc.Stream, host: str, where: str) -> None:
        self._socket = sock
        self._stream = stream
        self._host = host
        self._where = where
        self._data = bytearray()

    def close(self) -> None:
        self._socket.close()

    def peer(self) -> str:
        try:
            return str(self._socket.getpeername()[0])
        except OSError as exc:
            raise ConnectError("unreachable", f"{self._where} went away at once") from exc

    def has_ended(self) -> bool:
        """Whether an idle connection has something to read: its end, or what the server says before that."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(self._data or poll.poll(0))

    async def ask(self, frame: bytes, timeout_s: float) -> bytes:
        await self.send(frame, timeout_s)
        return await self.receive(timeout_s)

    async def send(self, data: bytes, timeout_s: float) -> None:
        try:
            with trio.fail_after(timeout_s):
                await self._stream.send_all(data)
        except trio.TooSlowError as exc:
            raise self._too_slow(timeout_s) from exc
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # `receive` finds what the server has said before it closed, or that another task has

    async def receive(self, timeout_s: float) -> bytes:
        """The next line. One that was cancelled has lost nothing."""
        try:
            with trio.fail_after(timeout_s):
                return await self._line()
        except trio.TooSlowError as exc:
            raise self._too_slow(timeout_s) from exc
        except trio.BrokenResourceError as exc:
            raise self._broken(exc) from exc
        except trio.ClosedResourceError as exc:
            raise ConnectError("unknown", f"the connection was closed before {self._where} answered") from exc

    async def _line(self) -> bytes:
        seen = 0
        while (end := self._data.find(b"\n", seen)) < 0:
            seen = len(self._data)
            data = await self._stream.receive_some(READ_BYTES)
            if not data or seen > MAX_ANSWER_BYTES:
                raise self._gone()
            self._data += data
        line = bytes(self._data[: end + 1])
        del self._data[: end + 1]
        return line

    def _broken(self, exc: trio.BrokenResourceError) -> ConnectError:
        """In TLS 1.3 a server says only after the handshake that it wants another certificate."""
        if type(self._stream) is trio.SSLStream and isinstance(exc.__cause__, ssl.SSLError):
            return explained(exc.__cause__, self._where, self._host)
        return self._gone()

    def _gone(self) -> ConnectError:
        return ConnectError("unknown", f"{self._where} went away before it answered")

    def _too_slow(self, timeout_s: float) -> ConnectError:
        return ConnectError("unknown", f"{self._where} has not answered within {timeout_s:g} seconds")


async def _open_link(host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None) -> _Link:
    plain = await _open_stream(host, port, timeout_s)
    where = address(host, port)
    stream = plain if tls is None else await _secured(plain, tls, host, where, timeout_s)
    return _Link(plain.socket, stream, host, where)


async def _secured(
    plain: trio.SocketStream, tls: ssl.SSLContext, host: str, where: str, timeout_s: float
) -> trio.abc.Stream:
    """TLS on an open connection, which is closed when that fails. A server may end it without a last word of TLS."""
    try:
        stream = trio.SSLStream(plain, tls, server_hostname=host, https_compatible=True)
        with trio.fail_after(timeout_s):
            await stream.do_handshake()
    except trio.TooSlowError as exc:
        plain.socket.close()
        raise explained(TimeoutError(), where, host) from exc
    except (trio.BrokenResourceError, ValueError) as exc:
        plain.socket.close()
        raise explained(exc.__cause__ or exc, where, host) from exc
    except BaseException:
        plain.socket.close()
        raise
    return stream


async def _open_stream(host: str, port: int, timeout_s: float) -> trio.SocketStream:
    try:
        with trio.fail_after(timeout_s):
            return await trio.open_tcp_stream(host, port)
    except trio.TooSlowError as exc:
        raise unreachable(host, port, TimeoutError()) from exc
    except (OSError, UnicodeError) as exc:
        raise unreachable(host, port, _cause(exc)) from exc


def _cause(exc: OSError | UnicodeError) -> OSError | UnicodeError:
    """What trio wraps up when all addresses of a host have failed."""
    causes = exc.__cause__.exceptions if isinstance(exc.__cause__, BaseExceptionGroup) else [exc.__cause__]
    return next((cause for cause in causes if isinstance(cause, OSError)), exc)
