"""The command `find`."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import complains, run
from tests.support.processes import Server, plain, run_on_terminal, running_server
from ttweet.cli import shell, source
from ttweet.client.sync_client import Client
from ttweet.model.limits import QUERY_LIMIT
from ttweet.model.tweets import Count, Found
from ttweet.storage.sqlite.reader import SqliteReader

NO_TIME = "invalid time 'since:foo' in the query: use since:2h, since:7d or since:2026-01-31"
PUT_BEHIND = "put -- before a word that begins with a hyphen"


def places(server: Server) -> list[list[str]]:
    return [["--server", server.address], ["--db", str(server.db)]]


@pytest.fixture(scope="module")
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with 25 tweets about builds and one of ann."""
    with running_server(tmp_path_factory.mktemp("timeline"), "--no-report-file") as server:
        with Client("127.0.0.1", server.port) as client:
            for number in range(25):
                client.post(f"build {number} is {'red' if number % 5 else 'green'} #ci")
        with Client("127.0.0.1", server.port, name="ann") as client:
            client.post("Deploy timed out: caf\u00e9 \x1b[31m")
        yield server


def texts(stdout: str) -> list[str]:
    return [line.split("\t")[3] for line in stdout.splitlines()]


# find


def test_without_a_query_the_newest_tweets_are_shown_the_newest_last(timeline: Server) -> None:
    for where in places(timeline):
        done = run("find", *where)
        assert done.returncode == shell.DONE
        assert len(texts(done.stdout)) == QUERY_LIMIT
        assert texts(done.stdout)[-1] == "Deploy timed out: caf\u00e9 \\x1b[31m"
        assert done.stderr == f"the 20 newest tweets; older: ttweet find {' '.join(where)} --before 7\n"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (["build 24"], ["build 24 is red #ci"]),
        (["build", "24"], ["build 24 is red #ci"]),
        (["tag:ci green -0 -5 -10"], ["build 15 is green #ci", "build 20 is green #ci"]),
        (["#ci", "green", "-0", "-5", "--", "-10"], ["build 15 is green #ci", "build 20 is green #ci"]),
        (["build", "-red", "-ci", "-n2"], []),
        (["green", "-slow", "--before", "#7"], ["build 0 is green #ci", "build 5 is green #ci"]),
        (["by:ANN"], ["Deploy timed out: caf\u00e9 \\x1b[31m"]),
        (["--by", "ann", "--since", "1h", '"timed out'], ["Deploy timed out: caf\u00e9 \\x1b[31m"]),
        (["CAFE"], ["Deploy timed out: caf\u00e9 \\x1b[31m"]),
        (["until:2020-01-01"], []),
    ],
)
def test_a_query_finds_the_same_on_a_server_and_in_a_file(timeline: Server, query: list[str], found: list[str]) -> None:
    for where in places(timeline):
        done = run("find", *where, *query)
        assert texts(done.stdout) == found
        assert done.returncode == (shell.DONE if found else shell.NOTHING)


def test_a_page_that_is_cut_is_continued_by_the_command_that_it_shows(timeline: Server) -> None:
    for where in places(timeline):
        done = run("find", "is green", "-n", "2", "--since", "1d", *where)
        assert texts(done.stdout) == ["build 15 is green #ci", "build 20 is green #ci"]
        shown, _, command = done.stderr.partition("; older: ")
        assert shown == "the 2 newest tweets"
        older = run(*shlex.split(command)[1:])
        assert texts(older.stdout) == ["build 5 is green #ci", "build 10 is green #ci"]


@pytest.mark.parametrize("words", [["green", "-red"], ["green", "--", "-4", "-x"]])
def test_words_that_are_excluded_are_in_the_command_that_continues(timeline: Server, words: list[str]) -> None:
    done = run("find", "-n", "2", "-s", timeline.address, *words)
    assert texts(done.stdout) == ["build 15 is green #ci", "build 20 is green #ci"]
    older = run(*shlex.split(done.stderr.partition("; older: ")[2])[1:])
    assert texts(older.stdout) == ["build 5 is green #ci", "build 10 is green #ci"]


