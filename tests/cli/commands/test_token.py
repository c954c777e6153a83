"""The command `token`, and what its tokens are good for, as a user meets them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.test_tokens import SECRET
from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, plain, run_on_terminal, running_server
from tests.support.sqlite_files import sql
from ttweet.cli import shell


def added(folder: Path, name: str, *options: str) -> str:
    """The secret of a new token."""
    done = run("token", "add", name, *options, cwd=folder)
    assert (done.returncode, done.stdout.count("\n")) == (shell.DONE, 1), done.stderr
    return done.stdout.strip()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path) as server:
        yield server


def test_a_token_is_shown_once_on_stdout_and_how_to_use_it_on_stderr(tmp_path: Path) -> None:
    done = processes.run("token", "add", "ci", cwd=tmp_path)
    assert SECRET.fullmatch(done.stdout.strip())
    assert "TTWEET_TOKEN" in done.stderr
    assert done.stdout.strip() not in run("token", "list", cwd=tmp_path).stdout
    shown = json.loads(run("token", "add", "other", "--can", "admin", "--expires", "2d", "--json", cwd=tmp_path).stdout)
    assert SECRET.fullmatch(shown["token"])
    assert (shown["can"], shown["expires"] - shown["created"] - 2 * 86_400_000 < 1_000) == (["admin"], True)


def test_the_list_shows_what_there_is_in_a_pipe_as_json_and_on_a_terminal(tmp_path: Path) -> None:
    added(tmp_path, "ci", "--can", "post")
    added(tmp_path, "guest", "--expires", "90d")
    run("token", "revoke", "ci", cwd=tmp_path)
    rows = [line.split("\t") for line in run("token", "list", cwd=tmp_path).stdout.splitlines()]
    assert [row[:3] for row in rows] == [["ci", "post", "revoked"], ["guest", "read,post", "live"]]
    assert [row[4] == "-" for row in rows] == [True, False]
    objects = [json.loads(line) for line in run("token", "list", "--json", cwd=tmp_path).stdout.splitlines()]
    assert [sorted(one) for one in objects] == [["can", "created", "expires", "name", "revoked", "used"]] * 2
    for columns in (40, 80):
        code, seen = run_on_terminal("token", "list", cwd=tmp_path, columns=columns)
        assert code == shell.DONE
        assert max(len(line) for line in plain(seen).splitlines()) <= columns
        assert re.search(r"guest +read,post +live for", plain(seen)) or columns == 40


def test_a_token_that_could_not_be_shown_can_be_made_again_as_it_says(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [*TTWEET, "token", "add", "ci"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment(), timeout=LIMIT_S
        )
    assert done.returncode == shell.FAILED
    assert "No space left on device; the token of ci was made and not shown; " in done.stderr
    revoke = done.stderr.strip().rpartition("ttweet ")[2]
    assert run(*revoke.split(), cwd=tmp_path).returncode == shell.DONE
    added(tmp_path, "ci")


def test_a_database_that_is_not_there_yet_is_named(tmp_path: Path) -> None:
    assert "token of ci for tweets.db, which does not exist yet; save" in run("token", "add", "ci", cwd=tmp_path).stderr
    with running_server(tmp_path, "--no-report-file"):
        assert "token of me; save it" in run("token", "add", "me", cwd=tmp_path).stderr


@pytest.mark.parametrize("what", ["a folder", "a text", "another program's database", "a device"])
def test_a_database_of_another_program_gets_no_token(tmp_path: Path, what: str) -> None:
    place = tmp_path / "x.db"
    if what == "a folder":
        place.mkdir()
    elif what == "a text":
        place.write_text("hello")
    elif what == "a device":
        place.symlink_to("/dev/null")
    else:
        sql(place, "CREATE TABLE t (x)")
    code, text = complains("token", "add", "ci", "--db", str(place))
    assert (code, "choose another" in text) == (shell.FAILED, True), text
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


def test_arguments_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    db = ["--db", str(tmp_path / "tweets.db")]
    for arguments, code, words in (
        (["list", "ci"], shell.USAGE, "unexpected NAME; run: ttweet token list"),
        (["add"], shell.USAGE, "missing NAME; run: ttweet token add NAME"),
        (["revoke"], shell.USAGE, "missing NAME; run: ttweet token revoke NAME"),
        (["revoke", "ci", "--can", "read"], shell.USAGE, "invalid options: --can and --expires belong to"),
        (["add", "c i"], shell.USAGE, "invalid name 'c i'"),
        (["add", "ci", "--can", "write"], shell.USAGE, "invalid right 'write': use read, post, admin"),
        (["add", "ci", "--can", ""], shell.USAGE, "invalid right ''"),
        (["add", "ci", "--expires", "90"], shell.USAGE, "invalid --expires '90'"),
        (["add", "ci", "--expires", "soon"], shell.USAGE, "invalid --expires 'soon'"),
        (["add", "ci", "--expires", "0"], shell.USAGE, "invalid --expires '0': use 1s to 36600d"),
        (["add", "ci", "--expires", "999999999d"], shell.USAGE, "use 1s to 36600d"),
        (["list"], shell.NOTHING, "no tokens for"),
        (["revoke", "ci"], shell.NOTHING, "no token has the name 'ci'"),
        (["list", "--db", str(tmp_path / "no" / "x.db")], shell.NOTHING, "no tokens for"),
    ):
        seen, text = complains("token", *arguments, *(db if "--db" not in arguments else []))
        assert (seen, words in text) == (code, True), text
    added(tmp_path, "ci")
    assert complains("token", "add", "ci", *db)[0] == shell.REFUSED


def test_a_token_of_an_earlier_ttweet_can_be_revoked_whatever_its_name(tmp_path: Path) -> None:
    added(tmp_path, "ann")
    file = tmp_path / "tweets.db.tokens"
    file.write_text(file.read_text().replace('"ann"', '"ann\u3164"'), encoding="utf-8")
    db = ["--db", str(tmp_path / "tweets.db")]
    assert complains("token", "revoke", "ann\u3164", *db)[0] == shell.DONE
    code, text = complains("token", "add", "ann\u3164", *db)
    assert (code, "invalid name 'ann\\u3164': it has an invisible character" in text) == (shell.USAGE, True), text


def test_every_kind_of_command_shows_its_token(server: Server) -> None:
    secret = added(server.folder, "ci")
    host, port = server.address.split(":")
    mine = {"TTWEET_TOKEN": secret, "TTWEET_SERVER": server.address}
    assert run("-u", host, port, "by the fast way", variables=mine).returncode == shell.DONE
    assert run("post", "by post", variables=mine).returncode == shell.DONE
    assert run("post", "--lines", stdin=b"by lines\n", variables=mine).returncode == shell.DONE
    assert run("run", "--", "true", variables=mine).returncode == shell.DONE
    seen = run("follow", "--from", "0", "--count", "4", "--json", variables=mine).stdout
    assert [json.loads(line)["by"] for line in seen.splitlines()] == ["ci"] * 4
    script = Path(__file__).parents[3] / "scripts" / "ttweetcli.py"
    command = [sys.executable, str(script), host, port, "ci"]
    talk = subprocess.run(
        command,
        input='tweet "by chat" #a\nexit\n',
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment(mine),
    )
    assert talk.stdout.startswith("username legal"), talk
    assert run("last", "--json", variables=mine).stdout.startswith('{"id":5')
    wrong = {"TTWEET_TOKEN": "ttw_wrong", "TTWEET_SERVER": server.address}
    for arguments in (["-u", host, port, "no"], ["-d", host, port], ["post", "no"], ["follow"]):
        done = run(*arguments, variables=wrong)
        assert (done.returncode, "unknown token" in done.stderr) == (shell.REFUSED, True), done
    assert "unknown token" in run("chat", host, port, "ci", variables=wrong | {"TTWEET_TOKEN": "x"}).stderr


def test_a_token_that_is_revoked_ends_what_follows_with_it(server: Server) -> None:
    secret = added(server.folder, "reader")
    command = [*TTWEET, "follow", "--from", "0", "--server", server.address]
    with subprocess.Popen(
        command, env=environment({"TTWEET_TOKEN": secret}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as follower:
        run("post", "hello", "--server", server.address)
        assert follower.stdout is not None
        assert "hello" in follower.stdout.readline()
        revoked = run("token", "revoke", "reader", cwd=server.folder)
        assert "within a second" in revoked.stderr
        assert follower.wait(LIMIT_S) == shell.REFUSED
        assert follower.stderr is not None
        assert "the token of reader was revoked or has expired" in follower.stderr.read()


def test_a_secret_is_found_in_no_file_no_log_and_on_no_command_line(tmp_path: Path) -> None:
    secret = added(tmp_path, "ci")
    with running_server(tmp_path) as server:
        variables = {"TTWEET_TOKEN": secret, "TTWEET_SERVER": server.address}
        command = [*TTWEET, "follow", "--from", "0"]
        with subprocess.Popen(command, env=environment(variables), stdout=subprocess.PIPE, text=True) as follower:
            run("post", "hello #x", variables=variables)
            run("post", "hello", variables=variables | {"TTWEET_TOKEN": secret[:-1]})
            assert follower.stdout is not None
            follower.stdout.readline()  # both are at work now
            for line in Path("/proc").glob("[0-9]*/cmdline"):
                assert secret[:-1] not in cmdline(line)
            follower.terminate()
        server.stop()
        assert secret[:-1] not in "".join(server.said)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {"tweets.db", "tweets.db.tokens", "Sample.txt"} <= {path.name for path in files}
    for path in files:
        assert secret[:-1].encode() not in path.read_bytes(), path


def cmdline(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # the process has ended
        return ""
