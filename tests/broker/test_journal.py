"""The one writer: examples of each promise."""

from collections.abc import Sequence

import pytest
import trio
import trio.testing

from tests.support.following import Listening
from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.posters import (
    FULL,
    Poster,
    line_of,
    lines,
    running,
    texts,
)
from tests.support.turns import Turns
from ttweet.broker import inbox
from ttweet.broker import journal as journal_module
from ttweet.broker.journal import Journal
from ttweet.broker.receipts import Keyed, Receipt
from ttweet.model.errors import Refused
from ttweet.model.tweets import Draft, Tweet, weight_of


async def test_report_lines_without_a_draft_share_a_commit_and_a_draft_does_not_wait_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    monkeypatch.setattr(journal_module, "LINES_DELAY_S", 1000)
    async with running(store) as journal:
        for text in ("one", "two", "three"):
            journal.report(line_of(text))
            await trio.testing.wait_all_tasks_blocked()
        assert lines(store) == []
        poster = Poster(journal)
        poster.post("hello")
        await poster.all_answered()
        assert lines(store) == [line_of(text).line for text in ("one", "two", "three", "Message Received: hello")]
        assert journal.commits == 1
        monkeypatch.setattr(journal_module, "LINES_DELAY_S", 0.001)
        journal.report(line_of("four"))
        await journal.wait_commit(1)
        assert lines(store)[-1] == line_of("four").line


class NotedPoster(Poster):
    """A listener that counts its calls."""

    turns = Turns()

    def answered(self) -> None:
        self.turns.note()
        super().answered()


async def test_many_posters_of_one_batch_get_answers_in_several_turns_and_followers_after_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "TELL_BURST", 3)
    store = HeldStore()
    told: list[int] = []

    class Later(Listening):
        def committed(self, tweets: Sequence[Keyed]) -> None:
            told.extend([NotedPoster.turns.all] * len(tweets))

    store.hold()
    async with running(store) as journal:
        Poster(journal).post("holds the writer")
        await store.wait_held()
        journal.head.add_listener(Later())
        posters = [NotedPoster(journal) for _ in range(10)]
        for poster in posters:
            poster.post("of one batch")
        NotedPoster.turns = Turns()
        trio.lowlevel.add_instrument(NotedPoster.turns)
        store.release()
        for poster in posters:
            await poster.all_answered()
        trio.lowlevel.remove_instrument(NotedPoster.turns)
    assert (NotedPoster.turns.all, NotedPoster.turns.most) == (10, 3)
    assert told == [0] + [10] * 10


class Patient(Poster):
    """Posts again a turn of the event loop after each answer, and counts the commits from a post to its answer."""

    batches = 12
    waited: list[int]
    since = 0

    def posts(self) -> None:
        self.since = self.journal.commits
        self.post("again")

    def answered(self) -> None:
        super().answered()
        self.waited.append(self.journal.commits - self.since)
        if self.journal.commits < self.batches:
            trio.lowlevel.current_trio_token().run_sync_soon(self.posts)


async def test_each_of_a_thousand_clients_is_answered_within_three_commits() -> None:
    async with running(MemoryStore()) as journal:
        clients = [Patient(journal) for _ in range(1000)]
        for number, client in enumerate(clients):
            client.waited = []
            client.posts()
            if number % 100 == 0:
                await trio.lowlevel.checkpoint()
        while journal.commits < Patient.batches:
            await journal.wait_commit(journal.commits)
        for client in clients:
            await client.all_answered()
    assert {len(client.receipts) - len(client.waited) for client in clients} == {0}
    assert max(max(client.waited) for client in clients) <= 3


async def test_a_draft_is_answered_after_its_commit_with_the_tweet_it_became() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("hello")
        (tweet,) = await poster.all_answered()
    assert store.tweets == [tweet]
    assert lines(store) == ["SERVER ALERT [GENERAL] Message Received: hello"]


