"""Attacks on a server with settings of its own: on its places, its index of tags, its report log and its tokens.

Each is made at once and needs no clock: it says what the attacker got, and whether an honest client with a token was
served beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from server_process import ServerProcess

from proofs.below import endless_hellos, new_keys, unread_pages
from proofs.caller import PlainCaller
from proofs.costs import dear_queries
from proofs.expensive import uploads
from proofs.figure import Result
from proofs.findings import Findings
from proofs.ground import Ground, Siege
from proofs.history import History
from proofs.stage import Stage, until

CROWD, EACH = 50, 8  # clients with heavy posts, and how many each sends at once
TRIES = 3  # of which the best counts: the client may be slow on a busy machine, the order of batches is not
PLACES = 60
BURST = 20  # requests of one address at once
SWOLLEN = "\ufdfa" * 147  # its normal form has 18 characters for each
LOG_LIMIT, LOG_BYTES = "1M", 1_000_000
LINES = 12_000  # of a client, each longer than the server keeps
LINE = "\U0001f600" * 1_000
READ_AGAIN_S = 5.0  # in which the server has read its file of tokens again; it looks twice a second


def refused_crowd(ground: Ground) -> Iterator[str]:
    """Hold every place with clients of one address, most of which were only refused, as too fast."""
    token = ground.token("alice")
    options = ("--max-clients", str(PLACES), "--anonymous", "write", "--rate", "1/s", "--burst", str(BURST))
    with ground.with_options(*options).server() as server, ExitStack() as stack:
        crowd = [stack.enter_context(PlainCaller(server.port)) for _ in range(PLACES)]
        for one in crowd:
            one.ask("p", "")
        if (said := ground.visit(server, token)) != "ok":
            yield f"a client with a token got {said}"
        if (said := ground.visit(server, came_from="127.0.0.9")) != "ok":
            yield f"a client of another address got {said}"
        if _has_gone(crowd[0]):
            yield "a client that was served has lost its place, and those that were refused have not"


def one_token_everywhere(ground: Ground) -> Iterator[str]:
    """Hold every place with one token, which is used all the time."""
    greedy, honest = ground.token("mallory", "read"), ground.token("alice")
    with ground.with_options("--max-clients", str(PLACES)).server() as server, ExitStack() as stack:
        crowd = [stack.enter_context(PlainCaller(server.port, greedy)) for _ in range(PLACES)]
        for one in crowd:
            one.ask("p", "")
        if (said := ground.visit(server, honest)) != "ok":
            yield f"a client with another token got {said}"
        if (gone := sum(map(_has_gone, crowd))) != 1:
            yield f"{gone} clients have lost their places to one"


def _has_gone(one: PlainCaller) -> bool:
    try:
        return one.ask("p", "") not in ("ok", "slow_down")
    except OSError:
        return True


def swelling_tags(ground: Ground) -> Iterator[str]:
    """Upload tags that are ten times as long when they are folded."""
    with ground.stage.server() as server:
        with PlainCaller(server.port) as one:
            for number in range(10):
                tags = [f"{SWOLLEN}{number * 31 + place:03x}" for place in range(31)]
                if one.ask("u", {"text": "x", "tags": tags}) == "ok":
                    yield f"upload {number} was stored"
        ground.visit(server)


def long_lines(ground: Ground) -> Iterator[str]:
    """Fill the report log with the longest lines, and have a reader write into it."""
    reader, author = ground.token("rhea", "read"), ground.token("alice")
    stage = replace(ground.stage, log_limit=LOG_LIMIT, options=("--rate", "none"))
    with stage.server() as server:
        with PlainCaller(server.port, author) as one:
            for _ in range(LINES // 50):
                one.send("r", LINE, 50)
                one.ask("p", "")
        with PlainCaller(server.port, reader) as one:
            one.send("r", "a line of a reader")
            one.ask("p", "")
        ground.visit(server, author)
        server.stop()
    for path in (stage.db, stage.sample):
        if (size := path.stat().st_size) > 3 * LOG_BYTES:
            yield f"{path.name} has {size:,} bytes"
    if b"a line of a reader" in stage.sample.read_bytes():
        yield "a token that may only read has written into the report log"


def tokens_replaced(ground: Ground) -> Iterator[str]:
    """Continue with a token whose file was replaced by that of another token, which has the same number."""
    stage = ground.stage
    beside = replace(ground, stage=replace(stage, folder=stage.folder / "beside"))
    leaked, _ = ground.token("alice", "read,post,admin"), beside.token("alice", "read")
    with stage.server() as server, PlainCaller(server.port, leaked) as old:
        Path(f"{beside.stage.db}.tokens").rename(f"{stage.db}.tokens")
        if not until(lambda: not _is_heeded(old), READ_AGAIN_S):
            yield "a connection of a token that is gone may still ask for what admins see"
    with stage.server() as server:
        ground.visit(server)


def _is_heeded(old: PlainCaller) -> bool:
    try:
        return old.ask("i", "") == "ok"
    except OSError:  # it was ended
        return False


def heavy_crowd(ground: Ground) -> Iterator[str]:
    """Have many clients post new tags at once, and post a light tweet after them."""
    with ground.with_options("--rate", "none").server() as server:
        before = min(_stored_before(server) for _ in range(TRIES))
        ground.visit(server)
    ground.figures.append(f"before={before}")
    if before > CROWD * EACH // 2:
        yield f"a light post waited for {before} of {CROWD * EACH} heavy ones"


def _stored_before(server: ServerProcess) -> int:
    """How many posts of a heavy crowd are stored from its first answer to a light post that is sent then."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(PlainCaller(server.port)) for _ in range(CROWD)]
        light = stack.enter_context(PlainCaller(server.port))
        for one in crowd:
            one.sock.sendall(uploads(EACH).data)
        _, first = crowd[0].answer()
        _, stored = light.request("u", "light #ci")
        return int(stored["id"] - first["id"])


SIEGES: dict[str, Siege] = {
    siege.__name__: siege
    for siege in (
        refused_crowd,
        one_token_everywhere,
        swelling_tags,
        long_lines,
        tokens_replaced,
        dear_queries,
        new_keys,
        endless_hellos,
        unread_pages,
        heavy_crowd,
    )
}


def prove(stage: Stage, scale: float, _: int = 0, *, names: tuple[str, ...] = tuple(SIEGES)) -> Result:
    """Make each of them, on a server of its own."""
    history, findings, figures = History(), Findings(), [f"sieges={len(names)}"]
    for name in names:
        ground = Ground(replace(stage, folder=stage.folder / name), scale, history, figures)
        for sentence in SIEGES[name](ground):
            findings.add("forged", f"{name}: {sentence}")
    return Result(findings, ("forged",), history, " ".join(figures))
