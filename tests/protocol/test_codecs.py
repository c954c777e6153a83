import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.protocol.codecs import JSON
from ttweet.protocol.json_codec import STDLIB_JSON

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
def test_what_is_no_json_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        JSON.loads(line)


def test_text_is_utf8_and_unescaped() -> None:
    assert (
        JSON.dumps({"text": "寿司"}) == json.dumps({"text": "寿司"}, ensure_ascii=False, separators=(",", ":")).encode()
    )
