import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import run
from tests.support.peers import peer, says
from tests.support.processes import LIMIT_S, TTWEET, environment, running_server
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import shell
from ttweet.cli.chat import repl
from ttweet.client.sync_client import Client

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHere]:
    with server_here(tmp_path) as server:
        yield server


class Student:
    """The course's client in pipes: a command is typed when what was expected before it has been seen."""

    def __init__(self, port: int, name: str) -> None:
        command = [sys.executable, str(SCRIPTS / "ttweetcli.py"), "127.0.0.1", str(port), name]
        self._process = subprocess.Popen(
            command, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.sees(repl.SIGNED_IN)

    def types(self, command: str, *expected: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self.sees(*expected)

    def sees(self, *expected: str) -> None:
        assert self._process.stdout is not None
        for line in expected:
            assert self._process.stdout.readline() == line + "\n"

    def leaves(self) -> None:
        self.types("exit", "bye bye")
        self.ends()

    def ends(self) -> None:
        assert self._process.communicate(timeout=LIMIT_S) == ("", "")
        assert self._process.returncode == 0


def session(port: int) -> None:
    students = {name: Student(port, name) for name in ("ann", "bob", "cid", "dee", "eve")}
    ann, bob, cid, dee, eve = students.values()
    for student, tag in zip(students.values(), ("#a", "#b", "#ALL", "#A", "#a"), strict=True):
        student.types(f"subscribe {tag}", "operation success")
    bob.types("subscribe #a", "operation success")
    ann.types('tweet "hi "you" # ~!@#$%" #a#b', 'ann "hi "you" # ~!@#$%" #a#b')
    for student in (bob, cid, eve):
        student.sees('ann "hi "you" # ~!@#$%" #a#b')
    dee.types("timeline")
    dee.types("unsubscribe #never", "operation success")
    eve.types("unsubscribe #a", "operation success")
    dee.types('tweet "\\0" #A', 'dee "\\0" #A')
    cid.sees('dee "\\0" #A')
    cid.types("timeline", 'ann: "hi "you" # ~!@#$%" #a#b', 'dee: "\\0" #A')
    eve.types("timeline", 'ann: "hi "you" # ~!@#$%" #a#b')
    eve.types("getusers", *students)
    eve.types("gettweets ann", 'ann: "hi "you" # ~!@#$%" #a#b')
    eve.types("gettweets bob")
    eve.types("gettweets zoe", "no user zoe in the system")
    for student in students.values():
        student.leaves()


def test_five_students_at_once_twice_against_the_same_database(server: ServerHere) -> None:
    session(server.port)
    session(server.port)
    with Client("127.0.0.1", server.port) as client:
        assert len(client.tweets_of_tag("b").tweets) == 2


def held(server: ServerHere, *commands: str) -> list[str]:
    """What a session says to these commands after the first line."""
    shown = run("chat", "127.0.0.1", str(server.port), "matt", stdin="\n".join(commands).encode() + b"\n").stdout
    first, *others = shown.splitlines()
    assert first == repl.SIGNED_IN
    return others


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('tweet "" #a', [repl.BAD_FORMAT]),
        ("tweet hi #a", [repl.BAD_FORMAT]),
        ('tweet "hi #a', [repl.BAD_FORMAT]),
        (f'tweet "{"x" * 151}" #a', [repl.BAD_LENGTH]),
        (f'tweet "{"x" * 150}" #{"a" * 100}', []),
        ('tweet "   " #a', []),
        ('tweet "hi" #a#', [repl.BAD_TAG]),
        ('tweet "hi" ##a', [repl.BAD_TAG]),
        ('tweet "hi" #', [repl.BAD_TAG]),
        ('tweet "hi"', [repl.BAD_TAG]),
        ('tweet "hi" #ALL', [repl.BAD_TAG]),
        ('tweet "hi" #a_b', [repl.BAD_TAG]),
        ("subscribe", [repl.BAD_TAG]),
        ("subscribe #a#b", [repl.BAD_TAG]),
        ("unsubscribe #a", [repl.SUCCESS]),
        ("gettweets nobody", ["no user nobody in the system"]),
        ("getusers", ["matt"]),
        ("", []),
        ("dance", ["error: no command dance"]),
    ],
)
def test_a_command_has_its_answer(server: ServerHere, command: str, answer: list[str]) -> None:
    assert held(server, command) == answer


