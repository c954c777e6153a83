"""Servers that know each other, with a real etcd."""

import socket
import time
from collections.abc import Callable
from itertools import count

import pytest
import trio

from tests.support.etcd import of
from ttweet.cluster import lease, presence
from ttweet.cluster.address import ClusterAddress, Node
from ttweet.cluster.etcd_log import EtcdLog, opened
from ttweet.cluster.layout import Layout
from ttweet.cluster.local_etcd import EtcdNode
from ttweet.cluster.nodes import Caller, Nodes
from ttweet.cluster.presence import ServerState, read_servers
from ttweet.model.errors import StoreError
from ttweet.storage.replicated.log import LogCut

Open = Callable[[ClusterAddress], EtcdLog]
WAIT_S = 10.0


@pytest.fixture(autouse=True)
def in_quick_succession(monkeypatch: pytest.MonkeyPatch) -> None:
    """States are published at once."""
    monkeypatch.setattr(presence, "PUBLISH_S", 0.02)


def servers(address: ClusterAddress) -> dict[str, tuple[int, int, int]]:
    """Return the position, the newest id and the checksum that each server publishes."""

    async def read() -> dict[bytes, ServerState]:
        caller = Caller(Nodes(address))
        try:
            return await read_servers(caller, Layout(address.name).servers)
        finally:
            caller.drop()

    return {state.server: (state.position, state.newest, state.checksum) for state in trio.run(read).values()}


def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether a condition is met before long."""
    until = time.monotonic() + WAIT_S
    while not (met := condition()) and time.monotonic() < until:
        pass
    return met


def test_servers_publish_their_states_as_they_change(address: ClusterAddress, open_log: Open) -> None:
    one, other = open_log(address), open_log(address)
    states = [ServerState("h1:1", 5, 2, 77)]
    one.publish(lambda: states[0])
    other.publish(lambda: ServerState("h2:2", 5, 2, 77))
    assert comes_true(lambda: servers(address) == {"h1:1": (5, 2, 77), "h2:2": (5, 2, 77)})
    states[0] = ServerState("h1:1", 9, 3, 78)
    assert comes_true(lambda: servers(address) == {"h1:1": (9, 3, 78), "h2:2": (5, 2, 77)})


def test_a_server_that_has_shown_its_state_is_listed(address: ClusterAddress, open_log: Open) -> None:
    open_log(address).publish(lambda: ServerState("h1:1", 5, 2, 77))
    assert "h1:1" in servers(address)


def test_a_server_without_etcd_does_not_wait_until_it_is_listed(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LIST_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        open_log(of(Node(*silent.getsockname()))).publish(lambda: ServerState("h1:1", 5, 2, 77))


def test_a_server_that_has_stopped_is_no_longer_listed(address: ClusterAddress) -> None:
    with opened(address) as log:
        log.publish(lambda: ServerState("h1:1", 5, 2, 77))
        assert "h1:1" in servers(address)
    assert servers(address) == {}


def test_a_server_that_was_killed_is_listed_until_its_lease_ends(
    address: ClusterAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_S", 1)
    monkeypatch.setattr(lease, "END_S", 0.0)
    with opened(address) as log:
        log.publish(lambda: ServerState("h1:1", 5, 2, 77))
        assert comes_true(lambda: "h1:1" in servers(address))
    assert comes_true(lambda: servers(address) == {})


def test_a_server_whose_checksum_differs_at_the_same_position_reads_no_more(
    address: ClusterAddress, open_log: Open
) -> None:
    one, other = open_log(address), open_log(address)
    one.begin(b"")
    one.publish(lambda: ServerState("h1:1", 5, 2, 77))
    other.publish(lambda: ServerState("h2:2", 5, 2, 78))

    def read_is_refused() -> bool:
        try:
            one.read(0, wait_s=0)
        except StoreError as exc:
            return "h2:2 has other tweets than this server at 5 of the log; stop this server" in exc.text
        return False

    assert comes_true(read_is_refused)


def test_a_server_that_is_behind_does_not_differ(address: ClusterAddress, open_log: Open) -> None:
    one, other = open_log(address), open_log(address)
    one.begin(b"")
    positions = iter(range(1, 1000))
    other.publish(lambda: ServerState("h2:2", 1000, 2, 1000))
    one.publish(lambda: ServerState("h1:1", position := next(positions), 1, position))
    assert comes_true(lambda: servers(address).get("h1:1", (0, 0, 0))[0] > 3)
    assert one.read(0, wait_s=0) == []


@pytest.fixture
def compacted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that may go goes."""
    monkeypatch.setattr(presence, "COMPACT_S", 0.0)
    monkeypatch.setattr(presence, "MIN_KEPT", 1)


def is_cut(log: EtcdLog, after: int) -> bool:
    try:
        log.read(after, wait_s=0.1)
    except LogCut:
        return True
    return False


def test_the_log_is_compacted_to_what_the_slowest_server_needs(
    node: EtcdNode, open_log: Open, compacted_at_once: None
) -> None:
    address = of(node.client)
    log, slow, late = open_log(address), open_log(address), open_log(address)
    log.begin(b"")
    positions = [log.append(number, b"") for number in range(1, 6)]
    slow.publish(lambda: ServerState("h2:2", positions[4], 3, 1, needed=positions[2]))  # after a power cut
    assert comes_true(lambda: servers(address) != {})
    log.publish(lambda: ServerState("h1:1", positions[4], 5, 1, needed=positions[4]))
    assert comes_true(lambda: is_cut(late, 0))
    assert [one.number for one in slow.read(positions[2], wait_s=WAIT_S)] == [4, 5]


def test_a_file_that_has_all_records_follows_after_any_compaction(
    node: EtcdNode, open_log: Open, compacted_at_once: None
) -> None:
    """An idle log: etcd's revisions rise with what servers publish, and are compacted beyond the last record."""
    address = of(node.client)
    log, late, new = open_log(address), open_log(address), open_log(address)
    log.begin(b"")
    position = log.append(1, b"one")
    assert len(log.read(0, wait_s=WAIT_S)) == 1
    newest = count()
    log.publish(lambda: ServerState("h1:1", position, next(newest), 1, needed=position))
    assert comes_true(lambda: is_cut(new, 0))
    later = log.append(2, b"two")
    assert [one.position for one in late.read(position, wait_s=WAIT_S)] == [later]


def test_the_history_that_another_cluster_needs_is_kept(
    node: EtcdNode, open_log: Open, compacted_at_once: None
) -> None:
    log, neighbour = open_log(of(node.client)), open_log(of(node.client)._replace(name="neighbour"))
    neighbour.begin(b"")
    neighbour.append(1, b"one")
    neighbour.publish(lambda: ServerState("h9:9", 0, 0, 0))
    log.begin(b"")
    positions = [0]
    log.publish(lambda: ServerState("h1:1", positions[-1], 1, positions[-1], needed=positions[-1]))
    assert comes_true(lambda: len(servers(of(node.client))) == 1)
    positions.extend(log.append(number, b"") for number in range(1, 20))
    assert comes_true(lambda: servers(of(node.client))["h1:1"][0] == positions[-1])
    assert [one.data for one in neighbour.read(0, wait_s=WAIT_S)] == [b"one"]
