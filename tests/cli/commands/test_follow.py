import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, plain, run_on_terminal, running_server
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import shell
from ttweet.client.sync_client import Client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHere]:
    with server_here(tmp_path) as server:
        yield server


def post(server: Server | ServerHere, *texts: str) -> list[int]:
    with Client("127.0.0.1", server.port) as client:
        return [client.post(text).id for text in texts]


def follow(server: ServerHere, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run("follow", "--server", server.address, *arguments)


def follow_as_process(server: ServerHere, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The same for what has its output from a process that it starts."""
    return processes.run("follow", "--server", server.address, *arguments)


@contextmanager
def following(server: Server | ServerHere, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A follower while it runs."""
    command = [*TTWEET, "follow", "--server", server.address, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(  # type: ignore[call-overload]
        command, env=environment(), text=True, start_new_session=True, **pipes
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def texts(shown: str) -> list[str]:
    return [line.split("\t")[3] for line in shown.splitlines()]


def test_history_comes_first_then_what_is_new(server: ServerHere) -> None:
    post(server, "one #a", "two #b", "three #a")
    with following(server, "a", "--from", "0", "--count", "3") as process:
        assert process.stdout is not None
        assert texts(process.stdout.readline() + process.stdout.readline()) == ["one #a", "three #a"]
        post(server, "four #b", "five #a #b")
        assert texts(process.stdout.read()) == ["five #a #b"]
        assert process.wait(LIMIT_S) == shell.DONE


def test_a_tweet_is_a_row_of_columns_in_a_pipe(server: ServerHere) -> None:
    post(server, "two\nlines")
    shown = follow(server, "--from", "0", "--count", "1").stdout
    assert re.fullmatch(r"1\t\d{4}-\d\d-\d\dT[\d:.]+Z\t-\ttwo\\nlines\n", shown)


def test_a_tweet_is_an_object_in_json(server: ServerHere) -> None:
    post(server, "hello #a")
    shown = json.loads(follow(server, "--from", "0", "--count", "1", "--json").stdout)
    assert (shown["id"], shown["text"], shown["tags"], shown["by"]) == (1, "hello #a", ["a"], None)


def test_a_tweet_is_a_line_on_a_terminal(server: ServerHere) -> None:
    post(server, "hello \x1b[31m #a")
    arguments = ["follow", "--from", "0", "--count", "1", "--server", server.address]
    assert re.fullmatch(r"#1  \d\d:\d\d:\d\d  hello \\x1b\[31m #a\n", plain(run_on_terminal(*arguments, columns=60)[1]))


@pytest.mark.parametrize(
    ("arguments", "expected"), [((), ["2", "1 #b", "0 #a"]), (("a",), ["0 #a"]), (("a", "b"), ["1 #b", "0 #a"])]
)
def test_last_begins_with_the_newest(server: ServerHere, arguments: tuple[str, ...], expected: list[str]) -> None:
    post(server, "old #a", "old #b", "2", "1 #b", "0 #a")
    amount = str(len(expected))
    assert texts(follow(server, *arguments, "--last", amount, "--count", amount).stdout) == expected


def test_a_query_chooses_the_tweets_that_are_followed_and_those_it_begins_with(server: ServerHere) -> None:
    post(server, "red #a", "green #a", "green", "blue #a", "red #a")
    assert texts(follow(server, "--find", "#a -red", "--from", "0", "--count", "2").stdout) == ["green #a", "blue #a"]
    assert texts(follow(server, "--find", "-red #a", "--last", "1", "--count", "1").stdout) == ["blue #a"]
    assert texts(follow(server, "--find", "green", "--last", "9", "--count", "1").stdout) == ["green #a"]


@pytest.mark.parametrize("deleted", [[1, 2, 3], [5, 6, 7], [1], range(1, 7)])
def test_deletions_are_not_among_the_last_tweets_but_deleted_tweets_are(server: ServerHere, deleted: list[int]) -> None:
    with Client("127.0.0.1", server.port) as client:
        ids = [client.post(str(number)).id for number in range(1, 8)]
        for one in deleted:
            client.delete(one)
        client.post("newest")
    expected = [str(one) for one in ids[-3:] if one not in deleted] + ["newest"]
    assert texts(follow(server, "--last", "4", "--count", str(len(expected))).stdout) == expected


def test_last_with_fewer_tweets_begins_at_the_start(server: ServerHere) -> None:
    post(server, "one #a", "two")
    assert texts(follow(server, "--last", "9", "--count", "2").stdout) == ["one #a", "two"]
    assert texts(follow(server, "a", "--last", "9", "--count", "1").stdout) == ["one #a"]


def test_it_outlives_its_server_and_says_what_it_caught_up(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as first:
        post(first, "before")
        with following(first, "--from", "0") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert texts(process.stdout.readline()) == ["before"]
            first.stop(signal.SIGKILL)
            assert "connection lost" in process.stderr.readline()
            with start_again(first) as again:
                post(again, "after 1", "after 2")
                assert texts(process.stdout.readline() + process.stdout.readline()) == ["after 1", "after 2"]
                assert process.stderr.readline().startswith("reconnected")  # it may be there before the tweets
                process.send_signal(signal.SIGINT)
                assert process.wait(LIMIT_S) == shell.INTERRUPTED


def test_it_continues_with_what_is_new_after_an_id_that_is_not_there(server: ServerHere) -> None:
    post(server, "one")
    with following(server, "--from", "1000", "--count", "1") as process:
        assert process.stderr is not None
        assert "no tweet 1000: the newest is 1, so" in process.stderr.readline()
        post(server, "two")
        assert process.stdout is not None
        assert texts(process.stdout.read()) == ["two"]


@contextmanager
def start_again(server: Server) -> Iterator[Server]:
    """The same server at the same port."""
    command = [*TTWEET, "serve", str(server.port), "--no-report-file"]
    with Server.serving(command, server.folder, environment()) as again:
        yield again


def test_ctrl_c_shows_the_command_that_continues(server: ServerHere) -> None:
    post(server, "one #a", "two #a")
    with following(server, "a", "--from", "0", "--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == shell.INTERRUPTED
    command = f"to resume here: ttweet follow a --server {server.address} --json --after "
    assert said == f"{command}2\n"


def test_a_tweet_whose_command_ctrl_c_has_interrupted_comes_again(server: ServerHere) -> None:
    post(server, "one", "two")
    with following(server, "--from", "0", "--exec", "echo $TTWEET_ID; [ $TTWEET_ID = 1 ] || exec sleep 60") as process:
        assert process.stdout is not None
        assert process.stdout.readline() + process.stdout.readline() == "1\n2\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the command gets it too
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == shell.INTERRUPTED
    assert said.endswith(" --after 1\n")


def test_exec_runs_a_command_for_each_tweet_and_continues_when_one_fails(server: ServerHere) -> None:
    post(server, "one $(touch boo) `touch boo` ' #a #b", "two")
    command = 'echo "$TTWEET_ID|$TTWEET_TEXT|$TTWEET_BY|$TTWEET_TAGS"; exit $((TTWEET_ID - 1))'
    done = follow_as_process(server, "--from", "0", "--count", "2", "--exec", command)
    assert done.stdout == "1|one $(touch boo) `touch boo` ' #a #b||a b\n2|two||\n"
    assert done.stderr == "ttweet: --exec failed for tweet 2: exit code 1; continuing\n"


def test_exec_has_the_tweet_on_stdin_and_json_prints_it_too(server: ServerHere) -> None:
    post(server, "one")
    done = follow_as_process(server, "--from", "0", "--count", "1", "--json", "--exec", "cat")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["one", "one"]
    lines = follow_as_process(server, "--from", "0", "--count", "1", "--exec", "wc -l").stdout
    assert lines.strip() == "1"


def test_a_command_that_a_signal_has_ended_is_reported_as_a_shell_does(server: ServerHere) -> None:
    post(server, "one")
    said = follow_as_process(server, "--from", "0", "--count", "1", "--exec", "kill -9 $$").stderr
    assert said == "ttweet: --exec failed for tweet 1: exit code 137; continuing\n"


def test_a_tweet_whose_command_was_interrupted_comes_again(server: ServerHere) -> None:
    post(server, "one", "two")
    with following(
        server, "--from", "0", "--exec", 'echo "$TTWEET_ID"; [ $TTWEET_ID = 1 ] || exec sleep 30'
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["1\n", "2\n"]
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == shell.INTERRUPTED
        assert process.stderr is not None
        assert process.stderr.read().endswith(" --after 1\n")


def test_a_signal_that_ends_it_ends_the_command_first(server: ServerHere) -> None:
    post(server, "one")
    ends = "trap 'echo ended; exit 7' TERM; echo begun; while :; do sleep 0.01; done"
    with following(server, "--from", "0", "--exec", ends) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        out, said = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, said) == (-signal.SIGTERM, "ended\n", "")


def test_the_time_may_be_up(server: ServerHere) -> None:
    done = follow(server, "--timeout", "2s")  # it has to connect meanwhile, however slow the machine is
    assert (done.returncode, done.stdout, done.stderr) == (shell.TIMED_OUT, "", "")


def test_follow_ends_with_the_reader_of_its_pipe(server: ServerHere) -> None:
    post(server, "one")
    with following(server, "--from", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(LIMIT_S) == shell.PIPE_CLOSED


def test_a_name_is_online_as_long_as_it_follows(server: ServerHere) -> None:
    with following(server, "--from", "0", "--as", "matt") as process:
        post(server, "first")
        assert process.stdout is not None
        process.stdout.readline()
        with Client("127.0.0.1", server.port) as client:
            assert client.who() == ["matt"]
        assert complains("post", "hi", "--as", "matt", "--server", server.address)[0] == shell.REFUSED
        assert run("post", "hi", "--as", "Ann", "--server", server.address).stdout == "2\n"
        assert process.stdout.readline().split("\t")[2] == "Ann"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "1", "--last", "1"], "conflicting options: --after and --last; give one of them"),
        (["--since", "2h", "--last", "1"], "conflicting options: --last and --since; give one of them"),
        (["--since", "soon"], "invalid --since 'soon': use 2h, 7d or 2026-01-31"),
        (["--since", ""], "invalid --since '': use 2h, 7d or 2026-01-31"),
        (["--text", "a", "--last", "1"], "conflicting options: --last and --text; give one of them"),
        (["--by", "a b"], "invalid name 'a b'"),
        (["--attempts", "2"], "missing option: --exec COMMAND, which --attempts needs"),
        (["--format", "{id}", "--json"], "conflicting options: --format and --json; give one of them"),
        (["--format", "{id}", "--exec", "true"], "conflicting options: --format and --exec; give one of them"),
        (["--format", "{id.real}"], "invalid --format '{id.real}': use {id}, {at},"),
        (["--consumer", "../x"], "invalid --consumer '../x': use 1 to 64 letters, digits, _ and -"),
        (["two words"], "invalid tag"),
        (["--find", "-a"], "only excludes; add a word, a tag or an author"),
        (["ci", "--find", "a"], "conflicting options: ci and --find; put the tag into the query"),
        (["--timeout", "10x"], "invalid --timeout '10x'"),
        (["--count", "0"], "invalid --count '0'"),
        (["--from", "-1"], "--from"),
        (["--from", str(2**63)], f"invalid --from '{2**63}': use at most {2**53 - 1}"),
    ],
)
def test_options_that_contradict_each_other_are_named(arguments: list[str], said: str) -> None:
    code, text = complains("follow", *arguments)
    assert code == shell.USAGE
    assert said in text


def test_it_waits_for_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as first:
        post(first, "one")
        first.stop(signal.SIGKILL)
        with following(first, "--last", "1", "--count", "1", "--retry") as process:
            assert process.stderr is not None
            said = f"ttweet: no server is listening on {first.address}; retrying until the server answers\n"
            assert process.stderr.readline() == said
            with start_again(first):
                assert process.stdout is not None
                assert texts(process.stdout.readline()) == ["one"]
                assert process.wait(LIMIT_S) == shell.DONE


def until_now(server: ServerHere, *arguments: str) -> list[str]:
    done = follow(server, "--until-now", *arguments)
    assert (done.returncode, done.stderr) == (shell.DONE, "")
    return texts(done.stdout)


def test_until_now_ends_with_the_tweets_that_are_there(server: ServerHere) -> None:
    assert until_now(server) == []
    post(server, "one #a", "two", "three #a")
    assert until_now(server) == ["one #a", "two", "three #a"]
    assert until_now(server, "a", "--after", "1") == ["three #a"]
    assert until_now(server, "--last", "1") == ["three #a"]
    assert until_now(server, "--count", "1") == ["one #a"]


def test_since_begins_at_a_time(server: ServerHere) -> None:
    post(server, "one")
    assert until_now(server, "--since", "1h") == until_now(server, "--since", "2026-01-31T10:30+02:00") == ["one"]
    assert until_now(server, "--since", "9000-01-01") == []


def test_only_tweets_of_an_author_or_with_a_text_are_shown(server: ServerHere) -> None:
    with Client("127.0.0.1", server.port, name="ann") as ann:
        ann.post("Build done #ci")
        post(server, "build by nobody #ci")
        ann.post("lunch")
        ann.post("Build failed #ci")
    assert until_now(server, "--by", "ANN") == ["Build done #ci", "lunch", "Build failed #ci"]
    assert until_now(server, "ci", "--by", "ann", "--text", "failed") == ["Build failed #ci"]
    assert until_now(server, "--by", "ann", "--last", "2") == ["lunch", "Build failed #ci"]
    assert until_now(server, "ci", "x", "--by", "ann", "--last", "2") == ["Build done #ci", "Build failed #ci"]
    assert until_now(server, "--text", "uild", "--count", "2") == ["Build done #ci", "build by nobody #ci"]


def test_a_format_makes_the_line(server: ServerHere) -> None:
    post(server, "a {by} \x1b #x #y")
    shown = follow(server, "--until-now", "--format", r"{id:>3}\t{by} {{{text}}} {tags}").stdout
    assert shown == "  1\t- {a {by} \\x1b #x #y} #x #y\n"
    shown = follow(server, "--until-now", "--format", "{date} {time} {at}").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \d{4}-\d\d-\d\dT[\d:.]+Z\n", shown)


def follow_for(server: ServerHere, state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Follow as the consumer `job`, whose position is kept in a folder of the test."""
    options = ["--server", server.address, "--consumer", "job", "--until-now"]
    return processes.run("follow", *options, *arguments, variables={"XDG_STATE_HOME": str(state)})


def test_a_consumer_begins_after_the_last_tweet_that_it_has_handled(server: ServerHere, tmp_path: Path) -> None:
    post(server, "one")
    assert texts(follow_for(server, tmp_path, "--after", "0").stdout) == ["one"]
    post(server, "two", "three")
    assert texts(follow_for(server, tmp_path, "--after", "0", "--count", "1").stdout) == ["two"]
    assert texts(follow_for(server, tmp_path).stdout) == ["three"]
    assert texts(follow_for(server, tmp_path).stdout) == []


def test_a_failing_command_keeps_a_consumer_before_its_tweet(server: ServerHere, tmp_path: Path) -> None:
    post(server, "one", "two", "three")
    fails = 'echo "$TTWEET_TEXT"; [ "$TTWEET_TEXT" != two ]'
    done = follow_for(server, tmp_path, "--after", "0", "--exec", fails, "--attempts", "2")
    assert (done.returncode, done.stdout) == (shell.FAILED, "one\ntwo\ntwo\n")
    failed = "ttweet: --exec failed for tweet 2: exit code 1; stopped before it, after tweet 1; to try it again, "
    assert done.stderr == f"{failed}repeat the command\n"
    assert follow_for(server, tmp_path, "--exec", 'echo "$TTWEET_TEXT"').stdout == "two\nthree\n"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-program", "exit code 127, the command was not found"),
        ("/dev/null", "exit code 126, the command is not executable"),
    ],
)
def test_a_command_that_cannot_be_executed_is_named_as_such(server: ServerHere, command: str, why: str) -> None:
    post(server, "one")
    said = follow_as_process(server, "--from", "0", "--count", "1", "--exec", command).stderr
    assert said.endswith(f"ttweet: --exec failed for tweet 1: {why}; continuing\n")


def test_attempts_end_with_the_first_success(server: ServerHere, tmp_path: Path) -> None:
    post(server, "one", "two")
    once = f"cd {tmp_path}; echo tried; [ -e $TTWEET_ID ] || ! : > $TTWEET_ID"
    done = follow_as_process(server, "--until-now", "--exec", once, "--attempts", "5")
    assert (done.returncode, done.stdout, done.stderr) == (shell.DONE, "tried\n" * 4, "")


def test_ctrl_c_shows_that_the_consumer_resumes(server: ServerHere, tmp_path: Path) -> None:
    post(server, "one")
    command = [*TTWEET, "follow", "--after", "0", "--consumer", "job", "--server", server.address]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    variables = environment({"XDG_STATE_HOME": str(tmp_path)})
    with subprocess.Popen(command, env=variables, text=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT_S)
    assert said == f"to resume here: ttweet follow --consumer job --server {server.address}\n"


def test_no_server_at_the_start_is_an_error() -> None:
    code, text = complains("follow", "--server", "127.0.0.1:1")
    assert code == shell.UNREACHABLE
    assert "no server is listening" in text