def test_three_subscriptions_are_the_limit_and_all_is_one_of_them(server: ServerHere) -> None:
    failed = "operation failed: sub #{} failed, already exists or exceeds 3 limitation"
    commands = [f"subscribe #{tag}" for tag in ("a", "a", "ALL", "b", "c")]
    done = repl.SUCCESS
    assert held(server, *commands) == [done, failed.format("a"), done, done, failed.format("c")]


def test_nothing_is_pushed_after_the_last_subscription_is_gone(server: ServerHere) -> None:
    commands = ("subscribe #a", "subscribe #ALL", "unsubscribe #ALL", 'tweet "hi" #a', "timeline", "exit")
    assert held(server, *commands) == [repl.SUCCESS] * 3 + [repl.BYE]


def test_a_tweet_of_ones_own_is_in_the_timeline_of_the_next_command(server: ServerHere) -> None:
    commands = ("subscribe #a", 'tweet "hi" #a', "timeline", "exit")
    assert held(server, *commands) == [repl.SUCCESS, 'matt "hi" #a', 'matt: "hi" #a', repl.BYE]


def test_messages_that_look_like_something_else_are_messages(server: ServerHere) -> None:
    messages = ["d", "u", "download", "Empty Message", "\\0", *"!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"]
    commands = [f'tweet "{message}" #a' for message in messages]
    assert held(server, *commands, "gettweets matt") == [f'matt: "{message}" #a' for message in messages]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), repl.ARGS),
        (("127.0.0.1",), repl.ARGS),
        (("127.0.0.1", "13001"), repl.ARGS),
        (("127.0.0", "1", "?"), repl.BAD_IP),
        (("300.0.0.1", "13001", "matt"), repl.BAD_IP),
        (("127.0.0.1", "-3", "?"), repl.BAD_PORT),
        (("127.0.0.1", "1023", "matt"), repl.BAD_PORT),
        (("127.0.0.1", "65536", "matt"), repl.BAD_PORT),
        (("127.0.0.1", "13001", "two words"), repl.BAD_NAME),
        (("127.0.0.1", "13001", ""), repl.BAD_NAME),
        (("127.0.0.1", "65535", "matt"), repl.NO_SERVER.format("Connection refused")),
    ],
)
def test_arguments_are_checked_in_their_order(arguments: tuple[str, ...], line: str) -> None:
    script = subprocess.run(
        [sys.executable, SCRIPTS / "ttweetcli.py", *arguments], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (script.returncode, script.stdout, script.stderr) == (0, line + "\n", "")
    chat = run("chat", *arguments)
    assert (chat.stdout, chat.stderr) == (line + "\n", "")
    assert chat.returncode in (shell.USAGE, shell.UNREACHABLE)


def test_a_name_is_online_once_and_free_at_once_after_exit(server: ServerHere) -> None:
    ann = Student(server.port, "ann")
    second = run("chat", "127.0.0.1", str(server.port), "--as", "ann")
    assert (second.returncode, second.stdout, second.stderr) == (shell.REFUSED, repl.NAME_TAKEN + "\n", "")
    ann.leaves()
    Student(server.port, "ann").leaves()


def test_a_server_that_goes_ends_the_session(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        ann = Student(server.port, "ann")
    ann.sees("connection error, please check your server: Connection closed")
    ann.ends()


def test_what_a_server_says_before_it_goes_is_told() -> None:
    too_long = b'["ok",null]\n["err",{"code":"timeout","text":"no further frame came"}]\n'
    keyboard, keys = os.pipe()
    with peer(says(too_long)) as client, open(keyboard), open(keys, "w"):
        command = [*TTWEET, "chat", client.host, str(client.port), "ann"]
        done = subprocess.run(
            command, env=environment(), stdin=keyboard, capture_output=True, text=True, timeout=LIMIT_S
        )
    said = "connection error, please check your server: no further frame came"
    assert (done.returncode, done.stdout, done.stderr) == (shell.UNREACHABLE, f"{repl.SIGNED_IN}\n{said}\n", "")


def test_the_courses_server_keeps_its_file_and_starts_again_at_once(tmp_path: Path) -> None:
    for expected in ("holds no tweets", "the newest is 1"):
        command = [sys.executable, str(SCRIPTS / "ttweetser.py"), "0"]
        with subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = [process.stderr.readline() for _ in range(3)]
            assert expected in said[1]
            port = int(said[2].rpartition(":")[2])
            ann = Student(port, "ann")
            ann.types('tweet "hi" #a')
            ann.leaves()
            process.terminate()
    assert (tmp_path / "tweets.db").exists()
