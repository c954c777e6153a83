import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, running_server
from ttweet.cli import shell
from ttweet.client.sync_client import Client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        with Client("127.0.0.1", server.port) as client:
            for text in ("red #ci", "green #ci", "green", "crème #café"):
                client.post(text)
        yield server


@pytest.mark.parametrize(
    ("arguments", "id_"),
    [
        ([], 1),
        (["ci", "--text", "green"], 2),
        (["--text", "green", "--from", "2"], 3),
        (["cafe\u0301", "--text", "cre\u0300me"], 4),
        (["nothing", "CAFÉ"], 4),
    ],
)
def test_a_tweet_that_is_there_counts_from_an_id_on(server: Server, arguments: list[str], id_: int) -> None:
    done = run("wait", "--server", server.address, *(["--from", "0"] if "--from" not in arguments else []), *arguments)
    assert (done.returncode, done.stdout.split("\t")[0], done.stderr) == (shell.DONE, str(id_), "")


def test_wait_prints_an_object_with_json(server: Server) -> None:
    assert json.loads(run("wait", "--from", "1", "--json", "--server", server.address).stdout)["text"] == "green #ci"


def test_a_tweet_that_arrives_ends_the_wait(server: Server) -> None:
    with Client("127.0.0.1", server.port) as client:
        newest = client.post("ready?").id
        command = [*TTWEET, "wait", "go", "--from", str(newest), "--text", "set", "--server", server.address]
        with subprocess.Popen(command, env=environment(), text=True, stdout=subprocess.PIPE) as process:
            client.post("ready #go")
            client.post("set #go")
            shown, _ = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, shown.rstrip().split("\t")[-1]) == (shell.DONE, "set #go")


def test_the_time_may_be_up(server: Server) -> None:
    code, said = complains("wait", "ci", "--timeout", "2", "--server", server.address)
    assert (code, said) == (shell.TIMED_OUT, "ttweet: no matching tweet: --timeout 2 has passed")


def test_no_server_at_the_start_is_an_error() -> None:
    assert complains("wait", "--server", "127.0.0.1:1")[0] == shell.UNREACHABLE
