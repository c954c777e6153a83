"""TLS at a client's end, and why there is none; imported only for TLS, since `ssl` takes 8 ms."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress

from ttweet.client.tcp import READ_BYTES
from ttweet.client.waiting import READ, WRITE, ready
from ttweet.model.errors import ConnectError
from ttweet.model.remedies import TRUST, WITHOUT_TLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_UNTRUSTED = {18, 19, 20, 21}  # X509_V_ERR_...: self-signed, or an issuer that is not known
_WRONG_HOST = {62, 64}  # ...HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH
_PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")  # what OpenSSL makes of an answer that is no TLS, by version
_NO_ROOM = "TLSV1_ALERT_INTERNAL_ERROR"  # see server.net.tls.NO_ROOM
_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_")


class TlsSocket:
    """A connected socket in TLS, with the methods of tcp.PlainSocket.

    Two threads may use it, one to receive and one to send: OpenSSL's own object stands no two at once. Raises
    TimeoutError, ConnectError where TLS fails, and other OSErrors.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str, where: str, until: float) -> None:
        self._where = where
        self._host = host
        self._using = threading.Lock()
        try:
            self._tls = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        except (OSError, ValueError) as exc:
            plain.close()
            raise explained(exc, where, host) from exc
        try:
            self._when_ready(self._tls.do_handshake, until)
        except OSError as exc:
            self.close()
            raise explained(exc, where, host) from exc
        except BaseException:
            self.close()
            raise

    def receive(self, until: float) -> bytes:
        """As PlainSocket. Raises ConnectError: in TLS 1.3 a server rejects a client's certificate only now."""
        try:
            return self._when_ready(lambda: self._tls.recv(READ_BYTES), until)
        except ssl.SSLError as exc:
            raise explained(exc, self._where, self._host) from exc

    def receive_now(self) -> bytes:
        """As PlainSocket."""
        with self._using:
            try:
                return self._tls.recv(READ_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as exc:
                raise BlockingIOError from exc

    def send(self, data: bytes, until: float) -> None:
        """As PlainSocket."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._when_ready(lambda: self._tls.send(rest), until) :]  # noqa: B023  # called at once

    def peer(self) -> str:
        """See PlainSocket."""
        return str(self._tls.getpeername()[0])

    def finish(self) -> None:
        """As PlainSocket."""
        with self._using, suppress(ssl.SSLError):  # it would wait for the server's own end; ours is sent
            self._tls.unwrap()

    def close(self) -> None:
        """As PlainSocket."""
        self._tls.close()

    def _when_ready(self, call: Callable[[], T], until: float) -> T:
        while True:
            with self._using:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    event = READ
                except ssl.SSLWantWriteError:
                    event = WRITE
            if not ready({self._tls.fileno(): event}, until):
                raise TimeoutError


def explained(exc: BaseException, where: str, host: str) -> ConnectError:
    """Return the error for a failed TLS handshake, with a remedy."""
    if isinstance(exc, ssl.SSLCertVerificationError) and exc.verify_code in _UNTRUSTED:
        return ConnectError("tls", f"the certificate of {where} is not trusted, nothing was sent", TRUST)
    if getattr(exc, "reason", None) in _PLAIN:
        return ConnectError(
            "tls", f"{where} does not speak TLS, or something in between answered; nothing was sent", WITHOUT_TLS
        )
    return ConnectError("tls", _sentence(exc, where, host))


def _sentence(exc: BaseException, where: str, host: str) -> str:
    match exc:
        case ssl.SSLCertVerificationError():
            return _bad_certificate(exc, where, host)
        case TimeoutError():
            return f"{where} did not answer the TLS handshake; ask the operator whether the server uses TLS"
        case ssl.SSLError() if not isinstance(exc, ssl.SSLEOFError):
            return _failure(exc.reason or str(exc), where)
        case ValueError():
            return f"TLS with {where} failed: {exc}"
    return f"{where} closed the connection during the TLS handshake"


def _failure(reason: str, where: str) -> str:
    """Translate OpenSSL's error."""
    if reason == _NO_ROOM:
        return f"{where} has too many clients; retry later"
    said = reason.rpartition("ALERT_")[2].replace("_", " ").lower()
    if "ALERT" in reason and any(word in reason for word in _WANTS_CERTIFICATE):
        return f"{where} requires a client certificate ({said}); set TTWEET_CERT and TTWEET_KEY"
    return f"TLS with {where} failed: {said}"


def _bad_certificate(exc: ssl.SSLCertVerificationError, where: str, host: str) -> str:
    if exc.verify_code in _WRONG_HOST:
        return f"the certificate of {where} is not for {host}; connect by a name in the certificate"
    return f"the certificate of {where} is invalid: {exc.verify_message}"
