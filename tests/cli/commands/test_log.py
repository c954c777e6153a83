import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import Server, filled_server, plain, run_on_terminal, running_server
from tests.support.sqlite_files import NOW, opened, sql
from ttweet.cli import shell
from ttweet.model.reports import server_started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with filled_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def test_log_shows_the_last_session_or_another_or_all(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with running_server(tmp_path) as server:
            run("post", text, "--server", server.address)
            server.stop()
    log = ["log", "--db", str(server.db)]
    received = "SERVER ALERT [GENERAL] Message Received: "
    assert f"{received}second" in processes.run(*log).stdout
    assert f"{received}first" not in run(*log).stdout
    assert f"{received}first" in run(*log, "--session", "1").stdout
    everything = [line.split("\t") for line in run(*log, "--session", "all").stdout.splitlines()]
    assert {row[0] for row in everything} == {"1", "2"}
    assert [row[2] for row in everything if row[2].startswith(received)] == [f"{received}first", f"{received}second"]
    sample = (tmp_path / "Sample.txt").read_text()
    assert run(*log, "--export", "-").stdout == sample
    done = run(*log, "--export", "copy.txt", cwd=tmp_path)
    assert done.stderr == f"{len(sample.splitlines())} lines written to copy.txt\n"
    assert (tmp_path / "copy.txt").read_text() == sample
    for session, words in (
        ("3", "no such session: 3; the newest is 2"),
        ("x", "invalid --session 'x': use a number, or all"),
    ):
        code, text = complains(*log, "--session", session)
        assert code == shell.USAGE
        assert words in text


def test_log_can_be_of_some_categories(server: Server) -> None:
    log = ["log", "--db", str(server.db)]
    errors = run(*log, "--category", "error").stdout.splitlines()
    assert errors
    assert "\tSERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: " in errors[0]
    both = run(*log, "--category", "error", "--category", "general").stdout
    assert "[ERROR]" in both
    assert "[GENERAL]" in both
    assert "[CONNECTION]" not in both
    assert complains(*log, "--category", "eror") == (
        2,
        "ttweet: invalid --category 'eror': use general, error or connection; did you mean error?",
    )


def test_log_as_json_has_what_the_table_has(server: Server) -> None:
    done = run("log", "--json", "--category", "error", "--db", str(server.db))
    line = json.loads(done.stdout.splitlines()[0])
    columns = ["address", "at", "category", "code", "id", "identity", "session", "side", "text"]
    assert sorted(line) == columns
    assert (line["session"], line["side"], line["category"]) == (1, "SERVER", "ERROR")


def test_log_on_a_terminal_has_headings(server: Server) -> None:
    seen = plain(run_on_terminal("log", "--db", str(server.db))[1]).splitlines()
    assert re.match(r"session 1, \w+ \d\d \w+ \d{4}$", seen[0])
    assert re.match(r"\d\d:\d\d:\d\d  SERVER ALERT \[GENERAL\] SERVER ON HAS INITIALIZED ON IP: ", seen[1])


def test_log_exports_text_or_shows_json(server: Server, tmp_path: Path) -> None:
    code, text = complains("log", "--json", "--export", "-", "--db", str(server.db))
    assert code == shell.USAGE
    assert text.endswith("give one of them")
    target = tmp_path / "no" / "such.txt"
    assert complains("log", "--export", str(target), "--db", str(server.db)) == (
        1,
        f"ttweet: {target}: no such folder; make it: mkdir -p {target.parent}",
    )


@pytest.fixture
def started(path: Path) -> Path:
    """A database whose log has one line."""
    with opened(path) as store:
        store.append([], [server_started("127.0.0.1")], at=NOW)
    return path


def test_a_log_without_matching_lines_exits_with_4(started: Path) -> None:
    here = "in this session; add --session all for all sessions"
    assert complains("log", "--category", "error", "--db", str(started)) == (
        4,
        f"ttweet: no matching report lines {here}",
    )
    sql(started, "DELETE FROM log")
    assert complains("log", "--db", str(started)) == (4, f"ttweet: no report lines {here}")
    assert complains("log", "--db", str(started), "--session", "all") == (4, "ttweet: no report lines in any session")


def test_an_export_overwrites_no_database(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE precious (x)")
    (tmp_path / "link").symlink_to(server.db)
    for target in (server.db, Path(f"{server.db}-wal"), Path(f"{server.db}.lock"), tmp_path / "link", other):
        before = target.read_bytes()
        code, text = complains("log", "--export", str(target), "--force", "--db", str(server.db))
        assert code == shell.USAGE
        assert "database; choose another" in text
        assert target.read_bytes() == before


def test_an_export_of_nothing_leaves_the_file_alone(started: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    log = ("log", "--export", str(kept), "--force", "--db", str(started))
    assert complains(*log, "--category", "error")[0] == shell.NOTHING
    assert kept.read_text() == "kept"
    assert run(*log).returncode == shell.DONE
    assert "SERVER ALERT" in kept.read_text()
    assert not list(tmp_path.glob(".ttweet-export-*"))
