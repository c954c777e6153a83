import io
import json
import os
import re
import signal
import socket
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import processes
from tests.support.in_process import run
from tests.support.peers import peer
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, plain, run_on_terminal, running_server
from tests.whole.test_docs import section
from ttweet.cli import shell
from ttweet.cli.commands.post_lines import MAX_LINE_BYTES, InputLine, post_lines, read_lines
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError

HUGE = b"x" * (MAX_LINE_BYTES + 200_000)
STORED = b'["ok",{"id":%d,"at":2,"tags":[]}]\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


class Chunks(io.RawIOBase):
    """A pipe whose writer writes these, one at a time."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._chunks.pop(0) if self._chunks else b""
        buffer[: len(data)] = data
        return len(data)


def stream(*chunks: bytes) -> io.BufferedReader:
    return io.BufferedReader(Chunks(*chunks))


def lines_of(*chunks: bytes) -> list[list[InputLine]]:
    return [lines for lines in read_lines(stream(*chunks)) if lines]


def post(client: Client, data: bytes, *, key: str | None = None, json: bool = False) -> int:
    return shell.run(post_lines, client, stream(data), tags=[], key=key, json=json, quiet=False)


# Reading


def test_lines_are_numbered_and_empty_ones_left_out() -> None:
    assert lines_of(b"one\n\ntwo\r\n\r\n three \nlast") == [
        [InputLine(1, "one"), InputLine(3, "two"), InputLine(5, " three ")],
        [InputLine(6, "last")],
    ]


def test_lines_that_come_together_are_posted_together() -> None:
    assert lines_of(b"one\ntw", b"o\nthree\n", b"") == [
        [InputLine(1, "one")],
        [InputLine(2, "two"), InputLine(3, "three")],
    ]


def test_bytes_that_are_not_utf8_become_what_no_text_may_hold() -> None:
    assert lines_of(b"\xff\n") == [[InputLine(1, "\udcff")]]


@given(st.lists(st.binary(max_size=8), max_size=8))
def test_where_the_bytes_are_cut_makes_no_difference(chunks: list[bytes]) -> None:
    whole = [line for lines in lines_of(b"".join(chunks)) for line in lines]
    assert [line for lines in lines_of(*filter(None, chunks)) for line in lines] == whole


def chunks(data: bytes) -> list[bytes]:
    return [data[start : start + 60_000] for start in range(0, len(data), 60_000)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\n" + HUGE + b"\ntwo\n", [[InputLine(1, "one")], [InputLine(2, None)], [InputLine(3, "two")]]),
        (HUGE, [[InputLine(1, None)]]),
        (HUGE + b"\n", [[InputLine(1, None)]]),
        (HUGE + b"\n\n" + HUGE + b"\nend", [[InputLine(1, None)], [InputLine(3, None)], [InputLine(4, "end")]]),
    ],
)
def test_a_line_that_is_too_long_is_not_kept(data: bytes, lines: list[list[InputLine]]) -> None:
    assert lines_of(*chunks(data)) == lines


def test_a_line_of_any_length_takes_bounded_memory() -> None:
    tracemalloc.start()
    try:
        assert lines_of(*[b"x" * 60_000] * 500, b"\nend") == [[InputLine(1, None)], [InputLine(2, "end")]]
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_LINE_BYTES
    finally:
        tracemalloc.stop()


# Posting


def test_ids_come_out_in_the_order_of_the_lines(server: Server) -> None:
    text = "".join(f"line {number} #lines\n" for number in range(3000))
    done = run("post", "--lines", "--server", server.address, stdin=text.encode())
    ids = [int(line) for line in done.stdout.splitlines()]
    assert ids == list(range(ids[0], ids[0] + 3000))
    assert (done.returncode, done.stderr) == (0, "")
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == "line 2999 #lines"


def test_refused_lines_are_reported_with_their_numbers(server: Server) -> None:
    data = b"good\n" + b"x" * 151 + b"\n\n\xff\nnul \0\nalso good"
    done = processes.run("post", "--lines", "--server", server.address, stdin=data)
    assert done.returncode == shell.REFUSED
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.splitlines()[:3] == [
        "ttweet: line 2: too long: 151 characters; use at most 150, or post it alone: ttweet post --split MESSAGE",
        "ttweet: line 4: the text is not valid UTF-8: byte 0xff after 0 characters; convert it to UTF-8",
        "ttweet: line 5: invalid text: a NUL character at position 5; remove it",
    ]
    assert done.stderr.splitlines()[3].startswith("2 posted, 3 refused, in ")


def test_a_line_that_is_too_long_is_a_refused_line_like_any_other(server: Server) -> None:
    data = b"one\n" + HUGE + b"\n" + b"x" * 100_000 + b"\ntwo"
    done = run("post", "--lines", "--json", "--server", server.address, stdin=data)
    assert done.returncode == shell.REFUSED
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["line"], one.get("code")) for one in outcomes] == [
        (1, None), (2, "too_long"), (3, "too_long"), (4, None)
    ]  # fmt: skip
    assert (
        done.stderr.splitlines()[0] == "ttweet: line 2: too long: more than 1,048,576 bytes; use at most 150 characters"
    )
    assert done.stderr.splitlines()[-1].startswith("2 posted, 2 refused, in ")


def test_quiet_prints_refused_lines_alone(server: Server) -> None:
    quiet = ["post", "--lines", "--quiet", "--server", server.address]
    done = run(*quiet, stdin=b"one\ntwo\n")
    assert (done.returncode, done.stdout, done.stderr) == (shell.DONE, "", "")
    done = run(*quiet, stdin=b"three\nnul \0")
    assert (done.returncode, done.stdout) == (shell.REFUSED, "")
    assert done.stderr.startswith("ttweet: line 2: invalid text: a NUL character")
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == "three"


def test_a_full_disk_for_the_ids_tells_what_is_stored(server: Server) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*TTWEET, "post", "--lines", "--server", server.address],
            input="one\n", stdout=full, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, env=environment(),
        )  # fmt: skip
    assert done.returncode == shell.FAILED
    assert done.stderr == "ttweet: stdout: No space left on device; 1 acknowledged, up to line 1\n"


def test_json_tells_of_every_line(server: Server) -> None:
    done = run("post", "--lines", "--json", "--tag", "all", "--server", server.address, stdin=b"a #x\n\n" + b"y" * 151)
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {"line": 1, "id": first["id"], "at": first["at"], "tags": ["x", "all"]}
    said = "too long: 151 characters; use at most 150, or post it alone: ttweet post --split MESSAGE"
    assert second == {"line": 3, "code": "too_long", "text": said}
    described = section("post")
    assert all(re.search(rf'[`"]{field}[`"]', described) for field in {**first, **second})


def test_a_second_run_with_the_same_key_stores_none_twice(server: Server) -> None:
    command = ("post", "--lines", "--key", "twice", "--server", server.address)
    first = run(*command, stdin=b"one\ntwo\n")
    again = run(*command, stdin=b"one\ntwo\nthree\n")
    assert again.stdout.splitlines()[:2] == first.stdout.splitlines()
    assert len(again.stdout.splitlines()) == 3


def test_nothing_to_post_is_done(server: Server) -> None:
    assert run("post", "--lines", "--server", server.address).returncode == 0


def test_a_line_is_posted_as_soon_as_it_comes(server: Server) -> None:
    with subprocess.Popen(
        [*TTWEET, "post", "--lines", "--server", server.address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("one", "two"):
            process.stdin.write(f"{text}\n")
            assert process.stdout.readline().strip().isdigit()
        process.stdin.close()
        assert process.wait(LIMIT_S) == 0


def test_a_terminal_sees_how_it_goes_and_what_came_of_it(server: Server) -> None:
    data = "".join(f"line {number}\n" for number in range(500)).encode()
    code, seen = run_on_terminal("post", "--lines", "--server", server.address, stdin=data)
    assert code == 0
    assert "━" in seen
    assert "a second" in seen
    assert plain(seen).splitlines()[-1].startswith("500 posted, in ")


# Errors


def answers(count: int) -> bytes:
    return b"".join([STORED % number for number in range(1, count + 1)])


def test_a_lost_connection_tells_which_lines_are_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    def hangs_up(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for _ in range(10):
            lines.readline()
        connection.sendall(answers(3))

    with peer(hangs_up) as client:
        assert post(client, b"".join(b"%d\n" % number for number in range(10))) == shell.UNREACHABLE
    out, err = capsys.readouterr()
    assert out == "1\n2\n3\n"
    assert err == (
        f"ttweet: 127.0.0.1:{client.port} closed the connection without an answer; 3 acknowledged; whether lines "
        "4 to 10 are stored is unknown; use --key to be able to repeat the command\n"
    )


def test_with_a_key_the_way_on_is_to_run_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    def hangs_up(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        assert lines.readline() == b'["u",{"text":"one","key":"k:1"}]\n'
        assert lines.readline() == b'["u",{"text":"two","key":"k:3"}]\n'
        connection.sendall(answers(1))

    with peer(hangs_up) as client:
        assert post(client, b"one\n\ntwo\n", key="k") == shell.UNREACHABLE
    assert capsys.readouterr().err.endswith(
        "; 1 acknowledged; whether line 3 is stored is unknown; repeat the command: no line is stored twice\n"
    )


def test_a_missing_server_leaves_no_line_unknown() -> None:
    with Client("127.0.0.1", 1) as client, pytest.raises(ConnectError) as raised:
        post_lines(client, stream(b"one\n"), tags=[], key=None, json=False, quiet=False)
    assert raised.value.text.endswith("; start one: ttweet serve 1")


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("full", shell.REFUSED), ("forbidden", shell.REFUSED), ("timeout", shell.REFUSED), ("internal", shell.FAILED)],
)
def test_a_refusal_of_every_line_ends_the_command(
    code: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    read: list[bytes] = []

    def refuses(connection: socket.socket) -> None:
        for line in connection.makefile("rb"):
            read.append(line)
            connection.sendall(b'["err",{"code":"%s","text":"no more"}]\n' % code.encode())

    with peer(refuses) as client:
        assert post(client, b"".join(b"%d\n" % number for number in range(1000))) == exit_code
    assert len(read) == 64
    assert capsys.readouterr().err.startswith("ttweet: line 1: no more\n")


def test_ctrl_c_tells_how_far_it_was(server: Server) -> None:
    with subprocess.Popen(
        [*TTWEET, "post", "--lines", "--server", server.address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\ntwo\n")
        process.stdin.flush()
        process.stdout.readline(), process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == shell.INTERRUPTED
    assert err.decode() == "ttweet: interrupted; 2 acknowledged, up to line 2\n"


def test_a_closed_pipe_ends_it_quietly(server: Server, tmp_path: Path) -> None:
    data = tmp_path / "lines"
    data.write_text("line\n" * 5000)
    read, write = os.pipe()
    os.close(read)
    with data.open("rb") as stdin:
        done = subprocess.run(
            [*TTWEET, "post", "--lines", "--server", server.address],
            stdin=stdin, stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=LIMIT_S,
        )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (shell.PIPE_CLOSED, b"")
