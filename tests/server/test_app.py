"""The server as a process: how it starts, or refuses to, and what it says."""

import fcntl
import re
import resource
import signal
import socket
import sqlite3
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.listening import listen
from tests.support.memory_store import MemoryStore, in_place_of_sqlite
from tests.support.processes import LIMIT_S, run, running_server
from tests.support.serving import Caller
from tests.support.sqlite_files import NOW, opened
from tests.support.talking import logged, sessions, talking_server
from ttweet.client.sync_client import Client
from ttweet.model import reports
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.tweets import Tweet
from ttweet.security.exposure import UnsafeError
from ttweet.server import app, startup
from ttweet.server.config import Config
from ttweet.server.entrances import Entrance
from ttweet.server.net.listeners import resolve
from ttweet.server.tcp.protocol import tcp_edge
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

# Starting


def test_the_first_lines_say_what_runs_where_and_on_which_file(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        for text in ("one", ""):
            client.post(text)
    with talking_server(cwd=tmp_path) as server:
        version, held, listening = server.started
        assert re.fullmatch(rf"ttweet: \d+\.\d+\S*, SQLite {re.escape(sqlite3.sqlite_version)}\b.*", version)
        assert held == "ttweet: the oldest tweet in tweets.db is 1, the newest is 2"
        assert listening == f"ttweet: listening on 127.0.0.1:{server.port}"
        (initialized,) = server.read_until("INITIALIZED")
        assert initialized == "SERVER ALERT [GENERAL] SERVER ON HAS INITIALIZED ON IP: 127.0.0.1"


def test_only_the_truth_is_reported_of_an_imported_file_with_gaps(tmp_path: Path) -> None:
    path = tmp_path / "tweets.db"
    with opened(path) as store:
        assert startup._held(path, store) == f"{path} holds no tweets"
        store.restore([Tweet(id_, NOW, None, "imported", ()) for id_ in (3, 7, 12_345)])
        assert startup._held(path, store) == f"the oldest tweet in {path} is 3, the newest is 12345"
        for id_ in (3, 12_345):
            store.delete(id_, reports.message_deleted(id_, "ann"), at=NOW)
        assert startup._held(path, store) == f"the oldest tweet in {path} is 7, the newest is 7"


def test_an_ipv6_address_is_written_as_people_write_it(tmp_path: Path) -> None:
    try:
        probe = listen(("::1",), 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    probe[0].close()
    with talking_server("--host", "::1", cwd=tmp_path) as server:
        assert "listening on [::1]:" in server.started[-1]


def test_a_port_that_is_taken_is_reported_on_stderr_in_the_log_and_in_the_file(tmp_path: Path) -> None:
    with opened(tmp_path / "tweets.db") as store:
        store.end_session("stopped", at=NOW)
    (taken,) = listen(("127.0.0.1",), 0)
    with taken:
        port = taken.getsockname()[1]
        failed = run("serve", str(port), "--log-format", "classic", cwd=tmp_path)
    line = "SERVER ALERT [ERROR] SERVER COULD NOT BE STARTED ON IP: 127.0.0.1"
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.splitlines() == [
        f"ttweet: port {port} of 127.0.0.1 is in use; choose another, or 0 for any free port",
        line,
    ]
    assert tmp_path.joinpath("Sample.txt").read_text() == f"{line}\n"
    assert logged(tmp_path / "tweets.db") == ["SERVER COULD NOT BE STARTED ON IP: 127.0.0.1"]
    assert sessions(tmp_path / "tweets.db") == ["stopped", "failed"]


def test_a_start_that_fails_makes_no_database_and_promises_no_lines(tmp_path: Path) -> None:
    sample = tmp_path / "Sample.txt"
    (taken,) = listen(("127.0.0.1",), 0)
    with taken, sample.open("w") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        failed = run("serve", str(taken.getsockname()[1]), "--log-format", "classic", cwd=tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[1:] == ["SERVER ALERT [ERROR] SERVER COULD NOT BE STARTED ON IP: 127.0.0.1"], (
        "the file of the running server is of no interest then"
    )
    assert list(tmp_path.iterdir()) == [sample]


def test_a_host_without_an_address_leaves_the_database_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path / "tweets.db") as store:
        store.end_session("stopped", at=NOW)
    before = tmp_path.joinpath("tweets.db").read_bytes()
    failed = run("serve", "0", "--host", "256.0.0.1", "--log-format", "classic", cwd=tmp_path)
    line = "SERVER ALERT [ERROR] SERVER COULD NOT BE STARTED ON IP: 256.0.0.1"
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[1:] == [line]
    assert tmp_path.joinpath("Sample.txt").read_text() == f"{line}\n"
    assert tmp_path.joinpath("tweets.db").read_bytes() == before
    assert sessions(tmp_path / "tweets.db") == ["stopped"]


def test_an_address_that_is_not_ours_is_reported_with_its_reason(tmp_path: Path) -> None:
    options = ["--anonymous", "read", "--no-tls", "--no-report-file", "--quiet"]
    failed = run("serve", "0", "--host", "192.0.2.1", *options, cwd=tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.startswith("ttweet: 192.0.2.1 is not an address of this machine; use 127.0.0.1")
    assert not tmp_path.joinpath("Sample.txt").exists()


def test_a_start_while_a_server_is_running_leaves_its_files_alone(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        second = run("serve", "0", cwd=tmp_path)
        assert second.returncode == 1
        assert f"process id {server.process.pid}" in second.stderr
        with Client("127.0.0.1", server.port) as client:
            assert client.post("still served").id == 1
        assert server.stop() == 0
    assert "still served" in tmp_path.joinpath("Sample.txt").read_text()


@pytest.mark.parametrize("name", ["tweets.db", "./tweets.db", "tweets.db-wal", "tweets.db.lock"])
def test_the_database_is_never_taken_for_the_report_file(name: str, tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        client.post("precious")
    refused = run("serve", "0", "--report-file", name, cwd=tmp_path)
    assert refused.returncode == 1
    assert "belongs to the database; choose another file for the report lines with --report-file\n" in refused.stderr
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        assert client.last_text() == "precious"


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    tmp_path.joinpath("tweets.db").write_text("a letter to my aunt")
    refused = run("serve", "0", cwd=tmp_path)
    assert refused.returncode == 1
    assert "not an SQLite database" in refused.stderr
    assert tmp_path.joinpath("tweets.db").read_text() == "a letter to my aunt"


# Descriptors


def test_the_limit_of_descriptors_is_raised_for_the_clients_there_may_be(tmp_path: Path) -> None:
    with talking_server("--max-clients", "500", cwd=tmp_path, limit="ulimit -Sn 128") as server:
        server.read_until("INITIALIZED")
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
        assert re.search(rf"Max open files +{500 + 25 + startup.SPARE_DESCRIPTORS} ", limits)


def test_more_clients_than_there_can_be_descriptors_is_reported_and_cut(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path, limit="ulimit -n 100") as server:
        assert server.started[0] == (
            "ttweet: at most 32 clients instead of 1000: the limit of file descriptors is 100; raise it (ulimit -Hn)"
        )
        with Client("127.0.0.1", server.port) as client:
            assert client.post("served").id == 1


def test_without_a_limit_of_descriptors_all_clients_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    infinity = resource.RLIM_INFINITY  # macOS has it so; Linux does not allow it
    changed: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changed.append(limits))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (infinity, infinity))
    assert startup.allowed_clients(1000) == 1000
    assert changed == []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, infinity))
    assert startup.allowed_clients(1000) == 1000
    assert changed == [(1000 + 50 + startup.SPARE_DESCRIPTORS, infinity)]


# Serving


def test_the_terminal_and_the_file_show_both_sides_in_order(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path) as server:
        server.read_until("INITIALIZED")
        run("-u", "127.0.0.1", str(server.port), "hello")
        shown = server.read_until("DISCONNECTION")
        run("-d", "127.0.0.1", str(server.port))
        shown += server.read_until("DISCONNECTION")
        server.process.send_signal(signal.SIGTERM)
        shown += server.read_until("SERVER HAS DISCONNECTED")
        assert server.process.wait(LIMIT_S) == 0
    peer = r"\('127.0.0.1', \d+\)"
    expected = [
        rf"SERVER ALERT \[CONNECTION\] NEW CONNECTION OF CLIENT: {peer} Total: 1",
        r"SERVER ALERT \[GENERAL\] Message Received: hello",
        r"CLIENT ALERT \[GENERAL\] CLIENT HAS INITIALIZED ON IP: 127.0.0.1",
        r"Transmission Successfull...",
        r"CLIENT ALERT \[GENERAL\] CLIENT HAS DISCONNECTED",
        rf"SERVER ALERT \[CONNECTION\] DISCONNECTION OF CLIENT: {peer}",
        rf"SERVER ALERT \[CONNECTION\] NEW CONNECTION OF CLIENT: {peer} Total: 1",
        r"CLIENT ALERT \[GENERAL\] CLIENT HAS INITIALIZED ON IP: 127.0.0.1",
        r"Received Message: hello",
        r"Transmission Successfull...",
        r"CLIENT ALERT \[GENERAL\] CLIENT HAS DISCONNECTED",
        rf"SERVER ALERT \[CONNECTION\] DISCONNECTION OF CLIENT: {peer}",
        r"SERVER ALERT \[CONNECTION\] SERVER HAS DISCONNECTED",
    ]
    assert len(shown) == len(expected)
    for line, pattern in zip(shown, expected, strict=True):
        assert re.fullmatch(pattern, line)
    initialized, *in_file = tmp_path.joinpath("Sample.txt").read_text().splitlines()
    assert "SERVER ON HAS INITIALIZED" in initialized
    assert in_file == shown


def test_the_file_is_begun_again_by_each_session_and_the_table_keeps_them_all(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with running_server(tmp_path) as server:
            run("-u", "127.0.0.1", str(server.port), text)
            assert server.stop() == 0
    sample = tmp_path.joinpath("Sample.txt").read_text()
    assert "Message Received: second" in sample
    assert "Message Received: first" not in sample
    assert "Message Received: first" in logged(tmp_path / "tweets.db")


def test_no_report_file_is_written_when_none_is_wanted(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        assert server.stop() == 0
    assert not tmp_path.joinpath("Sample.txt").exists()


def test_a_terminal_that_stands_still_delays_no_client_and_no_stop(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path) as server, Client("127.0.0.1", server.port) as client:
        for _ in range(60):  # about 150 KiB of report lines, twice what the pipe holds; the test does not read it
            client.report(*["x" * 250] * 10)
        assert client.post("still stored").id == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(LIMIT_S) == 0
    assert sessions(tmp_path / "tweets.db") == ["stopped"]
    assert tmp_path.joinpath("Sample.txt").read_text().count("x" * 250) == 600


@pytest.mark.usefixtures("signals_put_back")
async def test_a_server_whose_stderr_is_closed_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    listeners = listen(("127.0.0.1",), 0)
    config = Config(port=0, report_file=tmp_path / "Sample.txt")
    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(app.serve, config, in_place_of_sqlite(MemoryStore()), [Entrance(tcp_edge, listeners)])
            async with await trio.open_tcp_stream(*listeners[0].getsockname()) as stream:
                assert (await Caller(stream).ask("u", "served"))[0] == "ok"
            nursery.cancel_scope.cancel()


class Answers:
    """A resolver that gives one answer after the other for the name of the server: an address, or none."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)

    def __call__(self, host: str, port: int, **options: Any) -> Any:
        address = self._answers.pop(0)
        if address is None:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]


@pytest.mark.usefixtures("signals_put_back")
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([None, "0.0.0.0"], 1),
        (["127.0.0.1", "0.0.0.0"], "127.0.0.1"),  # it listens where it was found safe, whatever the next answer is
        (["0.0.0.0", "127.0.0.1"], UnsafeError),
    ],
)
def test_a_server_is_found_safe_for_the_addresses_that_it_listens_on(
    answers: list[str | None], outcome: object, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "tweets.db"
    if there:
        with opened(db) as store:
            store.end_session("stopped", at=NOW)
    heard: list[str] = []

    async def serve(_config: Config, _store: object, entrances: list[Entrance], *_: object) -> None:
        for listener in entrances[0].listeners:
            heard.append(listener.getsockname()[0])
            listener.close()

    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr(socket, "getaddrinfo", Answers(*answers))
    config = Config(port=0, hosts=("server.example",), db=db, report_file=None, quiet=True)
    if outcome is UnsafeError:
        with pytest.raises(UnsafeError) as refused:
            app.run(config)
        assert refused.value.hosts == ["server.example"]
    else:
        assert app.run(config) == (1 if outcome == 1 else 0)
    assert heard == ([outcome] if isinstance(outcome, str) else [])


@pytest.mark.usefixtures("signals_put_back")
def test_a_start_that_fails_with_stderr_closed_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    (taken,) = listen(("127.0.0.1",), 0)
    sample = tmp_path / "Sample.txt"
    with taken:
        assert app.run(Config(port=taken.getsockname()[1], db=tmp_path / "tweets.db", report_file=sample)) == 1
    assert "COULD NOT BE STARTED" in sample.read_text()


@pytest.mark.usefixtures("signals_put_back")
def test_a_thread_of_a_server_waits_a_millisecond_for_another_that_computes(tmp_path: Path) -> None:
    sys.setswitchinterval(0.005)
    (taken,) = listen(("127.0.0.1",), 0)
    with taken:
        assert app.run(Config(port=taken.getsockname()[1], db=tmp_path / "tweets.db", report_file=None)) == 1
    assert sys.getswitchinterval() == pytest.approx(0.001)


# A store that fails: a fake one, since no disk here fails on demand


@pytest.mark.usefixtures("signals_put_back")
def test_an_unknown_outcome_ends_the_server_with_exit_code_1(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    store.fail_next = [StoreError("unknown", "the commit failed (disk I/O error)")]
    config = Config(port=0, report_file=None, quiet=True)
    assert app._run_with_store(config, in_place_of_sqlite(store), resolve(config.hosts, 0), None) == 1
    assert "the database must not be written to any more: the commit failed (disk I/O error)" in caplog.text
    assert store.ended is None, "nothing more is written"
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("signals_put_back")
async def test_a_client_learns_that_the_outcome_is_unknown_before_the_server_ends() -> None:
    store = MemoryStore()
    listeners = listen(("127.0.0.1",), 0)
    config = Config(port=0, report_file=None, quiet=True)
    answers = []

    async def post() -> None:
        async with await trio.open_tcp_stream(*listeners[0].getsockname()) as stream:
            caller = Caller(stream)
            await caller.ask("u", "let through")
            store.fail_next = [StoreError("unknown", "the commit failed")]
            answers.append(await caller.ask("u", "lost?"))

    with pytest.RaisesGroup(StoreError, flatten_subgroups=True), trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(app.serve, config, in_place_of_sqlite(store), [Entrance(tcp_edge, listeners)])
            nursery.start_soon(post)
    assert answers == [("err", {"code": "unknown", "text": "the commit failed"})]
    assert [tweet.text for tweet in store.tweets] == ["let through"]


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    config = Config(port=0, db=tmp_path / "no such folder" / "tweets.db")
    with pytest.raises(OpenError, match="no such folder"):
        app.run(config)


@pytest.mark.usefixtures("signals_put_back")
@pytest.mark.parametrize("nth", [1, 2])
def test_a_start_for_which_no_reader_can_be_opened_is_reported(
    nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_reader, calls = SqliteStore.reader, count(1)

    def reader(store: SqliteStore) -> SqliteReader:
        if next(calls) == nth:
            raise OpenError("denied", "tweets.db cannot be opened: unable to open database file")
        return open_reader(store)

    monkeypatch.setattr(SqliteStore, "reader", reader)
    config = Config(port=0, db=tmp_path / "tweets.db", report_file=tmp_path / "Sample.txt", quiet=True)
    with pytest.raises(OpenError, match="unable to open database file"):
        app.run(config)
