"""The short forms of scripts/prove, and what they stand on; the checker has tests of its own."""

import random
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import server_process
from hypothesis import given
from hypothesis import strategies as st
from proofs import (
    cluster,
    command_line,
    faults,
    fsyncs,
    loopsteps,
    mutation,
    simple_tags,
)
from proofs.disk import Disk, Do, Operation, recorded
from proofs.findings import Findings
from proofs.history import History, Seen
from proofs.stage import Stage
from server_process import Broken, NotStarted

from tests.support.proofs import staged
from tests.tools.test_proofs_checker import upload
from ttweet.model import hashtags, tweets
from ttweet.model.errors import Refused

ALPHABET = "#＃ab1_é寿ſßﷺ٣ \t.,/:?&-@$\ufe0f\u20e3\u200d\u00adA://x.de/"
SHORT = {
    **mutation.SCALES,
    "restart-powercut": 0.035,
    "ioerrors": 0.02,
    "diskfull": 0.1,
    "unlinked": 0.04,
    "loopsteps": 0.05,
}
"""Scales shorter still than for a hunt where nothing need be found."""
CLUSTER = sorted(cluster.PROOFS.keys() - {"cluster-model"})
"""The model is a test of the store."""
PROOFS: dict[str, mutation.Proof] = {**mutation.PROOFS, "loopsteps": partial(loopsteps.prove, timed=False)}


