from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ttweet.model.tweets import Deletion, Tweet
from ttweet.protocol import answers, frames, pushes, replies, results

TWEET = Tweet(7, 1795446500123, "ann", "寿司 #a", ("a",))
TWEET_DATA = {"id": 7, "at": 1795446500123, "by": "ann", "text": "寿司 #a", "tags": ["a"]}
TAG_DATA = {"tag": "a", "count": 2, "newest": 5, "days": [0] * 14}


def test_fields_of_later_versions_are_passed_over() -> None:
    assert results.tweet(TWEET_DATA | {"likes": 3}) == TWEET
    assert results.deletion({"id": 8, "at": 9, "tweet": 7, "why": "spam"}) == Deletion(8, 9, 7)
    assert results.tag_page({"tags": [TAG_DATA | {"mood": 1}], "more": False, "most": 2}).tags[0].tag == "a"


@pytest.mark.parametrize("data", [None, 7, "text", [], ["tweets"], {}, {"tweets": 7}, {"tweets": [7]}, {"tags": [{}]}])
@pytest.mark.parametrize("shape", [results.page, results.tag_page, answers.names, results.deletion, results.tweet])
def test_an_answer_that_no_server_of_ttweet_gives_is_a_misfit(shape: object, data: object) -> None:
    with pytest.raises(frames.MISFITS):
        shape(data)  # type: ignore[operator]


BAD: dict[type, list[object]] = {
    int: ["1", None, True, 1.0, -1, 10**30, [], {}],
    str: [5, True, [], {}, "\0", "\ud800", "x" * 1001],
    bool: ["true", 1, None, []],
    list: ["abc", None, {}, 7, [None] * 10_001],
}


def spoiled(data: Any) -> Iterator[Any]:
    """The data with one of its values exchanged for one that does not fit."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from ({**data, name: bad} for bad in spoiled(value))
        return
    if isinstance(data, list):
        for place, value in enumerate(data):
            yield from ([*data[:place], bad, *data[place + 1 :]] for bad in spoiled(value))
    yield from BAD[type(data)]


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        (results.tweet, TWEET_DATA),
        (results.deletion, {"id": 8, "at": 9, "tweet": 7}),
        (results.page, {"tweets": [TWEET_DATA], "more": True}),
        (results.tag_page, {"tags": [TAG_DATA], "more": True}),
        (answers.names, {"names": ["ann"]}),
        (replies.stored, {"id": 7, "at": 9, "tags": ["a"], "deleted": False}),
        (replies.last_text, {"text": "a"}),
        (pushes.decode, ["m", TWEET_DATA]),
        (pushes.decode, ["x", {"id": 8, "at": 9, "tweet": 7}]),
        (pushes.decode, ["e", {"id": 8}]),
        (pushes.decode, ["g", {"id": 8}]),
        (pushes.decode, ["ok", {"from": 8, "gone": 3}]),
    ],
)
def test_each_value_of_another_kind_or_size_is_a_misfit(shape: Callable[[Any], object], data: Any) -> None:
    shape(data)
    for bad in spoiled(data):
        with pytest.raises(frames.MISFITS):
            shape(bad)


def test_the_stats_are_objects_of_small_values() -> None:
    data = {"server": {"version": "1", "started": 1, "trouble": None, "load": 0.5, "tls": True, "least": -1}}
    assert answers.stats(data).parts == data


@pytest.mark.parametrize(
    "data",
    [
        [1, 2], {"server": 7}, {"server": {"a": []}}, {"server": {"started": 10**30}}, {"server": {"started": "now"}},
        {"a": {"b": 1e300}}, {"a": {"b": 10**30}}, {"a": {"b": "\0"}}, {"a": {"x" * 1001: 1}}, {"\ud800": {}},
        {str(number): {} for number in range(answers.MAX_STATS + 1)},
    ],
)  # fmt: skip
def test_stats_of_another_kind_are_a_misfit(data: object) -> None:
    with pytest.raises(frames.MISFITS):
        answers.stats(data)


def test_the_last_message_is_encoded_once_until_another_is_the_last() -> None:
    encoder = answers.KeptEncoder()
    first, second = Tweet(1, 2, None, "one", ()), Tweet(2, 3, None, "two", ())
    for last in (None, first, second, first, None):
        encoded = encoder.encode(last)
        assert encoded == answers.encode(last)
    assert encoder.encode(second) is encoder.encode(second)
    assert encoder.encode(Deletion(3, 4, 2)) == answers.encode(Deletion(3, 4, 2))
    assert encoder.encode(second) is encoder.encode(second)
