import json
from typing import Any

import pytest

from ttweet.client.cursor import LONGEST_PAUSE_S, Cursor, FollowListener
from ttweet.model.errors import PASSING, ConnectError, Refused, ResolverError, SetupError, SlowDown, TtweetError
from ttweet.model.tweets import Tweet

LOST = ConnectError("unknown", "gone")


class Diary(FollowListener):
    def __init__(self) -> None:
        self.entries: list[object] = []

    def on_rewound(self, after: int, newest: int) -> None:
        self.entries.append((after, newest))

    def on_disconnected(self, error: TtweetError, pause_s: float) -> None:
        self.entries.append(error.code)

    def on_caught_up(self, count: int) -> None:
        self.entries.append(count)


def line(kind: str, data: object) -> bytes:
    return json.dumps([kind, data]).encode() + b"\n"


def tweet(id_: int) -> bytes:
    return line("m", {"id": id_, "at": 7, "by": None, "text": "hi #a", "tags": ["a"]})


def receive(cursor: Cursor, *lines: bytes) -> list[int]:
    return [one.id for one in map(cursor.receive, lines) if one is not None]


def asked(cursor: Cursor) -> Any:
    return json.loads(cursor.request())


def test_a_cursor_asks_for_its_tags_from_its_position_on() -> None:
    assert asked(Cursor([], None)) == ["s", {}]
    assert asked(Cursor(["a", "b"], 0)) == ["s", {"tags": ["a", "b"], "after": 0}]


def test_a_push_is_a_tweet() -> None:
    assert Cursor([], 4).receive(tweet(5)) == Tweet(5, 7, None, "hi #a", ("a",))


def test_received_pushes_move_the_cursor() -> None:
    cursor = Cursor(["a"], None)
    places = []
    for one in (line("ok", {"from": 3}), tweet(5), line("e", {"id": 9}), line("p", ""), tweet(12)):
        cursor.receive(one)
        places.append(cursor.after)
    assert places == [3, 5, 9, 9, 12]
    assert asked(cursor) == ["s", {"tags": ["a"], "after": 12}]


def test_a_tweet_that_was_seen_is_not_seen_again() -> None:
    cursor = Cursor([], 4)
    assert receive(cursor, tweet(4), tweet(5), tweet(5), tweet(3), tweet(6)) == [5, 6]


def test_it_continues_where_the_server_does_if_that_has_other_tweets_under_its_ids() -> None:
    diary = Diary()
    cursor = Cursor([], 1000, diary)
    assert receive(cursor, line("ok", {"from": 4}), tweet(5), line("e", {"id": 5}), tweet(6)) == [5, 6]
    cursor.pause_s(LOST)
    assert asked(cursor) == ["s", {"after": 6}]
    assert receive(cursor, line("ok", {"from": 2}), line("e", {"id": 2}), tweet(3), tweet(6)) == [3, 6]
    assert diary.entries == [(1000, 4), "unknown", (6, 2), 0]


def test_the_listener_learns_of_a_loss_and_of_missed_tweets_only_then() -> None:
    diary = Diary()
    cursor = Cursor([], 0, diary)
    receive(cursor, line("ok", {"from": 0}), tweet(1), line("e", {"id": 1}))
    assert diary.entries == []
    cursor.pause_s(LOST)
    receive(cursor, line("ok", {"from": 1}), tweet(2))
    cursor.pause_s(LOST)
    receive(cursor, line("ok", {"from": 2}), tweet(3), line("e", {"id": 3}), tweet(4))
    assert diary.entries == ["unknown", "unknown", 2]


def test_a_wait_that_the_server_asks_for_is_a_loss_too_and_what_was_missed_is_counted() -> None:
    diary = Diary()
    cursor = Cursor([], 0, diary)
    receive(cursor, line("ok", {"from": 0}), line("e", {"id": 0}))
    cursor.pause_s(SlowDown("later", 1))
    receive(cursor, line("ok", {"from": 0}), tweet(1), line("e", {"id": 1}))
    assert diary.entries == ["slow_down", 1]


