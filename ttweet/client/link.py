"""An open connection of the client that threads use. Standard library only and quick to import."""

from __future__ import annotations

import socket
import time

from ttweet.client import link_errors, tcp
from ttweet.client.lines import LineBuffer
from ttweet.client.waiting import FOREVER
from ttweet.model.netloc import netloc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

    from ttweet.client.tls import TlsSocket
    from ttweet.model.errors import ConnectError


class SyncLink:
    """One open connection; requests are answered in their order. Raises ConnectError.

    Nothing takes longer than `timeout_s`, nor beyond `deadline`, a time of time.monotonic().
    """

    __slots__ = ("_address", "_deadline", "_lines", "_socket", "_timeout_s", "turn")

    def __init__(
        self, host: str, port: int, timeout_s: float, tls: SSLContext | None = None, deadline: float = FOREVER
    ) -> None:
        self._address = netloc(host, port)
        self.turn = 0
        """The turn of its client's servers in which it was made; see Rotation."""
        self._timeout_s = timeout_s
        self._deadline = deadline
        self._lines = LineBuffer()
        until = self._until()
        try:
            plain = tcp.connected(host, port, until)
        except (OSError, UnicodeError) as exc:
            raise link_errors.unreachable(host, port, exc) from exc
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a half window must not wait for an ACK
        self._socket = tcp.PlainSocket(plain) if tls is None else self._secured(plain, tls, host, until)

    def _secured(self, plain: socket.socket, tls: SSLContext, host: str, until: float) -> TlsSocket:
        from ttweet.client.tls import TlsSocket

        return TlsSocket(plain, tls, host, self._address, until)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def peer(self) -> str:
        """Return the address at the other end."""
        try:
            return self._socket.peer()
        except OSError as exc:
            raise link_errors.left_at_once(self._address) from exc

    def shut_down(self) -> None:
        """Send no more; the server then ends the connection, which also ends a read in another thread."""
        try:
            self._socket.finish()
        except OSError:
            return  # the server was quicker

    def has_ended(self) -> bool:
        """Return whether the server has closed an idle connection, or has sent an error, as it does before that."""
        try:
            self._socket.receive_now()  # whatever it is, it ends this connection
        except BlockingIOError:
            return bool(self._lines)
        except OSError:
            pass
        return True

    def wait_at_most(self, timeout_s: float) -> None:
        """Give up an answer that has not come within so many seconds; FOREVER is one of them."""
        self._timeout_s = timeout_s

    def wait_until(self, deadline: float) -> None:
        """Give up everything that has not come by this time of time.monotonic()."""
        self._deadline = deadline

    def send(self, data: bytes) -> None:
        """Send it all, within the time-out. A closed connection is detected by `receive`."""
        try:
            self._socket.send(data, self._until())
        except TimeoutError as exc:
            raise self._too_slow() from exc
        except OSError:
            pass  # the server has closed; `receive` finds what it said before that

    def receive(self) -> bytes:
        """Return the line of the next answer. The time-out is for the whole line."""
        until = self._until()
        while (line := self._lines.next_line()) is None:
            self._receive_more(until)
        return line

    def _receive_more(self, until: float) -> None:
        try:
            data = self._socket.receive(until)
        except TimeoutError as exc:
            raise self._too_slow() from exc
        except OSError as exc:
            raise link_errors.gone(self._address) from exc
        if not self._lines.receive_data(data):
            raise link_errors.gone(self._address)

    def _until(self) -> float:
        return min(time.monotonic() + self._timeout_s, self._deadline)

    def _too_slow(self) -> ConnectError:
        return link_errors.too_slow(self._address, self._timeout_s if time.monotonic() < self._deadline else None)