async def test_a_tweet_is_stamped_with_the_clock_in_milliseconds() -> None:
    store = MemoryStore()
    journal = Journal(store, clock=lambda: 1795446500123)
    poster = Poster(journal)
    poster.post("now")
    journal.close()
    await journal.run()
    assert store.tweets[0].at == 1795446500123


async def test_all_that_queued_up_during_a_commit_goes_into_the_next_one() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(100):
            poster.post(str(number))
        store.release()
        await poster.all_answered()
    assert store.batches[:2] == [1, 100]
    assert poster.calls == 2, "a waiter is told once a batch, not once a tweet"


async def test_a_batch_is_bounded_and_each_drafts_line_goes_with_it() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(inbox.MAX_BATCH + 1):
            journal.report(line_of(f"before {number}"))
            poster.post(str(number))
        store.fail_next = [None, None, FULL]
        store.release()
        outcomes = await poster.all_answered()
    assert store.batches[:2] == [1, inbox.MAX_BATCH]
    assert outcomes[-1] is FULL
    assert f"SERVER ALERT [GENERAL] Message Received: {inbox.MAX_BATCH - 1}" in lines(store)
    assert f"SERVER ALERT [GENERAL] Message Received: {inbox.MAX_BATCH}" not in lines(store)
    assert lines(store)[-1] == f"SERVER ALERT [GENERAL] before {inbox.MAX_BATCH}"


@pytest.mark.parametrize("letter", ["a", "\u0f66"], ids=["short tags", "tags of three bytes a letter"])
async def test_a_batch_is_bounded_by_what_its_tags_weigh(letter: str) -> None:
    tags = [[f"{letter * 4}{draft:03}x{tag:02}" for tag in range(10)] for draft in range(1000)]
    fitting = inbox.MAX_BATCH_WEIGHT // weight_of(tags[0])
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(2 * fitting + 1):
            poster.post(str(number), tags={tag: tag for tag in tags[number]})
        store.release()
        await poster.all_answered()
    assert 5 < fitting < inbox.MAX_BATCH
    assert store.batches == [1, fitting, fitting, 1]


async def test_a_draft_that_weighs_more_than_a_batch_is_stored_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MAX_BATCH_WEIGHT", 1)
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for text in ("a", "b"):
            poster.post(text, tags={text: text})
        store.release()
        await poster.all_answered()
    assert store.batches == [1, 1, 1]


async def test_an_inbox_that_is_full_has_room_again_after_a_commit() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(inbox.MAX_WAITING):
            assert journal.inbox.has_room
            poster.post(str(number))
        assert not journal.inbox.has_room
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.inbox.room)
            await trio.testing.wait_all_tasks_blocked()
            store.release()
        await poster.all_answered()
    assert max(store.batches) == inbox.MAX_BATCH


async def test_report_lines_alone_fill_the_journal_too() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        journal.report(line_of("first"))
        await store.wait_held()
        for _ in range(inbox.MAX_LINES):
            assert journal.inbox.has_room
            journal.report(line_of("flood"))
        assert not journal.inbox.has_room
        store.release()
        await journal.inbox.room()
    assert len(store.log) == 1 + inbox.MAX_LINES


async def test_report_lines_beyond_the_limit_are_lost_and_the_log_tells_how_many() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        journal.report(line_of("first"))
        await store.wait_held()
        for number in range(inbox.MAX_LINES + 3):
            journal.report(line_of(str(number)))
        assert journal.waiting == (0, inbox.MAX_LINES)
        store.release()
    assert [line.text for line in store.log[-2:]] == [str(inbox.MAX_LINES - 1), "REPORT LINES LOST: 3"]


@pytest.mark.parametrize("idle_s", [0.001, 0])  # 0: the thread may be idle before the journal has seen the commit
async def test_the_store_settles_once_after_each_burst_of_work(idle_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "IDLE_BEFORE_SETTLING_S", idle_s)
    store = HeldStore()
    async with running(store) as journal:
        poster = Poster(journal)
        for times in (1, 2, 3):
            poster.post("one")
            await store.wait_settled()
            assert store.settled == times


