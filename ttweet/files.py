"""Files that are written whole or not at all, for their owner alone.

A new file is written under a hidden name, synced, and then takes the target's place. The next process uses what a
killed one has left there. Knows no tweets and no databases.
"""

import errno
import os
import shlex
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ttweet import system

MAX_LINKS = 40  # symbolic links on one path, as in Linux
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)  # of a file system without hard links, such as FAT


class NotOursError(PermissionError):
    """Another file in its place must be left alone: only ttweet may write the file."""


@contextmanager
def replacing(target: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield an empty file to write to, which becomes the target, on the disk, when the block ends well.

    If the block fails, it is removed.

    Its mode is 0600. Raises OSError, with the target's name: FileExistsError when there is one and `overwrite` is
    false, BlockingIOError when another process is writing the same target, and others.
    """
    whole = trusted_path(target)
    part = whole.with_name(f".{whole.name}.part")
    try:
        _refuse(whole, overwrite=overwrite)
        with _locked(part) as fd:
            try:
                yield part
                system.sync(fd)
                _refuse(whole, overwrite=overwrite)
                _take_place(part, whole, overwrite=overwrite)
            except BaseException:  # and not later: the name may be another process's then
                part.unlink(missing_ok=True)
                raise
        sync_folder(whole.parent)
    except OSError as exc:
        if isinstance(exc, FileNotFoundError) and not whole.parent.exists():
            missing = f"no such folder; make it: mkdir -p {shlex.quote(str(target.parent))}"
            raise FileNotFoundError(errno.ENOENT, missing, str(target)) from exc
        if exc.filename in (None, str(part), str(whole)):
            raise OSError(exc.errno, exc.strerror, str(target)) from exc
        raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise each OSError of a block with a file's name: that of a call with a descriptor has none."""
    try:
        yield
    except OSError as exc:
        if exc.filename is not None:
            raise
        raise OSError(exc.errno, exc.strerror, str(path)) from exc


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        system.sync(fd)
    finally:
        os.close(fd)


def write_texts(target: Path, texts: Iterable[str], *, mode: int = 0o600, overwrite: bool = True) -> None:
    """Put the whole text in the target's place at once, as `replacing` does; a device or a FIFO is written to instead.

    Raises OSError.
    """
    if target.exists() and not target.is_file():
        with naming(target), target.open("w", encoding="utf-8") as file:
            file.writelines(texts)
        return
    with replacing(target, overwrite=overwrite) as part, part.open("w", encoding="utf-8") as file:
        file.writelines(texts)
        os.fchmod(file.fileno(), mode)


def trusted_path(
    path: str | os.PathLike[str],
    *,
    lstat: Callable[[Path], os.stat_result] = os.lstat,
    readlink: Callable[[Path], str] = os.readlink,
) -> Path:
    """Return the absolute path without links. Raises NotOursError if any user could make it lead elsewhere, OSError.

    No folder on the path may be writable for all users, unless it has the sticky bit, as /tmp has. In a folder like
    /tmp, the path must not go through a link or a folder of another user. The owner of any other folder is trusted.
    The kernel follows links by a similar rule (`protected_symlinks` in proc(5)), which a rename does not ask.
    Where files have no owners, every path is trusted.
    """
    if not system.has_owners():
        return Path(path).absolute()
    done, todo, links = Path("/"), [*reversed(Path(path).absolute().parts[1:])], 0
    while todo:
        folder = lstat(done)
        step = done / todo.pop()
        try:
            found = lstat(step)
        except (FileNotFoundError, NotADirectoryError):
            found = None  # it leads nowhere yet, but only the folder's owner may change that
        if (wrong := _path_objection(step, found, folder)) is not None:
            raise NotOursError(errno.EPERM, wrong, os.fspath(path))
        if step.name == "..":
            done = done.parent
        elif found is None:
            return step.joinpath(*reversed(todo))
        elif stat.S_ISLNK(found.st_mode):
            if (links := links + 1) > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
            target = done / readlink(step)
            done, todo = Path("/"), [*todo, *reversed(target.parts[1:])]
        else:
            done = step
    return done


def open_own(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """Open a file of ours, or make it, its mode 0600 under any umask. Raises OSError, with an objection's text if any.

    A rejected file is not even opened: closing it would drop this process's POSIX locks on it.
    """
    if not system.has_owners():
        raise OSError(errno.ENOTSUP, "ttweet keeps no files on Windows; use it in WSL", os.fspath(path))
    new = False
    trusted_path(path)
    try:
        _refuse_objection(path, path.lstat())
    except FileNotFoundError:
        new = True
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        _refuse_objection(path, os.fstat(fd))
        if new:
            os.fchmod(fd, 0o600)
    except OSError:
        os.close(fd)
        raise
    return fd


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are not there, their modes 0700 under any umask. Raises OSError."""
    if folder.is_dir():
        return
    make_private(folder.parent)
    with suppress(FileExistsError):  # another process was quicker
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)


def refuse_shared(folder: Path) -> None:
    """Raise NotOursError if another user owns a folder, may write to it or may replace it. Raises OSError."""
    found = trusted_path(folder).stat()
    if not system.has_owners():
        return
    if found.st_uid not in (0, os.geteuid()):
        wrong = f"it belongs to another user (id {found.st_uid}); name another folder"
    elif found.st_mode & 0o022:
        mode, way_out = stat.S_IMODE(found.st_mode), f"chmod 700 {shlex.quote(str(folder))}"
        wrong = f"other users can write to it (mode {mode:04o}); run: {way_out}"
    else:
        return
    raise NotOursError(errno.EPERM, wrong, str(folder))


def refuse_replaceable(path: str | os.PathLike[str]) -> None:
    """Raise NotOursError if any user may have put this content into a file, or may change it. Raises OSError."""
    folder = trusted_path(path).parent.stat()
    if not system.has_owners():
        return
    found = Path(path).stat()  # not of the trusted path: a pipe such as /dev/fd/63 has none
    if stat.S_ISREG(found.st_mode) and found.st_mode & stat.S_IWOTH:
        mode, way_out = stat.S_IMODE(found.st_mode), f"chmod o-w {shlex.quote(os.fspath(path))}"
        wrong = f"any user can write to it (mode {mode:04o}); run: {way_out}"
    elif folder.st_mode & stat.S_IWOTH and found.st_uid not in (0, os.geteuid(), folder.st_uid):
        wrong = f"it belongs to another user (id {found.st_uid}), in a shared folder; use another folder"
    else:
        return
    raise NotOursError(errno.EPERM, wrong, os.fspath(path))


def objection(path: Path, found: os.stat_result) -> str | None:
    """Return the objection to a file that must be ours: it has another link, or another user made it, as in /tmp."""
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link"
    if not stat.S_ISREG(found.st_mode):
        return "is a folder" if stat.S_ISDIR(found.st_mode) else "is not a regular file"
    if found.st_nlink > 1:
        return "has another name (a hard link)"
    if found.st_uid not in (0, os.geteuid(), path.parent.stat().st_uid):  # these could have replaced ours anyway
        return f"belongs to another user (id {found.st_uid})"
    return None


def secret_objection(path: str | os.PathLike[str], found: os.stat_result) -> str | None:
    """Return the objection to the mode of a secret file, and the remedy; None without one.

    A group may read a file of root's, as PostgreSQL has it: so are Debian's ssl-cert and the secrets of containers.
    """
    mode = stat.S_IMODE(found.st_mode)
    if not system.has_owners() or not mode & (0o037 if found.st_uid == 0 else 0o077):
        return None
    if _is_mounted_secret(path):
        return f"(mode {mode:04o}); set the mode of the secret's mount to 0440"
    wanted = "640" if found.st_uid == 0 != os.geteuid() else "600"
    return f"(mode {mode:04o}); run: chmod {wanted} {shlex.quote(os.fspath(path))}"


def lock(fd: int, path: Path) -> None:
    """Keep other processes out of an open file. Raises BlockingIOError when one is in, or has just taken it away."""
    system.lock(fd)
    if not is_in_place(fd, path):  # the next process would lock another file
        raise BlockingIOError(errno.EAGAIN, "another process has just replaced it")


def is_in_place(fd: int, path: Path) -> bool:
    """Whether the name is still that of the open file."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def is_open_here(found: os.stat_result) -> bool:
    """Whether this process has a file open, by whatever library: as far as the kernel tells."""
    return system.descriptor_of((found.st_dev, found.st_ino)) is not None


def _is_mounted_secret(path: str | os.PathLike[str]) -> bool:
    """Whether a container has the file as a secret, whose mode is not changed by chmod."""
    folder = Path(path).absolute().parent
    return folder == Path("/run/secrets") or _is_read_only(folder)


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _path_objection(path: Path, found: os.stat_result | None, folder: os.stat_result) -> str | None:
    """Return the objection to a file, link or folder on a path, given its folder."""
    if not folder.st_mode & stat.S_IWOTH or not stat.S_ISDIR(folder.st_mode):
        return None
    if not folder.st_mode & stat.S_ISVTX:
        return f"any user can replace the files in {path.parent}; run: chmod o-w {shlex.quote(str(path.parent))}"
    if found is None or found.st_uid in (0, os.geteuid(), folder.st_uid):
        return None
    if stat.S_ISLNK(found.st_mode) or stat.S_ISDIR(found.st_mode):
        kind = "symbolic link" if stat.S_ISLNK(found.st_mode) else "folder"
        return f"{str(path)!r} is a {kind} of another user (id {found.st_uid}); name another path"
    return None


def _refuse_objection(path: Path, found: os.stat_result) -> None:
    if (wrong := objection(path, found)) is not None:
        raise NotOursError(errno.EPERM, f"{path.name} {wrong}", str(path))


def _refuse(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(target))
    if not overwrite and target.exists():
        raise FileExistsError(errno.EEXIST, "the file exists", str(target))


def _take_place(part: Path, target: Path, *, overwrite: bool) -> None:
    """Give the part the name of the target, which a rename would take from a file that has just appeared, too."""
    if overwrite:
        part.replace(target)
        return
    try:
        target.hardlink_to(part)
    except FileExistsError:
        _refuse(target, overwrite=False)
        raise
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        part.replace(target)
    else:
        part.unlink()


@contextmanager
def _locked(part: Path) -> Iterator[int]:
    """Yield the part as an empty file that no other process has; close it at the end."""
    fd = open_own(part)
    try:
        lock(fd, part)
        os.fchmod(fd, 0o600)
        os.ftruncate(fd, 0)
        yield fd
    finally:
        os.close(fd)
