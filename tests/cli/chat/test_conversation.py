"""One connection for two threads: pushes are handed on, answers wait for the thread that asked."""

from typing import cast

import pytest

from ttweet import defaults
from ttweet.cli.chat.conversation import CLOSED, MAX_ANSWERS, Conversation
from ttweet.client.link import SyncLink
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol import calls, frames, replies

PUSH = frames.encode("e", {"id": 7})
ANSWER = frames.encode("ok", {"text": "hello"})
ERROR = frames.encode("err", {"code": "stopping", "text": "the server is stopping"})


class FakeLink:
    """A connection on which these lines come, and then its end."""

    def __init__(self, *lines: bytes) -> None:
        self._lines = list(lines)
        self.sent: list[bytes] = []
        self.is_shut_down = False

    def receive(self) -> bytes:
        if not self._lines:
            raise ConnectError("unknown", "the connection has ended")
        return self._lines.pop(0)

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def shut_down(self) -> None:
        self.is_shut_down = True


def conversation(link: FakeLink) -> Conversation:
    return Conversation(cast("SyncLink", link))


def test_pushes_are_handed_on_and_an_answer_waits_for_its_request() -> None:
    link, pushed = FakeLink(PUSH, ANSWER, PUSH), list[bytes]()
    held = conversation(link)
    assert str(held.read(pushed.append)) == CLOSED
    assert pushed == [PUSH, PUSH]
    frame, _ = calls.last_text()
    assert held.call(frame, replies.last_text) == "hello"
    assert link.sent == [frame]


def test_after_the_end_a_request_gets_the_error_that_ended_the_connection() -> None:
    held = conversation(FakeLink())
    fault = held.read(lambda _: None)
    assert held.fault is fault
    with pytest.raises(ConnectError, match=CLOSED):
        held.call(*calls.last_text())


def test_a_server_that_answers_more_than_it_was_asked_is_no_ttweet_server() -> None:
    fault = conversation(FakeLink(*[ANSWER] * (MAX_ANSWERS + 1))).read(lambda _: None)
    assert "not a ttweet server" in str(fault)


def test_a_line_that_is_no_frame_ends_the_connection() -> None:
    assert "not a ttweet server" in str(conversation(FakeLink(b"HTTP/1.1 400 Bad Request\r\n")).read(lambda _: None))


def test_an_error_of_writing_a_push_ends_the_connection() -> None:
    broken = BrokenPipeError()

    def fails(_: bytes) -> None:
        raise broken

    assert conversation(FakeLink(PUSH)).read(fails) is broken


def test_an_answer_that_is_too_late_is_not_taken_for_that_to_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "TIMEOUT_S", 0)
    link = FakeLink()
    with pytest.raises(ConnectError, match=CLOSED):
        conversation(link).call(*calls.last_text())
    assert link.is_shut_down


def test_the_last_words_of_a_server_say_why_it_closed_the_connection() -> None:
    held = conversation(FakeLink(ERROR))
    fault = held.read(lambda _: None)
    with pytest.raises(ConnectError, match="the server is stopping") as raised:
        held.raise_last_words(fault)
    assert isinstance(raised.value.__cause__, Refused)
    silent = conversation(FakeLink())
    fault = silent.read(lambda _: None)
    with pytest.raises(ConnectError) as same:
        silent.raise_last_words(fault)
    assert same.value is fault
