"""The keys of a cluster in etcd."""

from ttweet.cluster.messages import KeyRange

_SERVERS = b"ttweet/servers/"


class Layout:
    """The keys of the cluster of this name."""

    def __init__(self, name: str) -> None:
        root = f"ttweet/{name}/".encode()
        self.genesis = root + b"genesis"
        self.log = KeyRange(root + b"log/")
        self.end = root + b"end"
        """The key that is put with each record: its revision is that of the last one."""
        self.names = KeyRange(root + b"names/")
        self.servers = KeyRange(_SERVERS + f"{name}/".encode())

    def records_of(self, origin: str) -> bytes:
        """Return the key that each record of an origin overwrites. The history of these keys is the log."""
        return self.log.prefix + origin.encode()

    def origin_of(self, key: bytes) -> str:
        """Return the origin of a key of the log. A key that another program has put there is escaped."""
        return key[len(self.log.prefix) :].decode("ascii", "backslashreplace")

    def name(self, look: str) -> bytes:
        """Return the key of what a name that is online looks like."""
        return self.names.prefix + look.encode()

    @property
    def all_servers(self) -> KeyRange:
        """The servers of all clusters, since they share etcd's history."""
        return KeyRange(_SERVERS)

    def server(self, origin: str) -> bytes:
        """Return the key of a running server, which its lease removes."""
        return self.servers.prefix + origin.encode()
