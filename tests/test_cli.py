"""The command line as its users meet it: real processes, real server, pipes and terminals."""

import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import ttweet
from tests.processes import (
    LIMIT_S,
    TTWEET,
    Server,
    environment,
    plain,
    run,
    run_on_terminal,
    running_server,
)
from ttweet import shell
from ttweet.cli import COMMANDS
from ttweet.client import Client

HINT = "a shell takes # for a comment: ttweet tags '#python', or ttweet tags python"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that some tweets were posted to. Its log has an error."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        with Client("127.0.0.1", server.port) as client:
            for number in range(25):
                client.post(f"number {number} #Python")
            client.post("寿司を食べた #寿司")
            client.post("two\nlines \x1b[31m #odd", tags=["beside"])
            client.post("room #3251")
            client.request("d", "")
        run("-u", "127.0.0.1", str(server.port), "x" * 151)
        yield server


def says(*arguments: str, **variables: str) -> tuple[int, str]:
    """The exit code of a command and what it says on stderr, where nothing is to come on stdout."""
    done = run(*arguments, variables=variables)
    assert done.stdout == ""
    return done.returncode, done.stderr.removesuffix("\n")


# serve


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
    assert said[1] == "ttweet: env.db holds 0 tweets\n"
    assert re.match(r"ttweet: listening on 127\.0\.0\.1:\d+\n$", said[2])
    assert (tmp_path / "env.db").exists()
    assert not (tmp_path / "Sample.txt").exists()


def test_serve_turns_away_more_clients_than_it_may_have(tmp_path: Path) -> None:
    options = ("--no-report-file", "--max-clients", "1", "--host", "127.0.0.1")
    with running_server(tmp_path, *options) as server, Client("127.0.0.1", server.port) as client:
        client.ping()
        code, text = says("-u", "127.0.0.1", str(server.port), "one too many")
    assert (code, text) == (5, "ttweet: the server has 1 clients already, its limit; try again later")


def test_serve_keeps_as_many_report_lines_as_it_is_told(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file", "--log-limit", "10", "--grace", "0.5") as server:
        run("post", "--lines", "--server", server.address, stdin=b"line\n" * 5000)
        assert server.stop() == 0
    with closing(sqlite3.connect(server.db)) as db:
        assert db.execute("SELECT count(*) FROM log").fetchone()[0] < 5000
        assert db.execute("SELECT count(*) FROM tweets").fetchone()[0] == 5000


def test_serve_on_a_taken_port_fails(server: Server, tmp_path: Path) -> None:
    done = run("serve", str(server.port), "--quiet", cwd=tmp_path)
    assert done.returncode == shell.FAILED
    assert f"port {server.port} of 127.0.0.1 is taken" in done.stderr


def test_serve_wants_one_report_file_or_none() -> None:
    code, text = says("serve", "0", "--report-file", "x", "--no-report-file")
    assert code == shell.USAGE
    assert text.endswith("give one of them")


# post


def test_post_prints_the_id(server: Server) -> None:
    done = run("post", "hello #posted", "--server", server.address)
    assert (done.returncode, done.stderr) == (0, "")
    again = run("post", "hello", variables={"TTWEET_SERVER": server.address})
    assert int(again.stdout) == int(done.stdout) + 1


def test_post_prints_json(server: Server) -> None:
    done = run("post", "--json", "--tag", "a", "--tag", "#B", "hi #c", variables={"TTWEET_SERVER": server.address})
    stored = json.loads(done.stdout)
    assert sorted(stored) == ["at", "id", "tags"]
    assert stored["tags"] == ["c", "a", "B"]


def test_post_with_a_key_stores_once(server: Server) -> None:
    ids = {run("post", "--key", "cli", "hi", variables={"TTWEET_SERVER": server.address}).stdout for _ in range(2)}
    assert len(ids) == 1


@pytest.mark.parametrize("flag", ["-", "--stdin"])
@pytest.mark.parametrize(
    ("stdin", "text"),
    [(b"piped\n", "piped"), (b"piped\r\n", "piped"), (b"two\n\n", "two\n"), (b"", ""), ("寿司".encode(), "寿司")],
)
def test_post_reads_stdin(server: Server, flag: str, stdin: bytes, text: str) -> None:
    assert run("post", flag, stdin=stdin, variables={"TTWEET_SERVER": server.address}).returncode == 0
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == text


@pytest.mark.parametrize("text", ["-5 degrees", "--json", "-", "--", "-u"])
def test_after_two_hyphens_a_message_may_be_anything(server: Server, text: str) -> None:
    assert run("post", "--", text, variables={"TTWEET_SERVER": server.address}).returncode == 0
    assert run("last", "--server", server.address).stdout == f"{text}\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "no message: ttweet post 'text', or ttweet post - to read it from stdin"),
        (["two", "words"], "2 messages, one is posted at a time; quote it: ttweet post 'two words'"),
        (["-", "x"], "stdin and x are two messages; give one of them"),
        (["--lines", "it's"], "stdin and 'it'\"'\"'s' are two messages; give one of them"),
        (["--jsno", "x"], "no option --jsno; did you mean --json?"),
        (["-x y"], "no option '-x y'; a message that begins with a hyphen goes last, after --; see ttweet post --help"),
        (["--key"], "--key wants a value; see ttweet post --help"),
        (["--key", "a", "--key", "b", "x"], "--key is given twice; see ttweet post --help"),
        (["x", "--server", "here"], "'here' is no HOST:PORT; for instance 127.0.0.1:13001"),
    ],
)
def test_a_post_that_cannot_be_meant_says_what_would_work(arguments: list[str], text: str) -> None:
    assert says("post", *arguments) == (shell.USAGE, f"ttweet: {text}")


