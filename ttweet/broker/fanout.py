"""Followers of the log: each is a cursor, `(tags, last id)`, and reads one sequence, history and live.

A subscription that has caught up is *live*: it stands in the index of its tags and gets what a commit has for it from
memory, encoded once for all. One that is behind, because its history is long or its socket full, is out of the index
and costs the writer nothing: `run` reads it page after page, from the last tweets in memory or from the file, as fast
as it takes them, until it is live again. No subscription has a queue.

The two meet in `_step`: only what is above the cursor and was published is sent, and in the same moment in which the
cursor reaches the newest published tweet the subscription becomes live, so there is neither a gap nor a repetition.
A large commit makes no turn of the event loop long: `run` sends what does not fit into one.
Knows no encoding, no sockets and no SQL.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import trio

from ttweet.broker.head import Head
from ttweet.broker.pages import Backlog, Commit, FramePage, Recent
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Keyed
from ttweet.broker.subscriptions import ENDED, LIVE, READING, WAITING, Encoder, Subscriber, Subscription, Wanted
from ttweet.model.errors import StoreError
from ttweet.model.limits import PAGE_BYTES
from ttweet.model.query import effort, holds
from ttweet.model.tweets import Deletion
from ttweet.storage.contract import TagQueries

TURN_BYTES = 512 * 1024  # pushed at once for a commit, 1 ms; then other tasks run
SHORT_TURN_BYTES = TURN_BYTES // 4  # pushed in each turn after it: an upload takes some turns until it is acknowledged
PUSH_BYTES = TURN_BYTES // 128  # that a push counts for at least: a system call takes as long as 4 KiB
QUERY_HITS = 10  # that it counts for to compare a plain tweet with a query, which takes 5 us
MAX_HITS = 4_096  # tweets times groups of followers sorted for a commit, about 2 ms; beyond that, followers get pages


class _Turn:
    """The pushes that are left to one turn of the event loop."""

    def __init__(self, size: int) -> None:
        self._left = size

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    def count(self, size: int) -> None:
        """Note a push of so many bytes, or other work that takes as long."""
        self._left -= max(size, PUSH_BYTES)

    def reserve(self, wanted: int, size: int) -> int:
        """How many of the pushes wanted, each of so many bytes, are made in this turn."""
        each = max(size, PUSH_BYTES)
        number = min(wanted, self._left // each) if size <= PAGE_BYTES else 0
        self._left -= number * each
        return number


class _Group:
    """Live subscriptions that are pushed the same bytes."""

    __slots__ = ("encoder", "members", "wanted")

    def __init__(self, encoder: Encoder, wanted: Wanted) -> None:
        self.encoder = encoder
        self.wanted = wanted
        self.members: dict[Subscription, None] = {}  # in the order in which they caught up


class FanOut:
    """All subscriptions of one log, to whose head it listens. `reader` is called by `reads` only."""

    def __init__(self, head: Head, reader: TagQueries, reads: ReadScheduler) -> None:
        self._recent = Recent(head.newest, head.pruned_up_to)
        self._history = Backlog(reader, reads)
        self._live: dict[tuple[Encoder, Wanted], _Group] = {}
        self._of_everything: set[_Group] = set()
        self._of_queries: set[_Group] = set()  # without a tag
        self._index: dict[str, set[_Group]] = {}
        self._behind: deque[Subscription] = deque()
        self._work = trio.Event()
        head.add_listener(self)

    @property
    def pruned_up_to(self) -> int:
        """The id up to which tweets are not kept any more: a client that follows from before it gets a notice."""
        return self._recent.pruned_up_to

    def follow(
        self,
        subscriber: Subscriber,
        wanted: Wanted,
        after: int | None,
        instead_of: Subscription | None = None,
        *,
        deletions: bool = False,
    ) -> Subscription:
        """Make a subscription to tweets above `after`, or to new ones, for `resume` to start.

        One that replaces another and names no `after` continues where that one was, so nothing is missed. An `after`
        beyond the newest tweet counts as the newest.
        """
        newest = self._recent.newest
        if after is None:
            after = newest if instead_of is None or instead_of.state is LIVE else instead_of.cursor
        if instead_of is not None:
            self.end(instead_of)
        return Subscription(
            subscriber, wanted, min(after, newest), newest, pruned_up_to=self.pruned_up_to, deletions=deletions
        )

    def resume(self, subscription: Subscription) -> None:
        """Continue with a subscription whose subscriber has room."""
        if subscription.state is WAITING:
            subscription.state = READING
            self._behind.append(subscription)
            self._work.set()

    def end(self, subscription: Subscription) -> None:
        """Push nothing more to it."""
        if subscription.state is LIVE:
            self._leave(subscription)
        subscription.state = ENDED

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """See journal.Listener."""
        commit = Commit(tweets)
        before = self._recent.add(commit)
        if self._live:
            turn = _Turn(TURN_BYTES)
            for group, frames in self._wanted(commit).items():
                self._push_to_all([*group.members], frames, before, turn)

    def deleted(self, deletion: Deletion) -> None:
        """See journal.Listener."""
        before = self._recent.delete(deletion)
        self._history.note_deleted(deletion.tweet)
        turn = _Turn(TURN_BYTES)
        for group in [*self._live.values()]:
            told = [one for one in group.members if one.deletions]
            if told:
                self._push_to_all(told, [group.encoder.deletion(deletion)], before, turn)

    def pruned(self, up_to: int) -> None:
        """See journal.Listener. Live subscriptions have these tweets; others get a notice with their next page."""
        self._recent.prune(up_to)

    async def run(self) -> None:
        """Read for those that are behind, a page for each in turn, until cancelled."""
        while True:
            await self._work.wait()  # a checkpoint in any case
            turn = _Turn(SHORT_TURN_BYTES)
            while self._behind and not turn.is_over:
                await self._read_for(self._behind.popleft(), turn)
            if not self._behind:
                self._work = trio.Event()
                self._recent.drop_pages()

    def _wanted(self, commit: Commit) -> dict[_Group, Sequence[bytes]]:
        """Return the frames of a commit for each group, in order of ids.

        With more than MAX_HITS, every group has none: its members are to be read for.
        """
        wanted: dict[_Group, list[bytes]] = {}
        for group in self._of_everything:
            wanted[group] = [commit.frame(group.encoder, tweet) for tweet, _ in commit.tweets]
        hits = 0
        for tweet, tags in commit.tweets if self._index or self._of_queries else ():
            found = self._groups_of(tags)
            hits += len(found)
            if hits > MAX_HITS:
                return dict.fromkeys(self._live.values(), ())
            comparison = QUERY_HITS * effort(tweet, folded=True)
            for group in found:
                if (query := group.wanted.query) is not None:
                    hits += comparison
                    comparison = QUERY_HITS  # with the words that the first one has made
                if query is None or holds(query, tweet, tags):
                    wanted.setdefault(group, []).append(commit.frame(group.encoder, tweet))
        return {**wanted}

    def _groups_of(self, tags: Iterable[str]) -> set[_Group]:
        found = [self._index[key] for key in tags if key in self._index]
        return set().union(self._of_queries, *found) if found else self._of_queries

    def _push_to_all(self, members: Sequence[Subscription], frames: Sequence[bytes], before: int, turn: _Turn) -> None:
        """Push to as many as the turn has room for; the others get it as a page, as those without room do."""
        number = turn.reserve(len(members), sum(map(len, frames))) if frames else 0
        data = b"".join(frames) if number else b""
        for subscription in members[:number]:
            if not subscription.subscriber.push(data):
                self._fall_behind(subscription, before)
        for subscription in members[number:]:
            self._fall_behind(subscription, before)

    def _fall_behind(self, subscription: Subscription, cursor: int) -> None:
        self._leave(subscription)
        subscription.cursor = cursor
        subscription.state = WAITING
        if subscription.subscriber.has_room:
            self.resume(subscription)

    async def _read_for(self, subscription: Subscription, turn: _Turn) -> None:
        if subscription.state is not READING:
            return
        try:
            page = await self._next_page(subscription, turn)
        except StoreError:  # the scheduler of reads has told the operator
            subscription.subscriber.close()
            return
        if subscription.state is READING:
            turn.count(len(page.data))
            self._step(subscription, page)

    async def _next_page(self, subscription: Subscription, turn: _Turn) -> FramePage:
        if not self._recent.reaches(subscription.cursor):
            return await self._history.page(subscription, self._recent.newest)
        page = self._recent.kept_page(subscription)
        if page is None:
            # It takes as long to look at so many tweets, and up to 15 ms to compare them with a query.
            turn.count(PAGE_BYTES if subscription.wanted.query is None else TURN_BYTES)
            page = self._recent.page(subscription)
        return page

    def _step(self, subscription: Subscription, page: FramePage) -> None:
        """Send a page and see what comes next: live, another page, or waiting for room."""
        if not subscription.subscriber.has_room:
            subscription.state = WAITING
            return
        encoder, _ = subscription.kind
        data = page.data
        if subscription.cursor < page.pruned_up_to > subscription.pruned_up_to:
            subscription.pruned_up_to = page.pruned_up_to
            data = encoder.pruned(page.pruned_up_to) + data
        subscription.cursor = page.cursor
        if subscription.history is not None and page.cursor >= subscription.history:
            subscription.history = None
            data += encoder.caught_up(page.cursor)
        if page.cursor >= self._recent.newest:
            self._join(subscription)
        else:
            self._behind.append(subscription)
        if data:
            subscription.subscriber.push(data)

    def _join(self, subscription: Subscription) -> None:
        subscription.state = LIVE
        group = self._live.get(subscription.kind)
        if group is None:
            group = self._live[subscription.kind] = _Group(*subscription.kind)
            for groups in self._places(group):
                groups.add(group)
        group.members[subscription] = None

    def _leave(self, subscription: Subscription) -> None:
        group = self._live[subscription.kind]
        del group.members[subscription]
        if not group.members:
            del self._live[subscription.kind]
            for groups in self._places(group):
                groups.remove(group)
            for key in group.wanted.keys:
                if not self._index[key]:
                    del self._index[key]

    def _places(self, group: _Group) -> list[set[_Group]]:
        """Return the sets that a group stands in: one for each key, or that of the groups without one."""
        without_keys = self._of_everything if group.wanted.query is None else self._of_queries
        return [self._index.setdefault(key, set()) for key in group.wanted.keys] or [without_keys]
