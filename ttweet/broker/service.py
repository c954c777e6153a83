"""The operations of users as plain methods: post, last, tags, names. Knows no bytes, no streams and no SQL.

Posting does not wait: it gives a receipt, and its waiter is notified when the outcome is known. Everything else answers
from committed tweets.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Any, Protocol, TypeVar

from ttweet.broker.batch_times import BatchTimes
from ttweet.broker.deleter import Deleter
from ttweet.broker.head import Listener
from ttweet.broker.horizon import Horizon
from ttweet.broker.journal import Journal
from ttweet.broker.kept_answers import TIMELINE, KeptAnswers
from ttweet.broker.online import Online
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Receipt, Waiter
from ttweet.broker.search import Search
from ttweet.broker.tag_answers import KEPT_TWEETS, TagList, TagTweets
from ttweet.model import reports, stored, tweets
from ttweet.model.answers import Deletions, Shared, SignedIn
from ttweet.model.errors import Refused
from ttweet.model.events import Event
from ttweet.model.limits import MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.model.query import parse
from ttweet.model.reports import Report
from ttweet.model.times import now_ms
from ttweet.model.tweets import Count, Deletion, Found, Page, TagPage, Tombstone, Tweet
from ttweet.storage.contract import Reader

T = TypeVar("T")


class StatsSource(Protocol):
    """The counters of a server, and its limits."""

    refusals: Counter[str]

    def collect(self) -> dict[str, dict[str, Any]]:
        """Return the parts of `stats` without the file's size: objects of numbers, strings, booleans and None."""
        ...