def test_more_tweets_than_one_query_gives_come_by_several(timeline: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_QUERY_LIMIT", 4)
    done = run("find", "green", "--limit", "10", "--server", timeline.address)
    assert len(texts(done.stdout)) == 5
    assert done.stderr == ""


def test_tweets_are_counted_and_none_is_exit_code_4(timeline: Server) -> None:
    for where in places(timeline):
        assert run("find", "green", "--count", *where).stdout == "5\n"
        done = run("find", "nowhere", "--count", *where)
        assert (done.returncode, done.stdout, done.stderr) == (shell.NOTHING, "0\n", "")


def test_found_tweets_are_one_object_each_in_json(timeline: Server) -> None:
    done = run("find", "timed out", "-j", "-s", timeline.address)
    assert json.loads(done.stdout)["by"] == "ann"


def test_a_terminal_shows_the_words_that_were_found_in_bold(timeline: Server, tmp_path: Path) -> None:
    _, text = run_on_terminal("find", '"timed out" caf*', "--db", str(timeline.db), cwd=tmp_path)
    assert re.findall(r"\x1b\[1;33m(.*?)\x1b\[0m", text) == ["timed out", "caf\u00e9"]
    assert "\\x1b[31m" in plain(text)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["nowhere"], shell.NOTHING, "no tweet found: nowhere"),
        (["--before", "1"], shell.NOTHING, "no older tweets"),
        (["-flaky"], shell.USAGE, "nothing to find: '-flaky' only excludes; add a word, a tag or an author"),
        (
            ["since:foo"],
            shell.USAGE,
            NO_TIME,
        ),
        (
            ["--since", "foo"],
            shell.USAGE,
            "invalid --since 'foo': use 2h, 7d or 2026-01-31",
        ),
        (["--by", "a b"], shell.USAGE, "invalid name 'a b': use 1 to 32 letters and digits"),
        (["a", "-n", "3", "--count"], shell.USAGE, "conflicting options: --count and --limit; give one of them"),
        (
            ["a", "-b"],
            shell.USAGE,
            f"unknown option -b; {PUT_BEHIND}; see ttweet find --help",
        ),
        (["--limt", "5"], shell.USAGE, "unknown option --limt; did you mean --limit?"),
    ],
)
def test_a_query_that_finds_nothing_or_means_nothing_is_reported(
    timeline: Server, arguments: list[str], code: int, text: str
) -> None:
    for where in places(timeline):
        assert complains("find", *arguments, *where) == (code, f"ttweet: {text}")


FIELDS = "unknown field 'user:', searched as text; use tag:, from:, by:, since: or until:\n"


def test_an_unknown_field_that_finds_nothing_is_named_with_those_that_there_are(timeline: Server) -> None:
    for where in places(timeline):
        done = run("find", "user:ann", *where)
        assert (done.returncode, done.stderr) == (shell.NOTHING, f"ttweet: no tweet found: user:ann\n{FIELDS}")
        counted = run("find", "user:ann", "--count", *where)
        assert (counted.returncode, counted.stdout, counted.stderr) == (shell.NOTHING, "0\n", FIELDS)
        found = run("find", "Deploy:timed", *where)
        assert (found.returncode, found.stderr) == (shell.DONE, "")


def test_a_terminal_that_follows_an_unknown_field_shows_those_that_there_are() -> None:
    arguments = ["follow", "--find", "user:ann", "--timeout", "0", "--server", "127.0.0.1:1"]
    assert FIELDS.strip() in plain(run_on_terminal(*arguments)[1])
    assert FIELDS not in run(*arguments).stderr


def test_a_search_whose_time_is_up_says_how_far_it_came(timeline: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteReader, "find", lambda *_, **__: Found([], more=True, searched_to=9))
    where = ["--db", str(timeline.db)]
    command = f"ttweet find green {' '.join(where)}"
    done = run("find", "green", *where)
    assert (done.returncode, done.stderr) == (
        shell.NOTHING,
        f"ttweet: no tweet found: green\nsearched back to #9 in half a second; older: {command} --before 9\n",
    )


def test_a_count_takes_as_many_queries_as_it_needs(timeline: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([Count(3, searched_to=9), Count(2, searched_to=5), Count(1)])
    asked: list[int | None] = []

    def count_found(_: object, __: object, *, before: int | None = None) -> Count:
        asked.append(before)
        return next(counts)

    monkeypatch.setattr(SqliteReader, "count_found", count_found)
    done = run("find", "green", "--count", "--db", str(timeline.db))
    assert (done.stdout, done.stderr, asked) == ("6\n", "", [None, 9, 5])


def test_a_count_may_be_json(timeline: Server) -> None:
    for where in places(timeline):
        assert run("find", "green", "--count", "--json", *where).stdout == '{"count":5}\n'


def test_a_new_file_has_no_tweets_yet(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        for where in places(server):
            assert complains("find", *where) == (shell.NOTHING, "ttweet: no tweets yet")


@pytest.mark.parametrize("name", ["list", "ls", "search"])
def test_find_has_three_other_names(timeline: Server, name: str) -> None:
    assert run(name, "green", "-n1", "--server", timeline.address).stdout.endswith("build 20 is green #ci\n")
    assert run("help", name).stdout == run("find", "--help").stdout
