"""Sample.txt, where others have a hand in it: foreign files, devices, and files that are rotated away."""

import os
from pathlib import Path

import pytest

from tests.support.report_files import MANY_BYTES, a_locked_file, copy_to, lines_of, log_line, no_folder, store_with
from ttweet.model.reports import RECEIVED, SUCCESS
from ttweet.server.destinations import write_alone
from ttweet.server.sample_file import SampleFile


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return tmp_path / "Sample.txt"


FOREIGN = {
    "notes": "my notes\n",
    "a space first": " SERVER ALERT [GENERAL] one\n",
    "lower case": "server alert [GENERAL] one\n",
    "the name alone": "SERVER ALERT",
    "a byte order mark": "\ufeffSERVER ALERT [GENERAL] one\n",
    "a blank line first": "\nSERVER ALERT [GENERAL] one\n",
    "NUL": "\0",
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("when", ["at the start", "meanwhile", "in its place"])
def test_a_file_that_ttweet_did_not_write_is_left_alone(
    text: str, when: str, sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    if when != "at the start":
        assert copy.catch_up()
    if when == "in its place":
        sample.rename(sample.with_name("ours"))
    sample.write_text(text)
    log_line(store, "two")
    for _ in range(3):
        assert not copy.catch_up()
        copy.reopen()
    assert sample.read_text() == text
    [warning] = caplog.messages
    way_out = "choose another report file, or none"
    assert warning.startswith(f"cannot write {sample}: ttweet did not write what is in it; {way_out}; ")
    sample.unlink()
    assert copy.catch_up()
    assert lines_of(sample)[-1] == "two"


@pytest.mark.parametrize(
    "text", ["", "SERVER ALERT [GENERAL] old\n", "CLIENT ALERT [ERROR] old\n", f"{SUCCESS}\n", f"{RECEIVED}old\n"]
)
def test_a_file_that_ttweet_wrote_is_begun_again(text: str, sample: Path) -> None:
    sample.write_text(text)
    assert copy_to(sample, store_with("one")).catch_up()
    assert lines_of(sample) == ["one"]


def test_a_start_that_fails_leaves_a_foreign_file_alone(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    sample.write_text("my notes\n")
    write_alone("SERVER ALERT [ERROR] SERVER COULD NOT BE STARTED", SampleFile(sample, max_bytes=MANY_BYTES))
    assert sample.read_text() == "my notes\n"
    assert "choose another report file" in caplog.text


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full", "/dev/stdout"])
def test_a_device_is_left_alone_and_the_warning_has_the_way_out(device: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not copy_to(Path(device), store_with("one")).catch_up()
    assert "choose another report file, or none" in caplog.text


def rotated(sample: Path) -> Path:
    return sample.rename(sample.with_name("Sample.txt.1"))


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed before", "not noticed before"])
@pytest.mark.parametrize("created", [True, False], ids=["create", "nocreate"])
def test_a_file_that_was_renamed_and_reopened_is_continued_in_a_new_one(
    noticed: bool, created: bool, sample: Path
) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    for number in ("two", "three"):
        kept, before = rotated(sample), lines_of(sample.with_name("Sample.txt.1"))
        if created:
            sample.touch(0o640)
        log_line(store, number)
        if noticed:
            assert copy.catch_up()
        copy.reopen()
        assert copy.catch_up()
        assert lines_of(kept) == before
        assert lines_of(sample) == [number]
        copy.reopen()
        assert copy.catch_up()
        assert lines_of(sample) == [number]


def test_a_file_that_is_back_under_its_name_is_not_continued_in_a_new_one(sample: Path) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    with no_folder(sample):
        assert not copy.catch_up()
    copy.reopen()
    log_line(store, "two")
    assert copy.catch_up()
    assert lines_of(sample) == ["one", "two"]


def test_a_file_that_was_renamed_is_continued_once_its_new_place_is_free(sample: Path) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    rotated(sample)
    log_line(store, "two")
    copy.reopen()
    with a_locked_file(sample):
        assert not copy.catch_up()
    assert copy.catch_up()
    assert lines_of(sample) == ["two"]


def test_a_file_that_was_cut_between_two_looks_has_no_hole(sample: Path) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    log_line(store, "two")
    file = copy._destination
    file.begin(1)
    os.truncate(sample, 0)  # copytruncate, after the look and before the write
    file.write(b"SERVER ALERT [GENERAL] two\n")
    log_line(store, "three")
    assert copy.catch_up()
    assert lines_of(sample) == ["one", "two", "three"]
