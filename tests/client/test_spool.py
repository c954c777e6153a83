import errno
import os
import stat
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ownership import give_away
from ttweet.client import spool
from ttweet.client.spool import MAX_SENT_S, FullError, HeldError, Parcel, Spool, SpooledParcel
from ttweet.files import NotOursError

A_PARCEL = Parcel("127.0.0.1:13001", None, "hi 寿司 #a", ["b"], True, "k", 1795446500123)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool"


def texts(at: Spool) -> list[str]:
    return [entry.parcel.text if isinstance(entry, SpooledParcel) else entry.name for entry in at.take()]


def parcel(text: str) -> Parcel:
    return Parcel("here:1", "matt", text, [], False, "k", 1)


def test_a_kept_message_comes_out_as_it_was_for_its_owner_alone(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        kept = at.keep(A_PARCEL)
        assert list(Spool(folder).take()) == [kept]
        assert kept.parcel == A_PARCEL
        assert not kept.may_be_stored
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_folder_that_others_may_write_to_takes_and_gives_nothing(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(NotOursError), Spool(folder).locked():
        pass
    with pytest.raises(NotOursError):
        Spool(folder).keep_late(A_PARCEL)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_takes_and_gives_nothing(folder: Path) -> None:
    folder.mkdir(parents=True)
    give_away(folder)
    with pytest.raises(NotOursError, match="belongs to another user"), Spool(folder).locked():
        pass


def test_a_tweet_is_not_written_through_a_link(folder: Path) -> None:
    victim = folder.parent / "victim"
    with Spool(folder).locked():
        victim.write_text("precious")
        (folder / "unfinished-000000000001.new").symlink_to(victim)
        with pytest.raises(OSError, match="symbolic link"):
            Spool(folder).keep(A_PARCEL)
    assert victim.read_text() == "precious"


def test_a_tweet_that_another_command_finishes_at_this_moment_is_not_in_the_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [folder / "unfinished-late-1"]  # its name when it was listed
    monkeypatch.setattr(Path, "glob", lambda _, pattern: gone if pattern.startswith("unfinished") else [])
    with Spool(folder).locked():
        Spool(folder).keep(A_PARCEL)
    assert texts(Spool(folder)) == [A_PARCEL.text]


def test_waiting_messages_come_in_the_order_in_which_they_were_kept(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        entries = [at.keep(parcel(str(number))) for number in range(12)]
        at.mark_sent(entries[3])
        at.remove(entries[5])
        at.keep(parcel("12"))
        assert texts(at) == [str(number) for number in range(13) if number != 5]


def test_a_mark_outlives_the_process(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        sent = at.mark_sent(at.keep(A_PARCEL))
        (entry,) = Spool(folder).take()
        assert isinstance(entry, SpooledParcel)
        assert entry.may_be_stored
        assert at.mark_sent(entry) == sent
        assert not at.mark_new(entry).may_be_stored


def test_only_what_may_be_stored_gets_too_old_and_from_its_first_attempt_on(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        new = at.keep(A_PARCEL)
        os.utime(new.path, (0, 0))
        assert not at.is_too_old(new)
        sent = at.mark_sent(new)
        assert not at.is_too_old(sent)
        long_ago = time.time() - MAX_SENT_S - 1
        os.utime(sent.path, (long_ago, long_ago))
        assert at.is_too_old(at.mark_sent(sent))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"server":"a"}',
        b'{"server":"a","by":null,"text":1,"tags":[],"scan":true,"key":"k","at":1}',
        b'{"server":"a","by":null,"text":"t","tags":[1],"scan":true,"key":"k","at":1}',
        b'{"server":"a","by":null,"text":"t","tags":null,"scan":true,"key":"k","at":1}',
        b'{"server":"a","by":null,"text":"t","tags":[],"scan":true,"key":"k","at":1,"more":1}',
        rb'{"server":"a","by":"\ud800","text":"t","tags":[],"scan":true,"key":"k","at":1}',
        rb'{"server":"a","by":null,"text":"t","tags":["\ud800"],"scan":true,"key":"k","at":1}',
    ],
)
def test_a_damaged_file_comes_as_its_path_and_holds_up_no_other(folder: Path, data: bytes) -> None:
    at = Spool(folder)
    with at.locked():
        damaged = at.keep(parcel("first"))
        at.keep(parcel("second"))
        damaged.path.write_bytes(data)
        assert texts(at) == [damaged.path.name, "second"]


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE])
def test_a_read_that_fails_for_the_moment_damages_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def fail(path: Path) -> Parcel:
        raise OSError(error, os.strerror(error), str(path))

    at = Spool(folder)
    with at.locked():
        at.keep(parcel("first"))
        with monkeypatch.context() as patch:
            patch.setattr(spool, "_read", fail)
            with pytest.raises(OSError, match=os.strerror(error)):
                texts(at)
        assert texts(at) == ["first"]


