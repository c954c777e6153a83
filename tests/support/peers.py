"""Servers by script, to see what a client does when one does not behave."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.support.guard import GUARD_S
from ttweet.client.sync_client import Client

Script = Callable[[socket.socket], None]


@contextmanager
def peer(*scripts: Script, timeout_s: float = GUARD_S) -> Iterator[Client]:
    """A client of a server that runs a script on each connection in turn and then closes it.

    After the last script's connection the server accepts none.
    """

    def serve() -> None:
        for number, script in enumerate(scripts, 1):
            connection, _ = listener.accept()
            if number == len(scripts):
                listener.close()
            with connection:
                script(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        with Client("127.0.0.1", port, timeout_s=timeout_s) as client:
            yield client
        thread.join(GUARD_S)
        assert not thread.is_alive()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port of 127.0.0.1 at which no connection gets an answer, as if the network had lost it."""
    with socket.socket() as listener, ExitStack() as clients:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)  # one connection that is not accepted fills the queue
        for _ in range(3):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def says(*answers: bytes) -> Script:
    """Answer each request with the next of these."""

    def script(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for answer in answers:
            lines.readline()
            connection.sendall(answer)

    return script


def says_and_ends(answer: bytes) -> Script:
    """Answer one request; the end of the stream comes in the same packet, so that the client cannot miss it."""

    def script(connection: socket.socket) -> None:
        connection.makefile("rb").readline()
        connection.sendall(answer, socket.MSG_MORE)
        connection.shutdown(socket.SHUT_WR)

    return script


def listens(connection: socket.socket) -> None:
    """Read all and say nothing until the client goes."""
    while connection.recv(65536):
        pass
