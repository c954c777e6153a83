"""A client that posts to a server as fast as it goes, for what must work beside that."""

import threading

from tests.support.processes import LIMIT_S, Server
from ttweet.client.sync_client import Client

ENOUGH = 500  # tweets that are there before the copy begins


class PostingLoad:
    """Posts to a server as fast as it goes until it is stopped, and knows what was acknowledged."""

    def __init__(self, server: Server) -> None:
        self.acknowledged: list[int] = []
        self.enough = threading.Event()
        self._stop = threading.Event()
        self._server = server
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "PostingLoad":
        self._thread.start()
        assert self.enough.wait(LIMIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with Client("127.0.0.1", self._server.port) as client:
            while not self._stop.is_set():
                for stored in client.post_many([f"number {len(self.acknowledged)} #load #n{one}" for one in range(50)]):
                    assert not isinstance(stored, Exception)
                    self.acknowledged.append(stored.id)
                if len(self.acknowledged) >= ENOUGH:
                    self.enough.set()
