import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.peers import peer, says_and_ends
from tests.support.processes import Server, plain, run, run_on_terminal, running_server
from ttweet.cli import classic, shell
from ttweet.client.sync_client import Client
from ttweet.model.errors import Refused

UPLOADED = "Transmission Successfull...\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


def upload(server: Server, message: str) -> int:
    return shell.run(classic.upload, "127.0.0.1", str(server.port), message)


def download(server: Server) -> int:
    return shell.run(classic.download, "127.0.0.1", str(server.port))


@pytest.mark.parametrize(
    "message", ["hello", "寿司 #tag", " ", "d", "--help", "two\nlines\n", "Empty Message", "x" * 150]
)
def test_a_message_goes_up_and_comes_down(server: Server, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload(server, message) == 0
    assert capsys.readouterr() == (UPLOADED, "")
    assert download(server) == 0
    assert capsys.readouterr() == (f"Received Message: {message}\n{UPLOADED}", "")


def test_a_host_may_stand_in_brackets(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run(classic.upload, "[127.0.0.1]", str(server.port), "bracketed") == 0
    assert capsys.readouterr() == (UPLOADED, "")


def test_an_empty_message_resets_the_last_one(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload(server, "before") == upload(server, "") == 0
    capsys.readouterr()
    assert download(server) == 0
    assert capsys.readouterr().out == f"Received Message: Empty Message\n{UPLOADED}"


def test_a_refused_post_prints_nothing_on_stdout(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload(server, "x" * 151) == shell.REFUSED
    way = f"run: ttweet post --server {server.address} --split MESSAGE"
    assert capsys.readouterr() == ("", f"ttweet: too long: 151 characters; use at most 150, or {way}\n")


def test_bad_bytes_and_bad_ports_are_wrong_usage(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload(server, "\udcff") == shell.USAGE
    assert shell.run(classic.upload, "127.0.0.1", "0", "x") == shell.USAGE
    assert shell.run(classic.download, "127.0.0.1", "65536") == shell.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "ttweet: the message is not valid UTF-8: byte 0xff after 0 characters; convert it to UTF-8",
        "ttweet: invalid port '0': use a port from 1 to 65535",
        "ttweet: invalid port '65536': use a port from 1 to 65535",
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Learning #Python and #web", "#Python #web  25/150"),
        ("nothing here", "(no tags)  12/150"),
        ("e\u0301te\u0301", "(no tags)  3/150"),
        ("", "(no tags)  0/150  the last message is reset"),
    ],
)
def test_a_terminal_shows_what_was_stored(server: Server, message: str, shown: str) -> None:
    code, seen = run_on_terminal("-u", "127.0.0.1", str(server.port), message)
    with Client("127.0.0.1", server.port) as client:
        newest = client.post("the next one").id - 1
    assert code == 0
    assert plain(seen) == f"{UPLOADED}#{newest}  {shown}\n"
    assert f"\x1b[2m#{newest}" in seen


def test_a_terminal_gets_no_control_characters_and_a_pipe_gets_them_all(server: Server) -> None:
    message = "\x1b[31mred\u202e\nline"
    with Client("127.0.0.1", server.port) as client:
        client.post(message)
    _, seen = run_on_terminal("-d", "127.0.0.1", str(server.port))
    assert seen == f"Received Message: \\x1b[31mred\\u202e\\nline\n{UPLOADED}"
    assert run("-d", "127.0.0.1", str(server.port)).stdout == f"Received Message: {message}\n{UPLOADED}"


def test_the_servers_log_has_the_lines_of_the_client_in_their_order(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        for command in (["-u", "127.0.0.1", str(server.port), "hi #x"], ["-d", "127.0.0.1", str(server.port)]):
            assert run(*command).returncode == 0
        assert run("-u", "127.0.0.1", str(server.port), "x" * 151).returncode == shell.REFUSED
        assert server.stop(signal.SIGINT) == 0
    lines = (tmp_path / "Sample.txt").read_text().splitlines()
    begin, end = (
        "CLIENT ALERT [GENERAL] CLIENT HAS INITIALIZED ON IP: 127.0.0.1",
        "CLIENT ALERT [GENERAL] CLIENT HAS DISCONNECTED",
    )
    done = "Transmission Successfull..."
    assert [line for line in lines if not line.startswith("SERVER")] == [
        *(begin, done, end),
        *(begin, "Received Message: hi #x", done, end),
        *(begin, end),
    ]


def test_an_upload_is_acknowledged_though_no_follower_gets_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert upload(server, "unheard") == 0
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == "unheard"


@pytest.mark.parametrize(
    ("verb", "arguments", "answer", "printed"),
    [
        (classic.upload, ["hi"], b'["ok",{"id":7,"at":1700000000000,"tags":[]}]\n', UPLOADED),
        (
            classic.download,
            [],
            b'["ok",{"id":7,"at":1700000000000,"by":null,"text":"hi","tags":[]}]\n',
            f"Received Message: hi\n{UPLOADED}",
        ),
    ],
    ids=["upload", "download"],
)
def test_an_answered_post_is_done_though_the_server_closes_at_once(
    verb: Callable[..., int], arguments: list[str], answer: bytes, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with peer(says_and_ends(answer)) as server:
        assert shell.run(verb, "127.0.0.1", str(server.port), *arguments) == 0
    assert capsys.readouterr() == (printed, "")


def test_a_post_that_a_newer_server_took_is_done_though_this_client_would_refuse_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "on_terminal", lambda stream: True)
    answer = b'["ok",{"id":7,"at":1700000000000,"tags":[]}]\n'
    with peer(says_and_ends(answer)) as server:
        assert shell.run(classic.upload, "127.0.0.1", str(server.port), "x" * 151) == 0
    assert "151/150" in capsys.readouterr().err


def test_the_verbs_are_plain_functions_that_raise(server: Server) -> None:
    with pytest.raises(Refused):
        classic.upload("127.0.0.1", str(server.port), "nul \0")
