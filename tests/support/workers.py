"""Workers for tests."""

from tests.support.guard import GUARD_S
from ttweet.broker.lone_worker import LoneWorker


def lone_worker(name: str) -> LoneWorker:
    """Return a lone worker that is never idle for long enough to tell."""
    return LoneWorker(name, idle_s=GUARD_S, on_idle=lambda: None)
