"""The short forms of scripts/prove; and the checker finds what is wrong when something is."""

import os
import random
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet import frames, hashtags, reports, tweets
from ttweet.errors import Refused
from ttweet.sqlite_store import SqliteStore

SCRIPTS = Path(__file__).parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from proofs import (  # noqa: E402
    clocks,
    command_line,
    crashpoints,
    diskfull,
    following,
    fsyncs,
    fuzz,
    fuzz_targets,
    hostile,
    ioerrors,
    kill9,
    mixed,
    mutation,
    powercut,
    sigterm,
    simple_tags,
)
from proofs.checker import Findings, check  # noqa: E402
from proofs.disk import Disk, Do, Operation  # noqa: E402
from proofs.figure import Result  # noqa: E402
from proofs.history import History, Push, Read, Upload  # noqa: E402
from proofs.stage import Broken, Skipped, Stage  # noqa: E402

ALPHABET = "#＃ab1_é寿ſßﷺ٣ \t.,/:?&-@$\ufe0f\u20e3\u200d\u00adA://x.de/"
SHORT: dict[str, Callable[[Stage, int], Result]] = {
    "kill9": lambda stage, seed: kill9.prove(stage, seconds=2, seed=seed),
    "following": lambda stage, seed: following.prove(stage, kills=3, seed=seed),
    "powercut": lambda stage, seed: powercut.prove(stage, seconds=2, seed=seed),
    "restart-powercut": lambda stage, seed: powercut.prove(stage, seconds=2, seed=seed, restart=True),
    "mixed": lambda stage, seed: mixed.prove(stage, seconds=2, seed=seed),
    "clocks": lambda stage, seed: clocks.prove(stage, seconds=2, seed=seed),
    "crashpoints": lambda stage, seed: crashpoints.prove(stage, points=150, seed=seed),
    "ioerrors": lambda stage, seed: ioerrors.prove(stage, share=0.025, seed=seed),
    "diskfull": lambda stage, seed: diskfull.prove(stage, rounds=1, seed=seed),
    "sigterm": lambda stage, seed: sigterm.prove(stage, times=2, seed=seed),
    "fsyncs": lambda stage, seed: fsyncs.prove(stage, uploads=500, seed=seed),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_promise_is_kept(name: str, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    try:
        result = SHORT[name](Stage(tmp_path), seed)
    except Skipped as why:
        pytest.skip(str(why))
    print(result.line)
    assert not result.findings.told
    assert result.ok


@pytest.mark.parametrize(
    "name", ["synchronous-off", "twice-on-retry", "unescaped-log", "push-before-commit", "resume-skips-one"]
)
def test_a_bug_is_found(name: str, tmp_path: Path) -> None:
    try:
        hunt = mutation.prove(Stage(tmp_path), names=[name], seed=1)
    except Skipped as why:
        pytest.skip(str(why))
    assert hunt.ok, hunt.line


def test_a_bug_that_lets_nobody_be_served_is_no_bug_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mutation.FOUND_BY, "twice-on-retry", lambda *_: Result(Findings(), (), History(), passed=False))
    with pytest.raises(Broken, match="nobody is served"):
        mutation.prove(Stage(tmp_path), names=["twice-on-retry"], seed=1)


def test_hostile_clients_harm_nobody_but_themselves(tmp_path: Path) -> None:
    result = hostile.prove(Stage(tmp_path), scale=0.02, seed=1, timed=False)  # which is for a machine with nothing else
    assert not result.findings.told
    assert result.ok


def test_fuzzing_finds_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**31)
    print(f"seed {seed}")
    try:
        fuzzed = fuzz.prove(Stage(tmp_path), seconds=60 if os.environ.get("CI") else 6, seed=seed)
    except Skipped as why:
        pytest.skip(str(why))
    assert fuzzed.ok, (fuzzed.line, fuzzed.told)


