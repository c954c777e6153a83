"""`ttweet cluster`, and `ttweet serve --cluster`, as users meet them."""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.etcd import gateway, status
from tests.support.processes import TTWEET, Server, environment, run, running_server
from ttweet.cli import cluster_source
from ttweet.cli.cluster_source import settings_of
from ttweet.cli.shell import UsageError
from ttweet.cluster.local_etcd import LocalEtcd
from ttweet.cluster.settings import Credentials


@pytest.fixture
def url(etcd: LocalEtcd) -> str:
    """The URL of a new cluster."""
    return str(etcd.address(secrets.token_hex(4)))


@pytest.fixture
def start(tmp_path: Path, url: str) -> Iterator[Callable[[str], Server]]:
    """Starts a server of the cluster, in a folder of its own."""
    with ExitStack() as servers:

        def start(name: str, *options: str) -> Server:
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            return servers.enter_context(running_server(folder, "--cluster", url, *options))

        yield start


def followed(server: Server, count: int) -> list[str]:
    """Return the texts of the first tweets, as a follower of a server gets them."""
    command = ("follow", "--server", server.address, "--after", "0", "--count", str(count), "--timeout", "30")
    return [line.split("\t")[3] for line in run(*command).stdout.splitlines()]


def test_servers_of_a_cluster_share_their_tweets(start: Callable[[str], Server]) -> None:
    servers = [start("one"), start("two")]
    for number, server in enumerate([*servers, *servers]):
        assert run("post", "--server", server.address, f"{number} #t").stdout == f"{number + 1}\n"
    for server in servers:
        assert followed(server, 4) == ["0 #t", "1 #t", "2 #t", "3 #t"]


def test_a_follower_gets_what_is_posted_at_another_server(start: Callable[[str], Server]) -> None:
    one, other = start("one"), start("two")
    follow = [*TTWEET, "follow", "--server", other.address, "--after", "0", "--count", "2"]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True, env=environment()) as follower:
        for text in ("first", "second"):
            run("post", "--server", one.address, text)
        said, _ = follower.communicate(timeout=30)
    assert [line.split("\t")[3] for line in said.splitlines()] == ["first", "second"]


def test_the_status_shows_servers_and_nodes(start: Callable[[str], Server], url: str) -> None:
    server = start("one")

    def shown() -> dict[str, list[dict[str, object]]]:
        done = run("cluster", "status", "--json", variables={"TTWEET_CLUSTER": url})
        assert done.returncode == 0
        found: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
        return found

    assert [state["server"] for state in shown()["servers"]] == [server.address]
    run("post", "--server", server.address, "Hello")
    while not (found := shown())["servers"][0]["newest"]:
        pass
    [state] = found["servers"]
    assert (state["server"], state["newest"], state["behind"]) == (server.address, 1, 0)
    [node] = found["nodes"]
    assert node["leads"]
    assert node["version"]
    columns = run("cluster", "status", "--cluster", url).stdout.splitlines()
    assert columns[0].split("\t")[:3] == [server.address, "1", "0"]


def test_the_stats_tell_how_old_the_tweets_of_a_server_may_be(start: Callable[[str], Server]) -> None:
    server = start("one")
    run("post", "--server", server.address, "Hello")
    part = json.loads(run("stats", "--server", server.address, "--json").stdout)["cluster"]
    assert part["position"] > 0
    assert part["age_s"] < 60


def test_a_status_without_a_majority_names_the_problem() -> None:
    def answers(path: str, _: object) -> tuple[int, object]:
        return status("3.4.23") if "status" in path else (503, {"error": "etcdserver: no leader", "code": 14})

    with gateway(answers) as node:
        done = run("cluster", "status", "--cluster", f"etcd://{node},127.0.0.1:1/team")
    assert done.returncode == 3
    assert done.stdout == f"{node}\t3.4.23\tleader\n127.0.0.1:1\t-\tconnection refused\n"
    assert done.stderr.startswith("ttweet: no majority of etcd answers at etcd://")


