"""A server in a thread of the test's own process, for tests that need one to talk to and leave its file alone."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import trio

from tests.support.serving import serving
from tests.support.sqlite_files import opened
from ttweet.storage.contract import Store


class ServerHere(NamedTuple):
    """Where it listens."""

    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class _Started(NamedTuple):
    port: int
    loop: trio.lowlevel.TrioToken
    stop: trio.Event


@contextmanager
def server_here(folder: Path) -> Iterator[ServerHere]:
    """A server of a new database in the folder, until the block is left."""
    started: Future[_Started] = Future()
    with opened(folder / "tweets.db") as store, ThreadPoolExecutor(1) as thread:
        served = thread.submit(trio.run, _serve, store, started)
        futures: list[Future[Any]] = [started, served]
        wait(futures, return_when=FIRST_COMPLETED)
        if served.done():
            served.result()  # raises why it could not start
        server = started.result()
        try:
            yield ServerHere(server.port)
        finally:
            with suppress(trio.RunFinishedError):  # the result tells why
                server.loop.run_sync_soon(server.stop.set)
            served.result()


async def _serve(store: Store, started: "Future[_Started]") -> None:
    async with serving(store) as server:
        stop = trio.Event()
        started.set_result(_Started(server.address[1], trio.lowlevel.current_trio_token(), stop))
        await stop.wait()
