"""Attacks on a server with settings of its own: on its places, its index of tags, its report log and its tokens.

Each is made at once and needs no clock: it says what the attacker got, and whether an honest client with a token was
served beside it.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from server_process import ServerProcess

from proofs.expensive import compact
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History, Upload, now
from proofs.load import note
from proofs.stage import Stage, until
from proofs.talk import ANSWER_S, answer

PLACES = 60
BURST = 20  # requests of one address at once
SWOLLEN = "\ufdfa" * 147  # its normal form has 18 characters for each
LOG_LIMIT, LOG_BYTES = "1M", 1_000_000
LINES = 12_000  # of a client, each longer than the server keeps
LINE = "\U0001f600" * 1_000
READ_AGAIN_S = 10.0  # in which the server has read its file of tokens again; it looks twice a second


class Caller:
    """A client of the framed protocol; `came_from` is the address of this machine that it comes from."""

    def __init__(self, port: int, token: str | None = None, came_from: str = "127.0.0.1") -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), ANSWER_S, (came_from, 0))
        self._answers = self._sock.makefile("rb")
        if token is not None:
            self._sock.sendall(compact("a", token))
            answer(self._answers)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._sock.close()

    def send(self, operation: str, data: object, times: int = 1) -> None:
        """Send a request, so many times, and read no answer."""
        self._sock.sendall(compact(operation, data) * times)

    def ask(self, operation: str, data: object) -> str:
        """`ok`, or the code of the error."""
        kind, said = self.answer(operation, data)
        return kind if kind == "ok" else said["code"]

    def answer(self, operation: str, data: object) -> tuple[str, dict[str, Any]]:
        """The whole answer. Raises OSError when the server went away."""
        self.send(operation, data)
        return answer(self._answers)


Siege = Callable[[Stage, History], Iterator[str]]
"""Yields what it got that no attacker may get."""


def refused_crowd(stage: Stage, history: History) -> Iterator[str]:
    """Hold every place with clients of one address, most of which were only refused, as too fast."""
    token = _token(stage, "alice")
    options = ("--max-clients", str(PLACES), "--anonymous", "write", "--rate", "1/s", "--burst", str(BURST))
    with replace(stage, options=options).server() as server, ExitStack() as stack:
        crowd = [stack.enter_context(Caller(server.port)) for _ in range(PLACES)]
        for one in crowd:
            one.ask("p", "")
        if (said := _visit(server, history, token)) != "ok":
            yield f"a client with a token got {said}"
        if (said := _visit(server, history, came_from="127.0.0.9")) != "ok":
            yield f"a client of another address got {said}"
        if _has_gone(crowd[0]):
            yield "a client that was served has lost its place, and those that were refused have not"


def _has_gone(one: Caller) -> bool:
    try:
        return one.ask("p", "") not in ("ok", "slow_down")
    except OSError:
        return True


def swelling_tags(stage: Stage, history: History) -> Iterator[str]:
    """Upload tags that are ten times as long when they are folded."""
    with stage.server() as server:
        with Caller(server.port) as one:
            for number in range(10):
                tags = [f"{SWOLLEN}{number * 31 + place:03x}" for place in range(31)]
                if one.ask("u", {"text": "x", "tags": tags}) == "ok":
                    yield f"upload {number} was stored"
        _visit(server, history)


def long_lines(stage: Stage, history: History) -> Iterator[str]:
    """Fill the report log with the longest lines, and have a reader write into it."""
    reader, author = _token(stage, "rhea", "read"), _token(stage, "alice")
    with replace(stage, log_limit=LOG_LIMIT, options=("--rate", "none")).server() as server:
        with Caller(server.port, author) as one:
            for _ in range(LINES // 50):
                one.send("r", LINE, 50)
                one.ask("p", "")
        with Caller(server.port, reader) as one:
            one.send("r", "a line of a reader")
            one.ask("p", "")
        _visit(server, history, author)
        server.stop()
    for path in (stage.db, stage.sample):
        if (size := path.stat().st_size) > 3 * LOG_BYTES:
            yield f"{path.name} has {size:,} bytes"
    if b"a line of a reader" in stage.sample.read_bytes():
        yield "a token that may only read has written into the report log"


def tokens_replaced(stage: Stage, history: History) -> Iterator[str]:
    """Go on with a token whose file was replaced by that of another token, which has the same number."""
    leaked, beside = _token(stage, "alice", "read,post,admin"), replace(stage, folder=stage.folder / "beside")
    _token(beside, "alice", "read")
    with stage.server() as server, Caller(server.port, leaked) as old:
        Path(f"{beside.db}.tokens").rename(f"{stage.db}.tokens")
        if not until(lambda: not _is_heeded(old), READ_AGAIN_S):
            yield "a connection of a token that is gone may still ask for what admins see"
    with stage.server() as server:
        _visit(server, history)


def _is_heeded(old: Caller) -> bool:
    try:
        return old.ask("i", "") == "ok"
    except OSError:  # it was ended
        return False


def _token(stage: Stage, name: str, rights: str = "read,post") -> str:
    stage.data.mkdir(parents=True, exist_ok=True)
    return stage.run("token", "add", name, "--can", rights, "--db", str(stage.db))


def _visit(server: ServerProcess, history: History, token: str | None = None, came_from: str = "127.0.0.1") -> str:
    """What an honest client gets: `ok` for its upload, or the code of its error."""
    upload = Upload(len(history.uploads), f"visit {secrets.token_hex(4)}", (), None, now())
    history.uploads.append(upload)
    try:
        with Caller(server.port, token, came_from) as one:
            kind, data = one.answer("u", upload.text)
    except OSError as exc:
        return repr(exc)
    note(upload, kind, data)
    return kind if kind == "ok" else str(data["code"])


SIEGES: dict[str, Siege] = {
    siege.__name__: siege for siege in (refused_crowd, swelling_tags, long_lines, tokens_replaced)
}


def prove(stage: Stage, *, names: tuple[str, ...] = tuple(SIEGES)) -> Result:
    """Make each of them, on a server of its own."""
    history, findings = History(), Findings()
    for name in names:
        for sentence in SIEGES[name](replace(stage, folder=stage.folder / name), history):
            findings.add("forged", f"{name}: {sentence}")
    return Result(findings, ("forged",), history, f"sieges={len(names)}")
