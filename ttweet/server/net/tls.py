"""A client's bytes in TLS, over the transport of its plain socket.

The handshake takes place in the first `receive`, so in the client's own task and within the time that it has for its
first byte. Knows no protocol above TLS, except the line for a client that does not speak TLS.
"""

import ssl
from contextlib import suppress

import trio

from ttweet.server.net.tls_records import MAX_FRUITLESS_RECORDS, RecordAllowance
from ttweet.server.net.transport import LOST, READ_BYTES, Transport

HANDSHAKE = 0x16  # the first byte of a client that speaks TLS, see RFC 8446, 5.1
MAX_HANDSHAKE_BYTES = 128 * 1024  # of a client's handshake; a long chain of certificates has 20 KiB
MAX_DISCARDED_BYTES = 64 * 1024  # read from a client that speaks no TLS, after the answer to it
NO_ROOM = b"\x15\x03\x03\x00\x02\x02\x50"  # a fatal alert, internal_error (RFC 8446, 6): the server is full
RECORD_BYTES = 16 * 1024  # of plain text encrypted at a time: the largest TLS record (RFC 8446, section 5.1)


class TlsError(Exception):
    """The client does not speak TLS, its handshake fails, or too little of what it sends is data."""


class TlsTransport:
    """See Transport. `receive` also raises TlsError."""

    def __init__(self, plain: Transport, context: ssl.SSLContext, answer_to_plain: bytes) -> None:
        self._plain = plain
        self._answer_to_plain = answer_to_plain
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        self._handshake_left = MAX_HANDSHAKE_BYTES
        self._allowance = RecordAllowance()
        self._rest = b""  # encrypted bytes that the socket did not take; they go before those in _outgoing
        self._ahead = 0  # how many bytes at the start of what `send` is given next are encrypted already
        self._sending = trio.Lock()

    async def receive(self) -> bytes:
        """See Transport."""
        if not self._shaken:
            await self._shake_hands()
        while True:
            try:
                data = self._tls.read(READ_BYTES)
            except ssl.SSLWantReadError:
                await self._receive_records()
            except ssl.SSLError as exc:
                raise trio.BrokenResourceError from exc
            else:
                pending = self._tls.pending()
                if not pending:  # this was the last of a record
                    self._allowance.decrypted()
                if pending or self._incoming.pending:
                    await trio.lowlevel.checkpoint()  # a client that never pauses must not keep others waiting
                return data

    def send_now(self, data: bytes) -> int:
        """See Transport. Bytes that it does not send must be given to `send` next.

        No more is encrypted than a record beyond what the socket takes: followers share the plain text that waits.
        """
        if not self._shaken:
            raise trio.BrokenResourceError("the handshake is not done")
        if self._rest or self._sending.locked():
            return 0
        for start in range(0, len(data), RECORD_BYTES):
            piece = data[start : start + RECORD_BYTES]
            self._encrypt(piece)
            encrypted = self._outgoing.read()
            sent = self._plain.send_now(encrypted)
            if sent < len(encrypted):
                self._rest, self._ahead = encrypted[sent:], len(piece)
                return start
        return len(data)

    async def send(self, data: bytes | memoryview) -> None:
        """See Transport."""
        rest, self._ahead = memoryview(data)[self._ahead :], 0
        await self._send_encrypted()
        while rest:
            self._encrypt(rest[:RECORD_BYTES])
            rest = rest[RECORD_BYTES:]
            await self._send_encrypted()

    async def send_end(self) -> None:
        """See Transport."""
        if self._shaken:
            with suppress(ssl.SSLError):  # it would wait for the client's own end; ours is written
                self._tls.unwrap()
        await self._send_encrypted()
        await self._plain.send_end()

    def close(self) -> None:
        """See Transport."""
        self._plain.close()

    async def _shake_hands(self) -> None:
        first = await self._plain.receive()
        if first and first[0] != HANDSHAKE:
            await self._end(self._answer_to_plain)
            raise TlsError("the client does not speak TLS")
        self._take_in_handshake(first)
        while not self._shaken:
            try:
                self._tls.do_handshake()
                self._shaken = True
                self._allowance.restart()
            except ssl.SSLWantReadError:
                await self._send_encrypted()
                self._take_in_handshake(await self._plain.receive())
            except ssl.SSLEOFError as exc:
                raise trio.BrokenResourceError from exc
            except ssl.SSLError as exc:
                await self._end(self._outgoing.read())
                raise TlsError(refusal(exc)) from exc
        await self._send_encrypted()

    async def _end(self, last: bytes) -> None:
        """Send a last answer and read until the client goes, so that no reset overtakes it, or has sent too much."""
        left = MAX_DISCARDED_BYTES
        with suppress(*LOST):
            await self._plain.send(last)
            await self._plain.send_end()
            while left > 0 and (data := await self._plain.receive()):
                left -= len(data)

    async def _receive_records(self) -> None:
        """Take more bytes, now that there is no data in those that came. Raises TlsError."""
        if self._allowance.is_exceeded:
            raise _excess(f"{MAX_FRUITLESS_RECORDS:,} records without data")
        if self._outgoing.pending:  # the answer to a new key
            await self._send_encrypted()
        self._take_in(await self._plain.receive())

    def _take_in_handshake(self, data: bytes) -> None:
        """Take bytes before data may come. Raises TlsError when there are too many."""
        self._handshake_left -= len(data)
        if self._handshake_left < 0:
            raise _excess(f"{MAX_HANDSHAKE_BYTES // 1024} KiB before the handshake is done")
        self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        self._allowance.receive_data(data)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _encrypt(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError as exc:
            raise trio.BrokenResourceError from exc

    async def _send_encrypted(self) -> None:
        async with self._sending:
            while self._rest or self._outgoing.pending:
                rest, self._rest = self._rest or self._outgoing.read(), b""
                await self._plain.send(rest)


def _excess(what: str) -> TlsError:
    return TlsError(f"the client sends more than {what}")


def refusal(exc: ssl.SSLError) -> str:
    """Why the handshake failed, for an operator."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"the client's certificate is not accepted: {exc.verify_message}"
    reason = (exc.reason or str(exc)).replace("_", " ").lower()
    if reason == "peer did not return a certificate":
        return "the client has shown no certificate"
    if "alert" in reason:
        return f"the client does not accept this server's certificate ({reason})"
    return reason
