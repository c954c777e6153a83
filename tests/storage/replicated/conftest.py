"""The kinds of replicated log that keep the contract: a test module that uses `logs` runs over each."""

from collections.abc import Callable

import pytest

from tests.support.memory_log import SharedLog
from ttweet.storage.replicated.log import Log

Logs = Callable[[str], Log]
"""Opens a log that is shared by all that one test opens, for a server's run of this origin."""


@pytest.fixture(params=["memory"])
def logs(request: pytest.FixtureRequest) -> Logs:
    """A new log of each kind."""
    return SharedLog().at
