"""Reading a database leaves no files beside it that were not there before."""

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.support.processes import running_server
from tests.support.sqlite_files import NOW, opened, post, texts
from ttweet.client.sync_client import Client
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.check import Check
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.repair import rebuild_indexes
from ttweet.storage.sqlite.salvage import Salvage


@pytest.fixture
def stopped(path: Path) -> Path:
    with opened(path) as store:
        post(store, "one #tag")
        store.end_session("stopped", at=NOW)
    return path


def beside(path: Path) -> list[str]:
    return sorted(file.name.removeprefix(path.name) for file in path.parent.iterdir())


READ: dict[str, Callable[[Path], object]] = {
    "a query": lambda path: SqliteReader(path).close(),
    "a check": lambda path: list(Check(path).run(lambda done, total: None)),
    "an export of what is left": lambda path: Salvage(path).close(),
    "a repair where nothing is damaged": rebuild_indexes,
}


@pytest.mark.parametrize("what", READ)
def test_reading_does_not_change_the_file_and_makes_none_beside_it(what: str, stopped: Path) -> None:
    before = stopped.stat().st_mtime_ns, stopped.read_bytes(), beside(stopped)
    READ[what](stopped)
    assert (stopped.stat().st_mtime_ns, stopped.read_bytes(), beside(stopped)) == before


def test_a_backup_leaves_nothing_beside_the_database(stopped: Path, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    before = beside(stopped)
    back_up(stopped, tmp_path / "copies" / "copy.db", overwrite=False, progress=lambda done, total: None)
    assert [name for name in beside(stopped) if name != "copies"] == [name for name in before if name != "copies"]
    assert beside(tmp_path / "copies" / "copy.db") == [""]


def test_a_log_that_waits_to_be_written_back_stays(stopped: Path) -> None:
    with closing(connect_reader(stopped)), closing(connect_reader(stopped)) as anchor:
        with opened(stopped) as store:
            post(store, "two")
        waiting = Path(f"{stopped}-wal").read_bytes()
        assert anchor.execute("SELECT count(*) FROM tweets").fetchone() == (2,)
    assert (len(waiting) > 0, Path(f"{stopped}-wal").read_bytes()) == (True, waiting)


def test_a_server_that_has_begun_meanwhile_keeps_its_log(stopped: Path) -> None:
    reader = connect_reader(stopped)
    reader.execute("SELECT count(*) FROM tweets").fetchone()
    with running_server(stopped.parent, "--db", str(stopped), "--no-report-file") as server:
        reader.close()
        assert "-wal" in beside(stopped)
        with Client("127.0.0.1", server.port) as client:
            client.post("two")
        server.process.kill()
        server.process.wait()
    with closing(SqliteReader(stopped)) as after:
        assert texts(after) == ["one #tag", "two"]


def test_a_file_that_is_damaged_is_left_as_it_is(stopped: Path) -> None:
    with stopped.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    before = stopped.read_bytes()
    with suppress(Exception):
        list(Check(stopped).run(lambda done, total: None))
    assert stopped.read_bytes() == before
