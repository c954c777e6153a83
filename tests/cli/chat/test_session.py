"""`chat` for people: from a pipe, and at a terminal of 60 columns, with servers that stop and start."""

import re
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.in_process import run
from tests.support.keyboard import CTRL_C, CTRL_D, HOME, UP, Keyboard
from tests.support.peers import peer, says
from tests.support.processes import LIMIT_S, Server, running_server
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import shell
from ttweet.cli.chat import history, session
from ttweet.cli.chat.completer import Completer
from ttweet.cli.chat.screen import Screen
from ttweet.client.cursor import Cursor
from ttweet.client.sync_client import Client
from ttweet.model.errors import Refused, TtweetError
from ttweet.model.query import unknown_fields_hint

LOST = "connection lost: the server closed the connection; retrying until the server answers"
TOO_LONG = "too long: 151 characters; use at most 150"
TIME = r"[0-9:]{8}"
FULL_DISK = """
import os
from ttweet.cli.chat.history import History
class OnFullDisk(History):
    def __init__(self, path):
        super().__init__(path)
        os.dup2(os.open("/dev/full", os.O_WRONLY), self._file)
import ttweet.cli.chat.history as history
history.History = OnFullDisk
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHere]:
    with server_here(tmp_path) as server:
        yield server


@pytest.fixture
def filled(server: ServerHere) -> ServerHere:
    """A server with four tweets: three authors, two tags."""
    for name, text in (("bob", "one #cs"), ("Bea", "two #CS"), (None, "three #python"), ("bob", "four")):
        with Client("127.0.0.1", server.port, name=name) as client:
            client.post(text)
    return server


def held(server: ServerHere, *lines: str, code: int = shell.DONE) -> tuple[list[str], list[str]]:
    """Return what a session from a pipe says on stdout and on stderr."""
    done = run("chat", "ann", "--server", server.address, stdin="\n".join(lines).encode())
    assert done.returncode == code
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_a_line_is_posted_under_the_name(server: ServerHere) -> None:
    assert held(server, "hello #cs", "", "  //slash  ") == (["posted #1", "posted #2"], [])
    with Client("127.0.0.1", server.port) as client:
        first, second = reversed(client.find().tweets)
    assert (first.by, first.text, first.tags) == ("ann", "hello #cs", ("cs",))
    assert second.text == "/slash"


def test_a_tag_beside_the_text_is_shown_though_the_text_has_a_longer_one(server: ServerHere) -> None:
    with Client("127.0.0.1", server.port) as client:
        client.post("see #python", tags=["py", "PYTHON"])
    assert held(server, "/find") == (["#1  now  see #python  #py"], [])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/who", ["ann"]),
        ("/tags", ["#cs: 2 tweets", "#python: 1 tweet"]),
        ("/find by:bob", ["#1  now  bob: one #cs", "#4  now  bob: four"]),
        ("/find nowhere", ["nothing found"]),
        ("/find three", ["#3  now  three #python"]),
        ("/find auther:bob", ["nothing found", unknown_fields_hint("auther:bob")]),
        ("/follow #cs python", ["following #cs #python"]),
        ("/follow", ["following all tweets"]),
        ("/unfollow", ["following nothing"]),
        ("/help", session.HELP.splitlines()),
        ("help", session.HELP.splitlines()),
    ],
)
def test_a_command_has_its_answer(filled: ServerHere, line: str, shown: list[str]) -> None:
    said, complaints = held(filled, line)
    assert ([re.sub("  [0-9]+ s  ", "  now  ", line) for line in said], complaints) == (shown, [])


@pytest.mark.parametrize("line", ["/quit", "exit", "quit"])
def test_nothing_is_posted_after_the_end(server: ServerHere, line: str) -> None:
    assert held(server, line, "not posted") == ([], [])


@pytest.mark.parametrize(
    ("line", "complaint", "code"),
    [
        ("/bogus", "unknown command '/bogus'; /help lists the commands", shell.USAGE),
        ("x" * 151, f"{TOO_LONG}, or in a shell: ttweet post --split MESSAGE", shell.REFUSED),
        ("/follow a-b", "invalid tag", shell.REFUSED),
        ("/unfollow cs", "not following #cs: following all tweets", shell.USAGE),
        ('/find "', "nothing to find: ", shell.REFUSED),
        ('tweet "hi" #a', "not posted: this is a command of ttweet chat --course; ", shell.USAGE),
        ("subscribe #a", "not posted: this is a command of ttweet chat --course; ", shell.USAGE),
    ],
)
def test_a_command_that_fails_is_reported_and_the_session_continues(
    server: ServerHere, line: str, complaint: str, code: int
) -> None:
    said, complaints = held(server, line, "hello", code=code)
    assert said[-1] == "posted #1"
    assert "".join(complaints).removeprefix("ttweet: ")[: len(complaint)] == complaint


def test_the_help_names_every_command_and_fits_60_columns() -> None:
    assert max(map(len, session.HELP.splitlines())) < 60
    assert session.COMMANDS == ("/follow", "/unfollow", "/find", "/tags", "/who", "/help", "/quit")


def test_a_tag_followed_twice_is_followed_once(server: ServerHere) -> None:
    said, _ = held(server, "/follow cs", "/follow python CS", "/unfollow #Cs", "/unfollow python")
    assert said == ["following #cs", "following #cs #python", "following #python", "following nothing"]


class Talk(Screen):
    """A screen on which each next line is typed when its condition has come, by what was said."""

    def __init__(self, *lines: Callable[["Talk"], str]) -> None:
        self.is_typed = False
        self.said: list[str] = []
        self._lines = lines

    def say(self, text: str) -> None:
        self.said.append(text)

    def complain(self, text: str) -> None:
        self.said.append(f"error: {text}")

    def end(self) -> None:
        pass

    def commands(self) -> Iterator[str]:
        for line in self._lines:
            yield line(self)


def test_a_server_that_refuses_reading_ends_the_session_with_its_words() -> None:
    refusal = b'["err",{"code":"forbidden","text":"reading needs a token"}]\n'
    with peer(says(b'["ok",null]\n', refusal)) as client:
        done = run("chat", "ann", "--server", f"{client.host}:{client.port}", stdin=b"hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (shell.REFUSED, "", "ttweet: reading needs a token\n")


def test_a_post_without_an_answer_is_posted_again_with_its_key_on_the_next_connection() -> None:
    signed_in = (b'["ok",null]\n', b'["ok",{"from":0}]\n')
    asked: list[bytes] = []

    def first(connection: socket.socket) -> None:
        says(*signed_in)(connection)
        asked.append(connection.recv(4096))

    def second(connection: socket.socket) -> None:
        says(*signed_in)(connection)
        asked.append(connection.recv(4096))
        connection.sendall(b'["ok",{"id":7,"at":1,"tags":[]}]\n')

    screen = Talk(lambda _: "hello")
    with peer(first, second) as client:
        named = Client(client.host, client.port, name="ann")
        assert session.ChatSession(named, screen).run() == shell.DONE
    assert asked[0] == asked[1]
    assert b'"key":' in asked[0]
    assert screen.said == [f"error: {LOST}", "posted #7"]


def test_a_session_that_ends_while_its_server_is_away_connects_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, pause_s, others = threading.Event(), Cursor.pause_s, {*threading.enumerate()}

    def paused(cursor: Cursor, error: TtweetError) -> float:
        pause_s(cursor, error)
        lost.set()
        return LIMIT_S

    monkeypatch.setattr(Cursor, "pause_s", paused)
    with peer(says(b'["ok",null]\n', b'["ok",{"from":0}]\n')) as client:
        screen = Talk(lambda _: "/quit" if lost.wait(LIMIT_S) else "")
        assert session.ChatSession(Client(client.host, client.port, name="ann"), screen).run() == shell.DONE
        receivers = [one for one in threading.enumerate() if one not in others and one.daemon]
        for one in receivers:
            one.join(LIMIT_S / 10)
    assert not any(one.is_alive() for one in receivers)


def test_an_error_that_lasts_ends_the_session() -> None:
    refusal = b'["err",{"code":"token","text":"unknown token"}]\n'
    with peer(says(b'["ok",null]\n', b'["ok",{"from":0}]\n'), says(refusal)) as client:
        named = Client(client.host, client.port, name="ann")
        with pytest.raises(Refused, match="unknown token"):
            session.ChatSession(named, Talk(lambda _: "hello")).run()


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


READY = ("type a message to post it, or /help", ">")


def at_keyboard(server: Server, state: dict[str, str]) -> Keyboard:
    keyboard = Keyboard(server.port, "ann", variables=state)
    keyboard.sees(f"ann is online at {server.address}, following all tweets", *READY)
    return keyboard


def tweet_of_bob(server: Server, text: str) -> int:
    with Client("127.0.0.1", server.port, name="bob") as client:
        return client.post(text).id


def test_a_tweet_appears_above_the_line_that_is_typed(process: Server, state: dict[str, str]) -> None:
    keyboard = at_keyboard(process, state)
    keyboard.types("half a li")
    keyboard.sees("> half a li")
    number = tweet_of_bob(process, "pushed #a")
    keyboard.waits(lambda lines: re.fullmatch(rf"#{number}  {TIME}  bob: pushed #a", lines[-2]) is not None)
    keyboard.types("ne\n")
    keyboard.waits(lambda lines: lines[-3:] == ["> half a line", f"posted #{number + 1}", ">"])
    keyboard.leaves()


def test_ctrl_c_discards_a_line_and_ends_the_session_at_an_empty_one(process: Server, state: dict[str, str]) -> None:
    keyboard = at_keyboard(process, state)
    keyboard.types("half a line")
    keyboard.sees("> half a line")
    keyboard.types(CTRL_C)
    keyboard.sees("> half a line", ">")
    keyboard.types("/who\n")
    keyboard.sees("> /who", "ann", ">")
    keyboard.types(CTRL_C)
    keyboard.ends(shell.DONE)


def test_lines_come_again_in_the_next_session_from_a_file_of_the_user_alone(
    process: Server, state: dict[str, str], tmp_path: Path
) -> None:
    keyboard = at_keyboard(process, state)
    keyboard.types("/who\n")
    keyboard.sees("> /who", "ann", ">")
    keyboard.types(CTRL_D)
    keyboard.ends(shell.DONE)
    file = tmp_path / "state" / "ttweet" / "chat_history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    keyboard = at_keyboard(process, state)
    keyboard.types(UP)
    keyboard.sees("> /who")
    keyboard.leaves()


def test_without_a_place_for_the_history_the_session_is_held_all_the_same(process: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keyboard = Keyboard(process.port, "ann", variables={"XDG_STATE_HOME": str(tmp_path / "file")})
    keyboard.sees(*READY)
    assert keyboard.terminal.lines[0].startswith("ttweet: the history is not kept: ")
    keyboard.leaves()


def test_a_disk_that_becomes_full_ends_the_history_and_not_the_session(
    process: Server, state: dict[str, str], tmp_path: Path
) -> None:
    keyboard = Keyboard(process.port, "ann", variables=state, start=FULL_DISK)
    keyboard.types("/who\n")
    keyboard.waits(lambda lines: lines[-2:] == ["ann", ">"])
    said = "".join("".join(keyboard.terminal.lines).split())  # the terminal breaks lines at spaces
    assert "error:thehistoryisnolongerkept:" in said
    assert f"{tmp_path / 'state'}/ttweet/chat_history:Nospaceleftondevice" in said
    keyboard.leaves()


def test_pasted_lines_are_one_tweet(process: Server, state: dict[str, str]) -> None:
    keyboard = at_keyboard(process, state)
    keyboard.types("\x1b[200~one #paste\rtwo\x1b[201~")
    keyboard.sees("> one #paste", "two")
    keyboard.types("\n")
    keyboard.waits(lambda lines: lines[-2].startswith("posted #"))
    with Client("127.0.0.1", process.port) as client:
        assert client.tweets_of_tag("paste").tweets[0].text == "one #paste\ntwo"
    keyboard.leaves()


def test_after_ctrl_z_and_fg_the_line_is_there_and_edited_as_before(process: Server, state: dict[str, str]) -> None:
    keyboard = at_keyboard(process, state)
    keyboard.types("/wh")
    keyboard.sees("> /wh")
    keyboard.is_reset()
    keyboard.waits(lambda lines: lines[-2:] == ["> /wh", "> /wh"] or lines[-1:] == ["> /wh"])
    keyboard.types(f"{HOME}x\x08\x05o\n")
    keyboard.sees("ann", ">")
    keyboard.leaves()


def test_the_tab_key_completes_commands_tags_and_names(process: Server, state: dict[str, str]) -> None:
    tweet_of_bob(process, "#UniqueTag")
    keyboard = at_keyboard(process, state)
    keyboard.types("/wh\t\n")
    keyboard.sees("> /who", "ann", ">")
    keyboard.types("/fo\tuniq\t\n")
    keyboard.sees("> /follow UniqueTag", "following #UniqueTag", ">")
    keyboard.types("hi @b\t")
    keyboard.sees("> hi @bob")
    keyboard.leaves()


def test_a_server_that_stops_and_starts_again_ends_no_session(tmp_path: Path, state: dict[str, str]) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        keyboard = at_keyboard(server, state)
        keyboard.types("half a line")
        keyboard.sees("> half a line")
    keyboard.waits(lambda lines: " ".join(lines[-3:]) == f"error: {LOST} > half a line")
    with running_server(tmp_path, "--no-report-file", port=server.port) as server:
        keyboard.types("\n")
        keyboard.waits(lambda lines: "posted #1" in lines and "reconnected" in lines)
        keyboard.leaves()


def test_the_newest_lines_of_a_long_history_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_BYTES", 100)
    file = tmp_path / "chat_history"
    for number in range(100):
        history.History(file).add(f"line {number}\nof two")
    newest = history.History(file).lines
    assert newest[-1] == "line 99\nof two"
    assert file.stat().st_size <= 2 * history.MAX_BYTES
    assert [line for line in file.read_text().splitlines() if "99" in line] == ['"line 99\\nof two"']


def test_a_line_that_is_typed_twice_is_kept_once_and_what_is_no_line_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "chat_history"
    file.write_text('cut off"\n1\n"\\u0000"\n"\\ud800"\n' + "[" * 100_000 + "\n")
    file.chmod(0o600)
    kept = history.History(file)
    for line in ("one", "one", "two"):
        kept.add(line)
    assert history.History(file).lines == ["one", "two"]


@pytest.mark.parametrize(
    ("before", "word", "offered"),
    [
        ("", "/f", ["/follow", "/find"]),
        ("say ", "/f", []),
        ("", "#C", ["#cs"]),
        ("/follow ", "PY", ["python"]),
        ("/unfollow ", "#py", ["#python"]),
        ("/find ", "tag:py", ["tag:python"]),
        ("/find ", "by:b", ["by:Bea", "by:bob"]),
        ("hi ", "@be", ["@Bea"]),
        ("hi ", "b", []),
    ],
)
def test_a_word_is_completed_by_what_stands_before_it(
    filled: ServerHere, before: str, word: str, offered: list[str]
) -> None:
    with Client("127.0.0.1", filled.port) as client:
        assert Completer(client)(before, word) == offered


def test_a_server_that_does_not_answer_completes_nothing_in_time() -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(65536)

    with peer(silent) as client:
        assert Completer(client)("", "#c") == []


def test_a_wait_for_the_server_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that cannot be posted is not lost: it is in the history."""
    monkeypatch.setattr("ttweet.defaults.TIMEOUT_S", 0.1)
    with peer(says(b'["ok",null]\n', b'["ok",{"from":0}]\n')) as client:
        screen = Talk(lambda _: "hello")
        assert session.ChatSession(Client(client.host, client.port, name="ann"), screen).run() == shell.UNREACHABLE
    assert screen.said[-1].startswith("error: ")
