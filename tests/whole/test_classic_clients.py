"""Unmodified clients of the first ttweet: plain blocking sockets, knowing nothing of frames or acknowledgements."""

import socket
import struct
from functools import partial

import pytest
import trio

from tests.support.memory_store import MemoryStore
from tests.support.serving import Serving, serving
from ttweet.storage.contract import Store

Address = tuple[str, int]


def upload(address: Address, message: bytes) -> None:
    """Connect, send, close at once, read nothing."""
    with socket.create_connection(address, 10) as client:
        client.sendall(b"u\n")
        client.sendall(message)


def download(address: Address) -> bytes:
    """Connect, ask, read what comes until the server closes."""
    with socket.create_connection(address, 10) as client:
        client.sendall(b"d\n")
        parts = []
        while part := client.recv(4096):
            parts.append(part)
    return b"".join(parts)


def upload_cut_off(address: Address, message: bytes) -> None:
    """Crash before the end of the message: the connection is reset."""
    with socket.create_connection(address, 10) as client:
        client.sendall(b"u\n" + message)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def uploaded(here: Serving, message: bytes) -> None:
    """Upload, and wait until the server has finished with the client, which gets no answer."""
    await trio.to_thread.run_sync(upload, here.address, message)
    await here.others_gone()


async def downloaded(here: Serving) -> bytes:
    return await trio.to_thread.run_sync(download, here.address)


MESSAGES = {
    "plain": b"hello",
    "several lines": b"one\ntwo\r\n\nd\n",
    "other scripts": "寿司 🎉 ä".encode(),
    "150 of one byte": b"x" * 150,
    "150 of four bytes": "🎉".encode() * 150,
    "like a frame": b'["u","framed"]\n',
    "like a request": b"d\n",
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
async def test_a_classic_client_downloads_the_message_that_it_uploaded(message: bytes, any_store: Store) -> None:
    async with serving(any_store) as here:
        await uploaded(here, message)
        assert await downloaded(here) == message


async def test_without_a_message_the_download_says_so() -> None:
    async with serving() as here:
        assert await downloaded(here) == b"Empty Message"


async def test_an_empty_upload_resets_the_last_message_and_deletes_nothing() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        await uploaded(here, b"something")
        await uploaded(here, b"")
        assert await downloaded(here) == b"Empty Message"
        await uploaded(here, b"again")
        assert await downloaded(here) == b"again"
    assert [tweet.text for tweet in store.tweets] == ["something", "", "again"]


@pytest.mark.parametrize("message", [b"x" * 151, b"x" * 601, "ä".encode() * 151, b"\xff", b"a\0"])
async def test_a_message_against_the_rules_changes_nothing_and_is_in_the_log(message: bytes) -> None:
    async with serving() as here:
        await uploaded(here, b"before")
        await uploaded(here, message)
        assert await downloaded(here) == b"before"
    assert any("INPUT COULD NOT BE PROCESSED" in line for line in here.lines)


async def test_a_client_that_crashes_has_said_nothing() -> None:
    async with serving() as here:
        await uploaded(here, b"before")
        await trio.to_thread.run_sync(upload_cut_off, here.address, b"half a mess")
        await here.others_gone()
        assert await downloaded(here) == b"before"


async def test_classic_and_framed_clients_share_one_log() -> None:
    async with serving() as here:
        await uploaded(here, b"classic #a")
        framed = await here.call()
        assert (await framed.ask("d", ""))[1]["text"] == "classic #a"
        await framed.ask("u", "framed #a")
        assert await downloaded(here) == b"framed #a"
        page = (await framed.ask("t", "a"))[1]
        assert [tweet["text"] for tweet in page["tweets"]] == ["framed #a", "classic #a"]


async def test_many_classic_clients_at_once_are_all_stored() -> None:
    async with serving() as here:
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(trio.to_thread.run_sync, partial(upload, here.address, b"%d" % number))
        await here.others_gone()
        assert sorted(int(tweet.text) for tweet in here.store.tweets) == list(range(50))


async def test_the_log_tells_of_a_classic_upload_as_the_first_ttweet_did() -> None:
    async with serving() as here:
        await uploaded(here, b"hello")
    new, received, left = [line for line in here.lines if str(here.callers[0].peer) not in line]
    assert new.startswith("SERVER ALERT [CONNECTION] NEW CONNECTION OF CLIENT: ('127.0.0.1', ")
    assert new.endswith(") Total: 1")
    assert received == "SERVER ALERT [GENERAL] Message Received: hello"
    assert left.startswith("SERVER ALERT [CONNECTION] DISCONNECTION OF CLIENT: ('127.0.0.1', ")
