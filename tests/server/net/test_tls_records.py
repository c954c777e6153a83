"""Records are counted wherever the bytes of a client are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ttweet.server.net.tls_records import MAX_FRUITLESS_RECORDS, RECORDS_WITH_DATA, RecordAllowance


def record(size: int) -> bytes:
    return b"\x17\x03\x03" + size.to_bytes(2, "big") + b"\x17" * size


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(st.sampled_from([0, 1, 4, 5, 22, 300]), max_size=20), st.lists(st.integers(0, 5_000), max_size=30))
def test_each_record_is_counted_once_however_its_bytes_come(sizes: list[int], cuts: list[int]) -> None:
    allowance = RecordAllowance()
    for part in parts(b"".join(map(record, sizes)), cuts):
        allowance.receive_data(part)
    allowance.receive_data(record(1) * (MAX_FRUITLESS_RECORDS - len(sizes)))
    assert not allowance.is_exceeded
    allowance.receive_data(record(1))
    assert allowance.is_exceeded


def test_data_allows_for_a_few_records_without_and_never_for_more_than_at_first() -> None:
    allowance = RecordAllowance()
    for _ in range(10 * RECORDS_WITH_DATA):
        allowance.receive_data(record(1))
        allowance.decrypted()
    allowance.receive_data(record(1) * MAX_FRUITLESS_RECORDS)
    assert not allowance.is_exceeded
    for _ in range(RECORDS_WITH_DATA):
        allowance.receive_data(record(1))
        allowance.decrypted()
    allowance.receive_data(record(1))
    assert not allowance.is_exceeded
    allowance.receive_data(record(1))
    assert allowance.is_exceeded
