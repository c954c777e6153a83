"""A client of a siege that speaks TLS, and the certificate of its server."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

from proofs.caller import ANSWER_S
from proofs.stage import Skipped
from proofs.tls_peer import TlsPeer

MAX_READ = 1 << 16
SEGMENT_BYTES = 1_400  # as on a network: on loopback the kernel buffers a megabyte for a client that does not read


class TlsCaller:
    """A client whose handshake is done; `ca` is the certificate that it trusts.

    Its socket takes in about `room` bytes until the client reads, if that is given.
    """

    def __init__(self, port: int, ca: Path, room: int | None = None) -> None:
        self._sock = socket.socket()
        if room is not None:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.settimeout(ANSWER_S)
        self._sock.connect(("127.0.0.1", port))
        self._peer = TlsPeer(str(ca))
        self._shake_hands()

    def __enter__(self) -> TlsCaller:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def send(self, frames: bytes) -> None:
        """Send requests at once, and read no answer."""
        self._sock.sendall(self._peer.encrypt(frames))

    def send_keys(self, number: int, *, answered: bool) -> None:
        """Change the key so many times, in a record each."""
        self._sock.sendall(self._peer.key_updates(number, answered=answered))

    def ask(self, frames: bytes, lines: int | None = None) -> bytes:
        """The answers to as many requests, or so many lines. Raises OSError when the server went away."""
        self.send(frames)
        answers, missing = [], frames.count(b"\n") if lines is None else lines
        while missing > 0:
            answers.append(self._peer.decrypt(self._receive()))
            missing -= answers[-1].count(b"\n")
        return b"".join(answers)

    def _shake_hands(self) -> None:
        received = b""
        while not self._peer.shake_hands(received):
            self._sock.sendall(self._peer.to_send())
            received = self._receive()
        self._sock.sendall(self._peer.to_send())

    def _receive(self) -> bytes:
        data = self._sock.recv(MAX_READ)
        if not data:
            raise ConnectionError("the server went away")
        return data


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost, and its key, made in the folder. Raises Skipped without the command openssl."""
    if shutil.which("openssl") is None:
        raise Skipped("there is no openssl to make a certificate with")
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-subj", "/CN=proof")
    names = ("-addext", "subjectAltName=DNS:localhost")
    command = ["openssl", "req", "-x509", *kind, *names, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)
    return cert, key
