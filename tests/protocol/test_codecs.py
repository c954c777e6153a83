import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.errors import ProtocolError, Refused
from ttweet.protocol import frames
from ttweet.protocol.codecs import JSON
from ttweet.protocol.json_codec import STDLIB_JSON, Json
from ttweet.protocol.requests import parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats().filter(isfinite) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_both_libraries_read_what_either_writes(value: object) -> None:
    for written in (JSON.dumps(value), STDLIB_JSON.dumps(value)):
        assert b"\n" not in written
        assert JSON.loads(written) == STDLIB_JSON.loads(written) == value


@pytest.mark.parametrize("line", [b"", b"[", b'["u",NaN]', b'"\xff"', b"[1] 2", b"'a'", b'"a\nb"'])
def test_invalid_json_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        JSON.loads(line)


@pytest.mark.parametrize("json_", [JSON, STDLIB_JSON], ids=["msgspec", "stdlib"])
@pytest.mark.parametrize("digits", [16, 19, 20, 21, 400, 4_300])
def test_an_integer_that_is_too_long_is_refused_by_its_field(json_: Json, digits: int) -> None:
    frame = frames.decode(b'["x",' + b"9" * digits + b"]", json_.loads)
    with pytest.raises(Refused, match=r"^invalid tweet id: use a whole number from 1 to 9007199254740991, not 9999"):
        parse(*frame)


@pytest.mark.parametrize("json_", [JSON, STDLIB_JSON], ids=["msgspec", "stdlib"])
@pytest.mark.parametrize("number", [b"9" * 4_301, b"-" + b"9" * 4_301, b"1e309", b"-1.8e308"])
def test_a_number_that_neither_library_reads_is_no_frame(json_: Json, number: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"^invalid JSON: "):
        frames.decode(b'["x",' + number + b"]", json_.loads)


def test_text_is_utf8_and_unescaped() -> None:
    assert (
        JSON.dumps({"text": "寿司"}) == json.dumps({"text": "寿司"}, ensure_ascii=False, separators=(",", ":")).encode()
    )
