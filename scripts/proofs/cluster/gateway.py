"""Requests to a node of etcd that no server makes: the history is compacted, or a record is forged."""

from __future__ import annotations

import urllib.request
from typing import TypeVar

from ttweet.cluster.layout import Layout
from ttweet.cluster.local_etcd import EtcdNode
from ttweet.cluster.messages import COMPACT, PUT, RANGE, EmptyResponse, RangeResponse, decode, encode
from ttweet.storage.replicated import entries
from ttweet.storage.replicated.entries import Claim, LogEntry, Pruning

DELETE = "/v3/kv/deleterange"
T = TypeVar("T")
ANSWER_S = 10.0


def compact(node: EtcdNode) -> None:
    """Have etcd forget its history up to now. Raises OSError."""
    revision = _ask(node, RANGE, {"key": b"nothing"}, RangeResponse).header.revision
    _ask(node, COMPACT, {"revision": revision}, EmptyResponse)


def forge_number(node: EtcdNode, cluster: str) -> None:
    """Append two entries that both are the first one of a server. Raises OSError."""
    forge_claim(node, cluster, 0)
    _ask(node, DELETE, {"key": _forged(cluster)}, EmptyResponse)
    forge_claim(node, cluster, 0)


def forge_claim(node: EtcdNode, cluster: str, position: int) -> None:
    """Append an entry of a server whose file differs at a position, if the others know it. Raises OSError."""
    entry = entries.encode(LogEntry(Claim(position, 0), Pruning(0)))
    _ask(node, PUT, {"key": _forged(cluster), "value": entry}, EmptyResponse)


def _forged(cluster: str) -> bytes:
    return Layout(cluster).records_of("forger")


def _ask(node: EtcdNode, path: str, request: dict[str, object], kind: type[T]) -> T:
    http = urllib.request.Request(f"http://{node.client}{path}", encode(request))
    with urllib.request.urlopen(http, timeout=ANSWER_S) as answer:
        return decode(answer.read(), kind)
