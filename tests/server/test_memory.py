"""The server's memory stays flat, however fast clients send and whether they read or not."""

import socket
import threading
from pathlib import Path

from tests.support.processes import LIMIT_S, Server, running_server
from ttweet.protocol.frames import encode

CLIENTS = 64
UPLOADS = 150  # of each client before memory is looked at, and as many again between two looks
KIB_ALLOWED = 6 * 1024  # of growth, against about 1 KiB for each of 28,800 uploads if they stayed
FRAME = encode("u", "a message of some hundred bytes, so that what is kept of it is seen in the server's memory #flat")


def resident_kib(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def upload(client: socket.socket, count: int) -> None:
    """Send as fast as the socket takes it, and read the answers meanwhile."""
    sender = threading.Thread(target=client.sendall, args=[FRAME * count])
    sender.start()
    answers = 0
    while answers < count:
        answers += client.recv(65536).count(b"\n")
    sender.join()


def upload_with_all(clients: list[socket.socket], count: int) -> None:
    threads = [threading.Thread(target=upload, args=[client, count]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_until_stuck(client: socket.socket) -> None:
    """Ask without reading, until the server takes no more."""
    client.settimeout(0.2)
    try:
        while True:
            client.sendall(encode("l", "") * 1000)
    except TimeoutError:
        pass


def test_memory_is_flat_with_64_fast_clients_and_one_that_never_reads(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        address = ("127.0.0.1", server.port)
        clients = [socket.create_connection(address, timeout=LIMIT_S) for _ in range(CLIENTS)]
        upload_with_all(clients, UPLOADS)  # fills what is bounded: caches, recent tweets, the cache of pages
        with socket.create_connection(address) as deaf:
            send_until_stuck(deaf)
            before = resident_kib(server)
            for _ in range(3):
                upload_with_all(clients, UPLOADS)
            assert resident_kib(server) - before < KIB_ALLOWED
        for client in clients:
            client.close()
