"""`ttweet check` as people use it: of intact and damaged files, and while a server is under load."""

import json
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.load import PostingLoad
from tests.support.processes import plain, run_on_terminal, running_server
from tests.support.sqlite_files import NOW, damage_index, opened, post, sql
from ttweet.cli import shell
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.fixture
def one(path: Path) -> Path:
    """A database of one tweet, as a server leaves it."""
    with opened(path) as store:
        post(store, "one #a")
        store.end_session("stopped", at=NOW)
    return path


def test_a_file_is_whole_while_a_server_is_under_load_and_so_is_its_copy(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server, PostingLoad(server):
        done = run("check", str(server.db))
        assert (done.returncode, done.stderr) == (shell.DONE, "")
        assert done.stdout.startswith(f"{server.db} is intact: ")
        assert complains("backup", str(tmp_path / "copy.db"), "--db", str(server.db)) == (shell.DONE, "")
    assert run("check", "copy.db", cwd=tmp_path).returncode == shell.DONE


@pytest.mark.usefixtures("one")
def test_check_prints_how_much_the_file_contains(tmp_path: Path) -> None:
    assert processes.run("check", cwd=tmp_path).stdout.startswith("tweets.db is intact: 1 tweet, 1 tag, ")
    facts = json.loads(run("check", "--json", cwd=tmp_path).stdout)
    assert (facts["tweets"], facts["tags"]) == (1, 1)
    code, seen = run_on_terminal("check", columns=60, cwd=tmp_path)
    assert code == shell.DONE
    assert "tweets.db is intact: 1 tweet, 1 tag, " in plain(seen)


@pytest.mark.usefixtures("one")
def test_the_file_is_named_by_its_place_by_the_option_or_by_the_environment(tmp_path: Path) -> None:
    elsewhere = {"TTWEET_DB": "no.db"}
    for shape in (("tweets.db",), ("--db", "tweets.db")):
        done = run("check", *shape, cwd=tmp_path, variables=elsewhere)
        assert (done.returncode, done.stderr) == (shell.DONE, "")
        assert done.stdout.startswith("tweets.db is intact: ")
    assert complains("check", variables=elsewhere) == (
        shell.NOTHING,
        "ttweet: no such database: no.db; choose another file",
    )
    assert complains("check", "tweets.db", "--db", "tweets.db") == (
        shell.USAGE,
        "ttweet: conflicting arguments: FILE and --db; give one of them",
    )


def test_problems_go_to_stdout_and_their_remedies_to_stderr(one: Path, tmp_path: Path) -> None:
    sql(one, "UPDATE tags SET count = 2")
    done = run("check", "tweets.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (
        shell.FAILED,
        "tweets.db: tags with wrong counts of tweets: 1, such as #a\n",
    )
    assert done.stderr.startswith("ttweet: make a new database from its tweets: ttweet export tweets.jsonl, then ")
    [found] = [json.loads(line) for line in run("check", "--json", cwd=tmp_path).stdout.splitlines()]
    assert found["way_out"].startswith("make a new database")
    run("export", "tweets.jsonl", cwd=tmp_path)
    run("import", "tweets.jsonl", "--db", "new.db", cwd=tmp_path)
    assert run("check", "new.db", cwd=tmp_path).stdout.startswith("new.db is intact: 1 tweet, 1 tag, ")


def test_a_missing_file_is_named_as_by_all_commands(tmp_path: Path) -> None:
    assert complains("check", str(tmp_path / "no.db")) == (
        shell.NOTHING,
        f"ttweet: no such database: {tmp_path}/no.db; choose another file",
    )


@pytest.mark.parametrize(
    ("data", "what", "way_out"),
    [
        (b"hello", "not an SQLite database", "choose another file"),
        (b"damaged", "damaged: 9000 bytes of ", "replace it with a backup"),
    ],
)
def test_a_file_that_cannot_be_opened_is_an_error_on_one_line(
    tmp_path: Path, data: bytes, what: str, way_out: str
) -> None:
    SqliteStore.open(tmp_path / "x.db", log_limit=10, at=1).close()
    (tmp_path / "x.db").write_bytes((tmp_path / "x.db").read_bytes()[:9000] if data == b"damaged" else data)
    done = run("check", "x.db", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (shell.FAILED, "", 1), done
    assert done.stderr.startswith(f"ttweet: x.db is {what}")
    assert f"; {way_out}" in done.stderr
    done = run("check", "x.db", "--json", cwd=tmp_path)
    [found] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, found["what"].startswith(what)) == (shell.FAILED, True)
    assert found["way_out"].startswith(way_out)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    with opened(path) as store:
        post(store, "one #python")
        store.end_session("stopped", at=NOW)
    damage_index(path, "sqlite_autoindex_tags_1", b"python", b"pythom")
    return path


def test_a_damaged_index_is_repaired_as_the_check_has_said(damaged: Path) -> None:
    done = run("check", "x.db", cwd=damaged.parent)
    assert (done.returncode, done.stdout) == (
        shell.FAILED,
        "x.db: row 1 missing from index sqlite_autoindex_tags_1\n",
    )
    way_out = "rebuild its indexes from the tables, with no server running: ttweet check --repair x.db"
    assert done.stderr == f"ttweet: {way_out}\n"
    done = run("check", "--repair", "x.db", cwd=damaged.parent)
    assert (done.returncode, done.stdout.startswith("x.db is intact: 1 tweet, 1 tag, ")) == (shell.DONE, True)
    assert done.stderr == (f"all indexes were rebuilt; the file as it was before: {damaged}.before-repair\n")
    assert run("check", "--repair", "x.db", cwd=damaged.parent).stderr == ""


def test_a_repair_of_what_is_not_an_index_says_that_nothing_was_done(damaged: Path) -> None:
    sql(damaged, "REINDEX", "UPDATE tags SET count = 2")
    done = run("check", "--repair", "x.db", "--json", cwd=damaged.parent)
    [found] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, found["way_out"].startswith("make a new database")) == (shell.FAILED, True)
    assert done.stderr.endswith("not repaired: --repair rebuilds indexes only, and something else is damaged\n")


def test_a_file_of_a_running_server_is_not_repaired(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        done = run("check", "--repair", str(server.db))
        assert (done.returncode, "is in use by the server with process id" in done.stderr) == (shell.FAILED, True)
        assert run("check", str(server.db)).returncode == shell.DONE
