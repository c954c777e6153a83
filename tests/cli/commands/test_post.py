import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, interrupted, running_server
from ttweet.cli import shell
from ttweet.cli.actions import post as action
from ttweet.client.sync_client import Client
from ttweet.model.limits import MAX_TWEET_ID
from ttweet.model.tweets import MAX_CHARACTERS, Tweet


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


def test_post_prints_the_id(server: Server) -> None:
    done = processes.run("post", "hello #posted", "--server", server.address)
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
    [(b"piped\n", "piped"), (b"piped\r\n", "piped"), (b"two\n\n", "two\n"), ("寿司".encode(), "寿司")],
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
        (
            [],
            "missing message; quote it: ttweet post 'text #tag'; or read it from stdin: ttweet post -",
        ),
        (["two", "words"], "2 arguments for one message; quote it: ttweet post 'two words'"),
        (["-", "x"], "two messages: stdin and x; give one of them"),
        (["--lines", "it's"], "two messages: stdin and 'it'\"'\"'s'; give one of them"),
        (["--jsno", "x"], "unknown option --jsno; did you mean --json?"),
        (
            ["--help me"],
            "unknown option '--help me'; put -- before a message that begins with a hyphen; see ttweet post --help",
        ),
        (["-x"], "unknown option -x; put -- before a message that begins with a hyphen; see ttweet post --help"),
        (["-x y"], "unknown option '-x y'; put -- before a message that begins with a hyphen; see ttweet post --help"),
        (["--key"], "missing value: --key; write --key KEY; see ttweet post --help"),
        (["--key", "a", "--key", "b", "x"], "repeated option: --key; see ttweet post --help"),
        (["x", "--server", "13001"], "invalid server '13001': use HOST:PORT, such as 127.0.0.1:13001"),
    ],
)
def test_an_invalid_post_says_what_would_work(arguments: list[str], text: str) -> None:
    assert complains("post", *arguments) == (shell.USAGE, f"ttweet: {text}")


@pytest.mark.parametrize("arguments", [[b"\xff"], ["x", "--tag", b"\xff"], ["x", "--key", b"\xff"], ["-"]])
def test_bytes_that_are_not_utf8_are_wrong_usage(arguments: list[str | bytes]) -> None:
    done = run("post", *arguments, stdin=b"\xff")
    assert done.returncode == shell.USAGE
    assert "is not valid UTF-8: byte 0xff after 0 characters" in done.stderr


def test_a_film_on_stdin_is_no_message() -> None:
    done = run("post", "-", stdin=bytes(1024 * 1024 + 1))
    assert done.returncode == shell.USAGE
    assert "stdin is too long: more than 1,048,576 bytes" in done.stderr


def test_a_closed_stdin_has_no_message() -> None:
    command = f"{' '.join(TTWEET)} post - <&-"
    done = subprocess.run(command, shell=True, env=environment(), capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stderr) == (2, "ttweet: stdin is closed; there is nothing to read\n")


def test_no_server_is_there() -> None:
    text = "ttweet: no server is listening on 127.0.0.1:1; start one: ttweet serve 1"
    assert complains("post", "x", "--server", "127.0.0.1:1") == (shell.UNREACHABLE, text)
    assert complains("last", "--server", "127.0.0.1:1") == (shell.UNREACHABLE, text)
    assert complains("-d", "127.0.0.1", "1") == (shell.UNREACHABLE, text)


@pytest.mark.parametrize("command", [["post", "x"], ["post", "--json", "x"], ["-u", "HOST", "PORT", "x"]])
def test_a_message_is_reported_as_stored_when_a_full_disk_cannot_take_its_id(
    server: Server, command: list[str]
) -> None:
    words = {"HOST": "127.0.0.1", "PORT": str(server.port)}
    with open("/dev/full", "w") as full, Client("127.0.0.1", server.port) as client:
        done = subprocess.run(
            [*TTWEET, *[words.get(word, word) for word in command]],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S,
            env=environment({"TTWEET_SERVER": server.address}),
        )  # fmt: skip
        last = client.last()
    assert last is not None
    said = f"ttweet: stdout: No space left on device; the message is stored with id {last.id}\n"
    assert (done.returncode, done.stderr) == (shell.FAILED, said)


@pytest.mark.parametrize(
    ("options", "way_out"),
    [
        ([], "look before you post it again: ttweet last, or ttweet find"),
        (["--key", "k"], "retry with the same key"),
    ],
)
def test_an_interrupted_post_says_that_the_tweet_may_be_stored(options: list[str], way_out: str) -> None:
    text = f"ttweet: interrupted; the tweet may be stored or not; {way_out}\n"
    assert interrupted("post", *options, "x") == (shell.INTERRUPTED, text)


@pytest.mark.parametrize("command", [["post", "x"], ["follow"], ["run", "--", "true"], ["chat"]])
def test_an_empty_name_is_no_name(command: list[str]) -> None:
    text = "ttweet: invalid name '': use 1 to 32 letters and digits"
    assert complains(command[0], "--as", "", *command[1:]) == (shell.USAGE, text)


def test_a_message_that_no_server_takes_is_refused(server: Server) -> None:
    refused = complains("post", "x" * 151, "--server", server.address)
    assert refused == (shell.REFUSED, "ttweet: too long: 151 characters; use at most 150, or add --cut or --split")


def test_a_text_that_needs_no_check_here_is_as_long_as_a_tweet_may_be() -> None:
    assert action.SHORT == MAX_CHARACTERS
    assert complains("post", "e\u0301" * 150, "--server", "127.0.0.1:1")[0] == shell.UNREACHABLE


