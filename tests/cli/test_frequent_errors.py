"""The most frequent mistakes and failures: each command with the one sentence that it ends with, and its exit code."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.authority import Authority
from tests.support.in_process import complains, run
from tests.support.processes import Server, running_server
from tests.support.small_disk import fill, small_disk
from ttweet import defaults
from ttweet.cli import shell
from ttweet.client.link_errors import unreachable
from ttweet.client.sync_client import Client
from ttweet.model.errors import Refused

NOWHERE = "127.0.0.1:1"

WRONG_COMMANDS = {
    "pots hi": "unknown command 'pots'; did you mean ttweet post?",
    "frobnicate": "unknown command 'frobnicate'; see ttweet --help",
    "post --jsno hi": "unknown option --jsno; did you mean --json?",
    "stats --db x": "unknown option --db; see ttweet stats --help",
    "post --key": "missing value: --key; write --key KEY; see ttweet post --help",
    "serve 1 2": "unexpected argument: 2; see ttweet serve --help",
    "serve http": "invalid PORT 'http': use a whole number; see ttweet serve --help",
    "serve 0 --keep 90": "invalid --keep '90': use a number with a unit, such as 90s, 10m, 2h or 1d",
    "serve 0 --rate fast": "invalid --rate 'fast': use a rate such as 20/s, 100/min or 500/h",
    "serve 0 --tls-cert x.pem": "missing option: --tls-key FILE, which --tls-cert needs",
    "tags python rust": "too many tags: 2; give one, chart them with --plot, or watch them: ttweet follow python rust",
    "post": "missing message; quote it: ttweet post 'text #tag'; or read it from stdin: ttweet post -",
    "post two words": "2 arguments for one message; quote it: ttweet post 'two words'",
    "post -- -5 degrees": "2 arguments for one message; quote it: ttweet post -- '-5 degrees'",
    "post ''": "empty message; give a text, or add --empty to post it anyway",
    "post --tag 'two words' hi": "invalid tag 'two words': use 1 to 150 letters, digits and _",
    "post --as a-b hi": "invalid name 'a-b': use 1 to 32 letters and digits",
    "post --server localhost:99999 hi": "invalid server 'localhost:99999': use a port from 1 to 65535",
    "post --server http://localhost hi": "invalid server 'http://localhost': HTTP is not supported; use localhost:PORT",
    "-d localhost:13001": "invalid command line: -d takes HOST PORT; run: ttweet -d localhost 13001",
    "-u localhost:13001 hi": ("invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u localhost 13001 hi"),
    "-u localhost 13001 two words": "2 arguments for one message; quote it: ttweet -u localhost 13001 'two words'",
    "-u localhost http hi": "invalid port 'http': use a port from 1 to 65535",
    "follow --timeout soon": "invalid --timeout 'soon': use a number with a unit, such as 90s, 10m, 2h or 1d",
    "follow --from abc": "invalid --from 'abc': use the id of a tweet; see ttweet follow --help",
    "chat": "invalid command line: chat takes your NAME, or HOST PORT NAME; run: ttweet chat ann",
    "chat localhost 13001 a-b": "invalid name 'a-b': use 1 to 32 letters and digits",
    "chat localhost http ann": "invalid port 'http': use a port from 1 to 65535",
    "delete one": "invalid ID 'one': use the id of a tweet; see ttweet delete --help",
    "prune --keep 1d --keep-last 1": "conflicting options: --keep and --keep-last; give one of them",
    "serve --http-name x": "missing option: --http PORT, which --http-name needs",
    "serve --http-proxy ::1": "missing option: --http PORT, which --http-proxy needs",
    "serve --http-proxy x": "invalid --http-proxy 'x': use an address such as 127.0.0.1",
    "serve --rate none --burst 200": "conflicting options: --rate none and --burst; give one of them",
    "stats --all --json": "conflicting options: --all and --json; give one of them",
    "tags a --plot --svg a.svg": "conflicting options: --plot and --svg; give one of them",
    "find --since yesterday": "invalid --since 'yesterday': use 2h, 7d or 2026-01-31",
    "post --server a:b:c hi": "invalid server 'a:b:c': use HOST:PORT, such as 127.0.0.1:13001",
    "prune": "missing option: --keep TIME or --keep-last N; give one of them",
    "run": "missing command; run: ttweet run -- COMMAND",
    "token add": "missing NAME; run: ttweet token add NAME",
}

NO_TLS = "if its operator uses no TLS, unset TTWEET_CA, omit --ca and ttweets://"
USED = "{db} is in use by the server with process id {pid}; "
FAILURES = {  # with a server, whose database is {db}
    f"post --server {NOWHERE} hi": (
        shell.UNREACHABLE,
        "no server is listening on 127.0.0.1:1; start one: ttweet serve 1",
    ),
    "post --server nowhere.invalid:13001 hi": (
        shell.UNREACHABLE,
        "unknown host 'nowhere.invalid'; check its spelling, or use 127.0.0.1 for this machine",
    ),
    f"post --server {{server}} {'x' * 151}": (
        shell.REFUSED,
        "too long: 151 characters; use at most 150, or add --cut or --split",
    ),
    f"post --server {NOWHERE} {'x' * 151}": (
        shell.REFUSED,
        "too long: 151 characters; use at most 150, or add --cut or --split",
    ),
    f"post --server {NOWHERE} --json {'x' * 151}": (
        shell.REFUSED,
        "too long: 151 characters; use at most 150, or add --cut or --split",
    ),
    "post --server {server} --ca system hi": (
        shell.UNREACHABLE,
        "{server} does not speak TLS, or something in between answered; nothing was sent; " + NO_TLS,
    ),
    "tags --server {server} pythn": (shell.NOTHING, "no tweet has the tag #pythn; did you mean python?"),
    "tags --server {server} 'two words'": (
        shell.USAGE,
        "invalid tag 'two words': use 1 to 150 letters, digits and _",
    ),
    "delete --server {server} 999": (shell.NOTHING, "no tweet has the id 999; ttweet find shows the ids"),
    "wait --server {server} x --timeout 0": (shell.TIMED_OUT, "no matching tweet: --timeout 0 has passed"),
    "serve 0 --db {db} --no-report-file --quiet": (
        shell.FAILED,
        USED + "stop that server: kill {pid}, or choose another file with --db",
    ),
    "prune --keep 90d --db {db}": (
        shell.FAILED,
        USED + "stop that server: kill {pid}, or restart it with --keep or --keep-last",
    ),
    "delete 1 --db {db}": (
        shell.FAILED,
        USED + "use --server HOST:PORT, or stop that server: kill {pid}",
    ),
    "chat 127.0.0.1 1 ann": (shell.UNREACHABLE, "no server is listening on 127.0.0.1:1; start one: ttweet serve 1"),
    "follow --as ann --server {server}": (
        shell.REFUSED,
        "name taken: ann is online; choose another name, or retry later",
    ),
    "backup {folder}/none/copy --db {db}": (
        shell.FAILED,
        "{folder}/none/copy: no such folder; make it: mkdir -p {folder}/none",
    ),
    "check {folder}/text": (
        shell.FAILED,
        "{folder}/text is not an SQLite database; choose another file",
    ),
    "import {folder}/none.jsonl --db {folder}/c.db": (
        shell.NOTHING,
        "no such file: {folder}/none.jsonl; choose a file from ttweet export",
    ),
    "import {db}": (shell.USAGE, "{db} is a database, not an export; export it first: ttweet export --db {db}"),
    "export {db} --db {db}": (shell.USAGE, "{db} is part of the database; choose another output file"),
    "backup {folder}/copy --db {db}": (
        shell.USAGE,
        "file exists: {folder}/copy; choose another file, or add --force to replace it",
    ),
    "token revoke ann --db {db}": (
        shell.NOTHING,
        "no token has the name 'ann': {db} has no valid tokens; choose the database of the token with --db",
    ),
    "log --session 9 --db {db}": (shell.USAGE, "no such session: 9; the newest is 1"),
}


@pytest.mark.parametrize("command", WRONG_COMMANDS)
def test_an_invalid_command_line_is_named_with_what_works(command: str) -> None:
    assert complains(*shlex.split(command)) == (shell.USAGE, f"ttweet: {WRONG_COMMANDS[command]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a tweet and with ann online, and the files `copy` and `text` beside its database."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "copy").touch()
    (folder / "text").write_text("hello\n")
    with running_server(folder, "--no-report-file") as server, Client(server.address, name="ann") as ann:
        ann.post("hello #python")
        yield server


@pytest.mark.parametrize("command", FAILURES)
def test_a_failure_is_named_with_what_to_do(command: str, server: Server) -> None:
    facts = {
        "server": server.address,
        "port": server.port,
        "pid": server.process.pid,
        "db": server.db,
        "folder": Path(server.db).parent,
    }
    code, said = complains(*[word.format_map(facts) for word in shlex.split(command)])
    expected_code, sentence = FAILURES[command]
    assert (code, said) == (expected_code, f"ttweet: {sentence.format_map(facts)}")


@pytest.mark.parametrize("command", ["backup", "export"])
def test_the_output_is_not_taken_for_the_database(command: str, tmp_path: Path) -> None:
    done = run(command, "out", cwd=tmp_path)
    way = f"name the database to copy: ttweet {command} out --db DATABASE"
    assert (done.returncode, done.stderr) == (shell.NOTHING, f"ttweet: no such database: tweets.db; {way}\n")


def test_a_wrong_token_is_named_by_its_variable(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ttw_wrong\n")
    (tmp_path / "token").chmod(0o600)
    for variable, value in {"TTWEET_TOKEN": "ttw_wrong", "TTWEET_TOKEN_FILE": str(tmp_path / "token")}.items():
        said = f"ttweet: unknown token (from {variable}); ask the operator of the server for another"
        assert complains("post", "hi", "--server", server.address, variables={variable: value}) == (shell.REFUSED, said)


def test_an_untrusted_certificate_is_named_with_what_to_trust(tmp_path: Path, authority: Authority) -> None:
    with running_server(tmp_path, "--no-report-file", *authority.options()) as server:
        code, said = complains("post", "hi", "--server", server.address, "--ca", "system")
    remedy = "get its certificate file from the operator and set TTWEET_CA to it, or add --ca FILE"
    assert (code, said) == (
        shell.UNREACHABLE,
        f"ttweet: the certificate of {server.address} is not trusted, nothing was sent; {remedy}",
    )


def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", mib=3) as folder, running_server(folder, "--no-report-file") as server:
        fill(folder / "filler")
        with Client(server.address) as client:
            until_refused = (client.post_many(["x" * 150] * 100) for _ in range(1_000))
            assert any(isinstance(one, Refused) for outcomes in until_refused for one in outcomes)
        code, said = complains("post", "x" * 150, "--server", server.address)
        (folder / "filler").unlink()
    assert (code, said) == (
        shell.REFUSED,
        "ttweet: the disk of the database is full; nothing was stored; free some space on it, then retry",
    )


def test_a_run_on_a_terminal_says_what_was_posted(server: Server) -> None:
    code, seen = processes.run_on_terminal("run", "--server", server.address, "--", "true")
    assert code == shell.DONE
    assert re.search(r"posted #\d+: 'ok true [\d.]+s'", seen)


def test_the_default_port_is_named_as_such() -> None:
    error = unreachable("127.0.0.1", defaults.PORT, ConnectionRefusedError())
    assert shell.sentence(error) == (
        "no server is listening on 127.0.0.1:13001, the default port; start one: ttweet serve 13001"
    )


def test_a_port_in_use_is_named_with_what_to_do(server: Server, tmp_path: Path) -> None:
    done = processes.run("serve", str(server.port), "--no-report-file", "--quiet", cwd=tmp_path)
    said = f"ttweet: port {server.port} of 127.0.0.1 is in use; choose another, or 0 for any free port\n"
    assert (done.returncode, done.stderr) == (shell.FAILED, said)


def test_each_sentence_is_short_and_in_one_form() -> None:
    sentences = [*WRONG_COMMANDS.values(), *[sentence for _, sentence in FAILURES.values()]]
    assert len(sentences) > 40
    for sentence in sentences:
        assert len(sentence.split()) <= 25, sentence
        assert not sentence.endswith("."), sentence
        assert sentence[:1].islower() or sentence[:1] in "2{", sentence
