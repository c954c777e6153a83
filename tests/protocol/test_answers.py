import json

import pytest

from ttweet.model.tweets import Deletion, Page, TagPage, TagSummary, Tweet
from ttweet.protocol import answers, frames
from ttweet.protocol import requests as wire

TWEET = Tweet(7, 1795446500123, "ann", "寿司 #a", ("a",))
TWEET_DATA = {"id": 7, "at": 1795446500123, "by": "ann", "text": "寿司 #a", "tags": ["a"]}
TAG_DATA = {"tag": "a", "count": 2, "newest": 5, "days": [0] * 14}


def test_answers_are_read_as_the_server_writes_them() -> None:
    def data_of(line: bytes) -> object:
        kind, data = json.loads(line)
        assert kind == "ok"
        return data

    page = Page([TWEET], more=True)
    assert answers.page(data_of(wire.encode_page(page))) == page
    tag_page = TagPage([TagSummary("a", 2, 5, [0] * 14)], more=False)
    assert answers.tag_page(data_of(wire.encode_tags(tag_page))) == tag_page
    assert answers.tweet_or_none(data_of(wire.encode_last(TWEET))) == TWEET
    assert answers.tweet_or_none(data_of(wire.encode_last(None))) is None


def test_fields_of_later_versions_are_passed_over() -> None:
    assert answers.tweet(TWEET_DATA | {"likes": 3}) == TWEET
    assert answers.deletion({"id": 8, "at": 9, "tweet": 7, "why": "spam"}) == Deletion(8, 9, 7)
    assert answers.tag_page({"tags": [TAG_DATA | {"mood": 1}], "more": False, "most": 2}).tags[0].tag == "a"


@pytest.mark.parametrize("data", [None, 7, "text", [], ["tweets"], {}, {"tweets": 7}, {"tweets": [7]}, {"tags": [{}]}])
@pytest.mark.parametrize("shape", [answers.page, answers.tag_page, answers.names, answers.deletion, answers.tweet])
def test_what_no_ttweet_answers_is_a_misfit(shape: object, data: object) -> None:
    with pytest.raises(frames.MISFITS):
        shape(data)  # type: ignore[operator]