BLANK = ["", " ", "\t\n", "\n\n", "\r\n", "\u3000", "\u00a0"]


@pytest.mark.parametrize("options", [[], ["--spool"], ["--key", "k"]])
@pytest.mark.parametrize("text", BLANK)
def test_an_empty_message_is_refused_with_what_would_work(text: str, options: list[str]) -> None:
    way_out = "give a text, or add --empty to post it anyway"
    assert complains("post", *options, text) == (shell.USAGE, f"ttweet: empty message; {way_out}")
    done = run("post", *options, "-", stdin=text.encode())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"ttweet: empty message on stdin; {way_out}\n")


@pytest.mark.parametrize(
    "command", [["post", "--empty", ""], ["post", "--empty", "-"], ["-u", "127.0.0.1", "PORT", ""]]
)
def test_an_empty_message_that_is_meant_resets_the_last_one(server: Server, command: list[str]) -> None:
    variables = {"TTWEET_SERVER": server.address}
    run("post", "before", variables=variables)
    assert run(*[word.replace("PORT", str(server.port)) for word in command], variables=variables).returncode == 0
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == ""


def test_empty_lines_are_skipped_and_empty_belongs_to_one_message(server: Server) -> None:
    done = run("post", "--lines", "--server", server.address, stdin=b" one\n\n  \n\t\r\ntwo")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    code, said = complains("post", "--lines", "--empty", "--server", server.address)
    assert code == shell.USAGE
    assert said.startswith("ttweet: conflicting options: --empty and --lines")


def test_at_the_end_of_the_ids_a_post_is_refused_and_everything_else_continues(tmp_path: Path) -> None:
    line = {"id": MAX_TWEET_ID - 1, "at": 1, "by": None, "text": "one #a", "tags": ["a"]}
    assert run("import", "-", stdin=json.dumps(line).encode(), cwd=tmp_path).returncode == shell.DONE
    with running_server(tmp_path, "--no-report-file") as server:
        here = {"TTWEET_SERVER": server.address, "XDG_STATE_HOME": str(tmp_path / "state")}
        assert run("post", "two #a", variables=here).stdout == f"{MAX_TWEET_ID}\n"
        refused = "the database has used all its ids; nothing was stored; start a new database"
        assert complains("post", "three", variables=here) == (shell.REFUSED, f"ttweet: {refused}")
        assert run("post", "--lines", stdin=b"three\n", variables=here).stderr.startswith(f"ttweet: line 1: {refused}")
        kept = run("post", "--spool", "three", variables=here)
        assert kept.stderr == f"ttweet: kept: {refused}; the next ttweet post or run with --spool sends it\n"
        assert run("last", variables=here).stdout == "two #a\n"
        assert json.loads(run("tags", "a", "--json", variables=here).stdout.splitlines()[1])["id"] == MAX_TWEET_ID
        assert run("delete", str(MAX_TWEET_ID), variables=here).returncode == shell.DONE
        assert run("last", variables=here).stdout == "one #a\n"


LONG = "#first " + "word " * 60 + "#last"


def posted(server: Server, *arguments: str) -> list[Tweet]:
    """Post, and return the tweets whose ids are printed."""
    done = run("post", *arguments, "--server", server.address)
    assert (done.returncode, done.stderr) == (shell.DONE, "")
    with Client("127.0.0.1", server.port) as client:
        return [tweet for id_ in done.stdout.split() if isinstance(tweet := client.tweet(int(id_)), Tweet)]


def test_a_long_message_is_cut_or_split_and_keeps_its_tags(server: Server) -> None:
    [cut] = posted(server, "--cut", LONG)
    assert cut.text.endswith("word\u2026")
    assert {*cut.tags} == {"first", "last"}
    parts = posted(server, "--split", LONG)
    assert " ".join([part.text for part in parts]) == LONG
    assert [{*part.tags} for part in parts] == [{"first", "last"}] * 3
    assert [part.text for part in posted(server, "--split", "short")] == ["short"]


def test_a_split_message_with_a_key_is_stored_once(server: Server) -> None:
    first = posted(server, "--split", "--key", "k", LONG)
    assert posted(server, "--split", "--key", "k", LONG) == first


def test_a_message_in_too_many_parts_is_refused(server: Server) -> None:
    code, said = complains("post", "--split", "word " * 4000, "--server", server.address)
    assert (code, said) == (shell.USAGE, "ttweet: too long: 134 tweets with --split; use at most 100, or --cut")


def test_quiet_prints_no_id(server: Server) -> None:
    assert run("post", "hello", "-q", "-s", server.address).stdout == ""
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == "hello"


def test_tags_and_name_may_come_from_the_environment(server: Server) -> None:
    variables = {"TTWEET_TAG": "ci nightly", "TTWEET_AS": "ann"}
    arguments = ["--server", server.address]
    assert run("post", "one", *arguments, variables=variables).returncode == shell.DONE
    assert run("post", "two", "-t", "other", "--as", "bob", *arguments, variables=variables).returncode == shell.DONE
    with Client("127.0.0.1", server.port) as client:
        tweets = client.find(limit=2).tweets[::-1]
    assert [(tweet.by, tweet.tags) for tweet in tweets] == [("ann", ("ci", "nightly")), ("bob", ("other",))]


@pytest.mark.parametrize(("variable", "said"), [("TTWEET_TAG", "invalid tag"), ("TTWEET_AS", "invalid name")])
def test_a_variable_that_no_server_takes_is_named(variable: str, said: str) -> None:
    code, text = complains("post", "one", variables={variable: "a-b"})
    assert code == shell.USAGE
    assert said in text
    assert variable in text
