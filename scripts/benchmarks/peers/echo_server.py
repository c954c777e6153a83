"""A server of ttweet's shape that does nothing: one trio task a client, receive a line, send it back.

Its rate is what the interpreter, trio and the kernel leave to any server of this shape. `python echo_server.py PORT`.
"""

from __future__ import annotations

import gc
import socket
import sys

import trio

RECEIVE_BYTES = 64 * 1024


async def echo(client: socket.socket) -> None:
    """Send whole lines back until the client is gone."""
    rest = b""
    with client:
        while True:
            try:
                data = client.recv(RECEIVE_BYTES)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(client)
                continue
            if not data:
                return
            lines, end, rest = (rest + data).rpartition(b"\n")
            await send(client, lines + end)


async def send(client: socket.socket, data: bytes) -> None:
    """Send all of it, at once if the socket takes it."""
    while data:
        try:
            data = data[client.send(data) :]
        except BlockingIOError:
            await trio.lowlevel.wait_writable(client)


async def main(port: int) -> None:
    """Accept clients until killed."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    gc.freeze()
    async with trio.open_nursery() as nursery:
        while True:
            await trio.lowlevel.wait_readable(listener)
            client, _ = listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            nursery.start_soon(echo, client)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
