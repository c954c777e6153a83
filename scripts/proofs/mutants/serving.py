"""Bugs in the answers to clients, and in how the server runs."""

# ruff: noqa: SLF001 - bugs are put into private parts

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from proofs.mutants.bug import mutant


@mutant("kill9", "lost")
def ack_before_commit() -> None:
    """Uploads are answered before they are stored."""
    from ttweet.broker import journal
    from ttweet.model import tweets

    take = journal.Journal._take_batch

    def take_batch(self: Any) -> Any:
        batch, lines = take(self)
        at = (self.head.last.id if self.head.last else 0) + 1
        for place, receipt in enumerate(batch):
            draft = receipt.draft
            receipt.outcome = tweets.Tweet(at + place, 0, None, draft.text, tuple(draft.tags.values()))
        for waiter in {id(receipt.waiter): receipt.waiter for receipt in batch}.values():
            waiter.answered()
        return batch, lines

    journal.Journal._take_batch = take_batch


@mutant("kill9", "lost")
def last_before_commit() -> None:
    """The last message is shown while it is on its way to the disk."""
    from ttweet.model import tweets
    from ttweet.storage.sqlite import writer

    def early(service: Any) -> Any:
        last = service._head.last
        inbox = [one.draft for one in service._journal.inbox._lines if hasattr(one, "draft")]
        if not inbox:
            return last
        return tweets.Tweet((last.id if last else 0) + len(inbox), 0, None, inbox[-1].text, ())

    from ttweet.broker import service

    service.Service.last = early
    _slow_commits(writer)


@mutant("kill9", "stale")
def last_one_late() -> None:
    """The last message is that of the batch before."""
    from ttweet.broker import journal

    succeed = journal.Journal._succeed

    def late(self: Any, batch: Any, tweets: Any) -> None:
        before = self.head.last
        succeed(self, batch, tweets)
        newest, self.head.last = self.head.last, getattr(self, "_hidden", before)
        self._hidden = newest

    journal.Journal._succeed = late


@mutant("kill9", "stale")
def last_of_the_batch() -> None:
    """The last message is the batch's last answer, even when that is an old tweet whose key came again."""
    from ttweet.broker import journal

    succeed = journal.Journal._succeed

    def careless(self: Any, batch: Any, tweets: Any) -> None:
        succeed(self, batch, tweets)
        self.head.last = tweets[-1] if tweets else self.head.last

    journal.Journal._succeed = careless


@mutant("kill9", "lost")
def push_before_commit() -> None:
    """Followers are shown tweets that are on their way to the disk."""
    from ttweet.broker import journal
    from ttweet.model import tweets
    from ttweet.storage.sqlite import writer

    take = journal.Journal._take_batch

    def take_batch(self: Any) -> Any:
        batch, lines = take(self)
        at = (self.head.last.id if self.head.last else 0) + 1
        drafts = [receipt.draft for receipt in batch]
        early = [tweets.Tweet(at + n, 0, None, one.text, tuple(one.tags.values())) for n, one in enumerate(drafts)]
        if early:
            self.head._published = early[-1].id
            for listener in self.head._listeners:
                listener.committed([(tweet, draft.tags) for tweet, draft in zip(early, drafts, strict=True)])
        return batch, lines

    journal.Journal._take_batch = take_batch
    _slow_commits(writer)


@mutant("kill9", "order")
def push_one_late() -> None:
    """Followers get a commit when the next one comes, and the last one never."""
    from ttweet.broker import head

    publish = head.Head.publish

    def late(self: Any, batch: Any) -> None:
        before, self._told_of_next = getattr(self, "_told_of_next", []), batch
        publish(self, before)

    head.Head.publish = late


@mutant("following", "lost", "order")
def resume_skips_one() -> None:
    """A follower that comes again misses the tweet after the last that it has seen."""
    from ttweet.broker import fanout

    follow = fanout.FanOut.follow

    def skip(self: Any, subscriber: Any, tags: Any, after: int | None, *others: Any, **options: Any) -> Any:
        return follow(self, subscriber, tags, after and after + 1, *others, **options)

    fanout.FanOut.follow = skip


