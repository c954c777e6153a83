"""Bugs that are put into the server are found by the proof that is there for them, by their own sign."""

import ast
import inspect
import logging
import os
import shutil
import sys
import textwrap
from pathlib import Path

import pytest
from proofs import cluster, mutants, mutation, sieges
from proofs.figure import Result
from proofs.findings import Findings, Kind
from proofs.history import History, Upload
from proofs.mutants.bug import BROKEN, BrokenBugs
from proofs.stage import Skipped, Stage
from server_process import Broken

from tests.support.proofs import staged


@pytest.mark.proof
@pytest.mark.parametrize(
    "name",
    [  # those that show soon; `scripts/prove mutants` looks for all
        "synchronous-off",
        "ack-during-sync",
        "twice-on-retry",
        "unescaped-log",
        "push-before-commit",
        "resume-skips-one",
        "io-errors-pass",
        "ends-as-it-is",
        "id-is-identity",
    ],
)
def test_a_bug_is_found(name: str) -> None:
    with staged() as stage:
        hunt = mutation.prove(stage, 1, 1, names=[name])
    assert hunt.ok, hunt.line


def test_a_bug_that_stops_all_service_is_no_bug_that_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mutation.PROOFS, "kill9", lambda *_: Result(Findings(), (), History(), passed=False))
    with pytest.raises(Broken, match="nobody is served"):
        mutation.prove(Stage(tmp_path), 1, 1, names=["twice-on-retry"])


def hunted(folder: Path, monkeypatch: pytest.MonkeyPatch, proof: mutation.Proof) -> mutation.Hunt:
    """The hunt for a bug that shows by `dup`, with this proof."""
    monkeypatch.setattr(mutation, "ATTEMPTS", 1)
    monkeypatch.setitem(mutation.PROOFS, "kill9", proof)
    return mutation.prove(Stage(folder), 1, 1, names=["twice-on-retry"])


@pytest.mark.parametrize(("kind", "caught"), [("dup", True), ("corrupt", False)])
def test_a_bug_is_found_by_its_own_sign_alone(
    kind: Kind, caught: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = Findings()
    findings.add(kind, "something")
    seen = History([Upload(1, "one", (), None, 0, outcome="ok")])
    assert hunted(tmp_path, monkeypatch, lambda *_: Result(findings, (), seen, passed=False)).ok == caught


def test_a_server_that_breaks_is_no_bug_that_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Result:
        raise Broken("the machine is too slow")

    hunt = hunted(tmp_path, monkeypatch, broken)
    assert hunt.line == "caught 0/1 missed: twice-on-retry"
    assert hunt.told == ["twice-on-retry: NOT FOUND, but broken instead of dup"]


@pytest.mark.parametrize(("raising", "codes"), [(mutants.serving.__file__, [BROKEN]), (mutation.__file__, [])])
def test_a_bug_that_raises_ends_its_server(raising: str, codes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    ends = list[int]()
    monkeypatch.setattr(os, "_exit", ends.append)
    try:
        exec(compile("raise AttributeError('a name of before')", raising, "exec"))
    except AttributeError:
        BrokenBugs().handle(logging.makeLogRecord({"exc_info": sys.exc_info()}))
    assert ends == codes


def test_bugs_that_cannot_be_looked_for_are_skipped_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(Skipped, match="skipped synchronous-off: there is no C compiler"):
        mutation.prove(Stage(tmp_path), 1, 1, names=["synchronous-off", "ack-during-sync"])


@pytest.mark.parametrize(("named", "sought", "ok"), [(1, 1, True), (30, 10, True), (30, 9, False), (3, 2, False)])
def test_a_hunt_for_too_few_bugs_shows_nothing(named: int, sought: int, ok: bool) -> None:
    assert mutation.Hunt(named, sought, [], ["skipped"], []).ok == ok


def test_every_bug_has_its_proof() -> None:
    proofs = {bug.proof for bug in mutants.BUGS.values()}
    assert proofs - cluster.PROOFS.keys() == mutation.PROOFS.keys() == mutation.SCALES.keys()
    assert proofs - mutation.PROOFS.keys() == mutation.CLUSTER_SCALES.keys()
    assert all((bug.proof == "sieges") == (bug.siege in sieges.SIEGES) for bug in mutants.BUGS.values())


@pytest.mark.parametrize("name", mutants.BUGS)
def test_each_name_that_a_bug_replaces_exists(name: str) -> None:
    """A name that was changed in the server and not here would leave a bug that changes nothing."""
    put_in = mutants.BUGS[name].put_in
    known = dict(put_in.__globals__)
    nodes = [*ast.walk(ast.parse(textwrap.dedent(inspect.getsource(put_in))))]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            exec(compile(ast.Module([node], []), name, "exec"), known)
    changed = [one for node in nodes if isinstance(node, ast.Assign) for one in node.targets]
    for place in changed:
        if isinstance(place, ast.Attribute) and ast.unparse(place).partition(".")[0] in known:
            assert hasattr(eval(ast.unparse(place.value), known), place.attr), ast.unparse(place)
