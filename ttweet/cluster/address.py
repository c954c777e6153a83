"""Where the log of a cluster is: `etcd://HOST[:PORT],.../NAME`, or `etcds://` for TLS. Pure."""

import re
from typing import NamedTuple

from ttweet.model.netloc import netloc

ETCD_PORT = 2379  # of etcd's clients, registered with IANA
MAX_NODES = 9  # etcd recommends seven at most
USE = "use etcd://HOST,HOST,HOST/NAME"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_NODE = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9_.-]+))(?::(?P<port>[0-9]{1,5}))?")


class Node(NamedTuple):
    """The address of a node of etcd."""

    host: str
    port: int

    def __str__(self) -> str:
        return netloc(self.host, self.port)


class ClusterAddress(NamedTuple):
    """The nodes of etcd, the name of the cluster among those that they keep, and whether they are reached over TLS."""

    nodes: tuple[Node, ...]
    name: str
    tls: bool = False

    def __str__(self) -> str:
        return f"etcd{'s' * self.tls}://{','.join(map(str, self.nodes))}/{self.name}"


def parse(text: str) -> ClusterAddress:
    """Return the address that a URL names. Raises ValueError, which says what is wrong."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("etcd", "etcds"):
        raise ValueError(f"invalid URL {text!a}: {USE}")
    hosts, _, name = rest.partition("/")
    if not _NAME.fullmatch(name):
        raise ValueError(f"invalid cluster name {name!a}: use 1 to 32 letters, digits and _.- after the hosts")
    nodes = tuple(dict.fromkeys(map(_node, hosts.split(","))))
    if len(nodes) > MAX_NODES:
        raise ValueError(f"too many nodes: {len(nodes)}; name at most {MAX_NODES}")
    return ClusterAddress(nodes, name, tls=scheme == "etcds")


def _node(text: str) -> Node:
    found = _NODE.fullmatch(text)
    if found is None:
        raise ValueError(f"invalid node {text!a}: {USE}")
    port = int(found["port"] or ETCD_PORT)
    if not 1 <= port <= 65535:
        raise ValueError(f"invalid port {port} of {text!a}: use a port from 1 to 65535")
    return Node(found["ipv6"] or found["host"], port)
