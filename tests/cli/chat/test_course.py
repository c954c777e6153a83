import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.guard import GUARD_S
from tests.support.hostile_lines import HOSTILE, STRANGE
from tests.support.in_process import run
from tests.support.peers import peer, says
from tests.support.processes import LIMIT_S, TTWEET, environment, running_server
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import shell
from ttweet.cli.chat import course
from ttweet.cli.chat.screen import Screen
from ttweet.client import link_errors
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
        self.sees(course.SIGNED_IN)

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
    """Return the output of a session for these commands, after the first line."""
    typed = "\n".join(commands).encode() + b"\n"
    shown = run("chat", "--course", "127.0.0.1", str(server.port), "matt", stdin=typed).stdout
    first, *others = shown.splitlines()
    assert first == course.SIGNED_IN
    return others


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('tweet "" #a', [course.BAD_FORMAT]),
        ("tweet hi #a", [course.BAD_FORMAT]),
        ('tweet "hi #a', [course.BAD_FORMAT]),
        (f'tweet "{"x" * 151}" #a', [course.BAD_LENGTH]),
        (f'tweet "{"x" * 150}" #{"a" * 100}', []),
        ('tweet "   " #a', []),
        ('tweet "hi" #a#', [course.BAD_TAG]),
        ('tweet "hi" ##a', [course.BAD_TAG]),
        ('tweet "hi" #', [course.BAD_TAG]),
        ('tweet "hi"', [course.BAD_TAG]),
        ('tweet "hi" #ALL', [course.BAD_TAG]),
        ('tweet "hi" #a_b', [course.BAD_TAG]),
        ("subscribe", [course.BAD_TAG]),
        ("subscribe #a#b", [course.BAD_TAG]),
        ("unsubscribe #a", [course.SUCCESS]),
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
    done = course.SUCCESS
    assert held(server, *commands) == [done, failed.format("a"), done, done, failed.format("c")]


def test_nothing_is_pushed_after_the_last_subscription_is_gone(server: ServerHere) -> None:
    commands = ("subscribe #a", "subscribe #ALL", "unsubscribe #ALL", 'tweet "hi" #a', "timeline", "exit")
    assert held(server, *commands) == [course.SUCCESS] * 3 + [course.BYE]


def test_a_tweet_of_ones_own_is_in_the_timeline_of_the_next_command(server: ServerHere) -> None:
    commands = ("subscribe #a", 'tweet "hi" #a', "timeline", "exit")
    assert held(server, *commands) == [course.SUCCESS, 'matt "hi" #a', 'matt: "hi" #a', course.BYE]


def test_messages_that_look_like_something_else_are_messages(server: ServerHere) -> None:
    messages = ["d", "u", "download", "Empty Message", "\\0", *"!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"]
    commands = [f'tweet "{message}" #a' for message in messages]
    assert held(server, *commands, "gettweets matt") == [f'matt: "{message}" #a' for message in messages]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), course.ARGS),
        (("127.0.0.1",), course.ARGS),
        (("127.0.0.1", "13001"), course.ARGS),
        (("127.0.0", "1", "?"), course.BAD_IP),
        (("300.0.0.1", "13001", "matt"), course.BAD_IP),
        (("127.0.0.1", "-3", "?"), course.BAD_PORT),
        (("127.0.0.1", "1023", "matt"), course.BAD_PORT),
        (("127.0.0.1", "65536", "matt"), course.BAD_PORT),
        (("127.0.0.1", "13001", "two words"), course.BAD_NAME),
        (("127.0.0.1", "13001", ""), course.BAD_NAME),
        (("127.0.0.1", "65535", "matt"), course.NO_SERVER.format("Connection refused")),
    ],
)
def test_arguments_of_the_course_are_checked_in_their_order(arguments: tuple[str, ...], line: str) -> None:
    script = subprocess.run(
        [sys.executable, SCRIPTS / "ttweetcli.py", *arguments], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (script.returncode, script.stdout, script.stderr) == (0, line + "\n", "")


def test_a_name_is_online_once_and_free_at_once_after_exit(server: ServerHere) -> None:
    ann = Student(server.port, "ann")
    second = run("chat", "127.0.0.1", str(server.port), "--as", "ann")
    assert (second.returncode, second.stdout) == (shell.REFUSED, "")
    assert second.stderr == "ttweet: name taken: ann is online; choose another name, or retry later\n"
    program = [sys.executable, str(SCRIPTS / "ttweetcli.py"), "127.0.0.1", str(server.port), "ann"]
    assert subprocess.run(program, capture_output=True, text=True, timeout=LIMIT_S).stdout == course.NAME_TAKEN + "\n"
    ann.leaves()
    Student(server.port, "ann").leaves()


def test_a_server_that_goes_ends_the_session(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        ann = Student(server.port, "ann")
    ann.sees("connection error, please check your server: Connection closed")
    ann.ends()


def test_the_last_words_of_a_server_are_reported() -> None:
    too_long = b'["ok",null]\n["err",{"code":"timeout","text":"no further frame came"}]\n'
    keyboard, keys = os.pipe()
    with peer(says(too_long)) as client, open(keyboard), open(keys, "w"):
        command = [*TTWEET, "chat", "--course", client.host, str(client.port), "ann"]
        done = subprocess.run(
            command, env=environment(), stdin=keyboard, capture_output=True, text=True, timeout=LIMIT_S
        )
    said = "connection error, please check your server: no further frame came"
    assert (done.returncode, done.stdout, done.stderr) == (shell.UNREACHABLE, f"{course.SIGNED_IN}\n{said}\n", "")


class Keyboard(Screen):
    """A screen whose commands are these; then nothing is typed until the session is over."""

    def __init__(self, *commands: str) -> None:
        self.said: list[str] = []
        self._commands = commands
        self._over_now = threading.Event()

    def say(self, text: str) -> None:
        self.said.append(text)

    def end(self) -> None:
        self._over_now.set()

    def commands(self) -> Iterator[str]:
        yield from self._commands
        assert self._over_now.wait(GUARD_S), "the session goes on without its server"


def ended(keyboard: Screen, *lines: bytes, asks: int = 0) -> int:
    """The exit code of a session whose server signs it in, answers so many requests, and says the rest unasked."""
    answers = [b'["ok",null]\n', *(one + b"\n" for one in lines)]
    unasked = b"".join(answers[asks:])
    with peer(says(*answers[:asks], unasked)) as client:
        return course.run([client.host, str(client.port), "ann"], keyboard)


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line)[:40])
def test_a_server_that_is_no_ttweet_ends_the_session_in_a_sentence(line: bytes) -> None:
    keyboard = Keyboard()
    assert ended(keyboard, line) == shell.UNREACHABLE
    why = course.CLOSED if line.startswith(b'["ok", {') else link_errors.not_ttweet().text
    assert keyboard.said == [course.SIGNED_IN, course.NO_SERVER.format(why)]


