"""The good client, who only wants to post while others do harm; and how long each of its answers took."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

from proofs.findings import Findings
from proofs.history import History, Upload, now
from proofs.load import note
from proofs.talk import ANSWER_S, answer, frame

PAUSE_S = 0.002  # between two uploads
WINDOW = 50  # uploads sent together while it warms up


class Good(threading.Thread):
    """One upload after another, each with the time that its answer took, ms."""

    def __init__(self, port: int, history: History) -> None:
        super().__init__(name="good client", daemon=True)
        self.took_ms: list[float] = []
        self._port = port
        self._history = history
        self._over = False
        self._failure: Exception | None = None

    def run(self) -> None:
        """Upload until it is over."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), ANSWER_S) as sock, sock.makefile("rb") as answers:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not self._over:
                    (upload,) = self._upload(sock, answers, 1)
                    assert upload.returned is not None
                    self.took_ms.append((upload.returned - upload.invoked) / 1e6)
                    time.sleep(PAUSE_S)
        except (OSError, ValueError) as exc:
            self._failure = exc

    def warm_up(self, uploads: int) -> None:
        """Upload so many at once, on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self._port), ANSWER_S) as sock, sock.makefile("rb") as answers:
            for _ in range(uploads // WINDOW):
                self._upload(sock, answers, WINDOW)

    def end(self, findings: Findings) -> None:
        """Have it stop; it must have been answered all the time."""
        self._over = True
        self.join()
        if self._failure is not None:
            findings.add("stale", f"the good client was let down: {self._failure!r}")

    def _upload(self, sock: socket.socket, answers: Iterator[bytes], number: int) -> list[Upload]:
        place = len(self._history.uploads)
        connection = 0 if number > 1 else 1
        uploads = [Upload(connection, f"good {place + n} #good", (), None, now()) for n in range(number)]
        self._history.uploads += uploads
        sock.sendall(b"".join([frame("u", upload.text) for upload in uploads]))
        for upload in uploads:
            note(upload, *answer(answers))
            if upload.outcome != "ok":
                raise ValueError(f"an upload was {upload.outcome}")
        return uploads


def p99(values: list[float]) -> float:
    """The 99th percentile; infinite for none: who got no answer waited for ever."""
    return sorted(values)[int(len(values) * 0.99)] if values else float("inf")
