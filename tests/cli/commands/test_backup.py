"""`ttweet backup` as people use it: while a server is under load, onto existing files, and back again."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.in_process import complains, run
from tests.support.load import PostingLoad
from tests.support.processes import Server, plain, run_on_terminal, running_server
from tests.support.sqlite_files import opened, post
from tests.support.stored import tweets_after
from ttweet.cli import shell
from ttweet.storage.sqlite.reader import SqliteReader


def test_a_copy_under_load_holds_all_that_was_acknowledged_before_it_began(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with running_server(tmp_path, "--no-report-file") as server, PostingLoad(server) as load:
        before = list(load.acknowledged)
        while load.acknowledged == before:  # a short copy may end before the next tweet
            before = list(load.acknowledged)
            done = run("backup", str(copy), "--db", str(server.db), "--force")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with closing(SqliteReader(copy)) as reader:
        ids = [tweet.id for tweet in tweets_after(reader, 0, 1_000_000)]
    assert ids[: len(before)] == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with running_server(tmp_path, "--db", "copy.db", "--no-report-file") as restored:
        assert int(run("post", "restored", "--server", restored.address).stdout) == ids[-1] + 1


def test_a_file_that_is_there_is_replaced_only_with_force(path: Path, tmp_path: Path) -> None:
    with opened(path):
        pass
    copy = tmp_path / "copy.db"
    copy.write_text("something else")
    command = ("backup", str(copy), "--db", str(path))
    assert complains(*command) == (
        shell.USAGE,
        f"ttweet: file exists: {copy}; choose another file, or add --force to replace it",
    )
    assert copy.read_text() == "something else"
    assert complains(*command, "--force") == (shell.DONE, "")
    with closing(SqliteReader(copy)) as reader:
        assert reader.count() == 0


def test_a_terminal_shows_the_progress_and_the_result(path: Path, tmp_path: Path) -> None:
    with opened(path) as store:
        post(store, "one")
        code, seen = run_on_terminal("backup", "copy.db", columns=60, cwd=tmp_path)
    assert code == shell.DONE
    assert " of " in plain(seen)
    assert "1 tweet in copy.db, 0.1 MiB, verified, in " in plain(seen)


def test_every_command_counts_the_same_tweets(tmp_path: Path) -> None:
    """Deleted tweets leave a tombstone, which is none; empty messages are tweets."""
    with running_server(tmp_path, "--no-report-file") as server:
        run("post", "--lines", "--server", server.address, stdin=b"one #a\ntwo #a\nthree\nfour\n")
        run("post", "--empty", "", "--server", server.address)
        run("delete", "2", "4", "--server", server.address)
        backed_up = plain(run_on_terminal("backup", "copy.db", columns=60, cwd=tmp_path)[1])
    assert "3 tweets in copy.db, " in backed_up
    for name in ("tweets.db", "copy.db"):
        assert run("check", name, cwd=tmp_path).stdout.startswith(f"{name} is intact: 3 tweets, ")
        exported = run("export", "--db", name, cwd=tmp_path).stdout
        assert exported.count('"text"') == 3
        assert run("prune", "--keep-last", "1", "--dry-run", "--db", name, cwd=tmp_path).stdout == (
            f"2 tweets would be removed from {name}, 1 kept\n"
        )
        with closing(SqliteReader(tmp_path / name)) as reader:
            assert reader.count() == 3
    (tmp_path / "tweets.jsonl").write_text(exported)
    imported = plain(run_on_terminal("import", "tweets.jsonl", "--db", "new.db", columns=80, cwd=tmp_path)[1])
    assert "3 tweets imported, in " in imported


def test_a_file_that_cannot_be_copied_or_written_is_named(path: Path, tmp_path: Path) -> None:
    assert complains("backup", str(tmp_path / "copy.db"), "--db", str(tmp_path / "no.db")) == (
        shell.NOTHING,
        f"ttweet: no such database: {tmp_path}/no.db; choose another with --db",
    )
    with opened(path):
        pass
    target = tmp_path / "no" / "copy.db"
    assert complains("backup", str(target), "--db", str(path)) == (
        1,
        f"ttweet: {target}: no such folder; make it: mkdir -p {target.parent}",
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        run("post", "precious", "--server", server.address)
        yield server


@pytest.mark.parametrize("name", ["tweets.db", "tweets.db-wal", "tweets.db.lock"])
def test_a_database_is_not_copied_onto_itself(server: Server, name: str) -> None:
    target = server.folder / name
    before = target.stat().st_ino  # the server continues to write in it
    assert complains("backup", str(target), "--db", str(server.db), "--force") == (
        shell.USAGE,
        f"ttweet: {target} is part of the database; choose another output file",
    )
    assert target.stat().st_ino == before