def test_pauses_grow_to_a_limit_and_begin_again_once_live() -> None:
    cursor = Cursor([], 0)
    receive(cursor, line("ok", {"from": 0}))
    pauses = [cursor.pause_s(LOST) for _ in range(40)]
    assert 0.05 <= pauses[0] <= 0.1
    assert all(LONGEST_PAUSE_S / 2 <= pause <= LONGEST_PAUSE_S for pause in pauses[8:])
    assert len(set(pauses)) == len(pauses), "followers of one server do not come back in step"
    receive(cursor, line("ok", {"from": 0}), line("e", {"id": 0}))
    assert cursor.pause_s(LOST) <= 0.1


def test_a_failure_before_the_first_answer_is_raised() -> None:
    with pytest.raises(ConnectError):
        Cursor([], 0).pause_s(LOST)


def test_a_name_that_cannot_be_looked_up_now_is_looked_up_again() -> None:
    diary = Diary()
    assert 0 < Cursor([], 0, diary).pause_s(ResolverError("unreachable", "not now")) <= 0.1
    assert diary.entries == ["unreachable"]


@pytest.mark.parametrize(
    ("code", "passes"), [*((code, True) for code in sorted(PASSING)), ("bad_tag", False), ("token", False)]
)
def test_a_refusal_is_raised_unless_it_may_pass(code: str, passes: bool) -> None:
    cursor = Cursor([], 0)
    receive(cursor, line("ok", {"from": 0}))
    error = Refused(code, "no")
    if passes:
        assert cursor.pause_s(error) > 0
    else:
        with pytest.raises(Refused):
            cursor.pause_s(error)


def test_a_refusal_is_an_error_with_its_code() -> None:
    with pytest.raises(Refused, match="two words") as refused:
        Cursor([], 0).receive(line("err", {"code": "bad_tag", "text": "two words"}))
    assert refused.value.code == "bad_tag"


@pytest.mark.parametrize(
    "line",
    [b"HTTP/1.1 400\r\n", b"[]\n", b'["ok",null]\n', b'["m",{}]\n', b'["x",{}]\n', b'["e",{"id":"1"}]\n', b"1\n"],
)
def test_an_answer_of_another_program_is_named_as_such(line: bytes) -> None:
    with pytest.raises(ConnectError, match="not a ttweet server"):
        Cursor([], 0).receive(line)


def too_fast(wait_s: int) -> SlowDown:
    return SlowDown("too many requests", wait_s)


def test_once_under_way_it_waits_as_long_as_the_server_asks_and_tells_of_it() -> None:
    diary = Diary()
    cursor = Cursor([], None, diary)
    receive(cursor, line("ok", {"from": 7}))
    assert [cursor.pause_s(too_fast(wait_s)) for wait_s in (1, 3600, 0)] == [1, 3600, 1]
    assert diary.entries == ["slow_down"] * 3


def test_at_the_start_its_retry_budget_has_an_end() -> None:
    cursor = Cursor([], None)
    assert cursor.pause_s(too_fast(40)) == 40
    with pytest.raises(SlowDown):
        cursor.pause_s(too_fast(40))


def test_a_follower_of_stored_tweets_ends_when_it_is_live() -> None:
    cursor = Cursor([], 0, live=False)
    assert receive(cursor, line("ok", {"from": 0}), tweet(1)) == [1]
    assert not cursor.ended
    cursor.receive(line("e", {"id": 1}))
    assert cursor.ended


def test_a_listener_may_wait_for_a_server_that_is_not_there_yet() -> None:
    diary = Diary()
    diary.waits_for_server = True
    assert Cursor([], 0, diary).pause_s(ConnectError("unreachable", "nothing listens")) > 0
    for lasting in (LOST, Refused("denied", "no"), SetupError("unreachable", "no such file")):
        with pytest.raises(type(lasting)):
            Cursor([], 0, diary).pause_s(lasting)
