"""Bytes of a server as lines, however reads are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ttweet.client.lines import MAX_ANSWER_BYTES, LineBuffer


def taken(buffer: LineBuffer) -> list[bytes]:
    return list(iter(buffer.next_line, None))


@given(st.lists(st.binary(max_size=8).map(lambda data: data.replace(b"\n", b" "))), st.lists(st.integers(0, 80)))
def test_lines_are_the_same_however_reads_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    data = b"".join([line + b"\n" for line in lines]) + b"rest"
    buffer, found = LineBuffer(), []
    places = [0, *sorted(cuts), len(data)]
    for begin, end in pairwise(places):
        assert not data[begin:end] or buffer.receive_data(data[begin:end])
        found += taken(buffer)
    assert found == lines
    assert buffer


def test_nothing_comes_of_an_end_or_of_a_line_that_does_not_end() -> None:
    buffer = LineBuffer()
    assert not buffer
    assert not buffer.receive_data(b"")
    assert buffer.receive_data(b"x" * (MAX_ANSWER_BYTES + 1))
    assert not buffer.receive_data(b"x")
    assert buffer.next_line() is None
