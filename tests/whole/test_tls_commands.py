"""TLS as users meet it: `ttweet serve` with a certificate, and every command that talks to it."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import in_process
from tests.support.authority import FAR_AWAY, Authority
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, output_of, run, running_server, says
from ttweet.model.remedies import TRUST

UNTIL = f"{FAR_AWAY:%Y-%m-%d}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, "--no-report-file", *authority.options()) as server:
        run("post", "first #tls", "--server", server.address, "--ca", authority.ca)
        yield server


@pytest.mark.parametrize(
    ("command", "stdin", "shown"),
    [
        (["post", "hello"], b"", r"\d+"),
        (["post", "--lines"], b"one\ntwo\n", "one|two|"),
        (["last"], b"", ".+"),
        (["tags", "--limit", "1"], b"", "tls\t1\t"),
        (["follow", "--after", "0", "--count", "1"], b"", "first #tls"),
        (["follow", "--last", "1", "--count", "1"], b"", "\t"),
        (["wait", "tls", "--after", "0"], b"", "first #tls"),
        (["run", "--", "true"], b"", ""),
        (["stats"], b"", "uptime"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_each_command_speaks_tls_by_option_and_by_environment(
    server: Server, authority: Authority, command: list[str], stdin: bytes, shown: str
) -> None:
    where = ["--server", server.address]
    by_option = run(command[0], *where, "--ca", authority.ca, *command[1:], stdin=stdin)
    variables = {"TTWEET_CA": authority.ca}
    by_environment = in_process.run(command[0], *where, *command[1:], stdin=stdin, variables=variables)
    for done in (by_option, by_environment):
        assert done.returncode == 0, done.stderr
        assert re.search(shown, done.stdout)


def test_a_session_at_the_keyboard_speaks_tls(server: Server, authority: Authority) -> None:
    typed = b'subscribe #chat\ntweet "hello" #chat\ntimeline\nexit\n'
    arguments = ("chat", "--course", "127.0.0.1", str(server.port), "ann")
    for done in (
        run(*arguments, "--ca", authority.ca, stdin=typed),
        in_process.run(*arguments, stdin=typed, variables={"TTWEET_CA": authority.ca}),
    ):
        assert done.returncode == 0
        assert done.stdout.splitlines()[:3] == [
            "username legal, connection established.", "operation success", 'ann "hello" #chat',
        ]  # fmt: skip


def test_a_session_for_people_speaks_tls(server: Server, authority: Authority) -> None:
    arguments = ("chat", "127.0.0.1", str(server.port), "ann")
    done = run(*arguments, "--ca", authority.ca, stdin=b"hello #people\n/find tag:people\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"posted #[0-9]+\n#[0-9]+  .*  ann: hello #people\n", done.stdout)


def test_a_session_that_does_not_get_through_says_why(server: Server) -> None:
    done = run("chat", "127.0.0.1", str(server.port), "ann", "--ca", "system")
    assert done.returncode == 3
    assert "is not trusted" in done.stderr


def test_the_classic_shapes_speak_tls_by_environment(server: Server, authority: Authority) -> None:
    port, trust = str(server.port), {"TTWEET_CA": authority.ca}
    for extra in ([], ["--"]):  # the exact shape, and by way of the parser
        assert run("-u", *extra, "127.0.0.1", port, "by classic", variables=trust).returncode == 0
        down = run("-d", *extra, "127.0.0.1", port, variables=trust)
        assert down.stdout == "Received Message: by classic\nTransmission Successfull...\n"


def test_a_user_without_or_with_the_wrong_ca_gets_the_remedy(server: Server, authority: Authority) -> None:
    plain = says("post", "x", "--server", server.address)
    assert plain == (3, "ttweet: this port requires TLS; set TTWEET_CA to the certificates to trust")
    code, text = says("-d", "127.0.0.1", str(server.port), variables={"TTWEET_CA": "system"})
    assert (code, text.split(" is ")[1]) == (
        3,
        f"not trusted, nothing was sent; {TRUST}, or add --ca FILE",
    )
    code, text = says("last", "--ca", "/nowhere.pem", "--server", server.address)
    assert (code, text) == (
        2,
        "ttweet: cannot read the certificate to trust in /nowhere.pem: No such file or directory; check the path",
    )
    assert says("last", "--ca", authority.ca, "--db", "x.db")[0] == 2, "a file is read without TLS"


def test_ssl_is_loaded_only_by_commands_that_use_it(server: Server, authority: Authority, tmp_path: Path) -> None:
    code = """