class Service:
    """The operations, on a journal that is running and a reader that only `reads` may call."""

    def __init__(
        self,
        journal: Journal,
        reader: Reader,
        reads: ReadScheduler,
        stats: StatsSource,
        search: Search,
        online: Online | None = None,
    ) -> None:
        self.epoch = secrets.token_hex(8)
        """A random value of this start: after another one, the same ids may be those of other tweets."""
        self._journal = journal
        self.inbox = journal.inbox
        """The drafts and report lines that wait to be written. It says whether there is room for another."""
        self._head = journal.head
        self._reader = reader
        self._reads = reads
        self._stats = stats
        self._search = search
        self._deleter = Deleter(journal, reader, reads)
        self._kept = KeptAnswers(self.newest)
        self._head.add_listener(self._kept)
        self.horizon = Horizon(self._head) if self._head.is_shared else None
        """Waits for ids of other servers, if there are any."""
        self.online = online or Online()
        """The names that are online."""

    def post(
        self,
        text: str,
        waiter: Waiter,
        *,
        tags: Iterable[str] = (),
        scan: bool = True,
        key: str | None = None,
        by: str | None = None,
    ) -> Receipt:
        """Check a tweet and queue it for the next batch. Raises Refused; then nothing was queued."""
        draft = tweets.draft(text, tags=tags, scan=scan, key=key, by=by)
        return self._journal.append(draft, waiter)

    def report(self, report: Report) -> None:
        """Put a line into the report log."""
        self._journal.report(report)

    def add_listener(self, listener: Listener) -> None:
        """Tell it of all commits from now on."""
        self._head.add_listener(listener)

    def show(self, event: Event) -> None:
        """Show an event that has no line in the report log."""
        self._journal.watcher.happened(event)

    def note_refused(self, code: str, report: Report | None) -> None:
        """Count a request that an edge refused, and put the line that tells of it, if any, into the report log.

        The journal counts the drafts that the store did not take.
        """
        self._stats.refusals[code] += 1
        if report is not None:
            self._journal.report(report)

    def last(self) -> Tweet | None:
        """Return the newest tweet, which may be an empty one; from memory."""
        return self._head.last

    async def tweets_of_tag(self, tag: str, limit: int, before: int | None = None) -> Shared[Page]:
        """Return the newest tweets of a tag, in any spelling, newest first.

        Raises Refused `bad_tag` when it cannot be one.

        Without `before` they come from memory if clients have asked for the tag lately.
        """
        key, newest = tweets.search_key(tag), self.newest
        if before is not None or limit > KEPT_TWEETS:
            return Shared(await self._ask(partial(self._reader.tweets_of_tag, key, limit=limit, before=before)))
        search = partial(self._find_tweets, key, QUERY_LIMIT if limit <= QUERY_LIMIT else KEPT_TWEETS)
        return await self._kept.find(key, limit, least=newest, search=search)

    def kept_tweets(self, tag: str, limit: int, before: int | None = None) -> Shared[Page] | None:
        """Return what `tweets_of_tag` returns if memory has it. Raises Refused `bad_tag`."""
        key = tweets.search_key(tag)
        return self._kept.current(key, limit, least=self.newest) if before is None else None

    async def timeline(self, limit: int, before: int | None = None, after: int | None = None) -> Shared[Page]:
        """Return the newest tweets, newest first, or with `after` those above an id, oldest first.

        With neither `before` nor `after` they come from memory if clients have asked for them lately.
        """
        if before is not None or after is not None or limit > KEPT_TWEETS:
            find = partial(self._reader.newest_tweets, limit=limit, before=before, after=after)
            return Shared(await self._ask(find))
        search = partial(self._find_newest, QUERY_LIMIT if limit <= QUERY_LIMIT else KEPT_TWEETS)
        return await self._kept.find(TIMELINE, limit, least=self.newest, search=search)

    def kept_timeline(self, limit: int, before: int | None = None, after: int | None = None) -> Shared[Page] | None:
        """Return what `timeline` returns if memory has it."""
        is_newest = before is None and after is None
        return self._kept.current(TIMELINE, limit, least=self.newest) if is_newest else None

    async def tweet(self, id_: int) -> Tweet | Tombstone:
        """One tweet, or its tombstone if it is deleted. Raises Refused `no_tweet`."""
        found = await self._ask(partial(self._reader.tweet, id_))
        if found is None:
            raise Refused("no_tweet", f"no tweet has the id {id_}")
        return found

    async def newest_deletions(self, limit: int) -> Deletions:
        """Return the newest deletions, newest first."""
        return Deletions(await self._ask(partial(self._reader.newest_deletions, limit)))

    async def find(self, query: str, limit: int, before: int | None = None, *, client: Hashable = None) -> Found:
        """Return the newest tweets that a query finds, newest first. Raises Refused `bad_query`.

        Clients search in turns; `client` says whose turn this search takes.
        """
        return await self._search.find(parse(query, now_ms()), limit, before, client=client)

    async def count_found(self, query: str, before: int | None = None, *, client: Hashable = None) -> Count:
        """Count the tweets that a query finds; see `find`. Raises Refused `bad_query`."""
        return await self._search.count(parse(query, now_ms()), before, client=client)

    async def list_tags(self, limit: int, numbers: bool = False, *, least: int | None = None) -> Shared[TagPage]:
        """Return the most used tags; those without a letter only with `numbers`.

        The list may be KEPT_S old, but counts the tweet with the id `least`, without which it is the newest.
        """
        most = _most_tags(limit)
        least = self.newest if least is None else least
        return await self._kept.find(
            (most, numbers), limit, least=least, search=partial(self._find_tags, most, numbers)
        )

    def kept_tags(self, limit: int, numbers: bool, *, least: int) -> Shared[TagPage] | None:
        """Return what `list_tags` returns if memory has it."""
        return self._kept.current((_most_tags(limit), numbers), limit, least=least)

    async def _find_tweets(self, key: str, most: int) -> TagTweets:
        seen = self.newest
        page = await self._ask(partial(self._reader.tweets_of_tag, key, limit=most + 1))
        return TagTweets(page, most=most, seen=seen)

    async def _find_newest(self, most: int) -> TagTweets:
        seen = self.newest
        page = await self._ask(partial(self._reader.newest_tweets, limit=most + 1))
        return TagTweets(page, most=most, seen=seen)

    async def _find_tags(self, most: int, numbers: bool) -> TagList:
        kept = TagList(self.newest)
        find = partial(self._reader.list_tags, limit=most, now=now_ms(), numbers=numbers)
        return kept.found(await self._ask(find))

    async def stats(self) -> dict[str, dict[str, Any]]:
        """Return the state of the server; docs/protocol.md explains it."""
        size = await self._reads.run(self._reader.size)
        return {**self._stats.collect(), "file": size._asdict()}

    async def delete(self, tweet: int, by: str) -> Deletion:
        """Delete a tweet, and redact the report lines that repeat it. `by` is the client. Raises Refused `no_tweet`."""
        return await self._deleter.delete(tweet, reports.message_deleted(tweet, by))

    def sign_in(self, name: str, *, instead_of: str | None = None) -> SignedIn:
        """Put a name online, in place of another of the same client's. Raises Refused; then the other stays online."""
        name = tweets.checked_name(name)
        self.online.take(name, self.newest, instead_of=instead_of)
        return SignedIn(name, self.newest)

    async def sign_in_everywhere(self, name: str, *, instead_of: str | None = None) -> SignedIn:
        """Do as `sign_in` in the whole cluster. Also raises StoreError."""
        name, newest = tweets.checked_name(name), self.newest
        await self.online.take_everywhere(name, newest, instead_of=instead_of)
        return SignedIn(name, newest)

    async def tweets_of_author(self, by: str, limit: int, before: int | None = None) -> Page:
        """Return the newest tweets of a name, online or not, newest first. Raises Refused `bad_name`."""
        by = stored.checked_name(by)
        return await self._ask(partial(self._reader.tweets_of_author, by, limit=limit, before=before))

    async def tweets_since_login(self, by: str, limit: int, after: int = 0) -> Page:
        """Tweets of a name since its login, oldest first. Raises Refused `bad_name` or `not_online`."""
        by = tweets.checked_name(by)
        since = self.online.since(by)
        if since is None:
            raise Refused("not_online", f"{by} is not online; for tweets of earlier sessions, omit login:true")
        cursor = max(after, since)
        return await self._ask(partial(self._reader.tweets_of_author, by, limit=limit, after=cursor))

    async def _ask(self, find: Callable[[], T]) -> T:
        """Return what the reader finds, once `last` is as new: the reader may see a commit before `last` does."""
        found, newest = await self._reads.run(lambda: (find(), self._reader.newest_id()))
        await self._journal.wait_known(newest)
        return found

    @property
    def pruned_up_to(self) -> int:
        """The id up to which tweets are not kept any more."""
        return self._head.pruned_up_to

    @property
    def batch_times(self) -> BatchTimes:
        """How long batches have taken."""
        return self._journal.times

    @property
    def in_trouble(self) -> bool:
        """Whether the store does not store at the moment, or has failed to read lately."""
        return bool(self._journal.trouble.text)

    @property
    def newest(self) -> int:
        """The newest id that was given to a tweet or a deletion."""
        return self._head.newest


def _most_tags(limit: int) -> int:
    """Return how many tags the kept list has that answers for a limit."""
    return QUERY_LIMIT if limit <= QUERY_LIMIT else MAX_QUERY_LIMIT