async def test_a_batch_is_settled_after_its_acknowledgements_and_before_the_next_batch() -> None:
    store = HeldStore()
    store.must_settle = True
    store.hold_settling()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await poster.all_answered()
        poster.post("second")
        await trio.testing.wait_all_tasks_blocked()
        assert (store.batches, store.settled) == ([1], 0)
        store.must_settle = False
        store.release_settling()
        await poster.all_answered()
    assert (store.batches, store.settled) == ([1, 1], 1)


async def test_a_closed_journal_takes_no_drafts_and_drains_what_it_has() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        poster.post("second")
        journal.close()
        with pytest.raises(Refused) as refused:
            poster.post("third")
        journal.report(line_of("last words"))
        store.release()
    assert refused.value.code == "stopping"
    assert texts(store) == ["first", "second"]
    assert lines(store)[-1] == "SERVER ALERT [GENERAL] last words"


async def test_a_journal_that_is_closed_with_nothing_to_write_ends() -> None:
    store = MemoryStore()
    async with running(store):
        await trio.testing.wait_all_tasks_blocked()
    assert store.batches == []


async def test_the_same_key_gives_the_first_tweet_again_and_the_newest_stays_the_last() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first", key="k")
        poster.post("second")
        await poster.all_answered()
        poster.post("first again", key="k")
        first, second, again = await poster.all_answered()
        assert first == again
        assert journal.head.last == second
    assert texts(store) == ["first", "second"]


async def test_the_last_tweet_of_the_store_is_the_journals_from_the_start() -> None:
    store = MemoryStore()
    store.append([Draft("old")], [], at=1)
    assert Journal(store).head.last == store.tweets[0]


async def test_a_commit_under_way_is_reported_though_the_writer_is_cancelled() -> None:
    store = HeldStore()
    store.hold()
    journal = Journal(store)
    poster = Poster(journal)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        poster.post("written")
        await store.wait_held()
        nursery.cancel_scope.cancel()
        store.release()
    assert [receipt.outcome for receipt in poster.answers] == store.tweets
    assert texts(store) == ["written"]


async def test_a_client_that_waits_for_a_commit_is_woken_by_it_and_not_by_a_failure() -> None:
    store = HeldStore()
    store.fail_next = [FULL]
    async with running(store) as journal:
        woken = trio.Event()

        async def wait() -> None:
            await journal.wait_commit(0)
            woken.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            poster = Poster(journal)
            poster.post("refused")
            await poster.all_answered()
            await trio.testing.wait_all_tasks_blocked()
            assert not woken.is_set()
            poster.post("stored")
        assert journal.commits == 1
        await journal.wait_commit(0)  # it has been: no waiting


async def test_the_keys_of_a_tweet_travel_with_it_and_a_repeated_key_does_not_change_them() -> None:
    store = HeldStore()
    listening = Listening()
    store.hold()
    async with running(store) as journal:
        journal.head.add_listener(listening)
        poster = Poster(journal)
        poster.post("first", tags={"go": "Go"})
        await store.wait_held()
        poster.post("once", key="k", tags={"café": "CAFÉ"})
        poster.post("twice", key="k", tags={"other": "other"})
        store.release()
        await poster.all_answered()
    assert [(tweet.text, [*keys]) for tweet, keys in listening.tweets] == [("first", ["go"]), ("once", ["café"])]


def test_the_keys_of_another_draft_are_not_taken_for_those_of_the_tweet() -> None:
    later = Draft("later", {"other": "other"})
    receipt = Receipt(later, Poster(Journal(MemoryStore())))
    assert [*receipt.keys_of(Tweet(1, 0, None, "earlier", ("CAFÉ",)))] == ["café"]
    assert [*receipt.keys_of(Tweet(1, 0, None, "later", ("other",)))] == ["other"]
