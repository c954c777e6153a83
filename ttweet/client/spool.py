"""The spool: tweets that wait on this machine until a server takes them, each a file, in the order they were kept.

A tweet is kept before the first attempt to post it and removed when the server has answered, so it survives whatever
ends the command in between; with its key a second attempt stores nothing twice. The end of a file's name says what may
have become of the tweet: `.new` never left this machine, `.sent` may have reached the server. A tweet that may have
reached it too long ago, or cannot be read, is set aside under another end. Knows no sockets and no servers' answers.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ttweet import system
from ttweet.descriptors import SHORTAGES
from ttweet.files import make_private, naming, open_own, refuse_shared, trusted_path

MAX_KEPT = 10_000  # tweets in the spool: a week of a command that fails every minute
MAX_SENT_S = 6 * 86400  # for which a tweet that may be stored is posted again: a day less than servers remember keys
DIGITS = 12  # of a file's number, so that the order of names is that of numbers
MAX_FILE_BYTES = 64 * 1024  # of a tweet in the spool; with 32 long tags it has 20 KiB
MAX_WAIT_S = 60.0  # for another command that holds the spool and may have been stopped
NOTICE_AFTER_S = 1.0  # of waiting for the spool before a message
LOCK_POLL_INTERVAL_S = 0.02  # between attempts to lock the spool
_PASSING = (*SHORTAGES, errno.ENOMEM, errno.EIO, errno.ESTALE)
"""The errors of a read that say nothing about the file: a later one may succeed."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A tweet on its way, with the server it goes to. `at` is when it was kept, ms since 1970 UTC."""

    server: str
    by: str | None
    text: str
    tags: list[str]
    scan: bool
    key: str
    at: int


@dataclass(frozen=True, slots=True)
class SpooledParcel:
    """A parcel and its file."""

    path: Path
    parcel: Parcel

    @property
    def may_be_stored(self) -> bool:
        """Return whether an attempt was made whose outcome is unknown."""
        return self.path.suffix == ".sent"


class FullError(Exception):
    """There are MAX_KEPT tweets in the spool."""


