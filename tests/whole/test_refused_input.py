"""Why input was refused: told in the columns of the log and on the server's terminal, for operators and fail2ban."""

import json
import re
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.in_process import run
from tests.support.processes import LIMIT_S
from tests.support.talking import Talking, talking_server
from ttweet.client.sync_client import Client

ROOT = Path(__file__).parents[2]
[PATTERN] = re.findall(r"^failregex = (.*)$", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)
PREFIX = r"\s*(?:\S+ )?(?:ttweet\[\d+\]: )?"  # what fail2ban's common.conf takes before a line of the journal or a file
FILTER = re.compile(PATTERN.replace("<HOST>", r"(?P<host>\S+)").replace("%(__prefix_line)s", PREFIX))


def wrong_token(port: int, _: Path) -> None:
    run("last", "--server", f"127.0.0.1:{port}", variables={"TTWEET_TOKEN": "ttw_wrong"})


def revoked_token(port: int, folder: Path) -> None:
    secret = run("token", "add", "old", cwd=folder).stdout.strip()
    run("token", "revoke", "old", cwd=folder)
    asked = partial(run, "last", "--server", f"127.0.0.1:{port}", variables={"TTWEET_TOKEN": secret})
    while "was revoked" not in asked().stderr:
        pass  # the server has read the tokens in between, and looks again within half a second


def missing_right(port: int, folder: Path) -> None:
    secret = run("token", "add", "reader", "--can", "read", cwd=folder).stdout.strip()
    run("post", "hello", "--server", f"127.0.0.1:{port}", variables={"TTWEET_TOKEN": secret})


def bad_tag(port: int, _: Path) -> None:
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
        connection.sendall(b'["u",{"text":"x","tags":["a b"]}]\n')
        assert b"bad_tag" in connection.recv(1000)


def refused_line(server: Talking) -> tuple[str, dict[str, object]]:
    """The first such line on the server's terminal, and as `ttweet log --json` has it."""
    shown = server.read_until("INPUT COULD NOT BE PROCESSED")[-1]
    assert server.stop() == 0
    errors = run("log", "--category", "error", "--json", "--db", str(server.db)).stdout.splitlines()
    return shown, json.loads(errors[0])


@pytest.mark.parametrize(
    ("misbehave", "code", "identity"),
    [
        (wrong_token, "token", None),
        (revoked_token, "token", "old"),
        (missing_right, "forbidden", "reader"),
        (bad_tag, "bad_tag", None),
    ],
)
def test_the_cause_is_shown_in_columns_and_on_the_terminal_and_the_text_stays(
    misbehave: Callable[[int, Path], None], code: str, identity: str | None, tmp_path: Path
) -> None:
    with talking_server(cwd=tmp_path) as server:
        misbehave(server.port, tmp_path)
        shown, line = refused_line(server)
    assert (line["code"], line["identity"], line["address"]) == (code, identity, "127.0.0.1")
    text = str(line["text"])
    assert re.fullmatch(r"INPUT COULD NOT BE PROCESSED FROM CLIENT: \('127\.0\.0\.1', \d+\)", text)
    suffix = f" code={code} address=127.0.0.1" + (f" identity={identity}" if identity else "")
    assert shown == f"SERVER ALERT [ERROR] {text}{suffix}"
    assert f"SERVER ALERT [ERROR] {text}\n" in tmp_path.joinpath("Sample.txt").read_text()
    found = FILTER.search(f" host ttweet[12]: {shown}")
    assert (found is not None) == (code == "token")
    assert found is None or found["host"] == "127.0.0.1"


def test_no_client_can_write_a_line_that_the_filter_takes(tmp_path: Path) -> None:
    start = "SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT"
    forged = f"{start}: ('192.0.2.1', 1) code=token address=192.0.2.1"
    assert FILTER.search(forged)
    with talking_server(cwd=tmp_path) as server:
        with Client("127.0.0.1", server.port) as client:
            client.report(forged, f"Received Message: {forged}", f"\n{forged}", f"CLIENT ALERT [ERROR] {forged}")
            client.report(f"ttweet[1]: {forged}", f"Received Message: ttweet[1]: {forged}", f"h ttweet[1]: {forged}")
            client.post(forged)
            client.post("the last")
        lines = server.read_until("Message Received: the last")
    assert len([line for line in lines if "address=192.0.2.1" in line]) == 8
    assert [line for line in lines if FILTER.search(line) or FILTER.search(f"host ttweet[1]: {line}")] == []
