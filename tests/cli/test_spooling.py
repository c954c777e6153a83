"""The spool as its users meet it: a server that is down, slow or full, commands that are killed, two at once."""

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import run
from tests.support.peers import Script, listens, peer, says, says_and_ends
from tests.support.processes import LIMIT_S, TTWEET, environment, interrupted
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import main, shell
from ttweet.client.spool import Spool, SpooledParcel
from ttweet.client.sync_client import Client
from ttweet.model.tweets import Tweet

KEPT = "the next ttweet post or run with --spool sends it"
UNKNOWN_LETTER = "\U000378a1"  # unassigned in every Python: a letter that only the server's newer Python may know
BUSY = b'["err",{"code":"busy","text":"another process holds the file"}]\n'


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHere]:
    (tmp_path / "server").mkdir()
    with server_here(tmp_path / "server") as server:
        yield server


def command(state: Path, *arguments: str, server: str) -> subprocess.CompletedProcess[str]:
    return run(*arguments, variables={"XDG_STATE_HOME": str(state), "TTWEET_SERVER": server})


def post(state: Path, *arguments: str, server: str) -> tuple[int, str, str]:
    done = command(state, "post", "--spool", *arguments, server=server)
    return done.returncode, done.stdout, done.stderr


def waiting(state: Path) -> list[str]:
    entries = list(Spool(state / "ttweet" / "spool").take())
    return [entry.parcel.text for entry in entries if isinstance(entry, SpooledParcel)]


def files(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "ttweet" / "spool").iterdir() if path.name != "lock")


def readdress(state: Path, server: str) -> None:
    """Let what waits be meant for this server."""
    folder = state / "ttweet" / "spool"
    for path in folder.glob("*.new"):
        path.write_text(re.sub(r'"server": "[^"]*"', f'"server": "{server}"', path.read_text()))


def all_tweets(server: ServerHere) -> list[Tweet]:
    found = []
    with Client("127.0.0.1", server.port) as client:
        for tweet in client.follow(after=0):
            found.append(tweet)
            if tweet.text == "last":
                return found
    return found


def texts(server: ServerHere) -> list[str]:
    return [tweet.text for tweet in all_tweets(server)]


def test_a_tweet_that_finds_no_server_goes_with_the_next_one_and_before_it(state: Path, server: ServerHere) -> None:
    for text in ("one #a", "two"):
        code, out, err = post(state, "--tag", "b", "--as", "matt", text, server="127.0.0.1:1")
        assert (code, out) == (shell.UNREACHABLE, "")
        assert err == f"ttweet: kept: no server is listening on 127.0.0.1:1; start one: ttweet serve 1; {KEPT}\n"
    assert waiting(state) == ["one #a", "two"]
    readdress(state, server.address)
    assert post(state, "last", server=server.address) == (0, "3\n", "posted 2 waiting tweets\n")
    one, two, last = all_tweets(server)
    assert (one.text, one.by, one.tags) == ("one #a", "matt", ("a", "b"))
    assert (two.text, last.text, last.by) == ("two", "last", None)
    assert files(state) == []


@pytest.mark.parametrize("options", [["--tag", f"x{UNKNOWN_LETTER}"], ["--as", f"ann{UNKNOWN_LETTER}"]])
def test_a_message_that_only_a_newer_server_may_take_is_kept_for_the_server_to_judge(
    state: Path, server: ServerHere, options: list[str]
) -> None:
    code, _, err = post(state, *options, "one", server="127.0.0.1:1")
    assert (code, err.endswith(f"{KEPT}\n"), waiting(state)) == (shell.UNREACHABLE, True, ["one"])
    readdress(state, server.address)
    code, _, err = post(state, "last", server=server.address)
    assert (code, texts(server)) == (0, ["last"])
    assert "'one'" in err
    assert "invalid " in err


