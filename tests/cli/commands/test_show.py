import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import complains, run
from tests.support.processes import Server, plain, run_on_terminal, running_server
from ttweet.cli import shell
from ttweet.client.sync_client import Client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an empty tweet and, as the third, one that is deleted."""
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        with Client("127.0.0.1", server.port) as client:
            for text in ("one\nline #a", "", "gone"):
                client.post(text)
            client.delete(3)
        yield server


def places(server: Server) -> list[list[str]]:
    return [["--server", server.address], ["--db", str(server.db)]]


def test_a_tweet_is_shown_by_its_id_from_a_server_and_from_a_file(server: Server) -> None:
    for where in places(server):
        assert run("show", "1", *where).stdout == "one\nline #a\n"
        assert run("show", "#1", *where).stdout == "one\nline #a\n"
        tweet = json.loads(run("show", "1", "--json", *where).stdout)
        assert (tweet["id"], tweet["text"], tweet["tags"]) == (1, "one\nline #a", ["a"])


def test_a_terminal_shows_a_tweet_with_its_id_and_age(server: Server, tmp_path: Path) -> None:
    _, text = run_on_terminal("show", "1", "--db", str(server.db), cwd=tmp_path)
    assert plain(text).startswith("#1")
    assert plain(text).endswith("  one\\nline #a\n")


@pytest.mark.parametrize(
    ("id_", "text"),
    [
        ("2", "tweet 2 is an empty message"),
        ("3", "tweet 3 was deleted"),
        ("4", "no tweet has the id 4; ttweet find shows the ids"),
        ("99", "no tweet has the id 99; ttweet find shows the ids"),
    ],
)
def test_a_missing_tweet_is_reported(server: Server, id_: str, text: str) -> None:
    for where in places(server):
        assert complains("show", id_, *where) == (shell.NOTHING, f"ttweet: {text}")


@pytest.mark.parametrize("id_", ["x", "1.5", ""])
def test_an_id_is_that_of_a_tweet(server: Server, id_: str) -> None:
    code, text = complains("show", id_, *places(server)[0])
    assert (code, text) == (shell.USAGE, f"ttweet: invalid ID '{id_}': use the id of a tweet; see ttweet show --help")
