"""Whatever was posted: no character that steers or hides, and no forged line, reaches a terminal or Sample.txt."""

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unicodedata import category

import pytest
from proofs.report_log import is_hidden

from tests.support.processes import LIMIT_S, TTWEET, Server, environment, plain, run_on_terminal, running_server
from ttweet.client.sync_client import Client

HARMFUL = [one for one in map(chr, range(sys.maxunicode + 1)) if category(one) not in ("Cs", "Cn") and is_hidden(one)]
FORGED = "SERVER ALERT [GENERAL] forged"
TAG = "#harm"
CHUNK = 20  # harmful characters of one message
TEXTS = [
    *(f"{TAG} <{'.'.join(HARMFUL[at : at + CHUNK])}>" for at in range(1, len(HARMFUL), CHUNK)),  # NUL is refused
    *(f"{TAG} x{line_break}{FORGED}" for line_break in ("\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029")),
    f"{TAG} \x1b]0;title\x07\x1b[2J\x9b2J\x1b[31mred\u202edesrever",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with all that harm posted, also as report lines of a client's."""
    with running_server(tmp_path_factory.mktemp("harm")) as server:
        with Client("127.0.0.1", server.port) as client:
            for text in TEXTS:
                client.post(text)
                client.report(text)
            client.ping()  # the reports have come
        yield server


def harm(seen: str) -> set[str]:
    """The harmful characters of what was seen, line ends and ttweet's own colours apart."""
    return {character for character in plain(seen) if is_hidden(character)} - {"\n"}


def forged(seen: str) -> list[str]:
    """Lines that begin like one of the server's own."""
    return [line for line in plain(seen).splitlines() if line.startswith(FORGED)]


def test_unicode_has_these_harmful_characters() -> None:
    controls, breaks, directions = 65, 2, 9 + 3
    assert len(HARMFUL) >= controls + breaks + directions + 120  # newer versions of Python know more format characters
    assert {"\xad", "\u200b", "\u2060", "\u3164", "\ufeff", "\ufff9", "\U000e0041"} <= set(HARMFUL)
    assert not {"\u200c", "\u200d", "\u0600", "\ufe0f", "\U000e0100"} & set(HARMFUL)


@pytest.mark.parametrize(
    "command",
    [
        ("last",),
        ("tags",),
        ("tags", TAG, "--limit", "100"),
        ("log", "--session", "all"),
        ("follow", "--after", "0", "--count", str(len(TEXTS))),
        ("wait", TAG, "--after", "0"),
    ],
)
def test_a_command_on_a_terminal_shows_no_harm(command: tuple[str, ...], server: Server) -> None:
    place = {"TTWEET_SERVER": server.address} if command[0] in ("follow", "wait") else {"TTWEET_DB": str(server.db)}
    code, seen = run_on_terminal(*command, variables=place)
    assert code == 0, seen
    assert TAG[1:] in seen
    assert harm(seen) == set()
    assert forged(seen) == []


@pytest.mark.parametrize("text", TEXTS)
def test_a_download_on_a_terminal_shows_no_harm(text: str, server: Server) -> None:
    with Client("127.0.0.1", server.port) as client:
        client.post(text)
    code, seen = run_on_terminal("-d", "127.0.0.1", str(server.port))
    assert code == 0, seen
    assert f"Received Message: {text[:4]}" in seen
    assert harm(seen) == set()
    assert forged(seen) == []


@pytest.mark.parametrize(
    ("option", "typed", "shown"),
    [(["--course"], b"gettweets eve\nexit\n", len(TEXTS)), ([], b"/find by:eve\n/quit\n", 20)],
)
def test_a_session_at_the_keyboard_shows_no_harm(server: Server, option: list[str], typed: bytes, shown: int) -> None:
    with Client("127.0.0.1", server.port, name="eve") as client:
        for text in TEXTS:
            client.post(text)
        code, seen = run_on_terminal("chat", *option, "127.0.0.1", str(server.port), "bob", stdin=typed)
    assert code == 0, seen
    assert len(re.findall("eve: .?#harm", plain(seen))) == shown
    assert harm(seen) == set()
    assert forged(seen) == []


def test_sample_txt_has_no_harm(server: Server) -> None:
    """Complete, and each line one that is in the log."""
    sample = server.folder / "Sample.txt"
    with Client("127.0.0.1", server.port) as client:
        client.post("the last")
    end = time.monotonic() + LIMIT_S
    while "the last\n" not in (seen := sample.read_bytes().decode()):
        assert time.monotonic() < end, "the copy of the log is not complete"
        time.sleep(0.01)
    assert seen.count("Message Received: " + TAG) >= len(TEXTS)
    assert harm(seen) == set()
    assert forged(seen) == []


@pytest.mark.parametrize(("form", "before"), [("text", 'posted #\\d+ "'), ("classic", "Message Received: ")])
def test_the_servers_own_terminal_shows_no_harm(form: str, before: str, tmp_path: Path) -> None:
    with on_terminal("serve", "0", "--log-format", form, cwd=tmp_path) as (process, seen):
        found = seen(lambda shown: re.search(r"listening on 127\.0\.0\.1:(\d+)\n", shown))
        port = int(re.findall(r"listening on 127\.0\.0\.1:(\d+)", found)[0])
        with Client("127.0.0.1", port) as client:
            for text in TEXTS:
                client.post(text)
            client.post("the last")
        shown = seen(lambda shown: re.search('the last"?\n', shown))
        process.terminate()
        assert process.wait(LIMIT_S) == 0
    assert len(re.findall(before + TAG, shown)) == len(TEXTS)
    assert harm(shown) == set()
    assert forged(shown) == []


WIDE = {"TERM": "xterm", "COLUMNS": "1000"}  # no line is cut
Shown = Callable[[Callable[[str], object]], str]


@contextmanager
def on_terminal(*arguments: str, cwd: Path) -> Iterator[tuple[subprocess.Popen[bytes], Shown]]:
    """A command on a terminal while it runs, and what returns all that was shown once that meets a condition."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*TTWEET, *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=environment(WIDE)
    )
    os.close(slave)
    read = bytearray()

    def shown(met: Callable[[str], object]) -> str:
        while not met(text := read.decode(errors="replace").replace("\r\n", "\n")):
            read.extend(os.read(master, 65536))
        return text

    try:
        yield process, shown
    finally:
        process.kill()
        process.wait(LIMIT_S)
        os.close(master)