import sys
from ttweet.__main__ import _main
assert _main(["-d", "127.0.0.1", "{port}"]) == 0
print("ssl" in sys.modules)
"""
    with running_server(tmp_path, "--no-report-file") as plain:
        assert output_of(code.format(port=plain.port)).endswith("False\n")
    trusting = f"import os\nos.environ['TTWEET_CA'] = {authority.ca!r}\n"
    assert output_of(trusting + code.format(port=server.port)).endswith("True\n")


def test_sighup_reads_a_new_certificate_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("other.example.org")
    process = subprocess.Popen(
        [*TTWEET, "serve", "0", "--quiet", "--tls-cert", cert, "--tls-key", key],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None

    def after_sighup() -> str:
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        return next(line for line in process.stderr if "SIGHUP" not in line)

    port = next(line for line in process.stderr if "listening" in line).rpartition(":")[2].strip()
    assert next(process.stderr) == f"ttweet: TLS: certificate {cert}, valid until {UNTIL}\n"
    trust = {"TTWEET_CA": authority.ca}
    assert "is not for 127.0.0.1" in run("-d", "127.0.0.1", port, variables=trust).stderr
    authority.issue(expired=True)
    assert after_sighup() == f"ttweet: reloaded: certificate {cert}, valid until 2020-01-02\n"
    assert next(process.stderr) == f"ttweet: the certificate {cert} has expired: clients refuse it\n"
    assert "has expired" in run("-d", "127.0.0.1", port, variables=trust).stderr
    authority.issue()
    assert after_sighup() == f"ttweet: reloaded: certificate {cert}, valid until {UNTIL}\n"
    assert run("-d", "127.0.0.1", port, variables=trust).returncode == 0
    key.chmod(0o644)
    kept = "keeping the certificate in use"
    expected = f"ttweet: other users can read the key {key} (mode 0644); run: chmod 600 {key}; {kept}\n"
    assert after_sighup() == expected
    assert run("-d", "127.0.0.1", port, variables=trust).returncode == 0
    process.terminate()
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--tls-cert", "server.pem"], 2, "missing option: --tls-key FILE, which --tls-cert needs"),
        (["--tls-key", "server.key"], 2, "missing option: --tls-cert FILE, which --tls-key needs"),
        (
            ["--tls-client-ca", "ca.pem"],
            2,
            "missing options: --tls-cert FILE and --tls-key FILE, which --tls-client-ca needs",
        ),
        (["--tls-cert", "none", "--tls-key", "server.key"], 1, "no such file: none; give a file with a certificate"),
        (
            ["--tls-cert", "server.pem", "--tls-key", "server.pem"],
            1,
            "no private key in server.pem; give a PEM file with one",
        ),
    ],
)
def test_a_server_does_not_start_with_what_does_not_serve(
    tmp_path: Path, options: list[str], code: int, text: str
) -> None:
    Authority(tmp_path).issue()
    done = run("serve", "0", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, f"ttweet: {text}\n")
    assert not (tmp_path / "tweets.db").exists(), "nothing has begun"


def test_clients_show_their_certificate_to_a_server_that_wants_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("ann@example.org", name="ann")
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    both.chmod(0o600)
    with running_server(tmp_path, *authority.options(), "--tls-client-ca", authority.ca) as server:
        trust = {"TTWEET_CA": authority.ca}
        for mine in ({"TTWEET_CERT": str(cert), "TTWEET_KEY": str(key)}, {"TTWEET_CERT": str(both)}):
            assert run("-u", "127.0.0.1", str(server.port), "x", variables=trust | mine).returncode == 0
        code, text = says("-u", "127.0.0.1", str(server.port), "x", variables=trust)
        assert code == 3
        wanted = "requires a client certificate (certificate required); set TTWEET_CERT and TTWEET_KEY"
        assert text == f"ttweet: {server.address} {wanted}"
