"""The kinds of replicated log that keep the contract: a test module that uses `logs` runs over each."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.memory_log import SharedLog
from ttweet.cluster import etcd_log
from ttweet.storage.replicated.log import Log

Logs = Callable[[str], Log]
"""Opens a log that is shared by all that one test opens, for a server's run of this origin."""


@pytest.fixture(params=["memory", "etcd"])
def logs(request: pytest.FixtureRequest) -> Iterator[Logs]:
    """A new log of each kind."""
    if request.param == "memory":
        yield SharedLog().at
    else:
        address = request.getfixturevalue("etcd").address(secrets.token_hex(4))
        with ExitStack() as opened:
            yield lambda origin: opened.enter_context(etcd_log.opened(address, origin=origin))