@pytest.mark.proof
@pytest.mark.parametrize("name", SHORT)
def test_a_promise_is_kept(name: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with staged() as stage:
        result = PROOFS[name](stage, SHORT[name], seed)
    print(result.line)
    assert not result.findings.told
    assert result.ok


def test_the_command_says_the_figure_and_whether_it_passed(capfd: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["sigterm", "--scale", "0.02", "--seed", "5"]) == 0
    said = capfd.readouterr()
    assert said.out.startswith("sigterm: ok lost=0 dup=0 order=0 stops=1 wrong=0 slowest=")
    assert said.err == "seed 5\n"


def test_a_proof_that_there_is_not_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command_line.main(["kill8"])
    assert stopped.value.code == 2
    assert "there is no proof 'kill8'; choose from kill9, " in capsys.readouterr().err


# A server


def program(tmp_path: Path, commands: str) -> Stage:
    """A stage whose server is a shell's."""
    return Stage(tmp_path, wrapper=("sh", "-c", f"exec >&2; {commands}"))


@pytest.mark.parametrize(
    ("commands", "raised", "why"),
    [
        ("echo the disk is full; exit 1", NotStarted, r"\(1\): the disk is full"),
        ("echo 'Traceback (most recent call last):'; exit 1", Broken, r"\(1\): Traceback"),
        ("kill -SEGV $$", Broken, r"\(-11\)"),
        ("exec sleep 60", Broken, r"\(-9\)"),
    ],
)
def test_only_a_server_that_says_why_has_refused_to_start(
    commands: str, raised: type[Broken], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in commands:  # the others may take as long as they need
        monkeypatch.setattr(server_process, "LIMIT_S", 0.5)
    with pytest.raises(Broken, match=f"the server did not start {why}") as told, program(tmp_path, commands).server():
        pass
    assert told.type is raised


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        ("trap '' TERM; LISTEN; while :; do sleep 0.1; done", r"has not ended within 0\.5 s"),
        ("LISTEN; exit 3", "ended with 3"),
        ("LISTEN; echo 'Traceback (most recent call last):'; exit 1", "ended with 1: Traceback"),
        ("LISTEN; kill -SEGV $$", "ended with -11"),
    ],
)
def test_a_server_that_hangs_or_crashes_after_a_fault_is_found(
    commands: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(server: server_process.ServerProcess) -> None:
        """Nothing, but a server that hangs is not waited for any longer; the others may take as long as they need."""
        if "trap" in commands:
            monkeypatch.setattr(server_process, "LIMIT_S", 0.5)
        else:
            server.process.wait()

    server = program(tmp_path, commands.replace("LISTEN", "echo listening on 127.0.0.1:1"))
    with pytest.raises(Broken, match=told):
        faults.let_fail(server, History(), "1", fault)


@pytest.mark.parametrize("nth", range(4, 9))
def test_a_server_that_could_not_make_a_file_safe_does_not_serve_it(nth: int) -> None:
    """One of these syncs is that of the switch to the write-ahead log, which SQLite says was made all the same."""
    with staged() as stage:
        failing, _ = recorded(stage, fail_sync=nth)
        with suppress(NotStarted), failing.server():
            assert failing.db.read_bytes()[18:20] == b"\2\2", "the header says that there is a write-ahead log"


# Both implementations of the rule of hashtags


@given(st.text(ALPHABET, max_size=40) | st.text(max_size=150))
def test_the_simple_rule_of_hashtags_agrees_with_the_fast_one(text: str) -> None:
    assert simple_tags.bodies(text) == hashtags.extract(text, numeric=True)


@given(st.text(max_size=20).map(lambda text: text.replace(" ", "")))  # which no body of a tag has
def test_the_simple_key_agrees_with_the_fast_one(body: str) -> None:
    assert simple_tags.fold(body) == hashtags.key(body)


@given(st.text(ALPHABET, max_size=60))
def test_the_tags_of_a_draft_are_those_of_the_simple_rule(text: str) -> None:
    try:
        draft = tweets.draft(text)
    except Refused:
        return
    assert draft.tags == simple_tags.tags(draft.text)


@pytest.mark.parametrize(("returned", "kinds"), [(25, {"lost"}), (32, {"lost"}), (35, set())])
def test_an_answer_before_what_was_written_is_synced_is_found(returned: int, kinds: set[str]) -> None:
    log, findings = fsyncs.SyncLog(), Findings()
    write = Operation(20, Do.WRITE, "tweets.db-wal", 0, b"\x05000000af-1.7 #proof")
    log.note([write._replace(began=began, do=Do.SYNC, data=b"", ended=began + 4) for began in (15, 30)])
    log.note([write, write._replace(began=40)])
    seen = upload(Seen(1, 1, None, "000000af-1.7 #proof", ("proof",)), 10, returned)
    fsyncs.check_syncs(History([seen]), log, findings)
    assert set(findings.counts) == kinds


# The disk


def test_a_disk_keeps_what_was_synced_and_what_it_likes_of_the_rest() -> None:
    disk = Disk()
    write = Operation(0, Do.WRITE, "f", 0, b"a" * 2048)
    for operation in (
        Operation(0, Do.CREATE, "f", 0, b""),
        write,
        Operation(0, Do.SYNC, "f", 0, b""),
        Operation(0, Do.SYNC_FOLDER, "", 0, b""),
        write._replace(data=b"b" * 2048),
    ):
        disk.apply(operation)
    chance = random.Random(1)
    assert disk.after("dropped", chance) == {"f": b"a" * 2048}
    assert disk.after("kept", chance) == {"f": b"b" * 2048}
    part = {disk.after("part", chance)["f"][::512] for _ in range(50)}
    assert b"abab" in part
    assert len(part) > 10
    torn = disk.after("torn", chance)["f"]
    assert torn == b"b" * torn.count(b"b") + b"a" * (2048 - torn.count(b"b"))


def test_data_of_a_failed_sync_is_never_durable() -> None:
    disk = Disk({"f": b"old"})
    write = Operation(0, Do.WRITE, "f", 0, b"new, longer")
    for operation in (write, write._replace(do=Do.FAILED_SYNC), write._replace(do=Do.SYNC)):
        disk.apply(operation)
    assert disk.after("dropped", random.Random(1)) == {"f": b"old"}
    disk.apply(write._replace(offset=5, data=b"er"))
    disk.apply(write._replace(do=Do.SYNC))
    assert disk.after("dropped", random.Random(1)) == {"f": b"old\0\0er"}


def test_a_name_is_durable_once_the_folder_is_synced() -> None:
    disk = Disk({"old": b"1"})
    disk.apply(Operation(0, Do.RENAME, "old", 0, b"new"))
    assert disk.after("dropped", random.Random(1)) == {"old": b"1"}
    assert disk.after("kept", random.Random(1)) == {"new": b"1"}
    disk.apply(Operation(0, Do.SYNC_FOLDER, "", 0, b""))
    disk.apply(Operation(0, Do.UNLINK, "new", 0, b""))
    assert disk.after("dropped", random.Random(1)) == {"new": b"1"}
    assert disk.after("kept", random.Random(1)) == {}


def test_a_file_of_which_nothing_was_recorded_is_reported(tmp_path: Path) -> None:
    disk = Disk({"tweets.db": b"1"})
    (tmp_path / "tweets.db").write_bytes(b"1")
    (tmp_path / "tweets.db-shm").write_bytes(b"memory")
    disk.reconcile(tmp_path)
    (tmp_path / "made-by-creat").write_bytes(b"")
    with pytest.raises(Broken, match="of made-by-creat shim/disk"):
        disk.reconcile(tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("name", CLUSTER)
def test_a_cluster_keeps_its_promises(name: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with staged() as stage:
        result = cluster.PROOFS[name](stage, 0.01, seed)
    assert not result.told
    assert result.ok, result.line
