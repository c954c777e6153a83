"""The contract of a replicated log: each test runs over every kind there is."""

import threading

from tests.storage.replicated.conftest import Logs
from ttweet.storage.replicated.log import Log, Record

WAIT_S = 5.0


def read_all(log: Log, after: int = 0) -> list[Record]:
    """Read to the end that the log has now."""
    records: list[Record] = []
    while (records[-1].position if records else after) < log.end():
        records += log.read(records[-1].position if records else after, wait_s=WAIT_S)
    return records


def test_a_log_begins_once_with_the_data_of_the_first_server_that_begins_it(logs: Logs) -> None:
    assert logs("a").begin(b"first") == b"first"
    assert logs("b").begin(b"second") == b"first"


def test_a_new_log_has_no_records(logs: Logs) -> None:
    log = logs("a")
    log.begin(b"")
    assert log.end() == 0
    assert log.read(0, wait_s=0) == []


def test_records_come_back_to_every_server_in_the_order_of_their_positions(logs: Logs) -> None:
    one, other = logs("a"), logs("b")
    one.begin(b"")
    positions = [one.append(1, b"\x00\xff"), other.append(1, b""), one.append(2, b"three")]
    assert positions == sorted({*positions})
    expected = [
        Record(positions[0], "a", 1, b"\x00\xff"),
        Record(positions[1], "b", 1, b""),
        Record(positions[2], "a", 2, b"three"),
    ]
    assert read_all(one) == read_all(other) == expected
    assert one.end() == other.end() == positions[2]


def test_a_record_of_a_number_that_is_taken_is_not_stored_again(logs: Logs) -> None:
    log = logs("a")
    log.begin(b"")
    position = log.append(1, b"one")
    assert log.append(1, b"other") == position
    assert read_all(log) == [Record(position, "a", 1, b"one")]


def test_a_reader_resumes_after_any_position(logs: Logs) -> None:
    log = logs("a")
    log.begin(b"")
    positions = [log.append(number, b"data") for number in range(1, 12)]
    for place, position in enumerate(positions, 1):
        assert [one.number for one in read_all(log, position)] == [*range(place + 1, 12)]


def test_a_reader_that_waits_gets_the_next_record_when_it_is_appended(logs: Logs) -> None:
    reader, writer = logs("a"), logs("b")
    reader.begin(b"")
    got: list[Record] = []
    thread = threading.Thread(target=lambda: got.extend(reader.read(0, wait_s=WAIT_S)))
    thread.start()
    position = writer.append(1, b"data")
    thread.join(WAIT_S)
    assert got == [Record(position, "b", 1, b"data")]
