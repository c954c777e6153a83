"""Fixtures of many test modules: each kind of store, and a database file."""

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from proofs.stage import fast_folder

from tests.support.authority import Authority
from tests.support.etcd import FAST, MISSING
from tests.support.memory_log import SharedLog
from tests.support.memory_store import MemoryStore
from tests.support.replicas import joined
from tests.support.sqlite_files import MANY_BYTES, opened
from ttweet.cluster import local_etcd
from ttweet.cluster.local_etcd import LocalEtcd
from ttweet.storage.contract import Store
from ttweet.storage.sqlite import tag_index
from ttweet.storage.sqlite.writer import SqliteStore

# A shell has what it starts in the background ignore SIGINT, and so would all programs that we start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair, not that of what is tested.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


UNCOVERED = {"browser", "tools", "whole"}  # folders of tests of what is covered by the others
TRACING = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")  # with either, a new process traces itself
OF_THE_USER = (
    *("SHELL", "PAGER", "TERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LANG", "LANGUAGE", "TZ", "http_proxy"),
    "PYTHONWARNINGS",
)  # variables that change what programs print, where tests say what they print
OF_THE_USER_PREFIXES = ("TTWEET_", "LC_", "XDG_")
TRACED_CASES = 8  # of a test with parameters, but of all where each case is a command line of its own


def pytest_configure() -> None:
    """Forget the user's settings, and keep the files of tests in memory where there is room.

    Most tests wait for the disk and need none.
    """
    for name in [name for name in os.environ if name in OF_THE_USER or name.startswith(OF_THE_USER_PREFIXES)]:
        del os.environ[name]
    os.environ |= {"LANG": "C.UTF-8", "TERM": "xterm"}
    if folder := fast_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trace no test that covers what others cover: tracing doubles the time of all that runs, test or tested.

    Random examples and the later cases of a test with parameters repeat its lines with other values.
    """
    cases = Counter[tuple[Path, str]]()
    for item in items:
        name, _, _ = item.nodeid.partition("[")
        cases[item.path, name] += 1
        folder = item.path.parent
        is_random = is_hypothesis_test(getattr(item, "function", None))
        is_repeated = cases[item.path, name] > TRACED_CASES and "cli" not in folder.parts and folder.name != "server"
        if folder.name in UNCOVERED or is_random or is_repeated:
            item.add_marker("no_cover")


@pytest.fixture(scope="module", autouse=True)
def coverage_of_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Coverage doubles the time of a process that a test starts, so it looks only at those that show something new.

    It looks at none that a test may interrupt: a KeyboardInterrupt within coverage leaves its lock held, and the
    process stands still.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name in UNCOVERED or hasattr(request.module, "signal"):
            for name in TRACING:
                patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def coverage_of_traced_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look at no process that a test starts which is not traced itself."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("no_cover"):
            for name in TRACING:
                patch.delenv(name, raising=False)
        yield


KINDS = ["memory", "sqlite", "sqlite, indexed at once", "sqlite, indexed now and then", "replicated"]


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEtcd]:
    """One node of etcd for all tests that do it no harm; each takes a cluster of its own name."""
    if not local_etcd.is_installed():
        pytest.skip(MISSING)
    with local_etcd.running(tmp_path_factory.mktemp("etcd"), 1, *FAST) as etcd:
        yield etcd


@pytest.fixture(params=KINDS)
def any_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A new store of each kind."""
    chunks = {"sqlite, indexed at once": 1, "sqlite, indexed now and then": 3}
    monkeypatch.setattr(tag_index, "CHUNK_TWEETS", chunks.get(request.param, tag_index.CHUNK_TWEETS))
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "replicated":
        with closing(joined(tmp_path / "tweets.db", SharedLog(), "a")) as replica:
            yield replica
    else:
        with closing(SqliteStore.open(tmp_path / "tweets.db", log_limit=MANY_BYTES, at=0)) as store:
            yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database file may be made."""
    return tmp_path / "tweets.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A new store at `path`."""
    with opened(path) as store:
        yield store


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a user without rights may look into; the test's own folder is closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that signs certificates, and a certificate of its."""
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def ctrl_c_left_as_it_was() -> Iterator[None]:
    """Fail a test that leaves SIGINT to a handler of its own: later tests could not be interrupted."""
    before = signal.getsignal(signal.SIGINT)
    yield
    left = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)
    assert left == before


@pytest.fixture
def signals_put_back() -> Iterator[None]:
    """A server leaves signals and the switch interval as its process needs them, which is the tests' own here."""
    switch_interval_s = sys.getswitchinterval()
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.setswitchinterval(switch_interval_s)
