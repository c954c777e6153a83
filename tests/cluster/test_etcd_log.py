"""The log with a real etcd, and what is particular to it; tests/storage/replicated has what holds for every log."""

import base64
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.answers_lost import way_to
from tests.support.authority import Authority
from tests.support.etcd import FAST, HEADER, MISSING, gateway, of, status
from ttweet.cluster import engine, local_etcd, log_watch, node_connection
from ttweet.cluster.address import ClusterAddress
from ttweet.cluster.etcd_log import EtcdLog, opened
from ttweet.cluster.layout import Layout
from ttweet.cluster.local_etcd import EtcdNode, LocalEtcd
from ttweet.cluster.messages import COMPACT, MAX_RECORD_BYTES, PUT, RANGE, STATUS, TXN, WATCH
from ttweet.model.errors import StoreError
from ttweet.security.outgoing import make_context
from ttweet.storage.replicated.log import LogCut, NoQuorum, Record, Undecided

Open = Callable[[ClusterAddress], EtcdLog]
WAIT_S = 10.0


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a tenth: each fault lasts for as long as its test needs."""
    monkeypatch.setattr(engine, "UNDECIDED_S", 0.5)
    monkeypatch.setattr(engine, "QUORUM_S", 0.3)
    monkeypatch.setattr(node_connection, "ANSWER_S", 0.2)
    monkeypatch.setattr(log_watch, "STALLED_S", 0.1)
    monkeypatch.setattr(log_watch, "PROBE_S", 0.05)
    monkeypatch.setattr(log_watch, "SILENT_S", 0.2)


def ask(node: EtcdNode, path: str, request: dict[str, Any]) -> Any:
    """Call a node as any program may."""
    data = msgspec.json.encode(request)
    with urllib.request.urlopen(f"http://{node.client}{path}", data, timeout=WAIT_S) as answer:
        return msgspec.json.decode(answer.read())


def test_a_record_whose_answers_are_lost_is_stored_once(etcd: LocalEtcd, address: ClusterAddress) -> None:
    with way_to(etcd.nodes[0].client) as way, opened(address._replace(nodes=(way.entrance, *address.nodes))) as log:
        log.begin(b"")
        first = log.append(1, b"one")
        way.loses = True
        second = log.append(2, b"two")
        assert way.lost > 0
        assert [one.position for one in log.read(0, wait_s=WAIT_S)] == [first, second]


def test_a_paused_node_leaves_the_record_undecided_and_stores_it_once(node: EtcdNode, short_waits: None) -> None:
    with opened(of(node.client)) as log:
        log.begin(b"")
        log.append(1, b"one")
        node.pause()
        with pytest.raises(Undecided):
            log.append(2, b"two")
        node.resume()
        until = time.monotonic() + WAIT_S
        position = _append_until(log, 2, b"two", until)
        assert [one[1:] for one in log.read(0, wait_s=WAIT_S)] == [(log.origin, 1, b"one"), (log.origin, 2, b"two")]
        assert log.end() == position


def _append_until(log: EtcdLog, number: int, data: bytes, until: float) -> int:
    while True:
        try:
            return log.append(number, data)
        except (NoQuorum, Undecided):
            assert time.monotonic() < until


def test_after_a_record_that_is_undecided_nothing_is_sent_until_there_is_a_majority(
    node: EtcdNode, short_waits: None
) -> None:
    with opened(of(node.client)) as log:
        log.begin(b"")
        node.pause()
        with pytest.raises(Undecided):
            log.append(1, b"one")
        with pytest.raises(NoQuorum):
            log.append(1, b"other")
        node.resume()
        _append_until(log, 1, b"other", time.monotonic() + WAIT_S)
        [record] = log.read(0, wait_s=WAIT_S)
        assert record.data in (b"one", b"other")  # one of them, whichever was decided


def test_without_any_node_nothing_is_stored(node: EtcdNode, short_waits: None) -> None:
    with opened(of(node.client)) as log:
        log.begin(b"")
        node.kill()
        for call in (log.end, lambda: log.append(1, b"one"), lambda: log.begin(b"")):
            with pytest.raises(NoQuorum):
                call()


def test_a_log_survives_the_nodes(node: EtcdNode, short_waits: None) -> None:
    with opened(of(node.client)) as log:
        log.begin(b"genesis")
        position = log.append(1, b"one")
        assert len(log.read(0, wait_s=WAIT_S)) == 1
        node.kill()
        node.start()
        later = _append_until(log, 2, b"two", time.monotonic() + WAIT_S)
        assert log.read(position, wait_s=WAIT_S) == [Record(later, log.origin, 2, b"two")]
        assert log.begin(b"other") == b"genesis"


def test_a_reader_of_a_paused_node_takes_another(short_waits: None, tmp_path: Path) -> None:
    """The paused node keeps its connections, so a watch on it looks idle."""
    if not local_etcd.is_installed():
        pytest.skip(MISSING)
    with local_etcd.running(tmp_path, 3, *FAST) as etcd:
        leader = etcd.wait_for_leader()
        paused = next(node for node in etcd.nodes if node is not leader)
        others = [node for node in etcd.nodes if node is not paused]
        address = of(paused.client, *[node.client for node in others])
        with opened(address) as reader, opened(of(*[node.client for node in others])) as writer:
            writer.begin(b"")
            first = _append_until(writer, 1, b"one", time.monotonic() + WAIT_S)
            assert [one.data for one in reader.read(0, wait_s=WAIT_S)] == [b"one"]
            paused.pause()
            _append_until(writer, 2, b"two", time.monotonic() + WAIT_S)
            assert [one.data for one in reader.read(first, wait_s=WAIT_S)] == [b"two"]


def test_a_reader_behind_a_compaction_is_reported(node: EtcdNode) -> None:
    with opened(of(node.client)) as log:
        log.begin(b"")
        positions = [log.append(number, b"data") for number in (1, 2, 3)]
        ask(node, COMPACT, {"revision": positions[1]})
        for after in (0, positions[0] - 1):
            with pytest.raises(LogCut):
                log.read(after, wait_s=WAIT_S)
        assert [one.number for one in log.read(positions[1], wait_s=WAIT_S)] == [3]


def test_a_log_begins_in_an_etcd_whose_earlier_history_is_gone(node: EtcdNode) -> None:
    for _ in range(5):
        revision = int(ask(node, PUT, {"key": "YQ=="})["header"]["revision"])
    ask(node, COMPACT, {"revision": revision})
    with opened(of(node.client)) as log, opened(of(node.client)) as other:
        for each in (log, other):
            each.begin(b"")
        position = log.append(1, b"one")
        for each in (log, other):
            assert each.read(0, wait_s=WAIT_S) == [Record(position, log.origin, 1, b"one")]


def test_a_log_that_another_program_wrote_is_not_appended_to(
    etcd: LocalEtcd, address: ClusterAddress, open_log: Open
) -> None:
    log = open_log(address)
    log.begin(b"")
    log.append(1, b"one")
    with pytest.raises(StoreError, match="is not at record 3: another program wrote it"):
        log.append(3, b"three")


def test_a_key_that_another_program_has_put_into_the_log_is_a_record_of_a_strange_origin(
    etcd: LocalEtcd, address: ClusterAddress, open_log: Open
) -> None:
    log = open_log(address)
    log.begin(b"")
    key = Layout(address.name).log.prefix + b"\xff"
    ask(etcd.nodes[0], PUT, {"key": base64.b64encode(key).decode(), "value": "YQ=="})
    assert [one[1:] for one in log.read(0, wait_s=WAIT_S)] == [("\\xff", 1, b"a")]


def test_a_record_that_is_too_large_is_refused_before_it_is_sent(address: ClusterAddress, open_log: Open) -> None:
    log = open_log(address)
    log.begin(b"")
    with pytest.raises(StoreError, match="a record of 1048577 bytes"):
        log.append(1, b"x" * (MAX_RECORD_BYTES + 1))
    log.append(1, b"x" * MAX_RECORD_BYTES)
    [record] = log.read(0, wait_s=WAIT_S)
    assert len(record.data) == MAX_RECORD_BYTES


def test_the_arrival_of_records_of_others_is_reported(address: ClusterAddress, open_log: Open) -> None:
    log, other = open_log(address), open_log(address)
    arrived = threading.Event()
    log.on_arrival = arrived.set
    log.begin(b"")
    log.append(1, b"own")
    assert len(log.read(0, wait_s=WAIT_S)) == 1
    assert not arrived.is_set()
    other.append(1, b"other")
    assert arrived.wait(WAIT_S)


def test_two_clusters_in_one_etcd_know_nothing_of_each_other(etcd: LocalEtcd, open_log: Open) -> None:
    one, other = open_log(etcd.address("one-1")), open_log(etcd.address("one-10"))
    assert (one.begin(b"1"), other.begin(b"2")) == (b"1", b"2")
    one.append(1, b"one")
    assert other.end() == 0


def test_a_full_etcd_stores_nothing_and_says_so() -> None:
    def answers(path: str, _: Any) -> tuple[int, Any]:
        return status("3.5.16") if path == STATUS else (429, {"message": "etcdserver: mvcc: database space exceeded"})

    with gateway(answers) as node, opened(of(node)) as log:
        with pytest.raises(StoreError, match=r"etcd refuses the record: .* space exceeded") as caught:
            log.append(1, b"one")
        assert caught.value.code == "full"


@pytest.mark.parametrize("version", ["3.5.0", "3.5.2"])
def test_versions_of_etcd_that_lose_data_are_passed_over(version: str, short_waits: None) -> None:
    asked: list[str] = []

    def answers(path: str, _: Any) -> tuple[int, Any]:
        asked.append(path)
        return status(version)

    with gateway(answers) as node, opened(of(node)) as log:
        with pytest.raises(NoQuorum) as caught:
            log.append(1, b"one")
        assert f"runs etcd {version}, which can lose data; upgrade it" in str(caught.value.__cause__)
    assert set(asked) == {STATUS}


def test_a_node_without_a_leader_gives_way_to_the_next(short_waits: None) -> None:
    def lost(path: str, _: Any) -> tuple[int, Any]:
        return status("3.4.23") if path == STATUS else (503, {"error": "etcdserver: no leader", "code": 14})

    def well(path: str, request: Any) -> tuple[int, Any]:
        assert path in (STATUS, TXN)
        return status("3.6.0") if path == STATUS else (200, {**HEADER, "succeeded": True})

    with gateway(lost) as one, gateway(well) as other, opened(of(one, other)) as log:
        assert log.append(1, b"one") == 3


def test_a_watch_that_brings_nothing_of_what_there_is_moves_to_the_next_node(short_waits: None) -> None:
    def silent(path: str, _: Any) -> tuple[int, Any]:
        newest = {**HEADER, "kvs": [{"key": "YQ==", "mod_revision": "3"}]}
        return {STATUS: status("3.5.16"), RANGE: (200, newest), WATCH: (200, b"\n")}[path]

    def well(path: str, request: Any) -> tuple[int, Any]:
        if path == WATCH:
            key = base64.b64encode(b"ttweet/team/log/o").decode()
            event = {"kv": {"key": key, "mod_revision": "3", "version": "1", "value": "YQ=="}}
            return 200, msgspec.json.encode({"result": {**HEADER, "events": [event]}}) + b"\n"
        return silent(path, request)

    with gateway(silent) as one, gateway(well) as other, opened(of(one, other)) as log:
        assert log.read(0, wait_s=WAIT_S) == [Record(3, "o", 1, b"a")]


@pytest.mark.parametrize(
    ("before", "arrives"), [({}, True), ({"prev_kv": {"key": "YQ==", "mod_revision": "2"}}, False)]
)
def test_an_own_record_does_not_wait_for_the_watch_unless_one_before_it_is_missing(
    before: dict[str, Any], arrives: bool
) -> None:
    def silent(path: str, _: Any) -> tuple[int, Any]:
        decided = {**HEADER, "succeeded": True, "responses": [{"response_put": {}}, {"response_put": before}]}
        return {STATUS: status("3.5.16"), RANGE: (200, HEADER), WATCH: (200, b"\n"), TXN: (200, decided)}[path]

    with gateway(silent) as node, opened(of(node)) as log:
        assert log.read(0, wait_s=0) == []
        assert log.append(1, b"one") == 3
        assert log.read(0, wait_s=0) == [Record(3, log.origin, 1, b"one")] * arrives
        assert log.read(3, wait_s=0) == []


def test_a_log_is_reached_over_tls_with_certificates_at_both_ends(tmp_path: Path, authority: Authority) -> None:
    if not local_etcd.is_installed():
        pytest.skip(MISSING)
    cert, key = authority.issue()
    server = ("--cert-file", str(cert), "--key-file", str(key), "--trusted-ca-file", authority.ca, "--client-cert-auth")
    with local_etcd.running(tmp_path, 1, *FAST) as etcd:
        [node] = etcd.nodes
        node.kill()
        node.command = [word.replace(f"http://{node.client}", f"https://{node.client}") for word in node.command]
        node.command += server
        node.start()
        tls = make_context(authority.ca, str(cert), str(key))
        with opened(of(node.client)._replace(tls=True), tls=tls) as log:
            _begin_until(log, time.monotonic() + WAIT_S)
            assert log.append(1, b"one") > 0


def _begin_until(log: EtcdLog, until: float) -> None:
    while True:
        try:
            log.begin(b"")
        except (NoQuorum, Undecided):
            assert time.monotonic() < until
        else:
            return
