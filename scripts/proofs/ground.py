"""Where a siege takes place: its servers, its honest visitor, and the figures that it comes to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from server_process import ServerProcess

from proofs.caller import PlainCaller
from proofs.history import History, Upload, now
from proofs.load import note
from proofs.stage import Stage


@dataclass(frozen=True, slots=True)
class Ground:
    """A siege at a `scale`: 1 is the long form. `figures` are for the line, such as `keys=990`."""

    stage: Stage
    scale: float
    history: History
    figures: list[str]

    def with_options(self, *options: str) -> Stage:
        """The stage for a server that is started with these."""
        return replace(self.stage, options=options)

    def token(self, name: str, rights: str = "read,post") -> str:
        """Make a token."""
        self.stage.data.mkdir(parents=True, exist_ok=True)
        return self.stage.run("token", "add", name, "--can", rights, "--db", str(self.stage.db))

    def visit(self, server: ServerProcess, token: str | None = None, came_from: str = "127.0.0.1") -> str:
        """Return the answer to an honest client: `ok` for its upload, or the code of its error."""
        upload = Upload(len(self.history.uploads), f"visit {secrets.token_hex(4)}", (), None, now())
        self.history.uploads.append(upload)
        try:
            with PlainCaller(server.port, token, came_from) as one:
                kind, data = one.request("u", upload.text)
        except OSError as exc:
            return repr(exc)
        note(upload, kind, data)
        return kind if kind == "ok" else str(data["code"])


Siege = Callable[[Ground], Iterator[str]]
"""Yields what it got that no attacker may get."""