@pytest.mark.parametrize("options", [["--tag", f"x{UNKNOWN_LETTER}"], ["--as", f"ann{UNKNOWN_LETTER}"]])
def test_a_server_that_answers_judges_what_the_client_does_not_know(
    state: Path, server: ServerHere, options: list[str]
) -> None:
    for spool in ([], ["--spool"]):
        done = command(state, "post", *spool, *options, "one", server=server.address)
        assert (done.returncode, "invalid " in done.stderr) == (shell.REFUSED, True), done
    done = command(state, "run", *options, "--", "sh", "-c", "exit 3", server=server.address)
    assert (done.returncode, "invalid " in done.stderr) == (3, True)
    assert command(state, "post", "last", server=server.address).returncode == 0
    assert texts(server) == ["last"]


def test_run_keeps_its_tweet_and_ends_as_its_command_did(state: Path, server: ServerHere) -> None:
    done = command(state, "run", "--spool", "--", "sh", "-c", "exit 3", server="127.0.0.1:1")
    assert done.returncode == 3
    assert re.search(rf"ttweet: kept: no server is listening .*; {KEPT}: 'failed \(3\) sh [\d.]+s'\n$", done.stderr)
    readdress(state, server.address)
    done = command(state, "run", "--spool", "--tag", "ci", "--", "true", server=server.address)
    assert (done.returncode, done.stderr) == (0, "posted 1 waiting tweet\n")
    post(state, "last", server=server.address)
    assert [re.sub(r" [\d.]+s$", "", text) for text in texts(server)] == ["failed (3) sh", "ok true", "last"]


def test_without_a_message_what_waits_is_posted(state: Path, server: ServerHere) -> None:
    post(state, "last", server="127.0.0.1:1")
    code, out, err = post(state, server="127.0.0.1:1")
    assert (code, out) == (shell.UNREACHABLE, "")
    assert err.endswith("; the waiting tweets are kept\n")
    readdress(state, server.address)
    assert post(state, server=server.address) == (0, "", "posted 1 waiting tweet\n")
    assert post(state, server=server.address) == (0, "", "")
    assert texts(server) == ["last"]


@pytest.mark.parametrize(
    "options", [["--empty"], ["--tag", "a"], ["--key", "k"], ["--key", ""], ["--as", "matt"], ["--cut"], ["--json"]]
)
def test_an_option_of_a_message_does_not_stand_for_one(state: Path, server: ServerHere, options: list[str]) -> None:
    said = f"ttweet: missing message: {options[0]} needs one; to post what is waiting: ttweet post --spool\n"
    assert post(state, *options, server=server.address) == (shell.USAGE, "", said)


def test_a_command_without_the_option_leaves_the_spool_alone(state: Path, server: ServerHere) -> None:
    post(state, "waits", server="127.0.0.1:1")
    readdress(state, server.address)
    assert command(state, "post", "last", server=server.address).stdout == "1\n"
    assert waiting(state) == ["waits"]


def test_a_message_for_another_server_waits_for_that_server(state: Path, server: ServerHere) -> None:
    post(state, "for another", server="127.0.0.1:1")
    assert post(state, "last", server=server.address) == (0, "1\n", "")
    assert waiting(state) == ["for another"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["x" * 151], shell.REFUSED, "too long: 151 characters; use at most 150, or add --cut\n"),
        (["--tag", "two words", "x"], shell.USAGE, "invalid tag 'two words'"),
        (["--key", "", "x"], shell.REFUSED, "invalid key of 0 characters"),
        (["--as", "two words", "x"], shell.USAGE, "invalid name 'two words'"),
    ],
)
@pytest.mark.parametrize("up", [True, False])
def test_a_message_that_every_server_refuses_is_not_kept(
    state: Path, server: ServerHere, arguments: list[str], code: int, text: str, up: bool
) -> None:
    ended, out, err = post(state, *arguments, server=server.address if up else "127.0.0.1:1")
    assert (ended, out) == (code, "")
    assert text in err
    assert not state.exists()


def scripted(state: Path, script: Script, text: str) -> tuple[int, str, str]:
    with peer(script) as client:
        return post(state, text, server=f"127.0.0.1:{client.port}")


