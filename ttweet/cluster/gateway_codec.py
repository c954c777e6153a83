"""HTTP with a node of etcd, without I/O: one request after another on a connection, and bounded answers, by h11."""

from collections.abc import Iterator

import h11

from ttweet.cluster.messages import GatewayError, MalformedAnswerError, decode_error

MAX_HEAD_BYTES = 16 * 1024  # of an answer's headers; etcd sends 400 bytes
MAX_SHOWN_BYTES = 200  # of an answer that is not the gateway's
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # of an answer, or a line of a watch: etcd splits those at 2 MiB, 2.7 MiB in base64


class GatewayCodec:
    """Makes bytes of requests and answers of bytes. After MalformedAnswerError it is of no more use."""

    def __init__(self, host: str, token: str = "") -> None:
        self._headers = [("Host", host), ("Content-Type", "application/json")]
        self.token = token
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._status = 0
        self._body = bytearray()

    def request(self, path: str, body: bytes) -> bytes:
        """Return the bytes of a request. The answer before it must be whole."""
        if self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
        self._status = 0
        self._body.clear()
        headers = [*self._headers, ("Content-Length", str(len(body)))]
        if self.token:
            headers.append(("Authorization", self.token))
        head = h11.Request(method="POST", target=path, headers=headers)
        parts = [self._h11.send(event) or b"" for event in (head, h11.Data(data=body), h11.EndOfMessage())]
        return b"".join(parts)

    def receive_data(self, data: bytes) -> None:
        """Take bytes; none at their end. Raises MalformedAnswerError."""
        try:
            self._h11.receive_data(data)
        except h11.RemoteProtocolError as exc:
            raise MalformedAnswerError(f"not HTTP: {exc}") from exc

    def next_answer(self) -> bytes | None:
        """Return the body of the answer, once it is whole. Raises GatewayError and MalformedAnswerError."""
        while (event := self._next_event()) is not None:
            if isinstance(event, h11.EndOfMessage):
                return self._whole()
        return None

    def next_lines(self) -> Iterator[bytes]:
        """Return the whole lines of an answer that is not over.

        Raises GatewayError, and MalformedAnswerError, also at its end.
        """
        while (event := self._next_event()) is not None:
            if isinstance(event, h11.EndOfMessage):
                self._whole()
                raise MalformedAnswerError("the answer has ended")
            if self._status == 200:
                yield from self._take_lines()

    def _take_lines(self) -> Iterator[bytes]:
        *lines, rest = bytes(self._body).split(b"\n")
        self._body[:] = rest
        yield from lines

    def _whole(self) -> bytes:
        data = bytes(self._body)
        if self._status != 200:
            raise _refusal(self._status, data)
        return data

    def _next_event(self) -> h11.Event | None:
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as exc:
            raise MalformedAnswerError(f"not HTTP: {exc}") from exc
        if event is h11.NEED_DATA or event is h11.PAUSED:
            return None
        if isinstance(event, h11.ConnectionClosed):
            raise MalformedAnswerError("the connection was closed")
        if isinstance(event, h11.Response):
            self._status = event.status_code
        elif isinstance(event, h11.Data):
            self._add(event.data)
        assert isinstance(event, h11.Event)
        return event

    def _add(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_ANSWER_BYTES:
            raise MalformedAnswerError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")


def _refusal(status: int, data: bytes) -> GatewayError | MalformedAnswerError:
    try:
        return decode_error(data)
    except MalformedAnswerError:
        said = ascii(data[:MAX_SHOWN_BYTES].decode("utf-8", "replace").strip())
        return MalformedAnswerError(f"not an answer of etcd: HTTP status {status}, {said}")
