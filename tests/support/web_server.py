"""A server with its pages as a process, and what a test does with it beside the browser."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.processes import LIMIT_S, TTWEET, Server, environment


@dataclass(slots=True)
class WebServer(Server):
    """A running server, once it listens for browsers as well."""

    http_port: int = 0
    _listens: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        assert self._listens.wait(LIMIT_S), self.said
        return f"http://127.0.0.1:{self.http_port}"

    def post(self, *texts: str) -> list[int]:
        """Post tweets, and return their ids."""
        return [self._ask("POST", "/tweets", {"text": text})["id"] for text in texts]

    def delete(self, tweet: int) -> None:
        """Delete a tweet."""
        self._ask("DELETE", f"/tweets/{tweet}")

    def _ask(self, method: str, path: str, document: object = None) -> Any:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.loads(answer.read() or b"null")

    def _keep_lines(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.decode(errors="replace"))
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.said[-1]):
                self.http_port = int(found[1])
                self._listens.set()


@contextmanager
def web_server(folder: Path, *options: str, http_port: int = 0) -> Iterator[WebServer]:
    """Serve a file of the folder until the block is left; the options are further ones of `ttweet serve`."""
    command = [*TTWEET, "serve", "0", "--quiet", "--http", str(http_port), *options]
    with WebServer.serving(command, folder, environment()) as server:
        yield server
