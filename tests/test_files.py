"""Files that are written whole or not at all: what stands in the target's place at any moment, and for whom."""

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ttweet import files
from ttweet.files import (
    NotOursError,
    refuse_replaceable,
    refuse_shared,
    replacing,
    secret_objection,
    trusted_path,
    write_texts,
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copy.txt"


def write_half(target: Path) -> None:
    with replacing(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_written_file_takes_the_targets_place_at_the_end_for_its_owner_alone(target: Path, umask: int) -> None:
    target.write_text("old")
    before = os.umask(umask)
    try:
        with replacing(target) as part:
            part.write_text("new")
            assert target.read_text() == "old"
    finally:
        os.umask(before)
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(target.parent) == ["copy.txt"]


def test_a_block_that_fails_leaves_the_target_and_nothing_else(target: Path) -> None:
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(target)
    assert target.read_text() == "old"
    assert names(target.parent) == ["copy.txt"]


def test_the_hidden_file_of_a_killed_process_is_used_again(target: Path) -> None:
    target.with_name(".copy.txt.part").write_text("a long half of a file")
    with replacing(target) as part:
        part.write_text("whole")
    assert target.read_text() == "whole"
    assert names(target.parent) == ["copy.txt"]


def test_two_at_a_time_do_not_mix(target: Path) -> None:
    with replacing(target) as part:
        with pytest.raises(BlockingIOError) as refusal, replacing(target):
            pass
        part.write_text("first")
    assert refusal.value.filename == str(target)
    assert target.read_text() == "first"


def test_a_target_that_is_there_or_comes_meanwhile_is_not_overwritten_unless_wanted(target: Path) -> None:
    with pytest.raises(FileExistsError), replacing(target, overwrite=False):
        target.write_text("somebody else's")
    with pytest.raises(FileExistsError), replacing(target, overwrite=False):
        pass
    assert target.read_text() == "somebody else's"
    assert names(target.parent) == ["copy.txt"]


def test_a_target_that_comes_at_the_last_moment_is_not_overwritten(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Path.hardlink_to

    def late(self: Path, other: Path) -> None:
        self.write_text("somebody else's")
        link(self, other)

    monkeypatch.setattr(Path, "hardlink_to", late)
    with pytest.raises(FileExistsError, match="the file exists"), replacing(target, overwrite=False) as part:
        part.write_text("ours")
    assert target.read_text() == "somebody else's"
    assert names(target.parent) == ["copy.txt"]


def test_a_file_system_without_hard_links_gets_the_new_file_too(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, other: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(other))

    monkeypatch.setattr(Path, "hardlink_to", refused)
    with replacing(target, overwrite=False) as part:
        part.write_text("ours")
    assert target.read_text() == "ours"
    assert names(target.parent) == ["copy.txt"]


def test_a_target_that_is_no_regular_file_is_not_replaced(target: Path) -> None:
    os.mkfifo(target)
    with pytest.raises(OSError, match="not a regular file"), replacing(target):
        pass
    assert target.is_fifo()


@pytest.mark.parametrize(("link", "what"), [(Path.symlink_to, "symbolic link"), (Path.hardlink_to, "another name")])
def test_a_link_is_not_written_through_and_the_targets_own_name_is_reported(
    target: Path, link: Callable[[Path, Path], None], what: str
) -> None:
    victim = target.with_name("victim")
    victim.write_text("precious")
    link(target.with_name(".copy.txt.part"), victim)
    with pytest.raises(OSError, match=rf"\.copy\.txt\.part .*{what}") as refusal, replacing(target):
        pass
    assert refusal.value.filename == str(target)
    assert victim.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_in_the_hidden_files_place_gets_nothing(target: Path) -> None:
    part = target.with_name(".copy.txt.part")
    part.touch()
    os.chown(part, 65534, 65534)
    with pytest.raises(OSError, match=r"\.copy\.txt\.part belongs to another user \(id 65534\)"), replacing(target):
        pass
    assert names(target.parent) == [".copy.txt.part"]


def test_a_target_that_has_just_been_written_differs_from_a_file_that_is_missing(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock_late(fd: int, how: int) -> None:
        target.with_name(".copy.txt.part").rename(target)  # the other was quicker
        flock(fd, how)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock_late)
    with pytest.raises(BlockingIOError, match="just replaced"), replacing(target):
        pass


ME, OTHER = os.geteuid(), os.geteuid() + 4321
LINKS = {"/s/link": "/home/me", "/home/me/today": "real/out.jsonl", "/s/up": "../home", "/s/round": "round"}


def found(kind: int, mode: int, owner: int) -> os.stat_result:
    return os.stat_result((kind | mode, 0, 0, 1, owner, owner, 0, 0, 0, 0))


def tree(mode: int, owner: int) -> Callable[[Path], os.stat_result]:
    """A machine with a folder /s of that mode, in which an owner has put files, folders and links."""
    entries = {
        "/": found(stat.S_IFDIR, 0o755, 0),
        "/s": found(stat.S_IFDIR, mode, 0),
        "/s/file": found(stat.S_IFREG, 0o644, owner),
        "/s/sub": found(stat.S_IFDIR, 0o755, owner),
        **{f"/s/{name}": found(stat.S_IFLNK, 0o777, owner) for name in ("link", "up", "round")},
        "/home": found(stat.S_IFDIR, 0o755, 0),
        "/home/me": found(stat.S_IFDIR, 0o700, ME),
        "/home/me/real": found(stat.S_IFDIR, 0o700, ME),
        "/home/me/today": found(stat.S_IFLNK, 0o777, ME),
    }

    def lstat(path: Path) -> os.stat_result:
        if path.name == "..":
            return entries[str(path.parent.parent)]
        if str(path) not in entries:
            raise FileNotFoundError(path)
        return entries[str(path)]

    return lstat


def walked(path: str, mode: int, owner: int) -> str:
    return str(trusted_path(Path(path), lstat=tree(mode, owner), readlink=lambda link: LINKS[str(link)]))


@pytest.mark.parametrize(
    ("path", "mode", "owner", "leads_to"),
    [
        ("/s/new", 0o1777, OTHER, "/s/new"),
        ("/s/file", 0o1777, OTHER, "/s/file"),
        ("/s/sub/new", 0o1777, ME, "/s/sub/new"),
        ("/s/sub/new", 0o1777, 0, "/s/sub/new"),
        ("/s/sub/new", 0o755, OTHER, "/s/sub/new"),
        ("/s/sub/new", 0o775, OTHER, "/s/sub/new"),
        ("/s/link/new", 0o1777, ME, "/home/me/new"),
        ("/s/link/new", 0o1777, 0, "/home/me/new"),
        ("/s/link/today", 0o755, OTHER, "/home/me/real/out.jsonl"),
        ("/s/up/me/new", 0o755, OTHER, "/home/me/new"),
        ("/s/sub/../../home/me/new", 0o755, OTHER, "/home/me/new"),
        ("/home/me/today", 0o777, OTHER, "/home/me/real/out.jsonl"),
        ("/home/no/such/file", 0o777, OTHER, "/home/no/such/file"),
    ],
)
def test_a_path_that_no_other_user_controls_is_returned_without_links(
    path: str, mode: int, owner: int, leads_to: str
) -> None:
    assert walked(path, mode, owner) == leads_to


@pytest.mark.parametrize(
    ("path", "mode", "owner", "wrong"),
    [
        ("/s/link", 0o1777, OTHER, f"'/s/link' is a symbolic link of another user (id {OTHER})"),
        ("/s/link/new", 0o1777, OTHER, "'/s/link' is a symbolic link of another user"),
        ("/s/up/me/new", 0o1777, OTHER, "'/s/up' is a symbolic link of another user"),
        ("/s/sub/new", 0o1777, OTHER, "'/s/sub' is a folder of another user"),
        ("/s/sub/../../home/me/new", 0o1777, OTHER, "'/s/sub' is a folder of another user"),
        ("/s/new", 0o777, ME, "any user can replace the files in /s; run: chmod o-w /s"),
        ("/s/sub/new", 0o777, ME, "any user can replace the files in /s; run: chmod o-w /s"),
        ("/s/link/new", 0o777, ME, "any user can replace the files in /s; run: chmod o-w /s"),
    ],
)
def test_a_path_that_another_user_controls_is_refused(path: str, mode: int, owner: int, wrong: str) -> None:
    with pytest.raises(NotOursError) as refusal:
        walked(path, mode, owner)
    assert wrong in str(refusal.value)
    assert refusal.value.filename == path


def test_links_that_lead_to_each_other_are_refused() -> None:
    with pytest.raises(OSError, match="symbolic links"):
        walked("/s/round/new", 0o755, ME)


def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["out.jsonl", "sub/out.jsonl"])
def test_nothing_is_written_through_another_users_link_in_a_shared_folder(tmp_path: Path, name: str) -> None:
    home, folder = tmp_path / "home", shared(tmp_path)
    home.mkdir()
    link, goal = (folder / "sub", home) if "/" in name else (folder / name, home / name)
    link.symlink_to(goal)
    os.lchown(link, OTHER, OTHER)
    for write in (lambda path: write_texts(path, ["new"]), write_half):
        with pytest.raises(NotOursError, match="symbolic link of another user"):
            write(folder / name)
    assert names(home) == []


def test_a_text_for_a_device_is_written_to_it(tmp_path: Path) -> None:
    write_texts(Path(os.devnull), ["gone"])
    assert Path(os.devnull).is_char_device()
    write_texts(tmp_path / "script", ["for ", "all"], mode=0o644)
    assert (tmp_path / "script").read_text() == "for all"
    assert stat.S_IMODE((tmp_path / "script").stat().st_mode) == 0o644


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o1777])
def test_a_folder_that_others_may_write_to_is_shared(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(NotOursError, match=r"other users can write|any user can replace"):
        refuse_shared(tmp_path)
    tmp_path.chmod(0o700)
    refuse_shared(tmp_path)


def test_a_client_that_comes_at_the_end_of_another_keeps_what_it_has_begun(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def replace_and_let_another_begin(part: Path, whole: Path) -> Path:
        found = replace(part, whole)
        part.write_text("the other's")
        return found

    monkeypatch.setattr(Path, "replace", replace_and_let_another_begin)
    with replacing(target) as part:
        part.write_text("ours")
    assert target.read_text() == "ours"
    assert part.read_text() == "the other's"


def owned(mode: int, owner: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "owner", "user", "wrong"),
    [
        (0o600, 1000, 1000, None),
        (0o400, 1000, 1000, None),
        (0o600, 1000, 0, None),
        (0o640, 1000, 1000, "(mode 0640); run: chmod 600 key"),
        (0o640, 1000, 0, "(mode 0640); run: chmod 600 key"),
        (0o640, 0, 1000, None),  # root's, for a group, as Debian's ssl-cert
        (0o640, 0, 0, None),
        (0o440, 0, 0, None),
        (0o440, 0, 1000, None),  # as containers have secrets
        (0o444, 0, 1000, "(mode 0444); run: chmod 640 key"),
        (0o444, 0, 0, "(mode 0444); run: chmod 600 key"),
        (0o604, 0, 1000, "(mode 0604); run: chmod 640 key"),
        (0o660, 0, 1000, "(mode 0660); run: chmod 640 key"),
        (0o650, 0, 0, "(mode 0650); run: chmod 600 key"),
    ],
)
def test_a_secret_is_for_its_owner_or_for_a_group_that_root_has_chosen(
    mode: int, owner: int, user: int, wrong: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert secret_objection("key", owned(mode, owner)) == wrong


def test_the_mode_of_a_containers_secret_is_that_of_its_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    way_out = "(mode 0444); set the mode of the secret's mount to 0440"
    monkeypatch.setattr(files, "_is_read_only", lambda _: False)
    assert secret_objection("/run/secrets/token", owned(0o444, 0)) == way_out
    monkeypatch.setattr(files, "_is_read_only", lambda _: True)
    assert secret_objection("/etc/ttweet/token", owned(0o444, 0)) == way_out


@pytest.mark.parametrize(
    ("mode", "folder", "wrong"),
    [(0o644, 0o755, None), (0o664, 0o775, None), (0o644, 0o1777, None), (0o646, 0o755, "any user can write to it")],
)
def test_a_file_to_trust_is_one_that_not_every_user_can_replace(
    tmp_path: Path, mode: int, folder: int, wrong: str | None
) -> None:
    file = tmp_path / "folder" / "ca.pem"
    file.parent.mkdir()
    file.write_text("x")
    file.chmod(mode)
    file.parent.chmod(folder)
    if wrong is None:
        refuse_replaceable(file)
    else:
        with pytest.raises(NotOursError, match=rf"{wrong} \(mode 0{mode:o}\); run: chmod o-w {file}"):
            refuse_replaceable(file)


def test_a_device_that_takes_no_text_is_named() -> None:
    with pytest.raises(OSError, match="No space left on device") as raised:
        write_texts(Path("/dev/full"), ["text"])
    assert raised.value.filename == "/dev/full"
