"""The plan of a run, and the rounds of several servers in turn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks.figures import Load, PartFigures, Sample
from benchmarks.peers.peer import BEFORE, Peer, Subject
from benchmarks.stage import BenchError, BenchStage, PeerServer

Case = tuple[int, int]
"""Clients, and requests in flight for each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of one run. `cases` (clients, in flight) and `peers` narrow a part down; empty means all it has.

    `baseline` is the ttweet of another checkout, whose turns alternate with those of this one.
    """

    rounds: int = 5
    seconds: float = 2.0
    warmup_s: float = 0.5
    quick: bool = False
    cases: tuple[Case, ...] = ()
    peers: tuple[str, ...] = ()
    databases: Path | None = None
    baseline: Peer | None = None
    failures: list[str] = field(default_factory=list)

    def load(self, clients: int, in_flight: int = 1, *, reconnect: bool = False, tag: str | None = None) -> Load:
        """A load of this plan's length."""
        return Load(clients, in_flight, self.seconds, self.warmup_s, tag, reconnect)

    def loads(self, all_of_them: tuple[Case, ...], quick: tuple[Case, ...]) -> list[Load]:
        """The loads of a part: those that were asked for, or its own."""
        return [self.load(*case) for case in self.cases or (quick if self.quick else all_of_them)]

    def clients(self, all_of_them: tuple[int, ...], quick: tuple[int, ...]) -> tuple[int, ...]:
        """The numbers of clients for a part that has nothing but one request in flight."""
        if self.cases:
            return tuple(dict.fromkeys(clients for clients, _ in self.cases))
        return quick if self.quick else all_of_them

    def wants(self, peer: Peer) -> bool:
        """Whether this peer was asked for; ttweet always is."""
        return not self.peers or peer is self.baseline or peer.name in (*self.peers, "ttweet", "echo")

    def with_baseline(self, subjects: Sequence[Subject]) -> list[Subject]:
        """Return the subjects, each one of ttweet followed by that of the baseline, if there is one."""
        return [one for subject in subjects for one in (subject, *self._before(subject))]

    def _before(self, subject: Subject) -> Iterator[Subject]:
        if self.baseline is not None and subject.peer.name == "ttweet":
            yield replace(subject, name=f"{subject.name}{BEFORE}", peer=self.baseline)

    def fail(self, part: PartFigures, what: str, error: BenchError) -> None:
        """Note on the page that something could not be measured, tell why, and let the run end with an error."""
        say(f"{what} failed: {error}")
        part.note(f"{what} could not be measured.")
        self.failures.append(f"{what} failed: {str(error).splitlines()[0]}")


Running = list[tuple[Subject, PeerServer]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that is measured once a round: the figure it adds to, and how."""

    subject: str
    case: str
    unit: str
    measure: Callable[[], Sample]


def say(text: str) -> None:
    """Print the progress for a waiting person."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def serving(stage: BenchStage, plan: Plan, part: PartFigures, subjects: Sequence[Subject]) -> Iterator[Running]:
    """Run the servers of these subjects, one for each peer, in the block; name and leave out what is not installed."""
    servers: dict[str, PeerServer] = {}
    subjects = plan.with_baseline(subjects)
    with ExitStack() as stack:
        for peer in dict.fromkeys(subject.peer for subject in subjects if plan.wants(subject.peer)):
            if peer.version() is None:
                part.note(f"{peer.title} is not installed here and was left out (`{peer.install}`).")
                say(f"{peer.title}: not installed, left out; {peer.install}")
                continue
            say(f"{peer.title}: starting")
            servers[peer.name] = stack.enter_context(peer.serve(stage))
        yield [(subject, servers[subject.peer.name]) for subject in subjects if subject.peer.name in servers]


def load_turns(stage: BenchStage, running: Running, load: Load) -> list[Turn]:
    """One turn for each subject that can take this load."""
    return [
        Turn(subject.name, load.case, "1/s", partial(subject.peer.measure, stage, server, subject.protocol, load))
        for subject, server in running
        if subject.takes(load)
    ]


def take_turns(plan: Plan, part: PartFigures, turns: Sequence[Turn]) -> None:
    """Run all turns, round by round, and add what they give. One that fails is named and gets no further turn."""
    standing = list(turns)
    for number in range(1, plan.rounds + 1):
        for turn in tuple(standing):
            try:
                sample = turn.measure()
            except BenchError as error:
                standing.remove(turn)
                plan.fail(part, f"{turn.subject} at {turn.case}", error)
                continue
            part.add(turn.subject, turn.case, turn.unit, sample)
            figure = f"{turn.subject:<16} {sample.value:>14,.2f} {turn.unit}"
            say(f"{part.name} {number}/{plan.rounds} {turn.case:>10} {figure}")
