"""Counting the uses of tags."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.durations import DAY_MS
from ttweet.storage.sqlite.tag_uses import count_uses

TAGGED = st.lists(
    st.tuples(
        st.integers(1, 99),
        st.integers(0, 3 * DAY_MS),
        st.lists(st.sampled_from(["a", "A", "b", "B", "c"])).map(lambda tags: {tag.lower(): tag for tag in tags}),
    )
)


@given(TAGGED)
def test_uses_are_those_of_counting_one_by_one(tagged: list[tuple[int, int, dict[str, str]]]) -> None:
    uses = count_uses(tagged)
    assert list(uses) == list(dict.fromkeys([key for _, _, tags in tagged for key in tags]))
    for key, use in uses.items():
        found = [(at, tags[key]) for _, at, tags in tagged if key in tags]
        assert use.total == len(found)
        assert use.newest == found[-1][0]
        assert use.spellings == Counter(spelling for _, spelling in found)
        assert use.days == Counter(at // DAY_MS for at, _ in found)


def test_the_spelling_is_the_most_frequent_one_and_of_several_the_first() -> None:
    def spelling(*spellings: str) -> str:
        return count_uses([(number, 0, {"go": spelling}) for number, spelling in enumerate(spellings)])["go"].spelling

    assert spelling("Go", "GO", "GO") == "GO"
    assert spelling("Go", "GO") == "Go"