class HeldError(Exception):
    """Another process has been at the spool for MAX_WAIT_S."""


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder of parcels. Callers hold it `locked`; every method raises OSError."""

    folder: Path

    @contextmanager
    def locked(self, on_wait: Callable[[str], object] | None = None) -> Iterator[None]:
        """Make the folder if there is none, and wait until no other process is at it. Raises HeldError.

        `on_wait` is called once with the holder, `process 4711`, when it takes longer than NOTICE_AFTER_S.
        """
        make_private(trusted_path(self.folder))
        refuse_shared(self.folder)
        descriptor = open_own(self.folder / "lock")
        try:
            with naming(self.folder):
                _lock(descriptor, on_wait)
                os.pwrite(descriptor, b"%10d\n" % os.getpid(), 0)  # always as long: a full disk has room for it
            self._number_late()
            yield
        finally:
            os.close(descriptor)

    def keep(self, parcel: Parcel) -> SpooledParcel:
        """Put a parcel behind all others. It is on the disk when this returns. Raises FullError."""
        self._check_room()
        path = self._path(self._next_number())
        self._write(path, parcel)
        return SpooledParcel(path, parcel)

    def keep_late(self, parcel: Parcel) -> None:
        """Keep a parcel without the lock, until the next process that has it numbers it. As `keep` otherwise."""
        refuse_shared(self.folder)
        self._check_room()
        self._write(self.folder / f"late-{time.time_ns():020}-{os.getpid()}", parcel)

    def take(self) -> Iterator[SpooledParcel | Path]:
        """Yield all that waits, in the order it was kept; a file that holds no parcel comes as its path."""
        for name in self._names():
            path = self.folder / name
            try:
                yield SpooledParcel(path, _read(path))
            except (ValueError, TypeError, RecursionError):
                yield path
            except OSError as exc:
                if exc.errno in _PASSING:
                    raise
                yield path

    def mark_sent(self, entry: SpooledParcel) -> SpooledParcel:
        """Note on the disk that the parcel may reach the server from now on. Its time is that of the first attempt."""
        if entry.may_be_stored:
            return entry
        os.utime(entry.path)
        return self._renamed(entry, ".sent")

    def mark_new(self, entry: SpooledParcel) -> SpooledParcel:
        """Note that the attempt was in vain and the server has stored nothing."""
        return self._renamed(entry, ".new")

    def is_too_old(self, entry: SpooledParcel) -> bool:
        """Return whether a server might have forgotten the key of a parcel that it may have stored."""
        return entry.may_be_stored and time.time() - entry.path.stat().st_mtime > MAX_SENT_S

    def set_aside(self, path: Path, why: str) -> Path:
        """Keep a file out of the way of the others, for a person to look at, and return its new path."""
        aside = path.with_name(f"{path.name}.{why}")
        path.rename(aside)
        return aside

    def remove(self, entry: SpooledParcel) -> None:
        """Remove an answered parcel. After a power cut it may reappear; its key makes that harmless."""
        entry.path.unlink()

    def _check_room(self) -> None:
        if len(self._names()) + len(self._late()) >= MAX_KEPT:
            raise FullError

    def _number_late(self) -> None:
        for number, path in enumerate([*self._abandoned(), *self._late()], self._next_number()):
            path.rename(self._path(number))

    def _abandoned(self) -> list[Path]:
        """Return the tweet that a killed command had begun to keep without the lock; a damaged file is set aside."""
        before = time.time() - MAX_WAIT_S
        return sorted(path for path in self.folder.glob("unfinished-late-*") if _is_older(path, before))

    def _late(self) -> list[Path]:
        """Return the tweets that were kept without the lock, in the order of the clock."""
        return sorted(self.folder.glob("late-*"))

    def _next_number(self) -> int:
        """Behind all others, those set aside too: none is written over."""
        return max((int(name[:DIGITS]) for name in self._numbered()), default=0) + 1

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:0{DIGITS}}.new"

    def _names(self) -> list[str]:
        """Return the files of parcels, in order."""
        return sorted(name for name in self._numbered() if name[DIGITS:] in (".new", ".sent"))

    def _numbered(self) -> list[str]:
        return [path.name for path in self.folder.iterdir() if path.name[:DIGITS].isdecimal()]

    def _renamed(self, entry: SpooledParcel, suffix: str) -> SpooledParcel:
        path = entry.path.with_suffix(suffix)
        entry.path.rename(path)
        self._sync()
        return replace(entry, path=path)

    def _write(self, path: Path, parcel: Parcel) -> None:
        """Write a file so that it is there whole or not at all, whatever happens."""
        unfinished = path.with_name(f"unfinished-{path.name}")
        descriptor = open_own(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with naming(unfinished), open(descriptor, "wb") as file:
            file.write(_encoded(parcel))
            file.flush()
            os.fchmod(descriptor, 0o600)  # under any umask
            system.sync(descriptor)
        unfinished.rename(path)
        self._sync()

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with naming(self.folder):
                system.sync(descriptor)
        finally:
            os.close(descriptor)


def _is_older(path: Path, time_s: float) -> bool:
    """Whether a file was last written before a time; not one that its command has just renamed."""
    try:
        return path.lstat().st_mtime < time_s
    except FileNotFoundError:
        return False


def _lock(descriptor: int, on_wait: Callable[[str], object] | None) -> None:
    """Wait for the lock of an open file. Raises HeldError."""
    begun = time.monotonic()
    while not _locks(descriptor):
        waited_s = time.monotonic() - begun
        if waited_s > MAX_WAIT_S:
            raise HeldError(f"{_holder(descriptor)} has used the spool for {MAX_WAIT_S:g} s")
        if waited_s > NOTICE_AFTER_S and on_wait:
            on_wait(_holder(descriptor))
            on_wait = None
        time.sleep(LOCK_POLL_INTERVAL_S)


def _holder(descriptor: int) -> str:
    return f"process {os.pread(descriptor, 20, 0).decode('ascii', 'replace').strip()}"


def _locks(descriptor: int) -> bool:
    try:
        system.lock(descriptor)
    except BlockingIOError:
        return False
    return True


def _encoded(parcel: Parcel) -> bytes:
    """Return the content of a file. Raises ValueError for what is no text."""
    return json.dumps(asdict(parcel), ensure_ascii=False).encode()


def _read(path: Path) -> Parcel:
    """Return the parcel of a file. Raises ValueError, TypeError, OSError."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    parcel = Parcel(**json.loads(data))
    kinds = (
        (str, parcel.server),
        (str | None, parcel.by),
        (str, parcel.text),
        (list, parcel.tags),
        (bool, parcel.scan),
        (str, parcel.key),
        (int, parcel.at),
        *((str, tag) for tag in parcel.tags),
    )
    if not all(isinstance(value, kind) for kind, value in kinds):
        raise TypeError
    _encoded(parcel)  # a lone surrogate has no place in UTF-8, and would be in the way of the others
    return parcel