@pytest.mark.parametrize("seed", sorted(fuzz.CORPUS.rglob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_fuzzing_begins_with_is_handled(seed: Path) -> None:
    fuzz_targets.TARGETS[seed.parent.name](seed.read_bytes())


@given(st.binary(max_size=300))
def test_any_bytes_are_handled(data: bytes) -> None:
    for target in fuzz_targets.TARGETS.values():
        target(data)


def test_a_fault_in_what_is_fuzzed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "escape", lambda text: text)
    with pytest.raises(AssertionError):
        fuzz_targets.escapes(b"\x1b")
    monkeypatch.setattr(frames.FrameReader, "receive_data", lambda _, data: data.splitlines())
    with pytest.raises(AssertionError):
        fuzz_targets.decoder(b"\x01\x00\x04" + b'["p",""]\n')


def test_an_input_that_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz_targets.timed(lambda data: None)(b"quick")
    monkeypatch.setattr(fuzz_targets, "MAX_INPUT_S", 0.0)
    with pytest.raises(AssertionError, match="s for 4 bytes"):
        fuzz_targets.timed(lambda data: None)(b"slow")


def test_the_command_says_the_figure_and_whether_it_passed(capfd: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["sigterm", "--scale", "0.02", "--seed", "5"]) == 0
    said = capfd.readouterr()
    assert said.out.startswith("sigterm: ok lost=0 dup=0 order=0 stops=1 wrong=0 slowest=")
    assert said.err == "seed 5\n"


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


# The checker


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Three tweets, `one #a`, `two #a` and `three #b`, with the ids 1 to 3."""
    path = tmp_path / "tweets.db"
    with closing(SqliteStore.open(path, log_limit=100, at=0)) as store:
        store.append([tweets.draft(text) for text in ("one #a", "two #a", "three #b")], [], at=1)
        store.settle()
    return path


def upload(text: str, id_: int | None, invoked: int = 0, returned: int | None = 100, **more: object) -> Upload:
    made = Upload(id_ or 0, text, (), None, invoked, returned=returned, outcome="ok", id=id_)
    return replace(made, **more)  # type: ignore[arg-type]  # as Upload has them


def history(**more: object) -> History:
    three = [upload("one #a", 1, 0, 10), upload("two #a", 2, 20, 30), upload("three #b", 3, 40, 50)]
    return replace(History(three), **more)  # type: ignore[arg-type]  # as History has them


def read(tag: str | None, *found: tuple[int, str], invoked: int = 60) -> Read:
    return Read(tag, 5, invoked, invoked + 5, found)


def found(db: Path, seen: History) -> set[str]:
    findings: Findings = check(seen, db)
    assert bool(findings) == bool(findings.told)
    return set(findings.counts)


def test_a_history_that_agrees_with_the_file_is_found_in_order(db: Path) -> None:
    reads = [
        read(None, (3, "three #b")),
        read("a", (2, "two #a"), (1, "one #a")),
        read(None, (1, "one #a"), invoked=12),
    ]
    pushes = [Push(1, "a", 1, "one #a", 15), Push(1, "a", 2, "two #a", 35), Push(2, None, 3, "three #b", 55)]
    assert found(db, history(reads=reads, pushes=pushes)) == set()


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"text": "never stored"}, "lost"),
        ({"id": 2}, "lost"),
        ({"outcome": "refused"}, "forged"),
        ({"invoked": 25}, "order"),
    ],
)
def test_an_upload_that_was_told_otherwise_is_found(changed: dict[str, object], kind: str, db: Path) -> None:
    seen = history()
    seen.uploads[0] = replace(seen.uploads[0], **{"returned": 26, **changed})  # type: ignore[arg-type]
    if kind == "order":
        seen.uploads[0] = replace(seen.uploads[0], invoked=35, returned=38)
    assert kind in found(db, seen)


def test_an_unknown_upload_may_be_stored_or_not(db: Path) -> None:
    seen = history()
    seen.uploads[2] = upload("three #b", None, 40, outcome="unknown", returned=None)
    seen.uploads.append(upload("four", None, 40, outcome="unknown", returned=None))
    assert found(db, seen) == set()


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (read(None, (2, "two #a")), "stale"),
        (read("a", (1, "one #a")), "stale"),
        (read("a", (2, "two #a")), "stale"),
        (read(None, (3, "three #b"), invoked=30), "stale"),
        (read(None, (4, "four")), "lost"),
    ],
)
def test_an_answer_that_is_too_old_or_too_new_or_not_so_is_found(seen: Read, kind: str, db: Path) -> None:
    assert kind in found(db, history(reads=[seen]))


@pytest.mark.parametrize(
    ("ids", "kind"), [([1, 3], "order"), ([2, 1], "order"), ([1, 1], "order"), ([1, 4], "lost"), ([3, 2], "order")]
)
def test_a_follower_that_missed_one_or_saw_one_twice_is_found(ids: list[int], kind: str, db: Path) -> None:
    texts = {1: "one #a", 2: "two #a", 3: "three #b", 4: "four"}
    assert kind in found(db, history(pushes=[Push(1, None, id_, texts[id_], 60) for id_ in ids]))


@pytest.mark.parametrize(
    ("push", "kind"),
    [
        (Push(1, None, 2, "two #a", 35), "stale"),  # the question that follows is answered with an older tweet
        (Push(1, None, 3, "three #b", 39), "stale"),  # before it was sent
        (Push(1, None, 3, "two #a", 60), "lost"),
    ],
)
def test_a_push_that_others_contradict_is_found(push: Push, kind: str, db: Path) -> None:
    unanswered = upload("two #a", None, 20, outcome="unknown", returned=None)
    seen = history(pushes=[push], reads=[read(None, (1, "one #a"), invoked=36)])
    seen.uploads[1] = unanswered
    assert kind in found(db, seen)


def test_a_history_of_followers_to_whom_nothing_was_pushed_shows_nothing() -> None:
    assert history().shows_something
    assert not history(followers=1).shows_something
    assert history(followers=1, pushes=[Push(1, None, 1, "one #a", 15)]).shows_something
    assert not History().shows_something


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tweet_tags WHERE tweet = 1",
        "UPDATE tags SET count = count + 1",
        "UPDATE tags SET spelling = 'A' WHERE key = 'a'",
        "UPDATE tag_days SET day = day + 1",
        "UPDATE tweets SET tags = '' WHERE id = 1",
    ],
)
def test_tables_of_tags_that_do_not_say_what_the_texts_say_are_found(statement: str, db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(statement)
    assert found(db, history()) == {"corrupt"}


def test_a_file_that_cannot_be_read_is_found(db: Path) -> None:
    size = db.stat().st_size
    db.write_bytes(db.read_bytes()[:4096] + b"x" * (size - 4096))
    assert "corrupt" in found(db, history())


@pytest.mark.parametrize(("returned", "kinds"), [(25, {"lost"}), (35, set())])
def test_an_answer_before_what_was_written_is_synced_is_found(returned: int, kinds: set[str]) -> None:
    log, findings = fsyncs.Log(), Findings()
    write = Operation(20, Do.WRITE, "tweets.db-wal", 0, b"\x0500af-1.7 #proof")
    log.note([write._replace(began=began, do=Do.SYNC, data=b"") for began in (15, 30)])
    log.note([write, write._replace(began=40)])
    fsyncs.check_syncs(History([upload("00af-1.7 #proof", 1, 10, returned)]), log, findings)
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


def test_a_name_is_durable_once_the_folder_is_synced() -> None:
    disk = Disk({"old": b"1"})
    disk.apply(Operation(0, Do.RENAME, "old", 0, b"new"))
    assert disk.after("dropped", random.Random(1)) == {"old": b"1"}
    assert disk.after("kept", random.Random(1)) == {"new": b"1"}
    disk.apply(Operation(0, Do.SYNC_FOLDER, "", 0, b""))
    disk.apply(Operation(0, Do.UNLINK, "new", 0, b""))
    assert disk.after("dropped", random.Random(1)) == {"new": b"1"}
    assert disk.after("kept", random.Random(1)) == {}
