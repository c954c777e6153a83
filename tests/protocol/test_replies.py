"""A reply of no ttweet is a misfit, and an error's text is harmless wherever it is printed."""

import json

import pytest

from ttweet.model.errors import Refused, SlowDown
from ttweet.protocol import frames, replies

STORED = {"id": 7, "at": 9, "tags": ["a"]}


def test_the_reply_to_an_upload_is_read() -> None:
    assert repr(replies.stored(STORED | {"later": 1})) == "Stored(id=7, at=9, tags=['a'])"
    assert replies.stored(STORED | {"deleted": True}).deleted
    assert replies.last_text({"text": "hi"}) == "hi"


@pytest.mark.parametrize(
    "line", [b"", b"7", b"[]", b'["ok"]', b'["ok",1,2]', b'["no",1]', b'{"ok":1}', b"\xff", b"[" * 9000, b"1" * 5000]
)
def test_a_line_that_is_no_reply_is_a_misfit(line: bytes) -> None:
    with pytest.raises(frames.MISFITS):
        replies.data_of(line)


@pytest.mark.parametrize(
    "data",
    [None, 7, [], {}, {"code": "full"}, {"text": "x"}, {"code": 7, "text": "x"}, {"code": "full", "text": ["x"]},
     {"code": "\x1b]0;", "text": "x"}, {"code": "", "text": "x"}, {"code": "a" * 33, "text": "x"}]
)  # fmt: skip
def test_an_error_without_a_code_and_a_text_is_a_misfit(data: object) -> None:
    with pytest.raises(frames.MISFITS):
        replies.data_of(json.dumps(["err", data]).encode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no room", "no room"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("no\nttweet: forged", "no\\nttweet: forged"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("x" * 10_000, "x" * replies.MAX_REFUSAL_CHARACTERS),
        ("\x1b" * 10_000, ("\\x1b" * replies.MAX_REFUSAL_CHARACTERS)[: replies.MAX_REFUSAL_CHARACTERS]),
    ],
)
def test_the_text_of_an_error_is_escaped_and_bounded(text: str, shown: str) -> None:
    with pytest.raises(Refused) as caught:
        replies.data_of(json.dumps(["err", {"code": "full", "text": text}]).encode())
    assert (caught.value.code, caught.value.text) == ("full", shown)


@pytest.mark.parametrize(("wait", "taken"), [(0, 0), (7, 7), (-5, 0), (10**30, replies.MAX_WAIT_S)])
def test_no_server_makes_a_client_wait_endlessly(wait: int, taken: int) -> None:
    told = replies.refusal({"code": "slow_down", "text": "x", "wait": wait})
    assert isinstance(told, SlowDown)
    assert told.wait_s == taken
