"""The header of a database file: whether the file is ours, whole, and of a schema that is known.

It is read before SQLite gets to touch the file.
"""

import os
import stat
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

from ttweet.files import is_open_here
from ttweet.model.errors import DatabaseError
from ttweet.storage.sqlite.errors import damaged, os_error

APPLICATION_ID = 0x74747765  # "ttwe", as the first migration sets it
SCHEMA_VERSION = 12  # steps in migrations.py; a test holds the two together
MAGIC = b"SQLite format 3\0"  # how every SQLite file begins
_HEADER = struct.Struct(">16s H 6x I I 28x I 4x I 20x I 4x")  # sqlite.org/fileformat.html, section 1.3
OPENING = threading.Lock()  # no file is opened by SQLite while another thread looks at it without


def refuse_foreign(path: Path, *, damaged: bool = False) -> bool:
    """Look at the header alone and raise OpenError unless the file is one of ours; False when there is none, or empty.

    One that this process has open is not looked at again: to close a file drops all POSIX locks that the process has on
    it, SQLite's too, and the next sqlite3 shell would delete the WAL under the writer (sqlite.org/howtocorrupt.html).
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # asked first: to open a FIFO would wait for its writer
            raise DatabaseError("not_ours", f"{path} is not a regular file")
        with OPENING:
            if is_open_here(found):
                return found.st_size > 0
            header, size = _look(path)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise os_error(path, exc) from exc
    if header:
        _check_header(path, header, sys.maxsize if damaged else size)
    return bool(header)


def is_database(path: Path) -> bool:
    """Whether this is a file of SQLite's, of any program. No connection of this process may have it open."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def has_wal(path: Path) -> bool:
    """Whether something waits to be written back into the file."""
    return has_content(path, "-wal")


def _look(path: Path) -> tuple[bytes, int]:
    """Return the header of a file, and then its size: it may grow meanwhile."""
    with path.open("rb") as file:
        return file.read(_HEADER.size), os.fstat(file.fileno()).st_size


def _check_header(path: Path, header: bytes, size: int) -> None:
    unfinished = has_content(path, "-journal")  # a power cut has ended the first migration: opening takes it back
    if unfinished and (len(header) < _HEADER.size or not header.strip(b"\0")):
        return
    if len(header) < _HEADER.size or not header.startswith(MAGIC):
        raise DatabaseError("not_ours", f"{path} is not an SQLite database")
    _, page_size, changes, pages, version, application, valid_for = _HEADER.unpack(header)
    check_identity(path, application, version)
    page_size = 65536 if page_size == 1 else page_size
    if page_size & (page_size - 1) or page_size < 512:
        raise damaged(path, f"its header has pages of {page_size} bytes")
    if changes == valid_for and size < pages * page_size and not (unfinished or has_wal(path)):
        raise damaged(path, f"{size} bytes of {pages * page_size} are there")


def check_identity(path: Path, application: int, version: int) -> None:
    """Refuse what other programs, or a newer ttweet, have written. Raises OpenError."""
    if application != APPLICATION_ID:
        raise DatabaseError("not_ours", f"{path} is a database, but not one of ttweet's")
    if version > SCHEMA_VERSION:
        raise DatabaseError(
            "newer",
            f"{path} has schema {version} and this ttweet knows {SCHEMA_VERSION}; it was left alone: update ttweet, or "
            "export its tweets with the newer ttweet and import them with this one",
        )


def has_content(path: Path, ending: str) -> bool:
    """Whether there is a file of that ending beside the database with something in it."""
    with suppress(FileNotFoundError):
        return Path(f"{path}{ending}").stat().st_size > 0
    return False