@pytest.mark.parametrize("arguments", [[b"\xff"], ["x", "--tag", b"\xff"], ["x", "--key", b"\xff"], ["-"]])
def test_bytes_that_are_not_utf8_are_wrong_usage(arguments: list[str | bytes]) -> None:
    done = run("post", *arguments, stdin=b"\xff")
    assert done.returncode == shell.USAGE
    assert "is not valid UTF-8: byte 0xff after 0 characters" in done.stderr


def test_a_film_on_stdin_is_no_message() -> None:
    done = run("post", "-", stdin=bytes(1024 * 1024 + 1))
    assert done.returncode == shell.USAGE
    assert "stdin has more than 1,048,576 bytes" in done.stderr


def test_a_closed_stdin_has_no_message() -> None:
    command = f"{' '.join(TTWEET)} post - <&-"
    done = subprocess.run(command, shell=True, env=environment(), capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (2, "ttweet: stdin is closed; there is nothing to read a message from\n")


def test_nobody_is_there() -> None:
    text = "ttweet: nothing is listening on 127.0.0.1:1; start one: ttweet serve 1"
    assert says("post", "x", "--server", "127.0.0.1:1") == (shell.UNREACHABLE, text)
    assert says("last", "--server", "127.0.0.1:1") == (shell.UNREACHABLE, text)
    assert says("-d", "127.0.0.1", "1") == (shell.UNREACHABLE, text)


def test_what_the_server_refuses_is_said(server: Server) -> None:
    refused = says("post", "x" * 151, "--server", server.address)
    assert refused == (shell.REFUSED, "ttweet: 151 characters, the limit is 150")


# last


def test_last_is_the_text_alone_in_a_pipe(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        assert says("last", "--db", str(server.db))[0] == shell.NOTHING
        run("post", "one\ntwo", "--server", server.address)
        for where in (["--db", str(server.db)], ["--server", server.address]):
            assert run("last", *where).stdout == "one\ntwo\n"
            tweet = json.loads(run("last", "--json", *where).stdout)
            assert (tweet["id"], tweet["text"], tweet["by"], tweet["tags"]) == (1, "one\ntwo", None, [])
        assert plain(run_on_terminal("last", cwd=tmp_path)[1]).endswith("  one\\ntwo\n")
        run("post", "", "--server", server.address)
        code, text = says("last", "--server", server.address)
        assert code == shell.NOTHING
        assert text.startswith("ttweet: there is no last message")


# tags


@pytest.mark.parametrize("tag", ["python", "#python", "PYTHON", "＃Ｐｙｔｈｏｎ"])
def test_a_tag_is_found_in_any_spelling(server: Server, tag: str) -> None:
    done = run("tags", tag, "--db", str(server.db))
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[3] for row in rows] == [f"number {number} #Python" for number in range(5, 25)]
    assert {row[2] for row in rows} == {"-"}
    assert done.stderr == "the newest 20 tweets; more: --limit 100\n"


def test_a_limit_that_is_not_reached_cuts_nothing(server: Server) -> None:
    done = run("tags", "python", "--limit", "25", "--db", str(server.db))
    assert len(done.stdout.splitlines()) == 25
    assert done.stderr == ""


def test_tweets_are_one_line_each_in_a_pipe_and_one_object_in_json(server: Server) -> None:
    assert run("tags", "odd", "--db", str(server.db)).stdout.endswith("\t-\ttwo\\nlines \\x1b[31m #odd\n")
    tweet = json.loads(run("tags", "odd", "--json", "--server", server.address).stdout)
    assert tweet["text"] == "two\nlines \x1b[31m #odd"
    assert tweet["tags"] == ["odd", "beside"]


def test_tags_alone_counts_them(server: Server) -> None:
    for where in (["--db", str(server.db)], ["--server", server.address]):
        done = run("tags", *where)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        assert rows[0][:2] == ["Python", "25"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rows[0][2])
        assert {row[0] for row in rows} >= {"寿司", "odd", "beside"}
        assert "3251" not in done.stdout
        assert done.stderr == ""
        assert "3251\t1" in run("tags", "--numbers", *where).stdout
        assert json.loads(run("tags", "--json", "--limit", "1", *where).stdout)["count"] == 25


def test_tags_says_when_it_was_cut(server: Server) -> None:
    assert run("tags", "--limit", "1", "--db", str(server.db)).stderr == "the 1 most used tags; more: --limit 5\n"


def test_a_terminal_gets_a_table_and_one_hint(server: Server) -> None:
    code, seen = run_on_terminal("tags", "--db", str(server.db))
    lines = [line.rstrip() for line in plain(seen).splitlines()]
    assert code == 0
    assert lines[0].split() == ["TAG", "TWEETS", "NEWEST", "LAST", "14", "DAYS"]
    assert lines[1].startswith("#Python      25  ")
    assert lines[-1] == HINT
    assert f"\x1b[2m{HINT}" in seen
    assert HINT not in run_on_terminal("tags", "--json", "--db", str(server.db))[1]


def test_a_terminal_shows_tweets_with_their_tags(server: Server) -> None:
    seen = run_on_terminal("tags", "odd", "--db", str(server.db))[1]
    assert plain(seen).rstrip().endswith("  two\\nlines \\x1b[31m #odd  #beside")
    assert "\x1b[1m#odd" in seen


def test_no_color_is_heeded(server: Server) -> None:
    _, seen = run_on_terminal("tags", "--db", str(server.db), variables={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[(3|9|4)\d", seen)


def test_a_tag_that_is_not_there_is_told_with_one_that_is(server: Server) -> None:
    for where in (["--db", str(server.db)], ["--server", server.address]):
        assert says("tags", "pyhton", *where) == (4, "ttweet: no tweet has the tag #pyhton; did you mean Python?")
        assert says("tags", "#zzz", *where) == (4, "ttweet: no tweet has the tag #zzz")


def test_no_tags_at_all_is_told(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        run("post", "only #123", "--server", server.address)
    text = "ttweet: there are no tags yet; --numbers lists those without a letter, such as #3251"
    assert says("tags", "--db", str(server.db)) == (4, text)
    assert run("tags", "--numbers", "--db", str(server.db)).stdout.startswith("123\t1\t")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([""], "'' is no tag: letters, digits and _ make one"),
        (["a b"], "'a b' is no tag: letters, digits and _ make one"),
        (["a", "b"], "one argument too many: b; see ttweet tags --help"),
        (["--limit", "0"], "--limit cannot be 0: must be >= 1; see ttweet tags --help"),
        (["--limit", "many"], "--limit cannot be many: it must be a whole number; see ttweet tags --help"),
        (["--limit"], "--limit wants a value; see ttweet tags --help"),
        (["--server", "x:1", "--db", "y"], "--db reads a file and --server asks a server; give one of them"),
    ],
)
def test_tags_that_cannot_be_meant_say_what_would_work(server: Server, arguments: list[str], text: str) -> None:
    assert says("tags", *arguments, TTWEET_DB=str(server.db)) == (shell.USAGE, f"ttweet: {text}")


@pytest.mark.parametrize("command", ["last", "tags", "log"])
def test_no_file_is_told_with_the_ways_out(command: str, tmp_path: Path) -> None:
    done = run(command, cwd=tmp_path)
    assert done.returncode == shell.NOTHING
    assert done.stderr.startswith("ttweet: there is no tweets.db; name another with --db")
    assert ("--server" in done.stderr) == (command != "log")


@pytest.mark.parametrize("command", ["last", "tags", "log"])
def test_a_file_that_is_not_ours_is_left_alone(command: str, tmp_path: Path) -> None:
    (tmp_path / "tweets.db").write_text("Dear diary, " * 100)
    code, text = says(command, "--db", str(tmp_path / "tweets.db"))
    assert code == shell.FAILED
    assert text.startswith("ttweet: ")
    assert (tmp_path / "tweets.db").read_text() == "Dear diary, " * 100


# log


def test_log_shows_the_last_session_or_another_or_all(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with running_server(tmp_path) as server:
            run("post", text, "--server", server.address)
            server.stop()
    log = ["log", "--db", str(server.db)]
    received = "SERVER ALERT [GENERAL] Message Received: "
    assert f"{received}second" in run(*log).stdout
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
    for session, words in (("3", "there is no session 3; the newest is 2"), ("x", "--session is a number or all")):
        code, text = says(*log, "--session", session)
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
    assert says(*log, "--category", "eror") == (
        2,
        "ttweet: --category cannot be eror: there are general, error, connection; did you mean error?",
    )


def test_log_as_json_has_what_the_table_has(server: Server) -> None:
    done = run("log", "--json", "--category", "error", "--db", str(server.db))
    line = json.loads(done.stdout.splitlines()[0])
    assert sorted(line) == ["at", "category", "id", "session", "side", "text"]
    assert (line["session"], line["side"], line["category"]) == (1, "SERVER", "ERROR")


def test_log_on_a_terminal_has_headings(server: Server) -> None:
    seen = plain(run_on_terminal("log", "--db", str(server.db))[1]).splitlines()
    assert re.match(r"session 1, \w+ \d\d \w+ \d{4}$", seen[0])
    assert re.match(r"\d\d:\d\d:\d\d  SERVER ALERT \[GENERAL\] SERVER ON HAS INITIALIZED ON IP: ", seen[1])


def test_log_exports_text_or_shows_json(server: Server, tmp_path: Path) -> None:
    code, text = says("log", "--json", "--export", "-", "--db", str(server.db))
    assert code == shell.USAGE
    assert text.endswith("give one of them")
    target = tmp_path / "no" / "such.txt"
    assert says("log", "--export", str(target), "--db", str(server.db)) == (
        1,
        f"ttweet: {target}: No such file or directory",
    )


def test_a_log_without_such_lines_is_nothing_found(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        server.stop()
    assert says("log", "--category", "error", "--db", str(server.db))[0] == shell.NOTHING
    with closing(sqlite3.connect(server.db)) as db:
        db.execute("DELETE FROM log")
        db.commit()
    assert says("log", "--db", str(server.db)) == (4, "ttweet: no report lines are like that")


# The classic forms, where they go wrong


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-u", "h", "1", "two", "words"], "2 messages, one is posted at a time; quote it: ttweet -u h 1 'two words'"),
        (["-u", "h", "1"], "-u takes a host, a port and a message: ttweet -u h 1 'text'"),
        (["-u", "h"], "-u takes a host, a port and a message: ttweet -u h 13001 'text'"),
        (["--upload"], "-u takes a host, a port and a message: ttweet -u 127.0.0.1 13001 'text'"),
        (["-d", "h"], "-d takes a host and a port: ttweet -d h 13001"),
        (["-d", "h", "1", "x"], "-d takes a host and a port: ttweet -d h 1"),
        (["-u", "-d", "h", "1"], "-u uploads and -d downloads; give one of them"),
        (["-d", "h", "http"], "'http' is no port; a port is a number from 1 to 65535"),
        (["tgas"], "no command 'tgas'; did you mean ttweet tags?"),
        (["frobnicate"], "no command 'frobnicate'; there are: serve, post, last, tags, log; see ttweet --help"),
        (["\x1b[31m"], "no command '\\x1b[31m'; there are: serve, post, last, tags, log; see ttweet --help"),
        (["--verison"], "no option --verison; did you mean --version?"),
        (["--frobnicate"], "no option --frobnicate; see ttweet --help"),
        (["serve"], "PORT is missing; see ttweet serve --help"),
        (["serve", "http"], "PORT cannot be http: it must be a whole number; see ttweet serve --help"),
        (["serve", "65536"], "PORT cannot be 65536: must be <= 65535; see ttweet serve --help"),
        (["serve", "1", "--grace", "x"], "--grace cannot be x: it must be a number; see ttweet serve --help"),
    ],
)
def test_a_command_line_that_cannot_be_meant_says_what_would_work(arguments: list[str], text: str) -> None:
    assert says(*arguments) == (shell.USAGE, f"ttweet: {text}")


# Help, version, completion


@pytest.mark.parametrize("command", ["", *COMMANDS, "--install-completion"])
@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_help_is_a_page_at_any_width(command: str, columns: int) -> None:
    done = run(*command.split(), "--help", variables={"COLUMNS": str(columns)})
    assert (done.returncode, done.stderr) == (0, "")
    for heading in ("Usage: ttweet", "\nOptions\n", "\nExamples\n"):
        assert heading in done.stdout
    if not command.startswith("-"):
        assert "\nExit codes\n" in done.stdout
        assert "\nEnvironment\n" in done.stdout
    assert all(len(line) <= columns for line in done.stdout.splitlines())
    assert "\n\n\n" not in done.stdout


def test_every_option_of_every_command_says_what_it_is_for() -> None:
    for command in COMMANDS:
        page = run(command, "--help", variables={"COLUMNS": "120"}).stdout
        options = page.partition("\nOptions\n")[2].partition("\n\n")[0]
        for line in options.splitlines():
            assert re.match(r"  -[-\w,=. ]*( [A-Z:|a-z]+)?  +\S", line) or line.startswith("      "), line


def test_no_arguments_show_the_help() -> None:
    assert run().stdout == run("--help").stdout


def test_help_on_a_terminal_has_headings_that_stand_out() -> None:
    code, seen = run_on_terminal("--help")
    assert code == 0
    assert "\x1b[1mCommands" in seen
    assert plain(seen).startswith("Usage: ttweet COMMAND [OPTIONS]\n")


def test_version() -> None:
    assert run("--version").stdout == f"ttweet {ttweet.__version__}\n"


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_is_written_where_it_is_wanted(name: str, tmp_path: Path) -> None:
    done = run("--install-completion", "--shell", name, "-o", "script", cwd=tmp_path, variables={"HOME": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path}/script\n"
    script = (tmp_path / "script").read_text()
    assert all(command in script for command in COMMANDS)
    assert [path.name for path in tmp_path.iterdir()] == ["script"]


def test_completion_is_installed_for_the_shell(tmp_path: Path) -> None:
    done = run("--install-completion", "--shell", "bash", variables={"HOME": str(tmp_path)})
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)
    assert "the next shell" in done.stderr
    assert done.stdout.strip() in (tmp_path / ".bashrc").read_text()


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    run("--install-completion", "--shell", "bash", "-o", "script", cwd=tmp_path)
    program = (
        "source ./script; COMP_WORDS=(ttweet ta); COMP_CWORD=1; _ttweet; echo ${COMPREPLY[@]};"
        "COMP_WORDS=(ttweet tags --num); COMP_CWORD=2; _ttweet; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.stdout.split(), done.stderr) == (["tags", "--numbers"], "")


def test_an_unknown_shell_is_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from cyclopts.completion import ShellDetectionError

    from ttweet import cli

    def detect() -> str:
        raise ShellDetectionError

    monkeypatch.setattr("cyclopts.completion.detect.detect_shell", detect)
    assert cli.main(["--install-completion"]) == shell.USAGE
    assert "ttweet --install-completion --shell bash" in capsys.readouterr().err


# Manners


@pytest.mark.parametrize(
    "arguments", [["log"], ["log", "--json"], ["tags", "python", "--json"], ["last"], ["log", "--export", "-"]]
)
def test_a_closed_pipe_is_quiet(server: Server, arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*TTWEET, *arguments, "--db", str(server.db)],
        stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=LIMIT_S,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (shell.PIPE_CLOSED, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("arguments", [["last"], ["tags"], ["log"], ["tags", "--json"]])
def test_a_full_disk_under_the_output_is_told(server: Server, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*TTWEET, *arguments, "--db", str(server.db)],
            stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=LIMIT_S,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"ttweet: stdout: No space left on device\n")