@pytest.mark.parametrize(
    ("script", "end"),
    [
        (says_and_ends(b""), ".sent"),
        (says(BUSY), ".new"),
        (says(BUSY.replace(b"busy", b"tls")), ".new"),
        (says(BUSY.replace(b"busy", b"unknown")), ".sent"),
    ],
)
def test_a_server_that_cannot_say_or_cannot_now_leaves_it_in_the_spool(state: Path, script: Script, end: str) -> None:
    code, out, err = scripted(state, script, "later")
    assert (code, out) == (shell.UNREACHABLE, "")
    assert err.endswith(f"; {KEPT}\n")
    assert files(state) == [f"000000000001{end}"]


@pytest.mark.parametrize("code", ["timeout", "token", "forbidden", "stopping", "of_a_later_version"])
def test_new_and_waiting_tweets_stay_in_the_spool_if_the_refusal_is_not_about_them(state: Path, code: str) -> None:
    refusal = says(b'["err",{"code":"%s","text":"not now"}]\n' % code.encode())
    said = (shell.UNREACHABLE, "", f"ttweet: kept: not now; {KEPT}\n")
    assert scripted(state, refusal, "one") == said
    with peer(refusal) as client:
        readdress(state, f"127.0.0.1:{client.port}")
        assert post(state, "two", server=f"127.0.0.1:{client.port}") == said
    assert waiting(state) == ["one", "two"]


def test_one_that_was_refused_after_all_is_set_aside_and_the_others_go(state: Path, server: ServerHere) -> None:
    post(state, "a" * 150, server="127.0.0.1:1")
    (path,) = (state / "ttweet" / "spool").glob("*.new")
    path.write_text(path.read_text().replace("aaa", "aaaa"))
    post(state, "good", server="127.0.0.1:1")
    readdress(state, server.address)
    code, out, err = post(state, "last", server=server.address)
    assert (code, out) == (0, "2\n")
    assert re.search(r"too long: 200 characters; use at most 150: 'a+'; moved to .*/000000000001\.new\.refused\n", err)
    assert texts(server) == ["good", "last"]
    assert files(state) == ["000000000001.new.refused"]


def test_damaged_and_too_old_files_are_set_aside_and_the_others_go(state: Path, server: ServerHere) -> None:
    for text in ("damaged", "old", "good"):
        post(state, text, server="127.0.0.1:1")
    readdress(state, server.address)
    folder = state / "ttweet" / "spool"
    (folder / "000000000001.new").write_text('{"server')
    old = (folder / "000000000002.new").rename(folder / "000000000002.sent")
    os.utime(old, (0, 0))
    code, out, err = post(state, "last", server=server.address)
    assert (code, out) == (0, "2\n")
    assert "damaged file in the spool; moved to " in err
    assert "too old to post safely, as it may be stored already: 'old'; moved to " in err
    assert texts(server) == ["good", "last"]
    assert files(state) == ["000000000001.new.damaged", "000000000002.sent.old"]


def test_a_spool_that_cannot_be_written_does_not_prevent_posting(state: Path, server: ServerHere) -> None:
    state.write_text("a file where the folder should be")
    code, out, err = post(state, "last", server=server.address)
    assert (code, out) == (0, "1\n")
    assert "Not a directory; set XDG_STATE_HOME to a folder that you can write; posting without the spool" in err


def test_lines_have_keys_and_no_spool(state: Path) -> None:
    code, _, err = post(state, "--lines", server="127.0.0.1:1")
    assert code == shell.USAGE
    assert "conflicting options: --spool and --lines; use --lines --key KEY" in err


def spawn(state: Path, text: str, server: str) -> subprocess.Popen[bytes]:
    variables = environment({"XDG_STATE_HOME": str(state), "TTWEET_SERVER": server})
    return subprocess.Popen([*TTWEET, "post", "--spool", text], env=variables, stdout=subprocess.PIPE)


