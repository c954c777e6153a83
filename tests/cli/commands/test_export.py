"""`ttweet export` as people use it: into files and pipes, and what comes back from `ttweet import`."""

import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.commands.conftest import MANY
from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, TTWEET, environment, plain, run_on_terminal
from tests.support.schema_files import load
from ttweet.cli import shell
from ttweet.model.tweets import Tweet
from ttweet.storage.jsonl import encode
from ttweet.storage.sqlite.writer import SqliteStore


def test_export_import_export_gives_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    assert complains("import", str(exported), "--db", str(tmp_path / "new.db")) == (shell.DONE, "")
    assert run("export", "again.jsonl", "--db", "new.db", cwd=tmp_path).stderr == ""
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()
    assert stat.S_IMODE((tmp_path / "again.jsonl").stat().st_mode) == 0o600
    assert processes.run("export", "--db", "new.db", cwd=tmp_path).stdout == exported.read_text()
    assert run("tags", "n5", "--db", "new.db", cwd=tmp_path).stdout.count("\n") == 20


def test_an_export_overwrites_a_file_only_with_force_and_a_database_never(exported: Path, tmp_path: Path) -> None:
    db = str(tmp_path / "new.db")
    run("import", "-", "--db", db, stdin=exported.read_bytes()[:200].rpartition(b"\n")[0])
    target = tmp_path / "out.jsonl"
    target.write_text("kept")
    assert complains("export", str(target), "--db", db) == (
        shell.USAGE,
        f"ttweet: file exists: {target}; choose another file, or add --force to replace it",
    )
    assert target.read_text() == "kept"
    assert complains("export", str(target), "--db", db, "--force") == (shell.DONE, "")
    assert target.read_text().startswith('{"id":1,')
    before = Path(db).read_bytes()
    assert complains("export", db, "--db", db, "--force")[0] == shell.USAGE
    assert Path(db).read_bytes() == before


def test_on_a_terminal_both_tell_how_far_they_are_and_what_has_come_of_it(exported: Path, tmp_path: Path) -> None:
    code, seen = run_on_terminal("import", str(exported), columns=60, cwd=tmp_path)
    assert code == shell.DONE
    assert " a second " in plain(seen)
    assert f"{MANY - 1:,} tweets imported, in " in plain(seen)
    code, seen = run_on_terminal("export", "out.jsonl", columns=60, cwd=tmp_path)
    assert code == shell.DONE
    assert f"{MANY - 1:,} tweets in out.jsonl, in " in plain(seen)
    assert (tmp_path / "out.jsonl").read_bytes() == exported.read_bytes()


def test_a_terminal_gets_no_character_that_steers_it(tmp_path: Path) -> None:
    run("import", "-", stdin=encode(Tweet(1, 1, None, "\x9b31m \u202e", ())), cwd=tmp_path)
    code, seen = run_on_terminal("export", cwd=tmp_path)
    assert (code, plain(seen).splitlines()[-1]) == (
        0,
        r'{"id":1,"at":1,"by":null,"text":"\u009b31m \u202e","tags":[]}',
    )


@pytest.mark.parametrize(("command", "text"), [("export >&-", "stdout is closed"), ("import - <&-", "stdin is closed")])
def test_a_closed_stream_is_reported(tmp_path: Path, command: str, text: str) -> None:
    SqliteStore.open(tmp_path / "tweets.db", log_limit=10, at=1).close()
    line = f"{' '.join(TTWEET)} {command}"
    done = subprocess.run(
        line, shell=True, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (done.returncode, done.stdout) == (shell.USAGE, "")
    assert done.stderr.startswith(f"ttweet: {text}; ")


def test_a_missing_file_or_database_is_reported(tmp_path: Path) -> None:
    assert complains("import", str(tmp_path / "no.jsonl")) == (
        shell.NOTHING,
        f"ttweet: no such file: {tmp_path}/no.jsonl; choose a file from ttweet export",
    )
    assert complains("import", str(tmp_path)) == (
        shell.FAILED,
        f"ttweet: {tmp_path}: Is a directory; choose a file from ttweet export",
    )
    assert complains("export", "--db", str(tmp_path / "no.db")) == (
        shell.NOTHING,
        f"ttweet: no such database: {tmp_path}/no.db; choose another with --db",
    )


def test_a_database_of_an_older_schema_has_no_name_until_a_server_has_upgraded_it(tmp_path: Path) -> None:
    load("schema_9", tmp_path / "old.db")
    code, text = complains("export", "--origin", "--db", str(tmp_path / "old.db"))
    assert (code, "has an older schema; start a server on it once: ttweet serve" in text) == (shell.USAGE, True)
