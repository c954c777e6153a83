"""Many requests at once are answered in their places, as one after another would be, and in few writes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from tests.support.serving import Caller, serving
from ttweet.protocol import frames
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import POST, READ
from ttweet.server.net.transport import SocketTransport

Frame = tuple[str, Any]
TAGS = ("ci", "lunch", "Ci")
NEEDED = {"u": POST, "d": READ, "t": READ, "s": READ}  # rights; other operations need none


@dataclass
class Interpreter:
    """Answers one client's requests as the protocol says, one after another."""

    rights: frozenset[str]
    tweets: list[tuple[int, str]] = field(default_factory=list)

    def answer(self, request: Frame) -> Any:
        """Return the code of an error, or the facts of the answer."""
        operation, data = request
        if NEEDED.get(operation) not in (None, *self.rights):
            return "forbidden"
        match operation:
            case "u":
                return self._post(data)
            case "d":
                return self.tweets[-1] if self.tweets else None
            case "t":
                return [id_ for id_, text in reversed(self.tweets) if f"#{data.lower()}" in text.lower().split()][:20]
            case "?":
                return "bad_operation"
            case "a":
                return "bad_request"
            case _:
                return None

    def _post(self, text: str) -> Any:
        if len(text) > 150:
            return "too_long"
        self.tweets.append((len(self.tweets) + 1, text))
        return self.tweets[-1][0]


def facts(request: Frame, answer: Frame) -> Any:
    """Return those facts of an answer that the interpreter knows."""
    kind, data = answer
    if kind == "err":
        return data["code"]
    assert kind == "ok"
    match request[0]:
        case "u":
            return data["id"]
        case "d":
            return data and (data["id"], data["text"])
        case "t":
            return [tweet["id"] for tweet in data["tweets"]]
        case _:
            return None


def requests(chance: random.Random, amount: int) -> Iterator[Frame]:
    yield "p", ""
    for number in range(amount):
        tag = chance.choice(TAGS)
        yield chance.choice(
            [
                *[("u", f"tweet {number} of #{tag} ."), ("u", "a" * 151), ("t", tag), ("p", "")],
                *[("d", "")] * 3,
                *[("s", ""), ("c", ""), ("?", ""), ("a", "not the first")],
            ]
        )


def slices(chance: random.Random, data: bytes) -> Iterator[bytes]:
    while data:
        size = chance.choice([1, 9, 100, 5000])
        yield data[:size]
        data = data[size:]


async def pipelined(caller: Caller, chance: random.Random, asked: list[Frame]) -> list[Frame]:
    """Send all requests, however they are cut; returns their answers, with the pushes between them."""
    received: list[Frame] = []
    answered = 0
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            for part in slices(chance, b"".join([frames.encode(*request) for request in asked])):
                await caller.stream.send_all(part)

        nursery.start_soon(send)
        while answered < len(asked):
            received.append(await caller.answer())
            answered += received[-1][0] in ("ok", "err")
    return received


def check_pushes(asked: list[Frame], received: list[Frame]) -> None:
    """They come only while the client follows, above where it began, and with rising ids."""
    left, cursor, newest = iter(asked), None, 0
    for kind, data in received:
        if kind in ("ok", "err"):
            operation = next(left)[0]
            if kind == "ok" and operation == "u":
                newest = data["id"]
            elif kind == "ok" and operation == "s":
                assert (newest if cursor is None else cursor) <= data["from"] <= newest
                cursor = data["from"]
            elif kind == "ok" and operation == "c":
                cursor = None
        else:
            assert kind in ("m", "e")
            assert cursor is not None
            assert data["id"] > cursor or kind == "e"
            cursor = max(cursor, data["id"])


@pytest.mark.parametrize("rights", [{READ, POST}, {POST}, {READ}], ids=["all", "post", "read"])
@pytest.mark.parametrize("seed", range(8))
async def test_a_pipeline_is_answered_as_its_requests_one_after_another_would_be(seed: int, rights: set[str]) -> None:
    chance = random.Random(seed)
    asked = [*requests(chance, 150)]
    async with serving(authenticator=Authenticator(frozenset(rights))) as here:
        received = await pipelined(await here.call(), chance, asked)
    interpreter = Interpreter(frozenset(rights))
    answered = [frame for frame in received if frame[0] in ("ok", "err")]
    for request, answer in zip(asked, answered, strict=True):
        assert facts(request, answer) == interpreter.answer(request), request
    check_pushes(asked, received)


@pytest.mark.parametrize("query", [("d", ""), ("t", "news"), ("l", "")])
async def test_the_answers_from_memory_to_one_read_leave_in_one_write(
    query: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []
    send_now = SocketTransport.send_now

    def send(self: SocketTransport, data: bytes) -> int:
        writes.append(data)
        return send_now(self, data)

    monkeypatch.setattr(SocketTransport, "send_now", send)
    async with serving() as here:
        caller = await here.call()
        await caller.ask("u", "hello #news")
        answer = await caller.ask(*query)  # from the file, if it is about tags
        del writes[:]
        await caller.send(*[query] * 16)
        assert await caller.answers(16) == [answer] * 16
    assert [write.count(b"\n") for write in writes] == [16]


async def test_the_last_message_that_is_kept_is_never_older_than_the_newest_answer() -> None:
    async with serving() as here:
        one, other = await here.call(), await here.call()
        for number in range(5):
            assert (await one.ask("u", f"tweet {number}"))[0] == "ok"
            for caller in (other, one, other):
                assert (await caller.ask("d", ""))[1]["text"] == f"tweet {number}"
        await one.ask("x", 5)
        assert (await other.ask("d", ""))[1]["text"] == "tweet 3"