def test_the_tweets_of_a_single_server_begin_a_cluster_when_asked(
    start: Callable[..., Server], tmp_path: Path, url: str
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with running_server(tmp_path / "one") as alone:
        assert run("post", "--server", alone.address, "before").returncode == 0
    run("backup", str(tmp_path / "two" / "tweets.db"), "--db", str(alone.db))
    refused = run("serve", "0", "--cluster", url, cwd=tmp_path / "one")
    assert refused.returncode == 1
    assert "has tweets up to id 1, and follows no cluster; begin the cluster with it, " in refused.stderr
    assert ": add --begin, or choose another file with --db\n" in refused.stderr
    one = start("one", "--begin")
    other = start("two", "--begin")
    run("post", "--server", one.address, "after")
    assert followed(other, 2) == ["before", "after"]


def test_a_server_catches_up_when_it_starts_again(start: Callable[[str], Server]) -> None:
    one, other = start("one"), start("two")
    run("post", "--server", one.address, "first")
    assert followed(other, 1) == ["first"]
    other.kill()
    run("post", "--server", one.address, "second")
    assert run("last", "--server", start("two").address).stdout == "second\n"


def test_a_server_does_not_start_without_etcd(tmp_path: Path) -> None:
    done = run("serve", "0", "--cluster", "etcd://127.0.0.1:1/team", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ttweet: no majority of etcd answers at etcd://127.0.0.1:1/team: 127.0.0.1:1: connection refused; "
        "start its nodes, or check the URL"
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--cluster", "h1,h2"), "--cluster: invalid URL 'h1,h2': use etcd://HOST,HOST,HOST/NAME"),
        (("--cluster", "etcd://h1:0/x"), "--cluster: invalid port 0 of 'h1:0': use a port from 1 to 65535"),
        (("--begin",), "missing option: --cluster URL, which --begin needs"),
    ],
)
def test_wrong_options_of_a_server_are_reported(options: tuple[str, ...], problem: str) -> None:
    done = run("serve", "0", *options)
    assert (done.returncode, done.stderr) == (2, f"ttweet: {problem}\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("status",), "missing option: --cluster URL, or set TTWEET_CLUSTER"),
        (("demo", "--json"), "invalid options: --cluster and --json belong to ttweet cluster status"),
    ],
)
def test_wrong_options_of_the_command_are_reported(arguments: tuple[str, ...], problem: str) -> None:
    done = run("cluster", *arguments)
    assert (done.returncode, done.stderr) == (2, f"ttweet: {problem}\n")


def test_without_etcd_the_demo_names_the_command_that_installs_it() -> None:
    done = run("cluster", "demo", variables={"PATH": "/nowhere"})
    assert (done.returncode, done.stderr) == (
        1,
        "ttweet: etcd is not installed; on Debian and Ubuntu: apt install etcd-server\n",
    )


def test_the_files_and_the_user_of_etcd_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    password.chmod(0o600)
    for name, value in {
        "CA": "ca.pem",
        "CERT": "c.pem",
        "KEY": "c.key",
        "USER": "ann",
        "PASSWORD_FILE": f"{password}",
    }.items():
        monkeypatch.setenv(f"{cluster_source.VARIABLE}_{name}", value)
    settings = settings_of("etcds://h1/team")
    assert (settings.ca, settings.cert, settings.key) == ("ca.pem", "c.pem", "c.key")
    assert settings.credentials == Credentials("ann", "secret")
    with pytest.raises(UsageError, match="use etcds:// for TLS"):
        settings_of("etcd://h1/team")
    password.chmod(0o644)
    with pytest.raises(UsageError, match="other users can read TTWEET_CLUSTER_PASSWORD_FILE"):
        settings_of("etcds://h1/team")
    password.chmod(0o600)
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match=f"any user can replace the files in {tmp_path}; run: chmod o-w"):
        settings_of("etcds://h1/team")
    tmp_path.chmod(0o700)
    password.unlink()
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        settings_of("etcds://h1/team")
    monkeypatch.delenv(f"{cluster_source.VARIABLE}_PASSWORD_FILE")
    with pytest.raises(UsageError, match="missing password"):
        settings_of("etcds://h1/team")
