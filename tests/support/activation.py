"""A program that starts another as systemd starts a service: with sockets that listen already, from descriptor 3."""

import sys

PROGRAM = """
import fcntl, os, socket, sys

hosts, command = sys.argv[1].split(), sys.argv[2:]
listeners = [
    socket.socket(socket.AF_UNIX) if host == "unix" else socket.create_server((host, 0), family=socket.AF_INET)
    for host in hosts
]
ports = [str(one.getsockname()[1]) if one.family == socket.AF_INET else "" for one in listeners]
above = [fcntl.fcntl(one, fcntl.F_DUPFD, 100) for one in listeners]  # out of the way of those from 3 on
for number, descriptor in enumerate(above):
    os.dup2(descriptor, 3 + number, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(hosts))}
os.execv(command[0], [word.format(*ports) for word in command])
"""


def activated(hosts: str, *arguments: str) -> list[str]:
    """Return the command of a server with a socket at each host, `unix` for one of another kind.

    In the arguments {0} is the port of the first socket.
    """
    return [sys.executable, "-c", PROGRAM, hosts, sys.executable, "-m", "ttweet", "serve", *arguments]
