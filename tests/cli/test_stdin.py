"""Byte order marks, as PowerShell and Notepad write them, are no part of a text."""

import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.in_process import run
from tests.support.processes import Server, running_server
from ttweet.cli.shell import UsageError
from ttweet.cli.stdin import Stdin, reader
from ttweet.client.sync_client import Client
from ttweet.model.tweets import Tweet
from ttweet.storage.jsonl import encode

MARK = b"\xef\xbb\xbf"
TWEET = Tweet(7, 1_700_000_000_000, None, "moved #a", ("a",))
UTF_16 = "convert it: iconv -f UTF-16 -t UTF-8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


def read(monkeypatch: pytest.MonkeyPatch, *parts: bytes) -> bytes:
    """Read a pipe to which these chunks are written one after another."""

    def write() -> None:
        with suppress(BrokenPipeError), open(ours, "wb", buffering=0) as pipe:  # what is refused is read no further
            pipe.writelines(parts)

    theirs, ours = os.pipe()
    thread = threading.Thread(target=write)
    thread.start()
    try:
        with open(theirs, "rb") as pipe:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(pipe))
            return reader().read()
    finally:
        thread.join()


@pytest.mark.parametrize(
    ("parts", "data"),
    [
        ([], b""),
        ([MARK], b""),
        ([MARK + b"text"], b"text"),
        ([MARK, b"text"], b"text"),
        ([b"\xef", b"\xbb", b"\xbf", b"text"], b"text"),
        ([MARK + MARK + b"text"], MARK + b"text"),
        ([b"text" + MARK], b"text" + MARK),
        ([b"\xef\xbb"], b"\xef\xbb"),
        ([b"\xef\xbc\x83tag"], "＃tag".encode()),
        ([b"\xff"], b"\xff"),
        ([b"\xfe", b"\xfd"], b"\xfe\xfd"),
        ([b"a", b"b"], b"ab"),
    ],
)
def test_a_mark_at_the_start_is_dropped(monkeypatch: pytest.MonkeyPatch, parts: list[bytes], data: bytes) -> None:
    assert read(monkeypatch, *parts) == data


@pytest.mark.parametrize(("sent", "received"), [(MARK + b"t", b"t"), (b"\xef\xbb#", b"\xef\xbb#")])
def test_a_mark_may_come_byte_by_byte(monkeypatch: pytest.MonkeyPatch, sent: bytes, received: bytes) -> None:
    readv = os.readv
    monkeypatch.setattr(os, "readv", lambda fd, buffers: readv(fd, [memoryview(buffers[0])[:1]]))
    theirs, ours = os.pipe()
    with open(theirs, "rb") as pipe, open(ours, "wb", buffering=0) as other:
        other.write(sent)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(pipe))
        buffer = bytearray(10)
        assert buffer[: Stdin().readinto(buffer)] == received


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_on_stdin_is_named(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    with pytest.raises(UsageError, match=UTF_16):
        read(monkeypatch, "\ufeff".encode("utf-16-be" if encoding == "utf-16-be" else "utf-16-le"), b"x")


@pytest.mark.parametrize(
    ("command", "text", "last"),
    [
        (["post", "-"], "marked #a", "marked #a"),
        (["post", "--lines"], "one\ntwo", "two"),
        (["post", "--lines"], "only one", "only one"),
        (["chat", "127.0.0.1", "PORT", "matt"], "by chat #a\nexit\n", "by chat #a"),
    ],
)
def test_each_command_reads_a_marked_stdin(server: Server, command: list[str], text: str, last: str) -> None:
    words = [word.replace("PORT", str(server.port)) for word in command]
    variables = {"TTWEET_SERVER": server.address}
    assert run(*words, stdin=MARK + text.encode(), variables=variables).returncode == 0
    with Client("127.0.0.1", server.port) as client:
        assert client.last_text() == last
    refused = run(*words, stdin=text.encode("utf-16"), variables=variables)
    assert refused.returncode == 2
    assert UTF_16 in refused.stderr


@pytest.mark.parametrize("source", ["-", "tweets.jsonl"])
def test_import_reads_a_marked_file(tmp_path: Path, source: str) -> None:
    line = encode(TWEET)
    (tmp_path / "tweets.jsonl").write_bytes(MARK + line)
    assert processes.run("import", source, stdin=MARK + line, cwd=tmp_path).returncode == 0
    shown = run("last", "--db", "tweets.db", "--json", cwd=tmp_path).stdout
    assert json.loads(shown)["text"] == TWEET.text
    (tmp_path / "tweets.jsonl").write_bytes(line.decode().encode("utf-16"))
    refused = run("import", source, "--db", "new.db", stdin=line.decode().encode("utf-16"), cwd=tmp_path)
    assert refused.returncode in (2, 5)
    assert UTF_16 in refused.stderr
    assert not (tmp_path / "new.db").exists()
