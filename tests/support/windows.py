"""A process without the modules and calls that Windows lacks, for a program that must work there.

The standard library is imported before they are taken away, as it has ways of its own for Windows. `select` waits for
sockets alone, as there.
"""

WITHOUT_POSIX = """
import argparse, asyncio, importlib, json, logging, os, select, shlex, signal, socket, ssl, stat, subprocess, sys
import tempfile, threading, trio, concurrent.futures, urllib.request, cyclopts, rich.console, rich.text, multiprocessing
import errno, getpass, locale, platform, platformdirs, types, zoneinfo

trio._core._io_epoll.select = types.SimpleNamespace(**vars(select))  # trio has another module for Windows
for name in ("fcntl", "grp", "posix_spawn", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None  # its import raises ImportError
MISSING = {
    os: ["O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "POSIX_SPAWN_DUP2", "ST_RDONLY", "fchmod",
         "fdatasync", "fork", "get_blocking", "geteuid", "getpgid", "getuid", "killpg", "pidfd_open", "posix_spawn",
         "pread", "readv", "register_at_fork", "set_blocking", "setsid", "statvfs", "sysconf", "waitid"],
    select: [name for name in dir(select) if name.lower().startswith(("epoll", "poll"))],
    signal: ["SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTSTP",
             "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGXFSZ", "alarm", "pthread_kill", "pthread_sigmask", "setitimer"],
    socket: ["AF_UNIX", "MSG_DONTWAIT", "TCP_USER_TIMEOUT"],
}
for module, names in MISSING.items():
    for name in names:
        delattr(module, name)

def socketpair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        return near, listener.accept()[0]

socket.socketpair = socketpair
unix_select = select.select

def select_sockets(*parts):
    descriptors = [one for part in parts[:3] for one in part]
    assert descriptors, "Windows rejects a wait for nothing"
    for one in descriptors:
        number = one if isinstance(one, int) else one.fileno()
        assert stat.S_ISSOCK(os.fstat(number).st_mode), "Windows waits for sockets alone"
    return unix_select(*parts)

select.select = select_sockets
sys.platform = "win32"
"""
