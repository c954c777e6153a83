import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, TTWEET, Server, environment, run, running_server, says
from ttweet.cli import shell
from ttweet.cli.main import make_app
from ttweet.client.sync_client import Client
from ttweet.server import startup
from ttweet.server.config import Config


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


def test_serve_tells_where_it_listens_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    with running_server(tmp_path, "--db", "my.db", "--report-file", "my.txt") as server:
        run("-u", "127.0.0.1", str(server.port), "hello")
        assert server.stop(signal.SIGINT) == 0
    assert sorted(path.name for path in tmp_path.glob("*y.*") if path.suffix in (".db", ".txt")) == ["my.db", "my.txt"]
    assert "SERVER ALERT [GENERAL] Message Received: hello" in (tmp_path / "my.txt").read_text()
    assert run("last", "--db", "my.db", cwd=tmp_path).stdout == "hello\n"


def test_serve_takes_its_file_from_the_environment(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*TTWEET, "serve", "0", "--no-report-file"],
        cwd=tmp_path, env=environment({"TTWEET_DB": "env.db"}), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    said = [next(process.stderr) for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert re.match(r"ttweet: \S+, SQLite 3\.\d+\.\d+\n$", said[0])
    assert said[1] == "ttweet: env.db holds no tweets\n"
    assert re.match(r"ttweet: listening on 127\.0\.0\.1:\d+\n$", said[2])
    assert (tmp_path / "env.db").exists()
    assert not (tmp_path / "Sample.txt").exists()


def test_serve_turns_away_more_clients_than_it_may_have(tmp_path: Path) -> None:
    options = ("--no-report-file", "--max-clients", "1", "--host", "127.0.0.1")
    with running_server(tmp_path, *options) as server, Client("127.0.0.1", server.port) as client:
        client.ping()
        code, text = says("-u", "127.0.0.1", str(server.port), "one too many")
    assert (code, text) == (5, "ttweet: the server is full with 1 clients; retry later")


def test_serve_keeps_as_many_bytes_of_report_lines_as_its_option_says(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file", "--log-limit", "1M", "--grace", "0.5") as server:
        run("post", "--lines", "--server", server.address, stdin=(b"x" * 150 + b"\n") * 6000)
        assert server.stop() == 0
    with closing(sqlite3.connect(server.db)) as db:
        assert 900_000 < db.execute("SELECT sum(length(text) + 40) FROM log").fetchone()[0] < 1_000_000
        assert db.execute("SELECT count(*) FROM tweets").fetchone()[0] == 6000


@pytest.mark.parametrize(
    ("size", "said"),
    [
        *[
            (size, f"invalid --log-limit '{size}': use a size with a unit, such as 100M")
            for size in ("1000000", "10", "0", "", "M", "1.5M", "-1M", "1m", "100MB", "1e6", "x" * 40, "1000000M")
        ],
        ("0M", "invalid --log-limit '0M': use a size with a unit, such as 100M"),
        ("999k", "invalid --log-limit '999k': too small; use 1M or more"),
        ("1k", "invalid --log-limit '1k': too small; use 1M or more"),
    ],
)
def test_a_limit_of_the_log_is_refused_without_a_unit_and_below_a_million_bytes(size: str, said: str) -> None:
    with pytest.raises(shell.UsageError) as refused:
        make_app().parse_args(["serve", "0", f"--log-limit={size}"])
    assert str(refused.value) == said


@pytest.mark.parametrize(("size", "limit"), [("1000k", 10**6), ("1M", 10**6), ("250M", 250 * 10**6), ("2G", 2 * 10**9)])
def test_a_limit_of_the_log_is_bytes(size: str, limit: int) -> None:
    _, bound, *_ = make_app().parse_args(["serve", "0", f"--log-limit={size}"])
    assert bound.arguments["log_limit"] == limit


def test_the_file_has_twice_as_many_bytes_as_the_table_at_most(tmp_path: Path) -> None:
    config = Config(port=0, report_file=tmp_path / "Sample.txt", log_limit=50, quiet=True)
    [sample] = startup.report_destinations(config)
    assert sample.begin(7) == 0
    sample.write(b"SERVER ALERT [GENERAL] a line\n" * 3)
    assert sample.begin(7) == 7
    sample.write(b"SERVER ALERT [GENERAL] a line\n")
    assert sample.begin(7) == 0


def test_serve_on_a_taken_port_fails(server: Server, tmp_path: Path) -> None:
    done = run("serve", str(server.port), "--quiet", cwd=tmp_path)
    assert done.returncode == shell.FAILED
    assert f"port {server.port} of 127.0.0.1 is in use" in done.stderr


def test_serve_tells_the_commands_for_a_damaged_database(tmp_path: Path) -> None:
    with running_server(tmp_path):
        pass
    db = tmp_path / "tweets.db"
    os.truncate(db, db.stat().st_size // 2)
    code, text = says("serve", "0", "--db", str(db), "--no-report-file")
    assert code == shell.FAILED
    assert f": ttweet export --salvage saved.jsonl --db {db}, then ttweet import saved.jsonl --db NEW" in text


def test_serve_wants_one_report_file_or_none() -> None:
    code, text = says("serve", "0", "--report-file", "x", "--no-report-file")
    assert code == shell.USAGE
    assert text.endswith("give one of them")


@pytest.mark.parametrize("limit", range(6, 20))
def test_too_few_descriptors_are_named_as_the_cause(limit: int, tmp_path: Path) -> None:
    command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *TTWEET, "serve", "0", "--quiet"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = next((line for line in process.stderr if re.search("(?i)listening|too many open files", line)), "")
        process.terminate()
        assert re.search(r"raise the limit.*ulimit -n|listening on", said)
        assert "rights" not in said + process.stderr.read()
