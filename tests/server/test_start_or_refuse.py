"""An operator's view: what a server requires before others can reach it, and what its clients may do then."""

from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.processes import run, running_server
from tests.support.talking import logged
from ttweet.cli import shell

EVERYBODY = "0.0.0.0"  # it is refused
ELSEWHERE = "192.0.2.1"  # which no machine has: a server that is not refused cannot listen there
NOT_HERE = "is not an address of this machine"


ASKED = "--quiet --no-report-file"


def said(folder: Path, *options: str, host: str = EVERYBODY) -> tuple[int, list[str]]:
    """The exit code of a server that does not come up, and what it says."""
    done = run("serve", "13001", "--host", host, *ASKED.split(), *options, cwd=folder)
    return done.returncode, done.stderr.splitlines()


def test_a_server_that_others_would_reach_prints_what_to_run_and_touches_nothing(tmp_path: Path) -> None:
    assert said(tmp_path) == (
        shell.USAGE,
        [
            "ttweet: other machines can reach 0.0.0.0, so the server needs a token and TLS; run:",
            "  ttweet token add NAME",
            f"  ttweet serve 13001 --host 0.0.0.0 {ASKED} --tls-cert FILE --tls-key FILE",
            "or, on a trusted network, add --anonymous read (or write) --no-tls",
        ],
    )
    assert not list(tmp_path.iterdir())


def test_a_refused_start_asks_only_for_the_options_that_are_missing(tmp_path: Path) -> None:
    assert said(tmp_path, "--no-tls", "--db", "my file.db")[1] == [
        "ttweet: other machines can reach 0.0.0.0, so the server needs a token; run:",
        "  ttweet token add NAME --db 'my file.db'",
        f"  ttweet serve 13001 --host 0.0.0.0 {ASKED} --no-tls --db 'my file.db'",
        "or, on a trusted network, add --anonymous read (or write)",
    ]
    assert said(tmp_path, "--anonymous", "read")[1] == [
        "ttweet: other machines can reach 0.0.0.0, so the server needs TLS; run:",
        f"  ttweet serve 13001 --host 0.0.0.0 {ASKED} --anonymous read --tls-cert FILE --tls-key FILE",
        "or, on a trusted network, add --no-tls",
    ]


def test_a_server_behind_a_proxy_wants_a_token(tmp_path: Path) -> None:
    options = ["--http", "8080", "--http-proxy", "::1"]
    assert said(tmp_path, *options, host="127.0.0.1")[1] == [
        "ttweet: other machines can reach the proxy, so the server needs a token; run:",
        "  ttweet token add NAME",
        f"  ttweet serve 13001 --host 127.0.0.1 {ASKED} --http 8080 --http-proxy ::1",
        "or, on a trusted network, add --anonymous read (or write)",
    ]
    code, lines = said(tmp_path, "--http-proxy", "nowhere", host="127.0.0.1")
    assert (code, "invalid --http-proxy 'nowhere'" in lines[0]) == (shell.USAGE, True)


