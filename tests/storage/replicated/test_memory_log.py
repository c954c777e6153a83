"""The switches of the log in memory, which stand for what an engine does on a bad day."""

import pytest

from tests.support.memory_log import Lost, SharedLog
from ttweet.storage.replicated.log import LogCut, NoQuorum, Undecided


def test_without_a_quorum_nothing_is_stored() -> None:
    shared = SharedLog()
    log = shared.at("a")
    shared.quorum = False
    for call in (lambda: log.begin(b""), lambda: log.append(1, b""), log.end):
        with pytest.raises(NoQuorum):
            call()
    assert shared.genesis is None
    assert log.read(0, wait_s=0) == []


@pytest.mark.parametrize(("fate", "stored"), [(Lost.RECORD, [b"two"]), (Lost.ANSWER, [b"one"])])
def test_an_append_without_an_answer_may_have_stored_its_record(fate: Lost, stored: list[bytes]) -> None:
    shared = SharedLog()
    log = shared.at("a")
    shared.lose = [fate]
    with pytest.raises(Undecided):
        log.append(1, b"one")
    log.append(1, b"two")
    assert [record.data for record in log.read(0, wait_s=0)] == stored


def test_a_delayed_record_reaches_the_log_later_unless_its_number_is_taken_then() -> None:
    shared = SharedLog()
    shared.lose = [Lost.DELAYED, Lost.DELAYED]
    for origin in "ab":
        with pytest.raises(Undecided):
            shared.at(origin).append(1, b"one")
    shared.at("b").append(1, b"two")
    shared.deliver()
    assert [(one.origin, one.data) for one in shared.at("c").read(0, wait_s=0)] == [("b", b"two"), ("a", b"one")]


def test_a_log_that_was_cut_refuses_a_reader_that_is_behind() -> None:
    shared = SharedLog()
    log = shared.at("a")
    first = log.append(1, b"one")
    log.append(2, b"two")
    shared.cut(first)
    assert [one.number for one in log.read(first, wait_s=0)] == [2]
    with pytest.raises(LogCut, match="no longer kept after 0; restart from a backup"):
        log.read(0, wait_s=0)
