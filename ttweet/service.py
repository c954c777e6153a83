"""What users may do, as plain methods: post, last, tags. Knows no bytes, no streams and no SQL.

Posting does not wait: it gives a receipt, and its waiter is told when the outcome is known. Everything else answers
from committed tweets.
"""

import time
from collections.abc import Iterable
from functools import partial

from ttweet import hashtags, reports, tweets
from ttweet.errors import Refused
from ttweet.journal import Journal, Receipt, Waiter
from ttweet.reports import Report
from ttweet.store import Reader
from ttweet.tweets import Page, TagPage, Tweet
from ttweet.worker import Worker


class Service:
    """The operations, on a journal that is running and a reader that only `worker` may call."""

    def __init__(self, journal: Journal, reader: Reader, worker: Worker) -> None:
        self._journal = journal
        self._reader = reader
        self._worker = worker

    def post(
        self, text: str, waiter: Waiter, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None
    ) -> Receipt:
        """Check a tweet and queue it for the next batch. Raises Refused; then nothing was queued."""
        draft = tweets.draft(text, tags=tags, scan=scan, key=key)
        return self._journal.append(draft, reports.message_received(draft.text), waiter)

    @property
    def has_room(self) -> bool:
        """Whether a post would find a place in the journal."""
        return self._journal.has_room

    async def room(self) -> None:
        """Wait for a place in the journal."""
        await self._journal.room()

    def report(self, report: Report) -> None:
        """Put a line into the report log."""
        self._journal.report(report)

    def last(self) -> Tweet | None:
        """The newest tweet, which may be an empty one; from memory."""
        return self._journal.last

    async def tweets_of_tag(self, tag: str, *, limit: int, before: int | None = None) -> Page:
        """The newest tweets of a tag, in any spelling, newest first. Raises Refused `bad_tag` when it cannot be one."""
        key = hashtags.key(tag.strip().lstrip("#＃"))
        if not hashtags.is_body(key):
            raise Refused("bad_tag", f"{tag[:40]!r} is no tag: letters, digits and _ make one")
        page = await self._worker.run(partial(self._reader.tweets_of_tag, key, limit=limit, before=before))
        await self._caught_up(page)
        return page

    async def _caught_up(self, page: Page) -> None:
        """Wait until `last` is as new as what the file shows: a reader may see a commit before we hear of it."""
        while page.tweets and (self._journal.last is None or self._journal.last.id < page.tweets[0].id):
            await self._journal.wait_commit(self._journal.commits)

    async def list_tags(self, *, limit: int, numbers: bool = False) -> TagPage:
        """The most used tags; those without a letter only with `numbers`."""
        now = int(time.time() * 1000)
        return await self._worker.run(partial(self._reader.list_tags, limit=limit, now=now, numbers=numbers))
