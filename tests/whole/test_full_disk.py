"""A disk that is full, of tweets or of something else: what is said, what still works, and how much room is named."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import run, running_server
from tests.support.small_disk import fill, small_disk
from ttweet.client.sync_client import Client
from ttweet.model.errors import Refused
from ttweet.protocol.replies import Stored


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", mib=3) as folder:
        yield folder


def post_until_refused(client: Client) -> set[str]:
    """The codes with which tweets are refused then."""
    for number in range(1_000):
        outcomes = client.post_many([f"{number} {n} some text #tag{n} #big" for n in range(100)])
        if codes := {one.code for one in outcomes if isinstance(one, Refused)}:
            return codes
    return set()


def test_a_disk_full_of_tweets_has_room_for_a_stop_a_start_and_a_prune(disk: Path) -> None:
    with running_server(disk, "--no-report-file") as server, Client("127.0.0.1", server.port) as client:
        assert post_until_refused(client) == {"full"}
        newest = client.last()
        assert server.stop() == 0
    assert newest is not None
    with running_server(disk, "--no-report-file") as server, Client("127.0.0.1", server.port) as client:
        assert client.last() == newest
        assert server.stop() == 0
    assert run("prune", "--keep-last", "10", cwd=disk).returncode == 0
    with running_server(disk, "--no-report-file") as server, Client("127.0.0.1", server.port) as client:
        assert client.post("in the room of the others").id > newest.id
        assert server.stop() == 0
    assert run("check", cwd=disk).stdout.startswith("tweets.db is intact: 11 tweets")


@pytest.fixture
def full(disk: Path) -> Path:
    """A disk that something else has filled while a server ran."""
    with running_server(disk, "--no-report-file") as server, Client("127.0.0.1", server.port) as client:
        for number in range(500):
            client.post(f"{number} #tag{number}")
        fill(disk / "filler")
        assert server.stop() == 1
        said = "".join(server.said)
    stored = (
        "ttweet: the disk of the database is full; every acknowledged tweet is stored, but not the end of the session"
    )
    assert re.search(rf"{stored}; before the next start, make \d+ KiB more room on its disk\n$", said), said
    return disk


@pytest.mark.parametrize("command", [["serve", "0", "--no-report-file"], ["prune", "--keep-last", "1"]])
def test_a_command_that_writes_says_that_no_tweet_is_lost_and_how_much_room_it_needs(
    full: Path, command: list[str]
) -> None:
    done = run(*command, cwd=full)
    assert (done.returncode, done.stdout) == (1, "")
    make_room_as_told(done.stderr, full)
    done = run("prune", "--keep-last", "1", cwd=full)
    assert (done.returncode, done.stdout) == (0, "499 tweets removed from tweets.db, 1 kept\n"), done.stderr
    assert run("check", cwd=full).returncode == 0


def make_room_as_told(said: str, disk: Path) -> None:
    """Cut the filler by what a refusal names, and no more."""
    told = (
        r"cannot be opened: the disk is full; every acknowledged tweet is in it and its -wal file; make (\d+) KiB more"
    )
    found = re.search(told, said)
    assert found, said
    filler = disk / "filler"
    with filler.open("ab") as file:
        file.truncate(filler.stat().st_size - 1024 * int(found[1]))


@pytest.mark.parametrize("command", [["serve", "0", "--no-report-file"], ["prune", "--keep-last", "1"]])
def test_after_a_clean_stop_the_room_that_is_named_is_enough_at_once(disk: Path, command: list[str]) -> None:
    with running_server(disk, "--no-report-file") as server, Client("127.0.0.1", server.port) as client:
        assert {type(one) for one in client.post_many([f"{number} #tag{number}" for number in range(500)])} == {Stored}
        assert server.stop() == 0
    fill(disk / "filler")
    make_room_as_told(run(*command, cwd=disk).stderr, disk)
    done = run("prune", "--keep-last", "1", cwd=disk)
    assert (done.returncode, done.stdout) == (0, "499 tweets removed from tweets.db, 1 kept\n"), done.stderr
    with running_server(disk, "--no-report-file") as server:
        assert server.stop() == 0


def test_commands_that_read_work_and_a_copy_that_does_not_fit_is_reported(full: Path, tmp_path: Path) -> None:
    assert run("check", cwd=full).stdout.startswith("tweets.db is intact: 500 tweets")
    assert run("export", cwd=full).stdout.count("\n") == 500
    assert run("backup", str(tmp_path / "elsewhere.db"), cwd=full).returncode == 0
    done = run("backup", "copy.db", cwd=full)
    assert re.fullmatch(
        r"ttweet: cannot write copy\.db: the disk is full; make \d+ KiB more room on its "
        r"disk\n",
        done.stderr,
    )
    done = run("export", "copy.jsonl", cwd=full)
    assert "cannot write copy.jsonl: the disk is full; choose a file on another disk" in done.stderr
    assert sorted(path.name for path in full.iterdir() if "copy" in path.name) == []


def test_a_file_whose_index_of_the_log_has_no_room_is_not_damaged(full: Path) -> None:
    (full / "tweets.db-shm").unlink()
    fill(full / "filler")
    told = "tweets.db cannot be opened: the disk is full; every acknowledged tweet is in it and its -wal file; make 128"
    for command in (["export"], ["tags", "--db", "tweets.db"], ["backup", "copy.db"]):
        done = run(*command, cwd=full)
        assert (done.returncode, told in done.stderr) == (1, True), done.stderr
    elsewhere = full.parent / "elsewhere"
    shutil.copytree(full, elsewhere, ignore=shutil.ignore_patterns("filler"))
    assert run("check", cwd=elsewhere).stdout.startswith("tweets.db is intact: 500 tweets")
