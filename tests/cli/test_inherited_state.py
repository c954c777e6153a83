"""The state that a process inherits does not change what a command does, or the command reports it in a sentence."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, TTWEET, Server, environment, run, running_server
from ttweet.client.sync_client import Client

CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]
NOBODY = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
MAY_READ = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # the interpreter may be root's alone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        run("post", "first #tag", "--server", server.address)
        yield server


def begin(script: str, server: Server, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours out of a shell, where `"$@"` stands in the script."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *TTWEET, *arguments],
        cwd=folder, capture_output=True, text=True, input="from stdin\n", timeout=LIMIT_S,
        env=environment({"TTWEET_SERVER": server.address, "XDG_STATE_HOME": str(folder)}),
    )  # fmt: skip


@pytest.mark.parametrize("streams", CLOSED)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["post", "hello"], 0),
        (["run", "--spool", "--", "sh", "-c", "exit 7"], 7),
        (["follow", "--from", "0", "--count", "1", "--exec", "cat >&9"], 0),
        (["wait", "--from", "0"], 0),
        (["last"], 0),
        (["-d", "HOST", "PORT"], 0),
    ],
)
def test_a_closed_stream_costs_no_command_its_work(
    server: Server, tmp_path: Path, streams: str, command: list[str], code: int
) -> None:
    words = {"HOST": "127.0.0.1", "PORT": str(server.port)}
    done = begin(f'exec "$@" 9>seen {streams}', server, tmp_path, *[words.get(word, word) for word in command])
    assert (done.returncode, done.stderr) == (code, "")
    assert "--exec" not in command or '"text":"first #tag"' in (tmp_path / "seen").read_text()


@pytest.mark.parametrize(
    ("command", "streams", "said"),
    [
        (["post", "-"], "<&-", "stdin is closed; there is nothing to read"),
        (["import", "-"], "<&-", "stdin is closed; there is nothing to read"),
        (["post", "-"], "0>/dev/null", "stdin: Bad file descriptor; check the redirection"),
        (["post", "--lines"], "0>/dev/null", "stdin: Bad file descriptor; check the redirection"),
        (["import", "-"], "0>/dev/null", "stdin: Bad file descriptor; check the redirection"),
        (["last"], "1</dev/null", "stdout: Bad file descriptor; check the redirection"),
        (["last"], "1>/dev/full", "stdout: No space left on device; make room on the disk"),
        (["export", "--db", "DB"], ">&-", "stdout is closed; write to a file: ttweet export tweets.jsonl"),
        (
            ["log", "--db", "DB", "--export", "-"],
            ">&-",
            "stdout is closed; write to a file: --export FILE",
        ),
    ],
)
def test_a_stream_that_a_command_cannot_do_without_is_named(
    server: Server, tmp_path: Path, command: list[str], streams: str, said: str
) -> None:
    done = begin(f'exec "$@" {streams}', server, tmp_path, *[str(server.db) if w == "DB" else w for w in command])
    assert done.returncode in (1, 2)
    assert done.stderr == f"ttweet: {said}\n"


def test_no_file_of_a_server_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    closed = ["sh", "-c", 'exec "$@" <&- >&-', "sh"]
    with subprocess.Popen(
        [*closed, *TTWEET, "serve", "0", "--quiet"], cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "listening" not in process.stderr.readline():
            pass
        places = [str(Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in (0, 1)]
        process.terminate()
    assert places == [os.devnull, os.devnull]


def test_a_pipe_that_does_not_block_is_waited_for(server: Server) -> None:
    theirs, ours = os.pipe()
    os.set_blocking(theirs, False)
    command = [*TTWEET, "post", "-", "--server", server.address]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        os.close(theirs)
        with open(ours, "w") as pipe:
            pipe.write("in two ")
            pipe.flush()
            pipe.write("parts")
        process.communicate(timeout=LIMIT_S)
    with Client("127.0.0.1", server.port) as client:
        assert (process.returncode, client.last_text()) == (0, "in two parts")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["post", "hello"], 0),
        (["run", "--", "sh", "-c", "exit 7"], 7),
        (["follow", "--from", "0", "--count", "1", "--exec", "cat"], 0),
        (["export", "new.jsonl", "--db", "DB"], 1),
        (["serve", "0"], 1),
    ],
)
def test_a_folder_that_is_gone_costs_only_what_needs_it(
    server: Server, tmp_path: Path, command: list[str], code: int
) -> None:
    gone = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    done = begin(gone, server, tmp_path, *[str(server.db) if word == "DB" else word for word in command])
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert ("the current folder was removed or moved; cd to another one" in done.stderr) == (code == 1)


@pytest.mark.parametrize("umask", ["0000", "0777"])
def test_the_files_of_a_command_are_its_owners_alone_under_any_umask(
    server: Server, tmp_path: Path, umask: str
) -> None:
    script = f'umask {umask}; exec "$@" --server 127.0.0.1:1'
    assert begin(script, server, tmp_path / ".", "post", "--spool", "kept").returncode == 3
    assert begin(script, server, tmp_path / ".", "post", "--spool", "kept").returncode == 3
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "ttweet").rglob("*")}
    assert modes == {
        "spool": "0o700",
        "lock": "0o600",
        "000000000001.new": "0o600",
        "000000000002.new": "0o600",
    }


def test_sigchld_that_is_ignored_hides_no_failure(server: Server, tmp_path: Path) -> None:
    done = begin("""trap '' CHLD; exec "$@" """, server, tmp_path, "run", "--tag", "ci", "--", "sh", "-c", "exit 7")
    assert (done.returncode, done.stderr) == (7, "")
    with Client("127.0.0.1", server.port) as client:
        assert client.tweets_of_tag("ci").tweets[0].text.startswith("failed (7) sh ")
    exec_ = ["follow", "--from", "0", "--count", "1", "--exec", "exit 3"]
    done = begin("""trap '' CHLD; exec "$@" """, server, tmp_path, *exec_)
    assert done.stderr == "ttweet: --exec failed for tweet 1: exit code 3; continuing\n"


def test_the_command_gets_signals_as_the_wrapper_got_them(server: Server, tmp_path: Path) -> None:
    def ignored(status: str) -> int:
        return int(status.split()[-1], 16) & 0x7FFFFFFF  # without the two of glibc's own, which posix_spawn ignores

    script, shows = """trap '' INT QUIT; exec "$@" """, ["grep", "SigIgn", "/proc/self/status"]
    done = begin(script, server, tmp_path, "run", "--", *shows)
    bare = subprocess.check_output(["sh", "-c", script, "sh", *shows], text=True)
    assert ignored(done.stdout) == ignored(bare)
    assert ignored(bare) | 1 == 0b111  # HUP is among them under nohup; SIGPIPE, which Python ignores, is not


def test_a_server_stops_whatever_signals_were_blocked(tmp_path: Path) -> None:
    blocking = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [15]); "
    blocked = f"{blocking} os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", blocked, *TTWEET, "serve", "0", "--quiet"],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while "listening" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root may be somebody else")
def test_a_user_whom_the_system_does_not_know_can_post_and_run(server: Server, open_folder: Path) -> None:
    def says(*arguments: str) -> tuple[int, str]:
        ours = environment({"TTWEET_SERVER": server.address})  # without coverage, whose file only root may write
        env = {name: value for name, value in ours.items() if not name.startswith("COV")}
        unset = ["env", "-u", "HOME", "-u", "XDG_STATE_HOME"]
        command = [*NOBODY, *MAY_READ, *unset, *TTWEET, *arguments]
        done = subprocess.run(command, cwd=open_folder, env=env, capture_output=True, text=True, timeout=LIMIT_S)
        return done.returncode, done.stderr

    no_spool = "ttweet: the spool: no home folder; set HOME or XDG_STATE_HOME"
    assert says("post", "--spool", "hello") == (0, f"{no_spool}; posting without the spool\n")
    assert says("run", "--spool", "--", "sh", "-c", "exit 7") == (7, f"{no_spool}; posting without the spool\n")
    assert says("post", "--spool") == (1, f"{no_spool}\n")
    code, said = says("--install-completion", "--shell", "bash")
    assert code != 0
    assert re.fullmatch(r"ttweet: .*\n", said)
