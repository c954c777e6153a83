"""Queries that cost more than a ping: what the rate lets through of them, and what a repeated one takes."""

from __future__ import annotations

from collections.abc import Iterator

from server_process import ServerProcess

from proofs.caller import PlainCaller
from proofs.expensive import TAGS, uploads
from proofs.ground import Ground

ALL_TAGS = 50_000  # that the server has, in the long form
PIPELINED = 50  # uploads at once
BURST = 20  # requests of one address at once
RATE = "1/h"  # so that none comes through beside those
DEAR = {"l": (4, ""), "t": (2, "a"), "g": (2, "nobody"), "s": (2, {"after": 0}), "x": (20, 1), "i": (4, "")}
"""As how many pings each must count at least, and what it asks for."""
WIDEST_LIST = {"limit": 200, "numbers": True}
ASKED = 200  # times, to time one
MAX_PINGS = 20.0  # of the processor's time, that a list of tags may take when it was just asked for


def dear_queries(ground: Ground) -> Iterator[str]:
    """Ask for what costs the server much, as often as the rate lets it through, and for the same again and again."""
    with ground.with_options("--rate", "none").server() as server:
        with PlainCaller(server.port) as one:
            _post_tags(one, int(ALL_TAGS * min(1.0, ground.scale)))
            pings = _processor_ms(server, one, "l", WIDEST_LIST) / _processor_ms(server, one, "p", "")
        ground.visit(server)
    ground.figures.append(f"list={pings:.1f}pings")
    if pings > MAX_PINGS:
        yield f"a list of tags that was just asked for takes as long as {pings:.0f} pings"
    with ground.with_options("--rate", RATE, "--burst", str(BURST)).server() as server:
        for place, (operation, (cost, data)) in enumerate(DEAR.items(), 2):
            with PlainCaller(server.port, came_from=f"127.0.0.{place}") as one:
                answered = sum(one.ask(operation, data) != "slow_down" for _ in range(BURST + 1))
            if answered * cost > BURST:
                yield f"{answered} x {operation} came through where {BURST} pings would"


def _post_tags(one: PlainCaller, number: int) -> None:
    """Post uploads with so many new tags."""
    for _ in range(number // (PIPELINED * (TAGS - 1)) + 1):
        one.send_all(uploads(PIPELINED).data, PIPELINED)


def _processor_ms(server: ServerProcess, one: PlainCaller, operation: str, data: object) -> float:
    """Measure a query that is repeated."""
    one.ask(operation, data)
    began = server.processor_ms()
    for _ in range(ASKED):
        one.ask(operation, data)
    return (server.processor_ms() - began) / ASKED
