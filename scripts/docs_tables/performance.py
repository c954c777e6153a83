"""The short tables of performance, from the figures that `scripts/bench` keeps in docs/performance.jsonl."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import PartFigures, from_line

DATA = Path(__file__).parents[2] / "docs" / "performance.jsonl"
CASES = {"1": "1 client", "64": "64 clients", "256": "256 clients", "64x16": "64 clients, 16 requests each"}
COMPARED = {
    "ttweet": "ttweet",
    "redis-multi": "Redis, `appendfsync always`, MULTI with tag",
    "postgresql": "PostgreSQL, insert with tag",
    "nats": "NATS JetStream, `sync_interval: always`",
    "naive": "FastAPI + sqlite3",
}
COSTS = {"1": "1", "64": "64", "64x16": "64, 16 requests each"}


def uploads() -> str:
    """Return the table of durable uploads a second, ttweet beside what people would otherwise use."""
    acks = _part("acks")
    rows = [[title, *(_rate(acks, subject, case) for case in CASES)] for subject, title in COMPARED.items()]
    return _table(["uploads a second", *CASES.values()], rows)


def costs() -> str:
    """Return the table of the microseconds that a tweet costs, beside the echo server and the SQLite floor."""
    acks = _part("acks")
    rows = [[title, *(f"{cost:.0f} us" for cost in _costs(acks, case))] for case, title in COSTS.items()]
    return _table(["clients", "echo", "SQLite floor", "both", "ttweet", "difference"], rows)


def _part(name: str) -> PartFigures:
    return next(part for part in map(from_line, DATA.read_text().splitlines()) if part.name == name)


def _rate(part: PartFigures, subject: str, case: str) -> str:
    figure = part.find(subject, case)
    return "" if figure is None else f"{figure.median:,.0f}"


def _costs(part: PartFigures, case: str) -> list[float]:
    """Return what a tweet takes with the echo server, the floor, both, ttweet, and ttweet beyond both."""
    echo, floor, mine = [
        1e6 / figure.median for subject in ("echo", "sqlite", "ttweet") if (figure := part.find(subject, case))
    ]
    return [echo, floor, echo + floor, mine, mine - echo - floor]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    line = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, line, *rows])