@pytest.mark.parametrize("line", STRANGE, ids=lambda line: repr(line)[:40])
def test_an_unrequested_error_is_reported_however_it_is_spelled(line: bytes) -> None:
    keyboard = Keyboard()
    assert ended(keyboard, line) == shell.UNREACHABLE
    assert keyboard.said[1] in [course.NO_SERVER.format(text) for text in ("hello", "\\x1b]0;owned\\x07")]


def test_unrequested_answers_end_the_session() -> None:
    keyboard = Keyboard()
    assert ended(keyboard, *[b'["ok",null]'] * 1000) == shell.UNREACHABLE
    assert keyboard.said == [course.SIGNED_IN, course.NO_SERVER.format(link_errors.not_ttweet().text)]


def test_a_refusal_that_the_course_has_no_words_for_is_reported_and_the_session_continues() -> None:
    keyboard = Keyboard("getusers", "gettweets bob", 'tweet "hi" #a', "exit")
    refusal = b'["err",{"code":"full","text":"the disk is full"}]'
    assert ended(keyboard, *[refusal] * 3, asks=4) == shell.DONE
    assert keyboard.said == [course.SIGNED_IN, *["error: the disk is full"] * 3, course.BYE]


def test_a_screen_that_takes_nothing_more_ends_the_session() -> None:
    class Gone(Keyboard):
        def say(self, text: str) -> None:
            super().say(text)
            if text != course.SIGNED_IN:
                raise BrokenPipeError

    push = b'["m",{"id":1,"at":1,"by":"bob","text":"hi","tags":["a"]}]'
    with pytest.raises(BrokenPipeError):
        ended(Gone("subscribe #ALL"), b'["ok",{"from":0}]', push, asks=1)


def test_a_tweet_right_behind_the_answer_to_subscribe_is_shown() -> None:
    push = b'["m",{"id":1,"at":1,"by":"bob","text":"hi","tags":["a"]}]'
    keyboard = Keyboard("subscribe #a")
    ended(keyboard, b'["ok",{"from":0}]\n' + push, asks=1)
    assert 'bob "hi" #a' in keyboard.said


def test_a_subscription_that_is_refused_is_none() -> None:
    refusal = b'["err",{"code":"forbidden","text":"reading needs a token"}]'
    keyboard = Keyboard(*["subscribe #a"] * 2, "exit")
    assert ended(keyboard, refusal, refusal, asks=3) == shell.DONE
    assert keyboard.said == [course.SIGNED_IN, *["error: reading needs a token"] * 2, course.BYE]


def test_the_timeline_has_the_newest_tweets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "MAX_TIMELINE", 2)
    keyboard = Keyboard("subscribe #ALL", 'tweet "x" #a', "timeline", "exit")
    tweets = [b'["m",{"id":%d,"at":1,"by":"bob","text":"%d","tags":[]}]' % (number, number) for number in range(1, 5)]
    following = b'["ok",{"from":0}]\n' + b"\n".join(tweets)
    assert ended(keyboard, following, b'["ok",{"id":4,"at":1,"tags":["a"]}]', asks=3) == shell.DONE
    assert keyboard.said[-3:] == ['bob: "3"', 'bob: "4"', course.BYE]


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


@pytest.mark.parametrize("words", [["ann", "--server"], ["--as", "ann", "-s"]])
def test_a_session_takes_the_server_as_all_commands_do(server: ServerHere, words: list[str]) -> None:
    done = run("chat", "--course", *words, f"127.0.0.1:{server.port}", stdin=b"getusers\nexit\n")
    assert (done.returncode, done.stdout.splitlines()) == (0, [course.SIGNED_IN, "ann", course.BYE])


def test_a_session_takes_server_and_name_of_the_environment(server: ServerHere) -> None:
    variables = {"TTWEET_SERVER": f"127.0.0.1:{server.port}", "TTWEET_AS": "bob"}
    done = run("chat", "--course", stdin=b"getusers\nexit\n", variables=variables)
    assert done.stdout.splitlines() == [course.SIGNED_IN, "bob", course.BYE]


def test_a_server_named_twice_is_refused() -> None:
    done = run("chat", "127.0.0.1", "13001", "ann", "--server", "127.0.0.1:13001")
    assert done.returncode == shell.USAGE
    assert "chat takes your NAME, or HOST PORT NAME" in done.stderr
