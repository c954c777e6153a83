"""Sample.txt: each line once, in order, complete after any trouble with the file."""

import errno
import logging
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.memory_store import MemoryStore
from tests.support.processes import output_of
from tests.support.report_files import MANY_BYTES, a_locked_file, copy_to, lines_of, log_line, no_folder, store_with
from tests.support.sqlite_files import NOBODY, NOW, opened
from ttweet.model.errors import StoreError
from ttweet.model.reports import Report
from ttweet.server import log_copies
from ttweet.server.log_copies import LogCopy
from ttweet.server.sample_file import SampleFile


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return tmp_path / "Sample.txt"


def test_the_file_holds_the_current_session_only_in_order_each_line_once(sample: Path) -> None:
    sample.write_text("SERVER ALERT [GENERAL] of yesterday\n")
    store = MemoryStore()
    log_line(store, "of another session", session=0)
    log_line(store, "one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    assert lines_of(sample) == ["one"]
    for text in ("two", "three"):
        log_line(store, text)
        assert copy.catch_up()
        assert copy.catch_up()
    assert sample.read_text() == "".join(f"SERVER ALERT [GENERAL] {text}\n" for text in ("one", "two", "three"))


def test_the_file_is_empty_when_nothing_has_happened_and_its_owners_alone(sample: Path) -> None:
    assert copy_to(sample, MemoryStore()).catch_up()
    assert sample.read_bytes() == b""
    assert sample.stat().st_mode & 0o777 == 0o600


def test_more_lines_than_one_page_arrive_all(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copies, "PAGE_LINES", 3)
    texts = [str(number) for number in range(10)]
    assert copy_to(sample, store_with(*texts)).catch_up()
    assert lines_of(sample) == texts


LINE_BYTES = len("SERVER ALERT [GENERAL] 1\n")


def test_a_file_with_more_bytes_than_it_may_have_is_begun_again_with_what_the_log_still_has(sample: Path) -> None:
    store = store_with("1", "2", "3")
    copy = copy_to(sample, store, max_bytes=4 * LINE_BYTES)
    assert copy.catch_up()
    log_line(store, "4")
    assert copy.catch_up()
    assert lines_of(sample) == ["1", "2", "3", "4"]
    log_line(store, "5")
    del store.log[:2]
    assert copy.catch_up()
    assert copy.catch_up()
    assert lines_of(sample) == ["3", "4", "5"]


def test_a_file_is_a_page_longer_than_it_may_be_at_most(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copies, "PAGE_LINES", 2)
    sizes = []

    class Watched(SampleFile):
        def write(self, lines: bytes) -> None:
            super().write(lines)
            sizes.append(sample.stat().st_size)

    store = store_with(*"1234567")
    copy = LogCopy(Watched(sample, max_bytes=8 * LINE_BYTES), store, session=1)
    assert copy.catch_up()
    for text in "abcdef":
        log_line(store, text)
    store.pruned = 7
    assert copy.catch_up()
    assert lines_of(sample) == [*"abcdef"]
    assert max(sizes) == 9 * LINE_BYTES


def test_a_session_of_more_bytes_than_its_file_may_have_is_copied_once_a_look(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copies, "PAGE_LINES", 2)
    store = store_with(*"12345678")
    copy = copy_to(sample, store, max_bytes=3 * LINE_BYTES)
    for text in "ab":
        assert copy.catch_up()
        assert lines_of(sample) == [line.text for line in store.log]
        log_line(store, text)


def test_other_scripts_are_utf8(sample: Path) -> None:
    assert copy_to(sample, store_with("Message Received: 寿司 🎉")).catch_up()
    assert sample.read_text(encoding="utf-8").endswith("寿司 🎉\n")


@contextmanager
def nothing(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    yield


@contextmanager
def a_directory(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    sample.mkdir()
    yield
    sample.rmdir()


@contextmanager
def a_symlink(sample: Path) -> Iterator[None]:
    target = sample.with_name("precious")
    target.write_text("precious")
    sample.unlink(missing_ok=True)
    sample.symlink_to(target)
    yield
    sample.unlink()
    assert target.read_text() == "precious"


@contextmanager
def a_hard_link(sample: Path) -> Iterator[None]:
    target = sample.with_name("precious")
    target.write_text("precious")
    sample.unlink(missing_ok=True)
    sample.hardlink_to(target)
    yield
    sample.unlink()
    assert target.read_text() == "precious"


@contextmanager
def a_fifo(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    os.mkfifo(sample)
    yield
    sample.unlink()


@contextmanager
def a_fifo_with_a_reader(sample: Path) -> Iterator[None]:
    with a_fifo(sample):
        reader = os.open(sample, os.O_RDONLY | os.O_NONBLOCK)
        yield
        assert os.read(reader, 10) == b""
        os.close(reader)


TROUBLES = [a_directory, a_symlink, a_hard_link, a_fifo, a_fifo_with_a_reader, no_folder, a_locked_file]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("when", ["at the start", "meanwhile"])
def test_the_report_file_is_complete_after_any_trouble_with_it(
    trouble: Callable[[Path], AbstractContextManager[None]], when: str, sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sample.parent.joinpath("folder").mkdir()
    sample = sample.parent / "folder" / sample.name
    store = store_with("before")
    copy = copy_to(sample, store)
    if when == "meanwhile":
        assert copy.catch_up()
    with trouble(sample):
        log_line(store, "during")
        for _ in range(3):
            assert not copy.catch_up()
    log_line(store, "after")
    assert copy.catch_up()
    assert lines_of(sample) == ["before", "during", "after"]
    warning, relief = [record.message for record in caplog.records]
    assert warning.startswith(f"cannot write {sample}: ")
    assert warning.endswith("its lines are kept in the log table and are copied as soon as possible")
    assert relief == f"{sample} is complete again"


def test_a_folder_in_the_place_of_the_file_is_named_with_the_remedy(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sample.mkdir()
    assert not copy_to(sample, store_with("a line")).catch_up()
    assert "Sample.txt is a folder; choose another report file, or none; its lines are kept" in caplog.messages[0]


def test_a_link_is_named_as_what_it_is(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    with a_symlink(sample):
        assert not copy_to(sample, store_with("a line")).catch_up()
    assert f"cannot write {sample}: Sample.txt is a symbolic link" in caplog.messages[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_another_user_has_put_there_is_not_written_to(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sample.touch()
    os.chown(sample, NOBODY, NOBODY)
    assert not copy_to(sample, store_with("one")).catch_up()
    assert sample.read_bytes() == b""
    assert f"cannot write {sample}: Sample.txt belongs to another user (id {NOBODY})" in caplog.messages[0]


def test_the_database_by_another_name_is_not_opened_so_that_its_locks_stay(
    path: Path, sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as store, closing(store.reader()) as reader:
        store.append([], [Report("SERVER", "GENERAL", "one")], at=NOW)
        sample.hardlink_to(path)
        copy = LogCopy(SampleFile(sample, max_bytes=MANY_BYTES), reader, session=store.session)
        assert not copy.catch_up()
        output_of(f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT * FROM tweets'); c.close()")
        assert path.with_name("tweets.db-wal").exists()  # the shell would have taken it away
        sample.unlink()
        assert copy.catch_up()
    assert lines_of(sample) == ["one"]
    assert f"cannot write {sample}: Sample.txt has another name (a hard link)" in caplog.messages[0]


def test_a_file_that_was_deleted_is_begun_again_with_all_lines(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = store_with("before")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    sample.unlink()
    log_line(store, "after")
    assert copy.catch_up()
    assert lines_of(sample) == ["before", "after"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "change", [lambda _: "", lambda text: text[:20], lambda text: text + "more\n"], ids=["emptied", "cut", "added to"]
)
def test_a_file_that_a_user_changed_is_begun_again_with_all_lines(sample: Path, change: Callable[[str], str]) -> None:
    store = store_with("one", "two")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    sample.write_text(change(sample.read_text()))
    log_line(store, "three")
    assert copy.catch_up()
    assert lines_of(sample) == ["one", "two", "three"]


def test_a_database_is_never_emptied_for_the_file(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(sample)) as database:
        database.execute("CREATE TABLE precious (text)")
    before = sample.read_bytes()
    assert not copy_to(sample, store_with("one")).catch_up()
    assert sample.read_bytes() == before
    assert "ttweet did not write what is in it; choose another report file" in caplog.text


def test_lines_that_the_log_lost_before_they_were_copied_are_reported(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    for text in ("two", "three", "four"):
        log_line(store, text)
    store.pruned = 3
    assert copy.catch_up()
    assert lines_of(sample) == ["one", "four"]
    assert "Sample.txt lacks 2 lines: the log limit is too small" in caplog.text


def test_a_file_that_was_moved_away_keeps_what_it_had(sample: Path) -> None:
    store = store_with("before")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    kept = sample.rename(sample.with_name("kept"))
    log_line(store, "after")
    assert copy.catch_up()
    assert lines_of(kept) == ["before"]
    assert lines_of(sample) == ["before", "after"]


def test_two_servers_never_mix_their_lines_in_one_file(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = copy_to(sample, store_with("first")), copy_to(sample, store_with("second"))
    assert first.catch_up()
    assert not second.catch_up()
    assert lines_of(sample) == ["first"]
    assert "another process has locked it" in caplog.text


@contextmanager
def a_full_disk(limit_bytes: int) -> Iterator[None]:
    """No file can grow beyond the limit; writes up to it are taken, as a disk takes them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_there_is_room_on_the_disk_again_the_file_is_complete(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_with("before")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    texts = [f"{number} ".ljust(100, "x") for number in range(100)]
    for text in texts:
        log_line(store, text)
    with a_full_disk(4096):
        assert not copy.catch_up()
        assert not copy.catch_up()
    assert sample.stat().st_size <= 4096
    assert copy.catch_up()
    assert lines_of(sample) == ["before", *texts]
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING]
    assert os.strerror(errno.EFBIG) in caplog.text


class BusyReader(MemoryStore):
    """Cannot be read, the first time."""

    busy = True

    def text_after(
        self, cursor: int, *, limit: int, session: int | None = None, details: bool = False
    ) -> tuple[str, int]:
        if self.busy:
            self.busy = False
            raise StoreError("busy", "another process holds the file")
        return super().text_after(cursor, limit=limit, session=session, details=details)


def test_a_log_that_cannot_be_read_now_is_read_later(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = BusyReader()
    log_line(store, "one")
    copy = copy_to(sample, store)
    assert not copy.catch_up()
    assert copy.catch_up()
    assert lines_of(sample) == ["one"]
    assert "another process holds the file" in caplog.text
