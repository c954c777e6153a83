"""An open connection of the client that programs on trio use."""

import ssl

import trio

from ttweet.client import link_errors
from ttweet.client.lines import LineBuffer
from ttweet.client.tcp import READ_BYTES
from ttweet.client.tls import explained
from ttweet.client.waiting import FOREVER, READ, new_poll
from ttweet.model.errors import ConnectError
from ttweet.model.netloc import netloc


class AsyncLink:
    """One open connection. Raises ConnectError.

    Nothing takes longer than `wait_at_most` says, nor beyond the time of `wait_until`.
    """

    def __init__(self, sock: trio.socket.SocketType, stream: trio.abc.Stream, host: str, where: str) -> None:
        self._socket = sock
        self._stream = stream
        self._host = host
        self._where = where
        self.turn = 0
        """The turn of its client's servers in which it was made; see Rotation."""
        self._lines = LineBuffer()
        self._timeout_s = self._deadline = FOREVER

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def peer(self) -> str:
        """Return the address at the other end."""
        try:
            return str(self._socket.getpeername()[0])
        except OSError as exc:
            raise link_errors.left_at_once(self._where) from exc

    def has_ended(self) -> bool:
        """Return whether an idle connection has something to read: its end, or the error before that."""
        poll = new_poll()
        poll.register(self._socket.fileno(), READ)
        return bool(self._lines or poll.poll(0))

    def wait_at_most(self, timeout_s: float) -> None:
        """Give up a line that has not come within so many seconds."""
        self._timeout_s = timeout_s

    def wait_until(self, deadline: float) -> None:
        """Give up everything that has not come by this time of trio.current_time()."""
        self._deadline = deadline

    async def send(self, data: bytes) -> None:
        """Send it all. A closed connection is detected by `receive`."""
        try:
            with trio.fail_at(self._until()):
                await self._stream.send_all(data)
        except trio.TooSlowError as exc:
            raise self._too_slow() from exc
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # `receive` finds what the server has said before it closed, or that another task has

    async def receive(self) -> bytes:
        """Return the next line. A cancelled call loses nothing."""
        try:
            with trio.fail_at(self._until()):
                return await self._line()
        except trio.TooSlowError as exc:
            raise self._too_slow() from exc
        except trio.BrokenResourceError as exc:
            raise self._broken(exc) from exc
        except trio.ClosedResourceError as exc:
            raise ConnectError("unknown", f"the connection was closed before {self._where} answered") from exc

    def _until(self) -> float:
        return min(trio.current_time() + self._timeout_s, self._deadline)

    def _too_slow(self) -> ConnectError:
        return link_errors.too_slow(self._where, self._timeout_s if trio.current_time() < self._deadline else None)

    async def _line(self) -> bytes:
        while (line := self._lines.next_line()) is None:
            if not self._lines.receive_data(await self._stream.receive_some(READ_BYTES)):
                raise link_errors.gone(self._where)
        return line

    def _broken(self, exc: trio.BrokenResourceError) -> ConnectError:
        """Return the error of a read. In TLS 1.3 a server rejects a client's certificate only after the handshake."""
        if type(self._stream) is trio.SSLStream and isinstance(exc.__cause__, ssl.SSLError):
            return explained(exc.__cause__, self._where, self._host)
        return link_errors.gone(self._where)


async def open_link(
    host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None, deadline: float = FOREVER
) -> AsyncLink:
    """Connect. Raises ConnectError."""
    until = min(trio.current_time() + timeout_s, deadline)
    plain = await _open_stream(host, port, until)
    where = netloc(host, port)
    stream = plain if tls is None else await _secured(plain, tls, host, where, until)
    link = AsyncLink(plain.socket, stream, host, where)
    link.wait_at_most(timeout_s)
    link.wait_until(deadline)
    return link


async def pause(seconds: float, until: float = FOREVER) -> None:
    """Let time pass, but not beyond `until`."""
    await trio.sleep(max(0.0, min(seconds, until - trio.current_time())))


async def _secured(
    plain: trio.SocketStream, tls: ssl.SSLContext, host: str, where: str, until: float
) -> trio.abc.Stream:
    """Start TLS on an open connection, which is closed on failure. A server may end it without a close notice."""
    try:
        stream = trio.SSLStream(plain, tls, server_hostname=host, https_compatible=True)
        with trio.fail_at(until):
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


async def _open_stream(host: str, port: int, until: float) -> trio.SocketStream:
    try:
        with trio.fail_at(until):
            return await trio.open_tcp_stream(host, port)
    except trio.TooSlowError as exc:
        raise link_errors.unreachable(host, port, TimeoutError()) from exc
    except (OSError, UnicodeError) as exc:
        raise link_errors.unreachable(host, port, _cause(exc)) from exc


def _cause(exc: OSError | UnicodeError) -> OSError | UnicodeError:
    """Return the first of the errors that trio groups when all addresses of a host have failed."""
    causes = exc.__cause__.exceptions if isinstance(exc.__cause__, BaseExceptionGroup) else [exc.__cause__]
    return next((cause for cause in causes if isinstance(cause, OSError)), exc)
