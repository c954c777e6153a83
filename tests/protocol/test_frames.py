import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.errors import ProtocolError
from ttweet.protocol import frames
from ttweet.protocol.codecs import JSON

LOADS = {"the standard library's": frames.loads, "the server's": JSON.loads}
BROKEN = [
    b"",
    b"[",
    b"nonsense",
    b"[1,2]",
    b'["u"]',
    b'["u","a","b"]',
    b'{"u":"a"}',
    b'"u"',
    b"[]",
    b"null",
    b'["u",NaN]',
    b'["u",Infinity]',
    b'["u",-Infinity]',
    b'["u",1e310]',
    b'["u",-1e310]',
    b'["u","a"] x',
    b'["u","\xff"]',
    b'["u","\xc0\xaf"]',
    b'["u","\xed\xa0\x80"]',
    '["u","a"]'.encode("utf-16"),
    b'\xef\xbb\xbf["u","a"]',
    b"[" * 10_000,
    b'["u","a\nb"]',
    b'["u","a\x00b"]',
    b'["u",01]',
    b"[\"u\",'a']",
    b'["u","a",]',
    b"[" + b"1" * 5_000 + b',""]',
    b"x" * frames.MAX_FRAME_BYTES,
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("loads", LOADS.values(), ids=LOADS.keys())
@pytest.mark.parametrize("line", BROKEN, ids=lambda line: ascii(line[:20]))
def test_an_invalid_frame_is_a_protocol_error(line: bytes, loads: "frames.Loads") -> None:
    with pytest.raises(ProtocolError) as caught:
        frames.decode(line, loads)
    assert caught.value.code == "bad_frame"
    assert len(caught.value.text) < 200


@pytest.mark.parametrize("loads", LOADS.values(), ids=LOADS.keys())
@given(operation=st.text(st.characters(exclude_categories=["Cs"])), data=json_values)
def test_a_frame_comes_back_as_it_was(loads: "frames.Loads", operation: str, data: object) -> None:
    frame = frames.encode(operation, data)
    assert frame.endswith(b"\n")
    assert frame.count(b"\n") == 1
    assert frames.decode(frame, loads) == (operation, data)
    assert frames.decode(frame[:-1] + b"\r", loads) == (operation, data)


@given(line=st.binary(max_size=40) | st.text(max_size=20).map(lambda text: json.dumps(["u", text]).encode()))
def test_both_libraries_take_the_same_lines(line: bytes) -> None:
    def outcome(loads: "frames.Loads") -> object:
        try:
            return frames.decode(line, loads)
        except ProtocolError:
            return "refused"

    strict = outcome(JSON.loads)
    lenient = outcome(frames.loads)
    # A lone surrogate in an escape passes the standard library; the rules for texts stop it there.
    assert strict == lenient or "\\ud" in line.decode("latin-1").lower()


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_cutting_the_bytes_anywhere_changes_no_line(data: bytes, cuts: list[int]) -> None:
    whole = frames.FrameReader()
    expected = whole.receive_data(data)
    parts = frames.FrameReader()
    positions = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    lines = []
    for start, stop in itertools.pairwise(positions):
        lines += parts.receive_data(data[start:stop])
    assert lines == expected
    assert parts.rest == whole.rest


def test_a_line_that_never_ends_is_handed_out_and_refused_and_not_kept() -> None:
    reader = frames.FrameReader()
    lines = []
    for _ in range(100):
        lines += reader.receive_data(b"x" * 1000)
    assert [len(line) for line in lines] == [17_000] * 5
    with pytest.raises(ProtocolError, match="use at most 16384 bytes"):
        frames.decode(lines[0])


def test_the_longest_frame_is_taken_and_one_byte_more_is_not() -> None:
    text = "x" * (frames.MAX_FRAME_BYTES - len(frames.encode("u", "")))
    reader = frames.FrameReader()
    (line,) = reader.receive_data(frames.encode("u", text))
    assert frames.decode(line) == ("u", text)
    with pytest.raises(ProtocolError):
        frames.decode(reader.receive_data(frames.encode("u", text + "x"))[0])


def test_empty_lines_are_no_frames() -> None:
    assert frames.FrameReader().receive_data(b'\n\r\n["p",""]\r\n\n') == [b'["p",""]\r']
