import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import ttweet
from tests.cli.commands.test_follow import following
from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, Server, running_server
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import shell
from ttweet.client.sync_client import Client
from ttweet.model.tweets import Deletion


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHere]:
    with server_here(tmp_path) as server:
        fill(server)
        yield server


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Server]:
    """A server whose file a test looks at, too."""
    with running_server(tmp_path, "--no-report-file") as server:
        fill(server)
        yield server


def fill(server: Server | ServerHere) -> None:
    with Client("127.0.0.1", server.port) as client:
        for text in ("one #a", "two #b", "three"):
            client.post(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with ttweet.open(tmp_path / "notes.db") as store:
        store.post("one #a")
        store.post("two")
    return tmp_path / "notes.db"


def test_a_deleted_tweet_is_printed_and_found_no_more(process: Server) -> None:
    done = processes.run("delete", "1", "3", "--server", process.address)
    assert (done.returncode, done.stdout, done.stderr) == (shell.DONE, "1\n3\n", "")
    assert run("last", "--server", process.address).stdout == "two #b\n"
    assert run("tags", "--server", process.address).stdout.startswith("b\t1\t")
    assert "Message Deleted: 1 By: ('127.0.0.1', " in run("log", "--db", str(process.db)).stdout


@pytest.mark.parametrize("option", ["--server", "--ca"])
def test_a_file_and_a_server_are_not_asked_at_once(file: Path, option: str) -> None:
    code, said = complains("delete", "1", "--db", str(file), option, "x")
    assert code == shell.USAGE
    assert said == f"ttweet: conflicting options: --db is for a file, {option} for a server; give one of them"


def test_an_id_is_taken_as_find_shows_it(server: ServerHere) -> None:
    assert run("delete", "#2", "--server", server.address).stdout == "2\n"


def test_an_id_that_is_not_there_is_reported_and_the_others_are_deleted(server: ServerHere) -> None:
    done = run("delete", "9", "2", "2", "--server", server.address)
    assert (done.returncode, done.stdout) == (shell.NOTHING, "2\n2\n")
    assert done.stderr == "ttweet: no tweet has the id 9; ttweet find shows the ids\n"


def test_a_deletion_is_an_object_in_json(server: ServerHere) -> None:
    shown = json.loads(run("delete", "2", "--server", server.address, "--json").stdout)
    assert (shown["id"], shown["tweet"]) == (4, 2)


def test_a_file_without_a_server_is_deleted_in(file: Path) -> None:
    assert run("delete", "2", "--db", str(file)).stdout == "2\n"
    assert run("last", "--db", str(file)).stdout == "one #a\n"
    with ttweet.open(file) as store, pytest.raises(ttweet.Refused, match="no tweet has the id 7"):
        store.delete(7)
    with ttweet.open(file, readonly=True) as store, pytest.raises(ttweet.Refused, match="reading only"):
        store.delete(1)


def test_a_file_that_a_server_holds_or_that_is_not_there_is_left_alone(process: Server, tmp_path: Path) -> None:
    code, text = complains("delete", "1", "--db", str(process.db))
    pid = process.process.pid
    remedy = f"use --server HOST:PORT, or stop that server: kill {pid}"
    assert (code, text) == (
        shell.FAILED,
        f"ttweet: {process.db} is in use by the server with process id {pid}; {remedy}",
    )
    missing, empty = tmp_path / "none.db", tmp_path / "empty.db"
    empty.touch()
    for db, what in (
        (missing, f"no such database: {missing}"),
        (empty, f"{empty} is empty: nothing was ever stored in it"),
    ):
        assert complains("delete", "1", "--db", str(db)) == (
            shell.NOTHING,
            f"ttweet: {what}; choose another with --db, or ask a server: --server HOST:PORT",
        )
    assert not missing.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "for ids: ttweet find"),
        (["0"], "invalid ID '0'"),
        (["one"], "invalid ID 'one'"),
        (["1", "--db", "a"], "give one"),
    ],
)
def test_an_invalid_command_line_is_reported(arguments: list[str], words: str) -> None:
    code, text = complains("delete", *arguments, "--server", "127.0.0.1:1")
    assert code == shell.USAGE
    assert words in text


@pytest.mark.parametrize(("options", "said"), [(["--json"], '{"deleted":2}\n'), ([], "tweet 2 was deleted\n")])
def test_a_follower_says_which_tweet_was_deleted(server: ServerHere, options: list[str], said: str) -> None:
    with following(server, "--last", "1", "--count", "2", *options) as process, _client(server) as client:
        assert process.stdout is not None
        process.stdout.readline()
        client.delete(2)
        client.post("done")
        out, err = process.communicate(timeout=LIMIT_S)
    assert said in (out if options else err)


def _client(server: ServerHere) -> Client:
    return Client("127.0.0.1", server.port)


async def test_both_clients_give_the_deletion(server: ServerHere) -> None:
    with _client(server) as client:
        deletion = client.delete(1)
    assert deletion == Deletion(4, deletion.at, 1)
    async with ttweet.AsyncClient("127.0.0.1", server.port) as client_of_trio:
        assert await client_of_trio.delete(1) == deletion


SAID = "nothing was stored: this key belongs to tweet 4, which was deleted"


@pytest.mark.parametrize(
    ("options", "stdin", "said"),
    [
        (["secret"], b"", f"{SAID}\n"),
        (["-"], b"secret", f"{SAID}\n"),
        (["--spool", "secret"], b"", f"{SAID}\n"),
        (["--lines"], b"secret\n", f"line 1: {SAID}\n"),
    ],
)
def test_a_retry_of_a_deleted_tweet_says_that_nothing_was_stored(
    server: ServerHere, tmp_path: Path, options: list[str], stdin: bytes, said: str
) -> None:
    key = "retry:1" if "--lines" in options else "retry"
    with Client("127.0.0.1", server.port) as client:
        first = client.post("secret #word", key=key)
        client.delete(first.id)
    here = {"TTWEET_SERVER": server.address, "XDG_STATE_HOME": str(tmp_path)}
    done = run("post", "--key", "retry", *options, stdin=stdin, variables=here)
    assert (done.returncode, done.stdout, done.stderr) == (shell.DONE, f"{first.id}\n", said)
    shown = json.loads(run("post", "--json", "--key", "retry", *options, stdin=stdin, variables=here).stdout)
    line = {"line": 1} if "--lines" in options else {}
    assert shown == line | {"id": first.id, "at": first.at, "tags": [], "deleted": True}


async def test_all_clients_tell_that_the_tweet_of_a_key_was_deleted(server: ServerHere) -> None:
    async with ttweet.AsyncClient("127.0.0.1", server.port) as client:
        first = await client.post("secret", key="k")
        await client.delete(first.id)
        again = await client.post("secret", key="k")
    with Client("127.0.0.1", server.port) as client:
        stored = [again, client.post("secret", key="k"), *client.post_many(["secret"], keys=["k"])]
        assert not client.post("another", key="other").deleted
    told = [(one.id, one.at, one.tags, one.deleted) for one in stored if isinstance(one, ttweet.Stored)]
    assert told == [(first.id, first.at, [], True)] * 3
    assert repr(again) == f"Stored(id=4, at={first.at}, tags=[], deleted=True)"


def test_a_program_that_posts_again_in_its_own_file_gets_what_is_left(file: Path) -> None:
    with ttweet.open(file) as store:
        first = store.post("secret", key="k", by="ann")
        store.delete(first.id)
        assert store.post("secret", key="k", by="ann") == ttweet.Tombstone(first.id, first.at)
        assert isinstance(store.post("secret", by="ann"), ttweet.Tweet)
