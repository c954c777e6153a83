import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import Server, filled_server, plain, run_on_terminal, running_server
from ttweet.cli import shell


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with filled_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def test_last_is_the_text_alone_in_a_pipe(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        assert complains("last", "--db", str(server.db))[0] == shell.NOTHING
        run("post", "one\ntwo", "--server", server.address)
        for where in (["--db", str(server.db)], ["--server", server.address]):
            assert processes.run("last", *where).stdout == "one\ntwo\n"
            tweet = json.loads(run("last", "--json", *where).stdout)
            assert (tweet["id"], tweet["text"], tweet["by"], tweet["tags"]) == (1, "one\ntwo", None, [])
        assert plain(run_on_terminal("last", "--db", str(server.db))[1]).endswith("  one\\ntwo\n")
        run("post", "--empty", "", "--server", server.address)
        code, text = complains("last", "--server", server.address)
        assert code == shell.NOTHING
        assert text.startswith("ttweet: no last message")


def test_last_of_a_tag_is_its_newest_tweet(server: Server) -> None:
    for where in (["--db", str(server.db)], ["--server", server.address]):
        assert run("last", "PYTHON", *where).stdout == "number 24 #Python\n"
        assert json.loads(run("last", "#python", "--json", *where).stdout)["text"] == "number 24 #Python"
        unknown = "ttweet: no tweet has the tag #pyton; did you mean Python?"
        assert complains("last", "pyton", *where) == (shell.NOTHING, unknown)
