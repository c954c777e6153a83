"""A name for a cluster of each test, in the etcd that all tests share."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ttweet.cluster.address import ClusterAddress
from ttweet.cluster.etcd_log import EtcdLog, opened
from ttweet.cluster.local_etcd import LocalEtcd


@pytest.fixture
def address(etcd: LocalEtcd) -> ClusterAddress:
    """The address of a new cluster."""
    return etcd.address(secrets.token_hex(4))


@pytest.fixture
def open_log() -> Iterator[Callable[[ClusterAddress], EtcdLog]]:
    """Opens a log, until the test ends."""
    with ExitStack() as logs:
        yield lambda address: logs.enter_context(opened(address))