def test_a_server_for_other_machines_starts_with_tls_and_a_token(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    options = authority.options()
    code, lines = said(tmp_path, *options, host=ELSEWHERE)
    assert (code, lines[1:3]) == (
        shell.USAGE,
        ["  ttweet token add NAME", f"  ttweet serve 13001 --host {ELSEWHERE} {ASKED} {' '.join(options)}"],
    )
    run("token", "add", "ci", cwd=tmp_path)
    code, lines = said(tmp_path, *options, host=ELSEWHERE)
    assert (code, NOT_HERE in lines[0]) == (shell.FAILED, True)
    code, lines = said(tmp_path, *options, "--no-tls", host=ELSEWHERE)
    assert (code, "give one of them" in lines[0]) == (shell.USAGE, True)


def test_a_live_token_will_do_and_a_revoked_one_will_not(tmp_path: Path) -> None:
    run("token", "add", "ci", cwd=tmp_path)
    code, lines = said(tmp_path, "--no-tls", host=ELSEWHERE)
    assert (code, NOT_HERE in lines[0]) == (shell.FAILED, True)
    run("token", "revoke", "ci", cwd=tmp_path)
    code, lines = said(tmp_path, "--no-tls", host=ELSEWHERE)
    assert (code, "the server needs a token; run:" in lines[0]) == (shell.USAGE, True)


def test_a_server_for_other_machines_starts_with_options_that_allow_it(tmp_path: Path) -> None:
    for anonymous in ("read", "write"):
        code, lines = said(tmp_path, "--anonymous", anonymous, "--no-tls", host=ELSEWHERE)
        assert (code, NOT_HERE in lines[0]) == (shell.FAILED, True)
    code, lines = said(tmp_path, "--anonymous", "none", "--no-tls", host=ELSEWHERE)
    assert (code, "the server needs a token; run:" in lines[0]) == (shell.USAGE, True)
    code, lines = said(tmp_path, "--anonymous", "some")
    assert (code, "use none, read or write" in lines[0]) == (shell.USAGE, True)


def test_a_file_of_tokens_that_is_none_keeps_a_server_from_starting(tmp_path: Path) -> None:
    tokens = tmp_path / "tweets.db.tokens"
    tokens.write_text("none\n")
    tokens.chmod(0o600)
    code, lines = said(tmp_path, host="127.0.0.1")
    assert (code, "line 1 of" in lines[0]) == (shell.FAILED, True)
    assert not (tmp_path / "tweets.db").exists()


@pytest.mark.parametrize(
    ("anonymous", "posts", "reads"),
    [("write", shell.DONE, shell.DONE), ("read", shell.REFUSED, shell.DONE), ("none", shell.REFUSED, shell.REFUSED)],
)
def test_anonymous_clients_have_the_rights_of_the_option(
    tmp_path: Path, anonymous: str, posts: int, reads: int
) -> None:
    secret = run("token", "add", "ci", cwd=tmp_path).stdout.strip()
    with running_server(tmp_path, "--anonymous", anonymous) as server:
        mine = {"TTWEET_TOKEN": secret}
        assert run("post", "hello", "--server", server.address, variables=mine).returncode == shell.DONE
        assert run("last", "--server", server.address).returncode == reads
        assert run("-u", *server.address.split(":"), "me too").returncode == posts
        assert run("-d", *server.address.split(":")).returncode == reads
        assert run("follow", "--last", "1", "--count", "1", "--server", server.address).returncode == reads


@pytest.mark.parametrize(
    ("options", "told"), [([], ""), (["--anonymous", "read"], "read"), (["--anonymous", "none"], "nothing")]
)
def test_the_server_prints_the_rights_of_anonymous_clients_unless_they_have_all(
    tmp_path: Path, options: list[str], told: str
) -> None:
    with running_server(tmp_path, *options) as server:
        run("-d", *server.address.split(":"))  # it has said all it says at the start
        server.stop()
        said = "".join(server.said)
    assert said.startswith(f"ttweet: clients without a token may: {told}\n" if told else "")
    assert bool(told) == ("without a token" in said)


def test_every_host_is_looked_at_and_the_way_out_has_them_all(tmp_path: Path) -> None:
    code, lines = said(tmp_path, "--host", "127.0.0.1", "--host", "::", host=EVERYBODY)
    assert (code, lines[0]) == (
        shell.USAGE,
        "ttweet: other machines can reach 0.0.0.0 and ::, so the server needs a token and TLS; run:",
    )
    hosts = f"--host 0.0.0.0 {ASKED} --host 127.0.0.1 --host ::"
    assert lines[2] == f"  ttweet serve 13001 {hosts} --tls-cert FILE --tls-key FILE"


def test_a_server_on_several_hosts_is_reached_at_each_and_tells_of_each(tmp_path: Path) -> None:
    with running_server(tmp_path, "--host", "127.0.0.2", "--host", "127.0.0.1", "--host", "127.0.0.2") as server:
        for host in ("127.0.0.1", "127.0.0.2"):
            assert run("post", f"to {host}", "--server", f"{host}:{server.port}").returncode == shell.DONE
        server.stop()
    assert logged(server.db)[:2] == [f"SERVER ON HAS INITIALIZED ON IP: 127.0.0.{number}" for number in (2, 1)]
