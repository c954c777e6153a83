"""The settings with which a program reaches the log of a cluster. Pure."""

from typing import NamedTuple

from ttweet.cluster.address import ClusterAddress
from ttweet.defaults import SYSTEM_CA


class Credentials(NamedTuple):
    """A user of etcd."""

    name: str
    password: str


class ClusterSettings(NamedTuple):
    """The address of a cluster; for TLS the PEM files of trusted certificates and of the own one; a user of etcd."""

    address: ClusterAddress
    ca: str = SYSTEM_CA
    cert: str | None = None
    key: str | None = None
    credentials: Credentials | None = None
    begin: bool = False
    """Whether the file of a server may begin the cluster with its tweets."""
