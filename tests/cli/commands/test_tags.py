import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import Server, filled_server, plain, run_on_terminal, running_server
from ttweet.cli import shell
from ttweet.client.sync_client import Client

HINT = "quote the # in a shell: ttweet tags '#python'; or omit it: ttweet tags python"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with filled_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize("tag", ["python", "#python", "PYTHON", "＃Ｐｙｔｈｏｎ"])
def test_a_tag_is_found_in_any_spelling(server: Server, tag: str) -> None:
    done = run("tags", tag, "--db", str(server.db))
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[3] for row in rows] == [f"number {number} #Python" for number in range(5, 25)]
    assert {row[2] for row in rows} == {"-"}
    assert done.stderr == "the 20 newest tweets; for more: --limit 100\n"


def test_a_limit_that_is_not_reached_cuts_nothing(server: Server) -> None:
    done = processes.run("tags", "python", "--limit", "25", "--db", str(server.db))
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


def test_tags_reports_that_its_list_was_cut(server: Server) -> None:
    assert run("tags", "--limit", "1", "--db", str(server.db)).stderr == "the most used tag; for more: --limit 5\n"
    assert (
        run("tags", "python", "--limit", "1", "--db", str(server.db)).stderr
        == "the newest tweet; for more: --limit 5\n"
    )


@pytest.mark.parametrize("command", [["tags", "--limit"], ["tags", "a", "--limit"], ["prune", "--keep-last"]])
def test_a_number_beyond_what_a_file_counts_is_reported(command: list[str], server: Server) -> None:
    code, said = complains(*command, str(2**63), "--db", str(server.folder / "tweets.db"))
    assert (code, "use at most " in said) == (shell.USAGE, True)


def test_a_server_is_not_asked_for_more_tags_than_it_lists(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        with Client("127.0.0.1", server.port) as client:
            for number in range(0, 210, 30):
                client.post("many", tags=[f"tag{one}" for one in range(number, number + 30)])
        some = run("tags", "--limit", "50", "--server", server.address)
        assert some.stderr == "the 50 most used tags; for more: --limit 200\n"
        all_of_them = run("tags", "--limit", "200", "--server", server.address)
        assert all_of_them.stderr.startswith("the 200 most used tags, the most that a server lists; read its file for")
        assert run("tags", "--limit", "50", "--db", str(server.db)).stderr.endswith("; for more: --limit 250\n")


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


def test_a_tag_that_is_not_there_is_reported_with_one_that_is(server: Server) -> None:
    for where in (["--db", str(server.db)], ["--server", server.address]):
        assert complains("tags", "pyhton", *where) == (4, "ttweet: no tweet has the tag #pyhton; did you mean Python?")
        assert complains("tags", "#zzz", *where) == (4, "ttweet: no tweet has the tag #zzz")


@pytest.mark.parametrize("tag", ["\U000e1234", "#a\U000e1234"])
def test_a_tag_that_this_python_does_not_know_is_asked_for_like_any_other(server: Server, tag: str) -> None:
    for where in (["--db", str(server.db)], ["--server", server.address]):
        code, said = complains("tags", tag, *where)
        assert (code, said.startswith("ttweet: no tweet has the tag #")) == (shell.NOTHING, True)


def test_no_tags_at_all_is_reported(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        run("post", "only #123", "--server", server.address)
    problem = "ttweet: no tags yet; post one: ttweet post 'text #tag'"
    numbers = "for tags without a letter, such as #3251, add --numbers"
    assert complains("tags", "--db", str(server.db)) == (4, f"{problem}; {numbers}")
    assert run("tags", "--numbers", "--db", str(server.db)).stdout.startswith("123\t1\t")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([""], "invalid tag '': use 1 to 150 letters, digits and _"),
        (["a b"], "invalid tag 'a b': use 1 to 150 letters, digits and _"),
        (["a", "b"], "too many tags: 2; give one, chart them with --plot, or watch them: ttweet follow a b"),
        (["--limit", "0"], "invalid --limit '0': use 1 or more; see ttweet tags --help"),
        (["--limit", "many"], "invalid --limit 'many': use a whole number; see ttweet tags --help"),
        (["--limit"], "missing value: --limit; write --limit N; see ttweet tags --help"),
        (["--ca", "x", "--db", "y"], "conflicting options: --db is for a file, --ca for a server; give one of them"),
        (
            ["--server", "x:1", "--db", "y"],
            "conflicting options: --db is for a file, --server for a server; give one of them",
        ),
    ],
)
def test_invalid_tags_say_what_would_work(server: Server, arguments: list[str], text: str) -> None:
    assert complains("tags", *arguments, variables={"TTWEET_DB": str(server.db)}) == (shell.USAGE, f"ttweet: {text}")


