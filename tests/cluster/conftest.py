"""A name for a cluster of each test, in the etcd that all tests share."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.etcd import FAST, MISSING
from ttweet.cluster import local_etcd
from ttweet.cluster.address import ClusterAddress
from ttweet.cluster.etcd_log import EtcdLog, opened
from ttweet.cluster.local_etcd import EtcdNode, LocalEtcd


@pytest.fixture
def address(etcd: LocalEtcd) -> ClusterAddress:
    """The address of a new cluster."""
    return etcd.address(secrets.token_hex(4))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[EtcdNode]:
    """A node of etcd that the test may pause, kill and compact."""
    if not local_etcd.is_installed():
        pytest.skip(MISSING)
    with local_etcd.running(tmp_path, 1, *FAST) as etcd:
        yield etcd.nodes[0]


@pytest.fixture
def open_log() -> Iterator[Callable[[ClusterAddress], EtcdLog]]:
    """Opens a log, until the test ends."""
    with ExitStack() as logs:
        yield lambda address: logs.enter_context(opened(address))
