"""Drafts that wait to be written are bounded by number and by bytes, counted to the byte, and taken fairly."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from ttweet.broker import inbox as inbox_module
from ttweet.broker.inbox import Inbox
from ttweet.broker.receipts import Receipt
from ttweet.model import reports
from ttweet.model.reports import Report
from ttweet.model.tweets import draft


class Nobody:
    def answered(self) -> None:
        raise AssertionError("nothing is decided here")


CLIENTS = [Nobody() for _ in range(4)]
HEAVY = [f"{number:0140}" for number in range(31)]


def a_draft(*tags: str, text: str = "text", waiter: Nobody | None = None) -> Receipt:
    return Receipt(draft(text, tags=tags), waiter or Nobody())


def a_line(text: str) -> Report:
    return reports.message_received(text)


def test_drafts_with_many_long_tags_wait_in_smaller_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_WAITING_BYTES", 100_000)
    plain, fat = Inbox(), Inbox()
    while plain.has_room:
        plain.append(a_draft())
    while fat.has_room:
        fat.append(a_draft(*[f"{number:0140}" for number in range(32)]))
    assert (plain.drafts, fat.drafts) == (98, 6)
    fat.take()
    assert fat.has_room


def test_long_report_lines_wait_in_smaller_numbers_and_the_others_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_LINE_BYTES", 10_000)
    inbox = Inbox()
    taken = [inbox.report(a_line("x" * 854)) for _ in range(20)]
    assert taken == [True] * 10 + [False] * 10
    assert not inbox.has_room
    assert (inbox.take_lost(), inbox.take_lost()) == (10, 0)


@pytest.mark.parametrize(("limit", "value", "kept"), [("MAX_HELD_BYTES", 1_500, 3), ("MAX_HELD_LINES", 2, 2)])
def test_of_lines_that_could_not_be_stored_the_newest_are_kept_before_those_that_came_since(
    limit: str, value: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, limit, value)
    inbox = Inbox()
    old = [a_line(f"{number}".rjust(300)) for number in range(5)]
    for line in old:
        inbox.report(line)
    _, lines = inbox.take()
    inbox.report(a_line("new"))
    inbox.hold(lines)
    assert inbox.take_lost() == 5 - kept
    assert inbox.take_all() == ([], [*old[-kept:], a_line("new")])


def test_no_line_is_kept_that_is_longer_than_all_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_HELD_BYTES", 100)
    inbox = Inbox()
    inbox.hold([a_line("x" * 100)])
    assert (len(inbox), inbox.lost) == (0, 1)


def test_a_light_draft_is_in_the_next_batch_though_fifty_clients_wait_with_eight_heavy_ones_each() -> None:
    inbox = Inbox()
    for client in [Nobody() for _ in range(50)]:
        for _ in range(8):
            inbox.append(a_draft(*HEAVY, waiter=client))
    light = a_draft("ci")
    inbox.append(light)
    batch, _ = inbox.take()
    assert light in batch
    assert sum(receipt.tags_weight for receipt in batch) <= inbox_module.MAX_BATCH_WEIGHT // 2


def test_the_oldest_draft_waits_for_one_batch_of_light_ones_at_most() -> None:
    inbox, heavy = Inbox(), Nobody()
    oldest = [a_draft(*HEAVY, waiter=heavy) for _ in range(40)]
    for receipt in oldest:
        inbox.append(receipt)
    taken: list[Receipt] = []
    for batches in range(1, 100):
        inbox.append(a_draft("ci"))  # always another light one
        batch, _ = inbox.take()
        taken += [receipt for receipt in batch if receipt.waiter is heavy]
        assert len(taken) >= batches // 2
        if len(taken) == len(oldest):
            break
    assert taken == oldest


def test_a_report_line_overtakes_no_draft_and_goes_with_the_batch_that_leaves_none_before_it() -> None:
    inbox, heavy = Inbox(), Nobody()
    first, last = a_line("before all"), a_line("behind the heavy ones")
    inbox.report(first)
    for _ in range(30):
        inbox.append(a_draft(*HEAVY, waiter=heavy))
    inbox.report(last)
    light = a_draft("ci")
    inbox.append(light)
    assert inbox.take() == ([light], [first, light])
    seen: list[Receipt | Report] = []
    while len(inbox):
        seen += inbox.take()[1]
    assert seen[-1] is last
    assert len(seen) == 31


def test_drafts_with_the_same_tags_are_one_batch_however_much_each_of_them_weighs() -> None:
    inbox = Inbox()
    for number in range(inbox_module.MAX_BATCH + 1):
        inbox.append(a_draft("ci", waiter=CLIENTS[number % 4]))
    batch, _ = inbox.take()
    assert sum(receipt.tags_weight for receipt in batch) > inbox_module.MAX_BATCH_WEIGHT
    assert (len(batch), inbox.drafts) == (inbox_module.MAX_BATCH, 1)


async def test_a_client_that_waits_for_room_continues_as_soon_as_a_batch_is_taken_and_the_first_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox_module, "MAX_WAITING", 2)
    monkeypatch.setattr(inbox_module, "MAX_BATCH", 2)
    inbox, served = Inbox(), list[int]()

    async def client(number: int) -> None:
        await inbox.room()
        served.append(number)
        inbox.append(a_draft())

    inbox.append(a_draft())
    inbox.append(a_draft())
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(client, number)
            await trio.testing.wait_all_tasks_blocked()
        for batches in range(5):
            assert served == [*range(2 * batches)]
            inbox.take()
            await trio.testing.wait_all_tasks_blocked()
    assert served == [*range(10)]


async def test_a_client_that_leaves_while_it_waits_for_room_keeps_no_client_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox_module, "MAX_WAITING", 1)
    inbox = Inbox()
    inbox.append(a_draft())
    async with trio.open_nursery() as nursery:
        for scope in (first := trio.CancelScope(), trio.CancelScope()):
            nursery.start_soon(_waits_in, scope, inbox)
            await trio.testing.wait_all_tasks_blocked()
        first.cancel()
        await trio.testing.wait_all_tasks_blocked()
        inbox.take()


async def _waits_in(scope: trio.CancelScope, inbox: Inbox) -> None:
    with scope:
        await inbox.room()


def test_clients_that_wait_with_the_same_are_served_in_full_batches() -> None:
    inbox = Inbox()
    for turn in range(64):
        for client in CLIENTS:
            inbox.append(a_draft(*[f"{turn}x{CLIENTS.index(client)}x{tag}" for tag in HEAVY], waiter=client))
    fitting = inbox_module.MAX_BATCH_WEIGHT // a_draft(*[f"10x0x{tag}" for tag in HEAVY]).tags_weight
    assert [len(inbox.take()[0]) for _ in range(10)] == [fitting] * 10


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([(), ("a",), ("a", "b", "c")])), max_size=60),
    st.integers(1, 5),
)
def test_every_draft_is_taken_once_and_those_of_a_client_in_their_order(
    drafts: list[tuple[int, tuple[str, ...]]], between: int
) -> None:
    inbox = Inbox()
    posted: list[list[Receipt]] = [[] for _ in CLIENTS]
    taken: list[list[Receipt]] = [[] for _ in CLIENTS]

    def take() -> None:
        batch, lines = inbox.take()
        assert [line for line in lines if isinstance(line, Receipt)] == batch
        assert len(batch) <= inbox_module.MAX_BATCH
        for receipt in batch:
            taken[CLIENTS.index(receipt.waiter)].append(receipt)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox_module, "MAX_BATCH", 6)
        patch.setattr(inbox_module, "MAX_BATCH_WEIGHT", 1_200)
        for number, (client, tags) in enumerate(drafts, 1):
            receipt = a_draft(*tags, waiter=CLIENTS[client])
            posted[client].append(receipt)
            inbox.append(receipt)
            if number % (between * 4) == 0:
                take()
        while inbox.drafts:
            take()
    assert taken == posted


@given(st.lists(st.sampled_from(["draft", "tagged", "line", "take", "take_all", "hold", "drop_reports"]), max_size=40))
def test_the_bytes_of_waiting_drafts_and_lines_are_counted_whatever_happens(steps: list[str]) -> None:
    inbox = Inbox()
    lines: list[Receipt | Report] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox_module, "MAX_BATCH", 2)
        for step in steps:
            match step:
                case "draft":
                    inbox.append(a_draft())
                case "tagged":
                    inbox.append(a_draft("a", "bc"))
                case "line":
                    inbox.report(a_line("text"))
                case "hold":
                    inbox.hold(lines)
                    lines = []
                case "drop_reports":
                    inbox.drop_reports()
                case _:
                    batch, lines = getattr(inbox, step)()
                    assert batch == [line for line in lines if isinstance(line, Receipt)]
    fresh = Inbox()
    for line in inbox._lines:
        fresh.append(line) if isinstance(line, Receipt) else fresh.report(line)
    counts = [(one.drafts, one._weight, one._line_bytes, len(one)) for one in (inbox, fresh)]
    assert counts[0] == counts[1]