@mutant("kill9", "forged")
def keys_of_all_are_one() -> None:
    """A tweet stored with one author's key is found with another's."""
    from ttweet.broker import session

    post = session.Session.post

    def anonymous(self: Any, request: Any, waiter: Any) -> Any:
        by, self.author = self.author, None if request.key else self.author
        try:
            return post(self, request, waiter)
        finally:
            self.author = by

    session.Session.post = anonymous


@mutant("kill9", "lost")
def another_time() -> None:
    """An acknowledged tweet has another time than the stored one."""
    _change_answers(lambda tweet: tweet._replace(at=tweet.at + 1))


@mutant("kill9", "lost")
def tags_of_others() -> None:
    """An acknowledged and pushed tweet has tags that the text does not have."""
    _change_answers(lambda tweet: tweet._replace(tags=("other",)))


@mutant("kill9", "stale")
def more_at_the_end() -> None:
    """The last page says that there are more."""
    _change_pages(lambda page: page._replace(more=True))


@mutant("kill9", "stale")
def before_is_ignored() -> None:
    """The page before an id is the newest page again."""
    from ttweet.storage.sqlite import reader

    find = reader.Queries.tweets_of_tag

    def newest(self: Any, key: str, **options: Any) -> Any:
        return find(self, key, **{**options, "before": None})

    reader.Queries.tweets_of_tag = newest


@mutant("kill9", "forged")
def unescaped_log() -> None:
    """A message is logged as it came, line breaks included."""
    from ttweet.model import reports

    reports.escape = lambda text: text


@mutant("kill9", "corrupt")
def export_apart() -> None:
    """The log's copy continues where the log ends, not where the copy does."""
    from ttweet.server import log_copies

    copy_page = log_copies.LogCopy._copy_page

    def careless(self: Any) -> bool:
        more = copy_page(self)
        time.sleep(0.005)
        newest = self._reader._connection.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()[0]
        self._cursor = max(self._cursor, newest)
        return more

    log_copies.LogCopy._copy_page = careless


@mutant("kill9", "stale")
def runs_are_no_tags() -> None:
    """The second tag of a run such as #cs#3251 is not found."""
    from ttweet.model import hashtags

    extract = hashtags.extract

    def first_only(text: str, *, numeric: bool = False) -> list[str]:
        return extract(text, numeric=numeric)[:1]

    hashtags.extract = first_only


@mutant("sigterm", "bar")
def ends_as_it_is() -> None:
    """A server that is asked to stop ends in the middle of its work."""
    from ttweet.server import app

    until_stop = app._until_stop

    async def end(*heeded: Any) -> None:
        await until_stop(*heeded)
        os._exit(0)

    app._until_stop = end


@mutant("mixed", "bar")
def stopped_is_failed() -> None:
    """A server that was stopped in order says that it had to stop."""
    from ttweet.server import app

    run = app.run
    app.run = lambda config: run(config) or 1


def _change_answers(change: Callable[[Any], Any]) -> None:
    """Make the store give back something else than it has stored."""
    from ttweet.storage.sqlite import writer

    append = writer.SqliteStore.append

    def changed(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        return [change(tweet) for tweet in append(self, drafts, reports, at=at)]

    writer.SqliteStore.append = changed


def _change_pages(change: Callable[[Any], Any]) -> None:
    """Make the pages of a tag say something else than was found."""
    from ttweet.storage.sqlite import reader

    find = reader.Queries.tweets_of_tag
    reader.Queries.tweets_of_tag = lambda self, key, **options: change(find(self, key, **options))


def _slow_commits(module: Any) -> None:
    """Make COMMIT take longer, so that what is wrong beside it is seen."""
    append = module.SqliteStore.append

    def slowly(self: Any, drafts: Sequence[Any], reports: Sequence[Any], *, at: int) -> Any:
        time.sleep(0.003)
        return append(self, drafts, reports, at=at)

    module.SqliteStore.append = slowly
