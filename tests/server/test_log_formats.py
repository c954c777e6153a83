"""A server's terminal, in each of its forms."""

import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.support.in_process import run
from tests.support.listening import listen
from tests.support.processes import LIMIT_S, TTWEET, environment, plain
from tests.support.processes import run as run_apart
from tests.support.talking import Talking, talking_server
from ttweet.client.sync_client import Client
from ttweet.server.first_steps import posting_command

NO_TAG = b'["u",{"text":"x","tags":["a b"]}]\n'


def ask(server: Talking, frame: bytes) -> bytes:
    """The answer to a frame, on a connection of its own."""
    with socket.create_connection(("127.0.0.1", server.port), LIMIT_S) as connection:
        connection.sendall(frame)
        return connection.recv(1000)


def meet(server: Talking) -> None:
    """Let clients come: one that posts under a name, one of the first ttweet's kind, one that is refused, a reader."""
    with Client("127.0.0.1", server.port, name="ann") as ann:
        ann.post("Homework is out", tags=["cs"])
    assert run("-u", "127.0.0.1", str(server.port), "hello").returncode == 0
    assert b"bad_tag" in ask(server, NO_TAG)
    assert run("-d", "127.0.0.1", str(server.port)).returncode == 0


def all_shown(server: Talking) -> list[str]:
    """Return the output until Ctrl-C has stopped the server."""
    assert server.process.stderr is not None
    server.process.send_signal(signal.SIGINT)
    lines = server.process.stderr.read().decode().splitlines()
    assert server.process.wait(LIMIT_S) == 0
    return lines


def test_text_is_a_line_for_what_each_client_did(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path, form="text") as server:
        meet(server)
        post, stop, *lines = all_shown(server)
    assert server.started[-1] == f"ttweet: listening on 127.0.0.1:{server.port}"
    assert post == f'ttweet: post with: ttweet post --server 127.0.0.1:{server.port} "Hello #world"'
    assert stop == "ttweet: stop with: Ctrl-C"
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines)
    assert [line[9:] for line in lines] == [
        'ann posted #1 "Homework is out" #cs',
        '127.0.0.1 posted #2 "hello"',
        "127.0.0.1 rejected (bad_tag): invalid tag 'a b': use 1 to 150 letters, digits and _",
        "server stopped",
    ]


def test_json_is_an_object_for_each_event_and_message(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path, form="json") as server:
        meet(server)
        shown = [json.loads(line) for line in [*server.started, *all_shown(server)]]
    assert all(type(one["at"]) is int for one in shown)
    kinds = [one["event"] for one in shown if one["event"] not in ("connected", "disconnected", "reported")]
    expected = ["signed_in", "posted", "signed_out", "posted", "rejected", "stopped"]
    assert kinds == ["message", "message", "listening", *expected]
    assert shown[2]["port"] == server.port


@pytest.mark.parametrize("form", ["text", "json", "classic"])
def test_the_token_of_a_broken_request_is_not_shown(form: str, tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path, form=form) as server:
        assert b"ttw_secret" in ask(server, b'["a","ttw_secret"\n')
        shown = "".join(all_shown(server))
    assert "bad_frame" in shown
    assert "secret" not in shown


def test_classic_is_the_report_lines(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path, form="classic") as server:
        meet(server)
        lines = all_shown(server)
    shown = [line.partition(" code=")[0] for line in lines]
    assert shown == tmp_path.joinpath("Sample.txt").read_text().splitlines()


@pytest.mark.parametrize("form", ["text", "classic"])
def test_a_quiet_server_shows_messages_alone(form: str, tmp_path: Path) -> None:
    with talking_server("--quiet", cwd=tmp_path, form=form) as server:
        meet(server)
        assert all_shown(server) == []


def test_a_start_that_fails_is_one_message(tmp_path: Path) -> None:
    (taken,) = listen(("127.0.0.1",), 0)
    with taken:
        port = taken.getsockname()[1]
        failed = run_apart("serve", str(port), "--no-report-file", cwd=tmp_path)
    said = f"ttweet: port {port} of 127.0.0.1 is in use; choose another, or 0 for any free port\n"
    assert (failed.returncode, failed.stderr) == (1, said)


def test_messages_of_a_server_that_runs_have_their_time(tmp_path: Path) -> None:
    with talking_server(cwd=tmp_path, form="text") as server:
        server.read_until("Ctrl-C")
        server.process.send_signal(signal.SIGHUP)
        said = server.read_until("SIGHUP")[-1]
    assert re.fullmatch(r"\d\d:\d\d:\d\d SIGHUP: reopening the report file, reloading the tokens", said)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--host", "0.0.0.0", "--anonymous", "write", "--no-tls"), "ttweet post --server 127.0.0.1:"),
        (("--anonymous", "read"), None),
    ],
)
def test_the_first_command_to_try_is_one_that_works(options: tuple[str, ...], hint: str | None, tmp_path: Path) -> None:
    with talking_server("--no-report-file", *options, cwd=tmp_path, form="text") as server:
        said = server.read_until("Ctrl-C")
    posts = [line for line in said if "post with" in line]
    assert len(posts) == (hint is not None)
    assert all(str(hint) in line for line in posts)


@pytest.mark.parametrize(
    ("host", "command"),
    [("127.0.0.1", "ttweet post"), ("0.0.0.0", "ttweet post"), ("::", "ttweet post --server [::1]:13001")],
)
def test_the_first_command_names_a_server_that_is_not_the_default(host: str, command: str) -> None:
    assert posting_command(host, 13001) == command


def shown_on_a_terminal(folder: Path, columns: int, variables: dict[str, str]) -> list[str]:
    """The lines of a server on a terminal, to which a long tweet is posted, behind those of its start."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [*TTWEET, "serve", "0", "--no-report-file"]
    process = subprocess.Popen(command, cwd=folder, env=environment(variables), stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    try:
        while b"Ctrl-C\r\n" not in seen:
            seen += os.read(leader, 4096)
        [port] = re.findall(rb"listening on 127\.0\.0\.1:(\d+)", seen)
        with Client("127.0.0.1", int(port)) as client:
            client.post("寿司" * 30 + " and more")
        process.send_signal(signal.SIGINT)
        while b"stopped" not in seen:
            seen += os.read(leader, 4096)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    return seen.decode().partition("Ctrl-C\r\n")[2].split("\n")


@pytest.mark.parametrize(("columns", "characters"), [(60, 14), (120, 44)])
def test_a_terminal_gets_lines_of_its_width_in_colour(columns: int, characters: int, tmp_path: Path) -> None:
    line, *_ = shown_on_a_terminal(tmp_path, columns, {"TERM": "xterm"})
    text = "寿司" * (characters // 2)
    assert re.fullmatch(rf'\d\d:\d\d:\d\d 127\.0\.0\.1 posted #1 "{text}…', plain(line).rstrip("\r"))
    assert "\x1b[1m127.0.0.1\x1b[0m" in line


def test_a_terminal_of_a_reader_without_colour_gets_none(tmp_path: Path) -> None:
    lines = shown_on_a_terminal(tmp_path, 80, {"TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b" not in "".join(lines)