def test_an_entry_that_is_no_file_comes_as_its_path(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        (folder / "000000000001.new").mkdir()
        at.keep(parcel("second"))
        assert texts(at) == ["000000000001.new", "second"]


@given(st.binary(max_size=200))
def test_no_bytes_of_a_file_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    at = Spool(tmp_path_factory.mktemp("spool"))
    (at.folder / "000000000001.new").write_bytes(data)
    assert len(list(at.take())) == 1


def test_a_message_that_is_set_aside_waits_no_more_and_is_never_overwritten(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        aside = {at.set_aside(at.keep(parcel(text)).path, "damaged") for text in "ab"}
        assert len(aside) == 2
        assert texts(at) == []
        assert sorted(path.read_text().count("text") for path in aside) == [1, 1]


def test_a_file_that_a_crash_left_unfinished_is_not_there(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        (folder / "unfinished").write_text("half of a twe")
        assert texts(at) == []
        at.keep(parcel("whole"))
        assert texts(at) == ["whole"]


def test_a_message_that_a_killed_command_began_to_keep_is_kept_once_it_is_old(folder: Path) -> None:
    at = Spool(folder)
    with at.locked():
        at.keep_late(parcel("whole"))
        (late,) = folder.glob("late-*")
        unfinished = late.rename(folder / f"unfinished-{late.name}")
    with at.locked():
        assert (texts(at), unfinished.exists()) == ([], True), "its command may still write it"
        long_ago = time.time() - spool.MAX_WAIT_S - 1
        os.utime(unfinished, (long_ago, long_ago))
    with at.locked():
        assert (texts(at), unfinished.exists()) == (["whole"], False)


def test_the_number_of_kept_messages_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_KEPT", 2)
    at = Spool(folder)
    with at.locked():
        at.keep(parcel("a"))
        at.keep(parcel("b"))
        with pytest.raises(FullError):
            at.keep(parcel("c"))
        with pytest.raises(FullError):
            at.keep_late(parcel("c"))
        assert texts(at) == ["a", "b"]


def test_a_client_that_cannot_wait_for_the_lock_leaves_a_tweet_behind_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MAX_WAIT_S", 0.0)
    at = Spool(folder)
    with at.locked():
        at.keep(parcel("1"))
        with pytest.raises(HeldError, match=f"process {os.getpid()} has used the spool"), at.locked():
            pass
        at.keep_late(parcel("3"))
        at.keep_late(parcel("4"))
        at.keep(parcel("2"))
        assert texts(at) == ["1", "2"]
    with at.locked():
        assert texts(at) == ["1", "2", "3", "4"]


def test_a_command_that_waits_for_the_lock_says_once_for_which_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "NOTICE_AFTER_S", 0.0)
    told: list[str] = []
    holder = ExitStack()

    def let_go(other: str) -> None:
        told.append(other)
        holder.close()

    holder.enter_context(Spool(folder).locked())
    with Spool(folder).locked(let_go):
        assert told == [f"process {os.getpid()}"]


def test_one_command_at_a_time_holds_the_spool(folder: Path) -> None:
    held = 0
    most = []

    def hold() -> None:
        nonlocal held
        for _ in range(20):
            with Spool(folder).locked():
                held += 1
                most.append(held)
                Spool(folder).keep(A_PARCEL)
                held -= 1

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert len(texts(Spool(folder))) == 80