@pytest.mark.parametrize("command", ["last", "tags", "log"])
def test_no_file_is_reported_with_the_ways_out(command: str, tmp_path: Path) -> None:
    done = run(command, "--db", "nowhere.db", cwd=tmp_path)
    assert done.returncode == shell.NOTHING
    assert done.stderr.startswith("ttweet: no such database: nowhere.db; choose another with --db")
    assert ("--server" in done.stderr) == (command != "log")


@pytest.mark.parametrize("command", ["last", "tags", "log"])
def test_a_file_that_is_not_ours_is_left_alone(command: str, tmp_path: Path) -> None:
    (tmp_path / "tweets.db").write_text("Dear diary, " * 100)
    code, text = complains(command, "--db", str(tmp_path / "tweets.db"))
    assert code == shell.FAILED
    assert text.startswith("ttweet: ")
    assert (tmp_path / "tweets.db").read_text() == "Dear diary, " * 100


def test_a_chart_that_a_narrow_terminal_cuts_says_so(server: Server) -> None:
    done = run("tags", "python", "--plot", "--days", "90", "--server", server.address, variables={"COLUMNS": "60"})
    assert re.fullmatch(r"the last 5\d of 90 days; a wider terminal shows more, and --svg FILE all\n", done.stderr)
    assert max(map(len, done.stdout.splitlines())) == 60
    assert run("tags", "python", "--plot", "--days", "50", "--server", server.address).stderr == ""


def test_a_chart_shows_the_tweets_of_a_tag_today(server: Server) -> None:
    shown = run("tags", "python", "--plot", "--days", "2", "--server", server.address).stdout.splitlines()
    assert shown[0] == "#python, tweets a day"
    assert len(shown) == 11
    assert shown[-2].strip().startswith("0 └──")


def test_the_numbers_of_a_chart_are_objects_in_json(server: Server) -> None:
    shown = json.loads(run("tags", "python", "--plot", "--days", "2", "--json", "--server", server.address).stdout)
    assert {"tag", "first", "last", "days"} == shown.keys()
    assert len(shown["days"]) == 2
    assert sum(shown["days"]) == 25


def test_a_chart_may_be_a_file(server: Server, tmp_path: Path) -> None:
    assert run("tags", "python", "--svg", str(tmp_path / "chart.svg"), "--server", server.address).stdout == ""
    assert (tmp_path / "chart.svg").read_text().startswith("<svg ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plot"], "missing tag: a chart needs one; run: ttweet tags TAG --plot"),
        (["a", "--svg", "x.svg", "--json"], "conflicting options: --svg and --json; give one of them"),
        (["a", "--days", "5"], "invalid option: --days belongs to a chart; add --plot, or --svg FILE"),
        (["a", "--numbers"], "invalid option: --numbers belongs to the list of tags; omit --numbers or TAG"),
        (["a", "--numbers", "--plot"], "conflicting options: --numbers and --plot; give one of them"),
        (["a", "--limit", "3", "--plot"], "conflicting options: --limit and --plot; give one of them"),
        (["a", "--plot", "--force"], "invalid option: --force belongs to --svg FILE"),
        (["a", "--plot", "--days", "367"], "invalid --days '367': use at most 366; see ttweet tags --help"),
    ],
)
def test_a_chart_that_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    assert complains("tags", *arguments) == (shell.USAGE, f"ttweet: {said}")
