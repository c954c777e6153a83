"""Features of Linux that other systems lack or do otherwise: locks, open files, limits, sockets, processes, terminals.

Each function says what it does where its means are missing. Quick to import: a function loads what it takes.
"""

from __future__ import annotations

import errno
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from select import epoll
    from signal import Signals
    from socket import socket
    from types import ModuleType

OPEN_FILES = "/proc/self/fd"
ARGUMENTS = "/proc/self/cmdline"
TERMINAL = "/dev/tty"
TCP_USER_TIMEOUT = 6, 18  # a level and an option of sockets, see tcp(7); without loading `socket`, which few need
READABLE = 1  # EPOLLIN: there is something to read, and nothing else has happened


def runs_servers() -> bool:
    """Whether a server can run here: it needs the locks and signals of POSIX, which Windows lacks."""
    return sys.platform != "win32"


def has_owners() -> bool:
    """Whether files have owners and modes that keep others out. Windows has access lists, which Python cannot read."""
    return hasattr(os, "geteuid")


def signals(*names: str) -> tuple[Signals, ...]:
    """Return the signals of these names, without those that a system lacks."""
    import signal

    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def lock(fd: int, *, wait: bool = False) -> None:
    """Lock an open file as a whole against other processes, until it is closed.

    Raises BlockingIOError when it is locked and `wait` is not set, OSError where a system has no such locks.
    """
    fcntl = _fcntl()
    fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def is_locked_at(fd: int, at: int) -> bool:
    """Whether another process holds a record lock on the byte `at`. Raises OSError where a system has no such locks."""
    fcntl = _fcntl()
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
    except BlockingIOError:
        return True
    return False


def sync(fd: int) -> None:
    """Make what was written to a file or a folder durable. Raises OSError.

    On macOS fsync only hands the data to the disk, which may keep it in memory. F_FULLFSYNC has the disk write it too;
    file systems without it, such as those of networks, get an fsync, as SQLite does it.
    """
    try:
        fcntl = _fcntl()
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    except (AttributeError, OSError):
        os.fsync(fd)


def sync_data(fd: int) -> None:
    """Make the content of a file durable, without its times where a system can. Raises OSError."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        sync(fd)


def tells_open_files() -> bool:
    """Whether `descriptor_of` can know anything."""
    return os.path.exists(OPEN_FILES)  # noqa: PTH110  # pathlib takes longer to import than all of this


def descriptor_of(file: tuple[int, int]) -> str | None:
    """Return the name of this process's descriptor of a file, given by device and inode; None where none is known.

    It can be opened even when the file has no other name any more, and it is a link to where the file is now.
    """
    for name in os.listdir(OPEN_FILES) if tells_open_files() else ():  # noqa: PTH208
        try:
            found = os.fstat(int(name))
        except OSError:  # another thread has closed it meanwhile
            continue
        if (found.st_dev, found.st_ino) == file:
            return f"{OPEN_FILES}/{name}"
    return None


def arguments() -> list[bytes] | None:
    """Return the arguments of this process as the kernel has them, its name included; None where it does not tell."""
    try:
        with open(ARGUMENTS, "rb") as file:
            return file.read().split(b"\0")[:-1]
    except OSError:
        return None


def raise_descriptor_limit(wanted: int) -> int:
    """Allow this process `wanted` open files, or as many as the system lets it; returns that number."""
    try:
        import resource
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def poller() -> epoll | None:
    """Return an object that waits for very many sockets at once; None without epoll."""
    import select

    return select.epoll() if hasattr(select, "epoll") else None


def watch(poller: epoll, descriptor: int) -> None:
    """Have a poller tell each time that a socket has more to read: READABLE, with other bits once the peer has ended.

    If it can be read already, the next poll tells so.
    """
    import select

    poller.register(descriptor, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)


def drop_dead_links(listener: socket, after_s: float) -> None:
    """Have a connection of a listener end when what was sent is not confirmed in time; elsewhere it takes minutes."""
    if sys.platform == "linux":
        listener.setsockopt(*TCP_USER_TIMEOUT, int(after_s * 1000))


def process_descriptor(process: int) -> int | None:
    """Return a new descriptor that becomes readable when a process ends; None where there is none."""
    try:
        return open_process(process)
    except OSError:  # the system has no such call, or has not kept the end of a quick process
        return None


def open_process(process: int) -> int:
    """Return a descriptor as `process_descriptor` does. Raises OSError."""
    if not hasattr(os, "pidfd_open"):
        raise OSError(errno.ENOTSUP, "only Linux tells when it ends; run the command itself: ttweet run -- COMMAND")
    return os.pidfd_open(process)


def name_and_start(process: int) -> tuple[str, float]:
    """Return the name of a process, and when it started, in seconds since the machine did. Raises OSError."""
    with open(f"/proc/{process}/stat", errors="surrogateescape") as file:
        head, _, rest = file.read().rpartition(") ")  # a name may have spaces and parentheses
    return head.partition(" (")[2], int(rest.split()[19]) / os.sysconf("SC_CLK_TCK")


def age_s() -> float:
    """Return how long this process has been running, to a hundredth of a second; 0 where the system does not tell."""
    try:
        _, started = name_and_start(os.getpid())
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def wait_unreaped(process: int) -> bool:
    """Wait until a child process has ended, and leave its exit code to be read. Raises ChildProcessError.

    Returns False, at once, where a system can only do both.
    """
    if not hasattr(os, "waitid"):
        return False
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    return True


def has_terminal() -> bool:
    """Whether this process has a controlling terminal, whatever its standard streams are."""
    try:
        os.close(os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _fcntl() -> ModuleType:
    try:
        import fcntl
    except ImportError:
        raise OSError(errno.ENOTSUP, "this system has no locks for files; run ttweet on Linux, macOS or WSL") from None
    return fcntl
