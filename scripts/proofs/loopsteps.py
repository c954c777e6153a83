"""No request costs more than its bytes: the loop's steps, the workers' calls, memory, disk and an honest client's wait.

Expensive requests come one after another, then followers that are behind, sets of tags, many clients at once, and HTTP.
`instrument` says how long the longest step and call were. A request above its bar is measured TRIES times and the least
counts: its own cost shows every time, a collection of garbage does not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from server_process import ServerProcess

from proofs import expensive_http
from proofs.attacks import all_of, connect
from proofs.caller import PlainCaller, frame
from proofs.expensive import SCRIPTS, ExpensiveRequest, queries, requests, uploads
from proofs.figure import Result
from proofs.findings import Findings
from proofs.good import apart, p99, spinning
from proofs.history import History, now
from proofs.instrument import Longest, StepGauge
from proofs.scene import HTTP
from proofs.stage import Stage

STEP_MS = 20.0  # of the loop's processor time, in which others wait
CALL_MS = 100.0  # of a worker's, in which the file is held
SLOWER = 5.0  # by which a slow machine may be slower
TRIES = 3
RANDOM = 150  # requests made by chance, in the long form
FOLLOWERS = 400
BEHIND = 1_500  # tweets that a follower has not seen
EQUAL = 200_000  # tweets with the same text, of which one is deleted
PIPELINED = 60  # of them at once
MULTIPLE = 4  # bytes of memory, and of the disk, that a byte that was sent may take
MEMORY_BYTES = 20 << 20  # beside those
REQUEST_BYTES, TAG_BYTES = 128, 192  # of the disk, for the rows of the shortest
MAX_FACTOR = 2.0  # by which the good client's p99 may grow
HONEST_MS = 20.0  # that its p99 may be anyhow: a busy machine takes so long for nothing
HONEST_BYTES = 300  # of the disk, for an upload of the good client with its report lines
CALM_S = 3.0  # in which the good client is timed before
SETTLED_S = 1.5  # after which the index is built of what came


class Cost(NamedTuple):
    """The cost of a request, or of a situation."""

    name: str
    longest: Longest

    @property
    def step_ms(self) -> float:
        """The longest step of the loop."""
        return self.longest.step_ms

    @property
    def call_ms(self) -> float:
        """The longest call of a worker."""
        return self.longest.call_ms


@dataclass(slots=True)
class Sent:
    """The bytes sent, by which memory and disk are judged."""

    data: int = 0
    frames: int = 0
    tags: int = 0

    def add(self, request: ExpensiveRequest) -> None:
        """Count a request that is sent now."""
        self.data += len(request.data)
        self.frames += request.frames
        self.tags += request.tags

    @property
    def memory(self) -> int:
        """How many bytes it may take there."""
        return MULTIPLE * self.data + MEMORY_BYTES

    @property
    def disk(self) -> int:
        """How many bytes it may take there."""
        return MULTIPLE * self.data + REQUEST_BYTES * self.frames + TAG_BYTES * self.tags


class TolerantCaller(PlainCaller):
    """A client to which it is all the same whether a server has had enough of it."""

    def send_frames(self, data: bytes) -> None:
        """Send them."""
        with suppress(OSError):
            self.sock.sendall(data)

    def read(self, until: Callable[[str, Any], bool]) -> None:
        """Read up to a frame, or the end."""
        with suppress(OSError, ValueError):
            for kind, data in self.frames():
                if until(kind, data):
                    return

    def answers(self, number: int) -> None:
        """Read so many of them."""
        for _ in range(number):
            self.read(lambda kind, _: kind in ("ok", "err"))

    def settle(self) -> None:
        """Have a ping answered: what was sent before it is."""
        self.send_frames(frame("p", ""))
        self.read(lambda kind, data: kind == "ok" and data is None)


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """Where it happens, at which scale, and what was seen and sent."""

    server: ServerProcess
    gauge: StepGauge
    scale: float
    slower: float
    seen: list[Cost] = field(default_factory=list)
    sent: Sent = field(default_factory=Sent)

    def measure(self, name: str, happen: Callable[[], None]) -> None:
        """Let it happen until it keeps the bars, TRIES times at most, and note the least that it took."""
        tries: list[Longest] = []
        for _ in range(TRIES):
            self.gauge.reset()
            happen()
            with TolerantCaller(self.server.port) as one:
                one.settle()
            tries.append(self.gauge.read())
            if not is_over(tries[-1], self.slower):
                break
        self.seen.append(Cost(name, min(tries, key=lambda one: one.step_ms / STEP_MS + one.call_ms / CALL_MS)))

    def caller(self) -> TolerantCaller:
        """A new client."""
        return TolerantCaller(self.server.port)

    def upload(self, one: TolerantCaller, request: ExpensiveRequest) -> None:
        """Send uploads and wait for their answers."""
        self.sent.add(request)
        one.send_frames(request.data)
        one.answers(request.frames)

    def disk_bytes(self, stage: Stage) -> int:
        """Return the bytes of the database and its log."""
        return sum(path.stat().st_size for path in stage.data.glob("tweets.db*") if not path.name.endswith("-shm"))


def is_over(longest: Longest, slower: float) -> bool:
    """Whether a bar is broken, on a machine that may be so many times slower."""
    return longest.step_ms > STEP_MS * slower or longest.call_ms > CALL_MS * slower


def prove(stage: Stage, scale: float, seed: int, *, timed: bool = True) -> Result:
    """Send all requests, then make each situation; look at what they took.

    A machine that may be slow or busy is not `timed`: the bars of steps and calls are SLOWER times as high, and the
    p99 of the honest client is no bar.
    """
    chance, history, findings = random.Random(seed), History(), Findings()
    slower = 1.0 if timed else SLOWER
    gauged = replace(stage, gauge=stage.folder / "gauge", options=(*stage.options, *HTTP))
    assert gauged.gauge is not None
    gauge = StepGauge(gauged.gauge)
    with gauged.server() as server:
        measured = MeasuredServer(server, gauge, scale, slower)
        with apart(server.port, history, findings):
            with spinning():
                time.sleep(CALM_S if timed else CALM_S / 10)
            server.forget_peak()
            memory, disk, began = server.peak_kib(), measured.disk_bytes(stage), now()
            _send_all(measured, chance)
            for situation in SITUATIONS:
                situation(measured)
        time.sleep(SETTLED_S)
        calm, under = p99(_took_ms(history, ended=began)), p99(_took_ms(history, began=began))
        _judge(measured, findings)
        grown = (server.peak_kib() - memory) * 1024
        code = server.stop()
    for what, took, allowed in (
        ("memory", grown, measured.sent.memory),
        ("the disk", measured.disk_bytes(stage) - disk, measured.sent.disk + HONEST_BYTES * history.acknowledged),
    ):
        if took > allowed:
            findings.add("corrupt", f"{what} has grown by {took:,} bytes, {allowed:,} are allowed")
    passed = code == 0 and (not timed or under <= max(MAX_FACTOR * calm, HONEST_MS))
    return Result(findings, ("stale", "corrupt"), history, _beside(measured, grown, calm, under), passed=passed)


def _took_ms(history: History, began: float = 0, ended: float = float("inf")) -> list[float]:
    """How long the good client waited for answers to what it sent between two moments."""
    uploads = [one for one in history.uploads if began <= one.invoked < ended and one.returned]
    return [(one.returned - one.invoked) / 1e6 for one in uploads if one.returned]


def _judge(measured: MeasuredServer, findings: Findings) -> None:
    for cost in measured.seen:
        if is_over(cost.longest, measured.slower):
            findings.add("stale", f"{cost.name}: {cost.longest.told}")


def _beside(measured: MeasuredServer, grown: int, calm: float, under: float) -> str:
    step, call = max(measured.seen, key=lambda one: one.step_ms), max(measured.seen, key=lambda one: one.call_ms)
    return (
        f"requests={measured.sent.frames} step={step.step_ms:.1f}ms ({step.name})"
        f" call={call.call_ms:.1f}ms ({call.name}) grown={grown >> 10}KiB p99={calm:.1f}->{under:.1f}ms"
    )


def _send_all(measured: MeasuredServer, chance: random.Random) -> None:
    every = list(requests(chance, RANDOM))
    if measured.scale < 1:
        every = chance.sample(every, max(50, int(len(every) * measured.scale)))
    for request in every:

        def send(request: ExpensiveRequest = request) -> None:
            measured.sent.add(request)
            with measured.caller() as one:
                one.send_frames(request.data)
                one.settle()

        measured.measure(request.name, send)


def _behind(measured: MeasuredServer) -> None:
    """Follow from behind tweets with many tags: those that a follower wants are few, or all."""
    for what, unit in {"ordinary": "stra\u00dfe", "long": "y" * 140, "folding": "\u0130" * 40}.items():
        after = _newest(measured)
        number = max(100, int(BEHIND * min(1.0, measured.scale)))
        with measured.caller() as author:
            for _ in range(number // 50):
                measured.upload(author, uploads(50, unit))
        for clients in (1, 3):
            for wanted, tags in {"none": ["nosuch"], "all": []}.items():
                name = f"{clients} x follow of {wanted} of {number} tweets with {what} tags"
                measured.measure(name, partial(_follow, measured, tags, after, clients))


def _follow(measured: MeasuredServer, tags: list[str], after: int, clients: int) -> None:
    _follow_as(measured, {"tags": tags, "after": after} if tags else {"after": after}, clients)


def _follow_as(measured: MeasuredServer, wanted: object, clients: int) -> None:
    with _followers(measured, clients, lambda _: wanted) as links:
        for one in links:
            one.read(lambda kind, _: kind == "e")


def _behind_a_query(measured: MeasuredServer) -> None:
    """Follow by long queries from behind tweets whose texts and tags are dear to compare."""
    after = _newest(measured)
    with measured.caller() as author:
        for unit in SCRIPTS.values():
            text = ("w " + unit * 150)[:150]
            measured.upload(author, ExpensiveRequest.of("heavy", "u", {"text": text, "scan": False}, 8))
        for _ in range(5):
            measured.upload(author, uploads(50, "\u1e69" * 60))
    for what, query in queries("\u1e69").items():
        wanted = {"query": query, "after": after}
        measured.measure(f"3 x follow of a query of {what}", partial(_follow_as, measured, wanted, 3))


def _by_http(measured: MeasuredServer) -> None:
    """Ask by HTTP, when the newest tweets are heavy ones."""
    every = list(expensive_http.requests())[:: max(1, round(1 / measured.scale))]
    for request in every:

        def send(request: ExpensiveRequest = request) -> None:
            measured.sent.add(request)
            with connect(measured.server.http_port) as one, suppress(OSError):
                one.sendall(request.data)
                all_of(one)

        measured.measure(request.name, send)


def _newest(measured: MeasuredServer) -> int:
    """The id of the newest tweet."""
    with measured.caller() as one:
        _, tweet = one.request("u", "x")
    return int(tweet["id"])


@contextmanager
def _followers(measured: MeasuredServer, number: int, what: Callable[[int], object]) -> Iterator[list[TolerantCaller]]:
    with ExitStack() as stack:
        links = [stack.enter_context(measured.caller()) for _ in range(number)]
        for place, one in enumerate(links):
            one.send("s", what(place))
            one.answers(1)
        yield links


def _sets_of_tags(measured: MeasuredServer) -> None:
    """Commit long uploads while each follower has a set of tags of its own, all with one tag in common."""
    number = max(100, int(FOLLOWERS * min(1.0, measured.scale)))
    with _followers(measured, number, lambda place: {"tags": ["common", f"own{place}"]}), measured.caller() as author:
        measured.measure(
            f"64 uploads of 5 KiB to {number} followers with sets of their own",
            lambda: measured.upload(author, uploads(64, "y" * 140, "common")),
        )


def _at_once(measured: MeasuredServer) -> None:
    """Have many clients send eight uploads with 32 tags at the same moment."""
    number = max(10, int(50 * min(1.0, measured.scale)))
    with ExitStack() as stack:
        links = [stack.enter_context(measured.caller()) for _ in range(number)]

        def happen() -> None:
            for one in links:
                request = uploads(8, "stra\u00dfe")
                measured.sent.add(request)
                one.send_frames(request.data)
            for one in links:
                one.answers(8)

        measured.measure(f"{number} clients with 8 uploads of 32 tags each", happen)


def _indexed(measured: MeasuredServer) -> None:
    """Fill the index of tags with as many new ones as uploads may carry, and ask for the list beside it."""
    with measured.caller() as author, measured.caller() as reader:

        def happen() -> None:
            for _ in range(20):
                measured.upload(author, uploads(60))
                reader.send("l", "")
                reader.answers(1)

        measured.measure("1,200 uploads with 31 new tags, and the list of tags", happen)


def _deleted(measured: MeasuredServer) -> None:
    """Delete the first of many tweets with the same text, which the report log repeats as often."""
    number, equal = (
        max(5_000, int(EQUAL * min(1.0, measured.scale))),
        ExpensiveRequest.of("equal", "u", "equal", PIPELINED),
    )
    with measured.caller() as author:

        def happen() -> None:
            first = _newest(measured) + 1
            for _ in range(number // PIPELINED):
                measured.upload(author, equal)
            author.send("x", first)
            author.answers(1)

        measured.measure(f"deletion of one of {number} equal tweets", happen)


SITUATIONS: tuple[Callable[[MeasuredServer], None], ...] = (
    _behind,
    _sets_of_tags,
    _at_once,
    _indexed,
    _behind_a_query,
    _by_http,
    _deleted,
)
