"""The servers that are measured: the peers, and what is measured of each."""

from __future__ import annotations

from benchmarks.peers import echo, mosquitto, naive, nats, postgresql, redis, ttweet
from benchmarks.peers.peer import Peer, Subject

PEERS: tuple[Peer, ...] = (
    ttweet.PEER, redis.PEER, postgresql.PEER, nats.PEER, mosquitto.PEER, naive.PEER, echo.PEER,
)  # fmt: skip

_C_LOOP = "Redis keeps all data in memory and answers from one loop in C, in a few microseconds. "

TTWEET = Subject("ttweet", "ttweet", ttweet.PEER, "ttweet-upload")
REDIS_MULTI = Subject(
    "redis-multi", "Redis, MULTI with tag", redis.PEER, "redis-multi",
    faster=_C_LOOP + "ttweet runs Python for each request and keeps an index on the disk.",
)  # fmt: skip
REDIS_XADD = Subject(
    "redis-xadd", "Redis, plain XADD", redis.PEER, "redis-xadd",
    faster=_C_LOOP + "XADD stores the text alone, without tag, counts or report log.",
)  # fmt: skip
POSTGRESQL = Subject(
    "postgresql", "PostgreSQL, insert with tag", postgresql.PEER, "insert", max_clients=256, pipelines=False,
    faster="With few clients each process of PostgreSQL writes and syncs without waiting for another.",
)  # fmt: skip
NATS = Subject(
    "nats", "JetStream, sync always", nats.PEER, "nats",
    faster="JetStream syncs each message in the thread that received it. One client gives ttweet no batch to share.",
)  # fmt: skip
MOSQUITTO = Subject(
    "mosquitto", "Mosquitto, QoS 1 (not durable)", mosquitto.PEER, "mqtt",
    faster="Mosquitto acknowledges from memory and never waits for a disk.",
)  # fmt: skip
NAIVE = Subject("naive", "FastAPI + sqlite3", naive.PEER, "http", max_clients=256, pipelines=False)
TTWEET_LAST = Subject("ttweet-last", "ttweet, last message", ttweet.PEER, "ttweet-last")
REDIS_LAST = Subject("redis-last", "Redis, XREVRANGE 1", redis.PEER, "redis-last")
ECHO = Subject("echo", "Echo, nothing stored", echo.PEER, "echo")
