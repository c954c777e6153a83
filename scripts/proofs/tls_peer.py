"""The client's end of TLS in memory, which can also send what Python's `ssl` has no call for: new keys."""

import _ssl
import ctypes
import ssl

_openssl = ctypes.CDLL(_ssl.__file__)  # and the library that it is linked with
_openssl.SSL_key_update.argtypes = [ctypes.c_void_p, ctypes.c_int]
_openssl.SSL_do_handshake.argtypes = [ctypes.c_void_p]
_SSL_POINTER = 24  # bytes from the start of a `_ssl._SSLSocket` to its SSL*, CPython 3.11 to 3.13


class TlsPeer:
    """Bytes in, bytes out. Trusts the authority of a file."""

    def __init__(self, ca: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=ca)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    def shake_hands(self, data: bytes) -> bool:
        """Take a part of the handshake; returns whether it is done."""
        self._incoming.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def to_send(self) -> bytes:
        """Return the bytes that are ready for the other end."""
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """One record."""
        self._tls.write(data)
        return self._outgoing.read()

    def key_updates(self, number: int, *, answered: bool = False) -> bytes:
        """So many records with a new key, each of which the other end is to answer, or not."""
        inner: object = self._tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way to it
        connection = ctypes.c_void_p.from_address(id(inner) + _SSL_POINTER)
        for _ in range(number):
            assert _openssl.SSL_key_update(connection, int(answered)) == 1
            _openssl.SSL_do_handshake(connection)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """All that is whole by now."""
        self._incoming.write(data)
        parts: list[bytes] = []
        while True:
            try:
                parts.append(self._tls.read(1 << 16))
            except ssl.SSLWantReadError:
                return b"".join(parts)
