"""ttweet as users meet it: a server and commands as processes, their output in a pipe or on a terminal of any width."""

import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from server_process import ServerProcess

from tests.support.peers import listens, peer
from ttweet.client.sync_client import Client

LIMIT_S = 120  # for a process that hangs; none takes a second on a machine with nothing else to do
TTWEET = [sys.executable, "-m", "ttweet"]


class Server(ServerProcess):
    """A running server, and the database that it makes in its folder."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def db(self) -> Path:
        return self.folder / "tweets.db"


@contextmanager
def running_server(folder: Path, *options: str, port: int = 0) -> Iterator[Server]:
    """A server in the folder, at a free port, from the moment it listens; it is stopped in order, if it still runs."""
    command = [*TTWEET, "serve", str(port), "--quiet", *options]
    with Server.serving(command, folder, environment(), last=signal.SIGTERM) as server:
        yield server


@contextmanager
def filled_server(folder: Path) -> Iterator[Server]:
    """A server that some tweets were posted to. Its log has an error, stored with the first of them at the latest."""
    with running_server(folder) as server:
        run("-u", "127.0.0.1", str(server.port), "x" * 151)
        with Client("127.0.0.1", server.port) as client:
            for number in range(25):
                client.post(f"number {number} #Python")
            client.post("寿司を食べた #寿司")
            client.post("two\nlines \x1b[31m #odd", tags=["beside"])
            client.post("room #3251")
        yield server


def output_of(code: str) -> str:
    """Return the output of Python code in a process of its own, without coverage, which loads modules too."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S, env=variables).stdout


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what would change ttweet's ways, and with what a test adds."""
    ours = ("TTWEET_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"XDG_CONFIG_HOME": "/nonexistent"} | dict(extra or {})  # without a config file


def run(
    *arguments: str | bytes, stdin: bytes = b"", cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in pipes. Output that is not UTF-8 fails the test."""
    done = subprocess.run(
        [*TTWEET, *arguments], input=stdin, capture_output=True, timeout=LIMIT_S, cwd=cwd, env=environment(variables)
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def says(*arguments: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The exit code of a command and what it says on stderr, where nothing is to come on stdout."""
    done = run(*arguments, variables=variables)
    assert done.stdout == ""
    return done.returncode, done.stderr.removesuffix("\n")


def interrupted(*arguments: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return the exit code and the messages of a command that gets Ctrl-C while it waits for the server's answer."""

    def interrupts(connection: socket.socket) -> None:
        connection.makefile("rb").readline()
        assert started.wait(LIMIT_S)
        process.send_signal(signal.SIGINT)
        listens(connection)

    started = threading.Event()
    with peer(interrupts) as client:
        env = environment({"TTWEET_SERVER": f"127.0.0.1:{client.port}", **(variables or {})})
        process = subprocess.Popen([*TTWEET, *arguments], env=env, stderr=subprocess.PIPE, text=True)
        started.set()
        _, said = process.communicate(timeout=LIMIT_S)
    return process.returncode, said


def run_on_terminal(
    *arguments: str,
    columns: int = 80,
    stdin: bytes = b"",
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a command on a terminal; returns its exit code and all that a person sees, colours included."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = environment({"TERM": "xterm", **(variables or {})})
    process = subprocess.Popen(
        [*TTWEET, *arguments], stdin=subprocess.PIPE, stdout=slave, stderr=slave, cwd=cwd, env=env
    )
    os.close(slave)
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    seen = b"".join(iter(lambda: _read(master), b""))
    os.close(master)
    return process.wait(LIMIT_S), seen.decode().replace("\r\n", "\n")


def plain(seen: str) -> str:
    """Return the text of a terminal without its colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # EIO: the last process on the terminal has ended
        return b""


@contextmanager
def starting_with_sighup(disposition: signal.Handlers) -> Iterator[None]:
    """Processes that are started meanwhile take the signal like that, whatever the tests were started with."""
    before = signal.signal(signal.SIGHUP, disposition)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
