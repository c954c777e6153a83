"""The log of a cluster in an etcd that wants certificates and a user."""

import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from tests.support.authority import Authority
from tests.support.etcd import FAST, MISSING, of
from ttweet.cluster import local_etcd
from ttweet.cluster.address import ClusterAddress, Node
from ttweet.cluster.etcd_log import opened
from ttweet.cluster.local_etcd import PROGRAM, START_S, EtcdNode
from ttweet.cluster.messages import EmptyResponse
from ttweet.cluster.node_connection import NodeConnection, NodeError, open_connection
from ttweet.cluster.nodes import explained
from ttweet.cluster.settings import ClusterSettings, Credentials
from ttweet.security.outgoing import make_context
from ttweet.storage.replicated.log import NoQuorum

USER = Credentials("ttweet", "secret")
RIGHTS = {"permType": "READWRITE", "key": b"ttweet/", "range_end": b"ttweet0"}


class Secured(NamedTuple):
    """An etcd with certificates and users."""

    address: ClusterAddress
    authority: Authority
    cert: Path
    key: Path

    def context(self, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
        """The context of a client with this certificate."""
        return make_context(self.authority.ca, str(cert) if cert else None, str(key) if key else None)

    def problem(self, tls: ssl.SSLContext, credentials: Credentials | None = USER) -> str:
        """Return what a server without the log says."""
        with opened(self.address, tls=tls, credentials=credentials) as log, pytest.raises(NoQuorum) as refused:
            log.end()
        return "; ".join(explained(refused.value.__cause__, ClusterSettings(self.address)))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A node whose users may do what their roles say."""
    if not local_etcd.is_installed():
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("etcd")
    authority = Authority(folder)
    cert, key = authority.issue()
    client, peer = (Node("127.0.0.1", port) for port in local_etcd.free_ports(2))
    options = {
        "--data-dir": str(folder / "data"),
        "--listen-client-urls": f"https://{client}",
        "--advertise-client-urls": f"https://{client}",
        "--listen-peer-urls": f"http://{peer}",
        "--initial-advertise-peer-urls": f"http://{peer}",
        "--initial-cluster": f"default=http://{peer}",
        "--cert-file": str(cert),
        "--key-file": str(key),
        "--trusted-ca-file": authority.ca,
    }
    words = [word for option in options.items() for word in option]
    node = EtcdNode("n", client, [PROGRAM, "--client-cert-auth", "--bcrypt-cost", "4", *words, *FAST], folder)
    node.start()
    try:
        secured = Secured(of(client)._replace(tls=True), authority, cert, key)
        trio.run(_add_user, client, secured.context(cert, key))
        yield secured
    finally:
        node.kill()


async def _add_user(node: Node, tls: ssl.SSLContext) -> None:
    with await _open(node, tls) as connection:
        for path, request in (
            ("user/add", {"name": "root", "password": "root"}),
            ("role/add", {"name": "root"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("user/add", USER._asdict()),
            ("role/add", {"name": "tweets"}),
            ("role/grant", {"name": "tweets", "perm": RIGHTS}),
            ("user/grant", {"user": USER.name, "role": "tweets"}),
            ("enable", {}),
        ):
            await connection.call(f"/v3/auth/{path}", request, EmptyResponse)


async def _open(node: Node, tls: ssl.SSLContext) -> NodeConnection:
    until = time.monotonic() + START_S
    while True:
        try:
            return await open_connection(node, tls)
        except NodeError:
            if time.monotonic() > until:
                raise


def test_a_server_with_a_certificate_and_a_user_keeps_its_log_there(secured: Secured) -> None:
    tls = secured.context(secured.cert, secured.key)
    with opened(secured.address, tls=tls, credentials=USER, origin="a") as log:
        assert log.begin(b"genesis") == b"genesis"
        log.append(1, b"one")
        assert [record.data for record in log.read(0, wait_s=5.0)] == [b"one"]


def test_a_user_that_etcd_rejects_is_named_as_the_problem(secured: Secured) -> None:
    tls = secured.context(secured.cert, secured.key)
    for user, problem in (
        (Credentials("ttweet", "wrong"), "authentication failed"),
        (None, "permission denied"),
    ):
        said = secured.problem(tls, user)
        assert f"rejects the request: etcdserver: {problem}" in said
        assert said.endswith("; check TTWEET_CLUSTER_USER, its password and its role")


def test_a_certificate_that_one_end_does_not_accept_is_named_as_the_problem(secured: Secured, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    for tls, problem in (
        (make_context(stranger.ca, str(secured.cert), str(secured.key)), "TLS failed: .*CERTIFICATE_VERIFY_FAILED"),
        (secured.context(), "closed the connection"),
        (
            secured.context(*secured.authority.issue(name="named", common_name="ttweet")),
            "CommonName",
        ),
    ):
        said = secured.problem(tls)
        assert re.search(problem, said), said
        assert said.endswith("; start its nodes, or check the URL and the certificates")
