"""Output to one client: in order, in one write, and with a socket that is full or closed."""

import json

import pytest
import trio
import trio.testing

from ttweet.broker.receipts import Receipt
from ttweet.model.tweets import Tweet, draft
from ttweet.protocol.reader import RequestReader
from ttweet.server.tcp.outbox import Outbox


class IdleWaiter:
    """Waits for nothing."""

    def answered(self) -> None:
        """See receipts.Waiter."""


class FakeTransport:
    """Takes as many bytes as there is room for, and more when `room` grows."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.writes: list[bytes] = []
        self.gone = False

    async def receive(self) -> bytes:
        """See Transport."""
        return b""

    def send_now(self, data: bytes) -> int:
        """See Transport."""
        if self.gone:
            raise BrokenPipeError
        self.writes.append(data[: self.room])
        return len(self.writes[-1])

    async def send(self, data: bytes | memoryview) -> None:
        """See Transport."""
        self.writes.append(bytes(data))

    async def send_end(self) -> None:
        """See Transport."""

    def close(self) -> None:
        """See Transport."""


def receipt(text: str) -> Receipt:
    return Receipt(draft(text), IdleWaiter())


def decide(one: Receipt, id_: int) -> None:
    one.outcome = Tweet(id_, 0, None, one.draft.text, ())


def ids(data: bytes) -> list[int]:
    return [json.loads(line)[1]["id"] for line in data.splitlines()]


def test_ready_answers_leave_in_one_write_and_wait_for_no_receipt_behind_them() -> None:
    transport = FakeTransport()
    outbox = Outbox(transport, RequestReader())
    first, second = receipt("one"), receipt("two")
    outbox.answers += [first, b'["ok",{"id":0}]\n', second]
    decide(second, 2)
    assert outbox.flush()
    assert transport.writes == []
    assert outbox.is_undecided
    decide(first, 1)
    assert outbox.flush()
    assert [ids(data) for data in transport.writes] == [[1, 0, 2]]
    assert outbox.is_empty
    assert not outbox.is_undecided


async def test_behind_what_a_socket_did_not_take_nothing_is_sent_until_the_rest_has_left() -> None:
    transport = FakeTransport(room=4)
    outbox = Outbox(transport, RequestReader())
    outbox.answers.append(b"answer")
    assert not outbox.flush()
    assert outbox.unsent == b"er"
    outbox.answers.append(b"next")
    assert outbox.flush()
    assert transport.writes == [b"answ"]
    await outbox.send_rest()
    assert outbox.flush()
    assert transport.writes == [b"answ", b"er", b"next"]


def test_a_client_that_has_gone_is_seen_when_something_is_sent() -> None:
    transport = FakeTransport()
    transport.gone = True
    outbox = Outbox(transport, RequestReader())
    assert outbox.flush()
    outbox.answers.append(b"answer")
    assert not outbox.flush()
    assert not outbox.unsent


def test_an_upload_of_the_classic_protocol_is_answered_with_nothing() -> None:
    transport, reader = FakeTransport(), RequestReader()
    reader.receive_data(b"u\nhello")
    outbox = Outbox(transport, reader)
    one = receipt("hello")
    outbox.answers.append(one)
    decide(one, 1)
    assert outbox.flush()
    assert b"".join(transport.writes) == b""
    assert outbox.is_empty


@pytest.mark.parametrize("closes", [False, True])
async def test_a_client_that_waits_for_answers_to_leave_is_woken_when_they_have_or_the_outbox_is_closed(
    closes: bool,
) -> None:
    outbox = Outbox(FakeTransport(), RequestReader())
    one = receipt("one")
    outbox.answers.append(one)
    async with trio.open_nursery() as nursery:
        woken = trio.Event()

        async def wait() -> None:
            if closes:
                with pytest.raises(trio.ClosedResourceError):
                    await outbox.until(lambda: outbox.is_empty)
            else:
                await outbox.until(lambda: outbox.is_empty)
            woken.set()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        if closes:
            outbox.close()
        else:
            decide(one, 1)
            outbox.flush()
        await woken.wait()
