import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.errors import Refused
from ttweet.protocol import fields

Kind = Callable[[str, object], object]

VALUES = ["", "a", 0, 1, 1.0, True, None, [], ["a"], [1], {}, {"a": 1}]


def refusal(kind: Kind, value: object) -> str | None:
    """Return the error of a rejected value."""
    try:
        kind("it", value)
    except Refused as refused:
        return refused.text
    return None


def up_to_nine(name: str, value: object) -> int:
    return fields.integer(name, value, 9)


@pytest.mark.parametrize(
    ("kind", "taken"), [(fields.string, ['""', '"a"']), (fields.flag, ["true"]), (up_to_nine, ["1"])]
)
def test_a_value_of_another_kind_is_refused_and_shown(kind: Kind, taken: list[str]) -> None:
    for value in VALUES:
        shown = json.dumps(value)
        said = refusal(kind, value)
        assert said is None if shown in taken else said and said.endswith(f", not {shown}")


def test_tags_are_an_array_of_strings() -> None:
    assert fields.tag_list(["a", "b"]) == ("a", "b")
    for wrong in ("a", {"a": 1}, ["a", 1]):
        with pytest.raises(Refused, match="not "):
            fields.tag_list(wrong)


@pytest.mark.parametrize(("value", "within"), [(-1, False), (0, False), (1, True), (9, True), (10, False)])
def test_bounds_belong_to_what_is_allowed(value: int, within: bool) -> None:
    assert (refusal(up_to_nine, value) is None) is within


def test_an_id_may_be_left_out_and_is_none_that_sqlite_cannot_count() -> None:
    assert fields.optional_id("after", None, 0) is None
    assert fields.optional_id("after", 2**53 - 1, 0) == 2**53 - 1
    with pytest.raises(Refused, match=f"invalid after: use a whole number from 0 to {2**53 - 1}, not {2**53}"):
        fields.optional_id("after", 2**53, 0)


def test_an_unknown_field_is_reported_with_the_known_ones() -> None:
    assert fields.fields_of("t", {"tag": "a"}, {"tag", "limit"}) == {"tag": "a"}
    with pytest.raises(Refused, match='unknown field "tog" in "t"; use: limit, tag'):
        fields.fields_of("t", {"tog": "a"}, {"tag", "limit"})
    with pytest.raises(Refused, match=r'invalid data of "t": use a string or an object, not \["tag"\]'):
        fields.fields_of("t", ["tag"], {"tag"})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_a_refusal_shows_is_short_and_steers_no_terminal(value: object) -> None:
    shown = fields.shown(value)
    assert len(shown) <= 43
    assert shown.isascii()
    assert shown.isprintable()


def test_a_value_that_is_nested_too_deeply_to_be_shown_is_named_as_such() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert fields.shown(deep) == "a value nested too deeply"