@pytest.mark.parametrize("stored", [True, False])
def test_a_poster_that_is_killed_before_the_answer_has_posted_once(
    state: Path, server: ServerHere, stored: bool
) -> None:
    def swallows(connection: socket.socket) -> None:
        upload = connection.makefile("rb").readline()
        if stored:  # by a server whose answer does not arrive
            with socket.create_connection(("127.0.0.1", server.port)) as other:
                other.sendall(upload)
                assert other.recv(1000).startswith(b'["ok"')
        assert started.wait(LIMIT_S)
        process.kill()
        listens(connection)

    started = threading.Event()
    with peer(swallows) as client:
        process = spawn(state, "killed", f"127.0.0.1:{client.port}")
        started.set()
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == -signal.SIGKILL
    (path,) = (state / "ttweet" / "spool").glob("*.sent")
    path.write_text(path.read_text().replace(f":{client.port}", f":{server.port}"))
    assert post(state, "last", server=server.address) == (0, "2\n", "posted 1 waiting tweet\n")
    assert texts(server) == ["killed", "last"]


def test_posters_at_once_deliver_what_waits_once(state: Path, server: ServerHere) -> None:
    for number in range(3):
        post(state, f"kept {number}", server="127.0.0.1:1")
    readdress(state, server.address)
    posters = [spawn(state, f"new {number}", server.address) for number in range(4)]
    ids = [int(poster.communicate(timeout=LIMIT_S)[0]) for poster in posters]
    assert sorted(ids) == [4, 5, 6, 7]
    post(state, "last", server=server.address)
    seen = texts(server)
    assert seen[:3] == ["kept 0", "kept 1", "kept 2"]
    assert sorted(seen[3:]) == ["last", "new 0", "new 1", "new 2", "new 3"]


def test_while_another_command_stands_still_the_tweet_is_kept_behind_its_own(
    state: Path, server: ServerHere, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ttweet.client.spool.MAX_WAIT_S", 0.0)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    post(state, "before", server="127.0.0.1:1")
    with Spool(state / "ttweet" / "spool").locked():
        assert main.main(["post", "--spool", "--server", server.address, "later"]) == shell.UNREACHABLE
        assert re.search(rf"process {os.getpid()} has used the spool for .*; {KEPT}\n$", capfd.readouterr().err)
        assert main.main(["post", "--spool", "--server", server.address]) == shell.UNREACHABLE
        assert capfd.readouterr().err.endswith("; the waiting tweets are kept\n")
    readdress(state, server.address)
    assert post(state, "last", server=server.address) == (0, "3\n", "posted 2 waiting tweets\n")
    assert texts(server) == ["before", "later", "last"]


def test_messages_that_wait_under_another_name_of_the_server_are_reported(state: Path, server: ServerHere) -> None:
    post(state, "last", server="localhost:1")
    code, out, err = post(state, server=server.address)
    assert (code, out) == (0, "")
    assert err == "still kept for --server localhost:1\n"
    assert waiting(state) == ["last"]


def test_an_interrupted_poster_says_where_its_tweet_is(state: Path) -> None:
    said = interrupted("post", "--spool", "x", variables={"XDG_STATE_HOME": str(state)})
    assert said == (shell.INTERRUPTED, f"ttweet: kept: interrupted; {KEPT}\n")
    assert waiting(state) == ["x"]


def test_a_poster_that_is_interrupted_while_it_waits_for_another_keeps_its_tweet(state: Path) -> None:
    arguments = [*TTWEET, "post", "--spool", "--server", "127.0.0.1:1", "x"]
    with Spool(state / "ttweet" / "spool").locked():
        env = environment({"XDG_STATE_HOME": str(state)})
        with subprocess.Popen(arguments, env=env, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert "uses the spool; waiting" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.stderr.read() == f"ttweet: kept: interrupted; {KEPT}\n"
    assert process.returncode == shell.INTERRUPTED
    with Spool(state / "ttweet" / "spool").locked():
        assert waiting(state) == ["x"]
