"""A store in memory that keeps the contract, for tests of what stands on one. `fail_next` makes appends fail."""

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import cast

from ttweet.model import hashtags, reports
from ttweet.model.errors import Displaced, Refused, StoreError
from ttweet.model.limits import MAX_ID
from ttweet.model.query import Query, holds
from ttweet.model.reports import Report, line, without_texts
from ttweet.model.tweets import HISTORY_DAYS, Count, Deletion, Draft, Found, Page, TagPage, TagSummary, Tombstone, Tweet
from ttweet.storage.contract import (
    KEY_LIFETIME_MS,
    NOT_SEARCHED,
    Kept,
    Line,
    LogLine,
    Position,
    ReportLog,
    Size,
    Slice,
    TagQueries,
    Traces,
    TweetLog,
)
from ttweet.storage.sqlite.writer import SqliteStore

DAY_MS = 86_400_000
PRUNE_STEP = 3
SEARCH_STEP = 3


class _Shared:
    """The data that the three parts of a store share."""

    session = 1

    def __init__(self) -> None:
        self.tweets: list[Tweet] = []
        self.log: list[LogLine] = []
        self.keys: dict[tuple[str | None, str], Tweet | Tombstone] = {}
        self.batches: list[int] = []
        self.fail_next: list[StoreError | None] = []
        self.ended: str | None = None
        self.settled = 0
        self.must_settle = False
        self.fail_settling: StoreError | None = None
        self.deletions: list[Deletion] = []
        self.blanked: dict[int, int] = {}  # when each deleted tweet was posted
        self.newest = 0
        self.gone_up_to = 0
        self.pruned = 0  # the last report line that a limit of the log has removed

    def _log(self, lines: Sequence[Report], at: int) -> None:
        for one in lines:
            self.log.append(
                LogLine(len(self.log) + 1, self.session, at, one.side, one.category, one.text, *(one.details or ()))
            )

    def _search(self, tweet: int, after: int, at: int | None) -> Traces:
        text = next((one.text for one in self.tweets if one.id == tweet), "")
        texts = reports.traces(text) if text else ()
        seen = self.log[after:][:SEARCH_STEP]
        lines = [entry.id for entry in seen if entry.text in texts and at in (None, entry.at)]
        return Traces(lines, after + len(seen), complete=len(seen) < SEARCH_STEP)

    def _redact(self, text: str, lines: Sequence[int]) -> None:
        texts = reports.traces(text) if text else ()
        for id_ in lines:
            entry = self.log[id_ - 1]
            if entry.text in texts:
                self.log[id_ - 1] = entry._replace(text=reports.blanked(entry.text))


class MemoryTweetLog(_Shared):
    """See TweetLog."""

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        error = self.fail_next.pop(0) if self.fail_next else None
        committed = error is None or (isinstance(error, Displaced) and error.code == "unknown")
        stored = self._commit(drafts, lines, at) if committed else []
        if error is not None:
            raise error
        return stored

    def _commit(self, drafts: Sequence[Draft], lines: Sequence[Line], at: int) -> list[Tweet | Tombstone]:
        self.batches.append(len(drafts))
        stored = [self._append(draft, at) for draft in drafts]
        late = [draft.text for draft, one in zip(drafts, stored, strict=True) if isinstance(one, Tombstone)]
        told = [reports.message_received(one.text) if isinstance(one, Draft) else one for one in lines]
        self._log(without_texts(told, late), at)
        return stored

    def _append(self, draft: Draft, at: int) -> Tweet | Tombstone:
        first = None if draft.key is None else self.keys.get((draft.by, draft.key))
        if first is not None and at - first.at <= KEY_LIFETIME_MS:
            return first
        tags = tuple(draft.tags.values())
        self.newest += 1
        tweet = Tweet(self.newest, at, draft.by, draft.text, tags)
        self.tweets.append(tweet)
        if draft.key is not None:
            self.keys[draft.by, draft.key] = tweet
        return tweet

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        if self.fail_next and (error := self.fail_next.pop(0)) is not None:
            raise error
        for deletion in self.deletions:
            if deletion.tweet == tweet:
                return deletion
        found = [one for one in self.tweets if one.id == tweet]
        if not found:
            raise Refused("no_tweet", f"no tweet has the id {tweet}")
        self.newest += 1
        self.deletions.append(Deletion(self.newest, at, tweet))
        self._redact(found[0].text, [*traces.lines, *[entry.id for entry in self.log[traces.searched :]]])
        self._blank(found[0])
        self._log([report], at)
        return self.deletions[-1]

    def _blank(self, tweet: Tweet) -> None:
        self.tweets.remove(tweet)
        self.blanked[tweet.id] = tweet.at
        self._forget_in_keys(tweet)

    def _forget_in_keys(self, tweet: Tweet) -> None:
        for scope, first in self.keys.items():
            if first == tweet:
                self.keys[scope] = Tombstone(tweet.id, tweet.at)

    def prune(self, before: int) -> int | None:
        if self.fail_next and (error := self.fail_next.pop(0)) is not None:
            raise error
        going = [one for one in self.tweets if one.id < before][:PRUNE_STEP]
        self.tweets = self.tweets[len(going) :]
        for one in going:
            self._forget_in_keys(one)
        if going:
            self.gone_up_to = self.tweets[0].id - 1 if self.tweets else self.newest
        return len(going) or None

    def settle(self) -> None:
        self.settled += 1
        if self.fail_settling is not None:
            raise self.fail_settling

    def maintain(self) -> bool:
        return False

    def position(self) -> Position:
        return Position(self.tweets[-1] if self.tweets else None, self.newest, self.gone_up_to)

    def close(self) -> None:
        pass


class MemoryTagQueries(_Shared):
    """See TagQueries."""

    def read_after(self, cursor: int, limit: int, *, keys: Sequence[str] = (), deletions: bool = False) -> Slice:
        entries: list[Tweet | Deletion] = [*self.deletions] if deletions else []
        entries += [one for one in self.tweets if not keys or {*keys} & {*map(hashtags.key, one.tags)}]
        found = sorted([one for one in entries if one.id > cursor], key=attrgetter("id"))
        return Slice(found[:limit], self.gone_up_to)

    def newest_tweets(self, *, limit: int, before: int | None = None, after: int | None = None) -> Page:
        first, last = after or 0, MAX_ID if before is None else before
        found = [one for one in self.tweets if one.text and first < one.id < last]
        if after is None:
            found.reverse()
        return Page(found[:limit], len(found) > limit)

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        deleted = [Tombstone(id_, self.blanked[id_]) for one in self.deletions if one.tweet == id_]
        return next((one for one in self.tweets if one.id == id_), deleted[0] if deleted else None)

    def newest_deletions(self, limit: int) -> list[Deletion]:
        return self.deletions[::-1][:limit]

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        found = [
            tweet
            for tweet in reversed(self.tweets)
            if (before is None or tweet.id < before) and key in map(hashtags.key, tweet.tags)
        ]
        return Page(found[:limit], len(found) > limit)

    def tweets_of_author(self, by: str, *, limit: int, before: int | None = None, after: int | None = None) -> Page:
        if after is not None:
            found = [tweet for tweet in self._of_author(by) if tweet.id > after]
        else:
            found = [tweet for tweet in reversed(self._of_author(by)) if before is None or tweet.id < before]
        return Page(found[:limit], len(found) > limit)

    def _of_author(self, by: str) -> list[Tweet]:
        return [tweet for tweet in self.tweets if tweet.by == by and tweet.text]

    def list_tags(self, *, limit: int, now: int, numbers: bool = False) -> TagPage:
        uses: dict[str, list[tuple[str, Tweet]]] = {}
        for tweet in self.tweets:
            for tag in tweet.tags:
                uses.setdefault(hashtags.key(tag), []).append((tag, tweet))
        summaries = [_summary(found, now) for key, found in uses.items() if numbers or not hashtags.is_numeric(key)]
        summaries.sort(key=lambda summary: (-summary.count, -summary.newest))
        return TagPage(summaries[:limit], len(summaries) > limit)

    def find(self, query: Query, *, limit: int, before: int | None = None) -> Found:
        found = self._found(query, before)
        return Found(found[:limit], len(found) > limit)

    def count_found(self, query: Query, *, before: int | None = None) -> Count:
        return Count(len(self._found(query, before)))

    def _found(self, query: Query, before: int | None) -> list[Tweet]:
        return [one for one in reversed(self.tweets) if holds(query, one) and (before is None or one.id < before)]

    def newest_id(self) -> int:
        return self.newest

    def oldest_kept(
        self, *, since: int | None = None, last: int | None = None, before: int | None = None, now: int
    ) -> Kept:
        above = self.newest + 1
        first = min(self._first_kept(since, last, now), above if before is None else before)
        stored = [one.at for one in self.tweets if one.id >= first > 0 and one.at <= now]
        return Kept(first, since if since is not None else next(iter(stored), None))

    def _first_kept(self, since: int | None, last: int | None, now: int) -> int:
        if since is not None:
            young = next((one.id for one in self.tweets if since <= one.at <= now), self.newest + 1)
            old = max((one.id for one in self.tweets if one.id < young and one.at < since), default=0)
            return next((one.id for one in self.tweets if one.id > old), self.newest + 1)
        if last is None:
            return self.newest + 1
        return self.tweets[-last].id if len(self.tweets) >= last else 0

    def size(self) -> Size:
        return Size(0, 0, 0, 0)

    def close(self) -> None:
        pass


class MemoryReportLog(_Shared):
    """See ReportLog."""

    def lines_after(
        self, cursor: int, *, limit: int, session: int | None = None, categories: Sequence[str] = ()
    ) -> list[LogLine]:
        found = [entry for entry in self.log[cursor:] if not categories or entry.category in categories]
        return [entry for entry in found if session in (None, entry.session)][:limit]

    def text_after(
        self, cursor: int, *, limit: int, session: int | None = None, details: bool = False
    ) -> tuple[str, int]:
        found = self.lines_after(max(cursor, self.pruned), limit=limit, session=session)
        ends = [reports.suffix(*entry[6:]) if details else "" for entry in found]
        lines = [line(entry.side, entry.category, entry.text) for entry in found]
        text = "".join([f"{start}{end}\n" for start, end in zip(lines, ends, strict=True)])
        return text, found[-1].id if found else cursor

    def last_session(self) -> int | None:
        return self.session

    def arrival(self, tweet: int, *, after: int) -> Traces:
        at = next((one.at for one in self.tweets if one.id == tweet), None)
        found = self._search(tweet, after, at)
        return found._replace(lines=found.lines[:1])

    def traces(self, tweet: int, *, after: int) -> Traces:
        return self._search(tweet, after, None)

    def redact(self, tweet: int, lines: Sequence[int]) -> None:
        for one in self.tweets:
            if one.id == tweet:
                self._redact(one.text, lines)

    def prune_lines(self, since: int) -> int:
        return 0  # its log counts from the first line

    def end_session(self, how: str, *, at: int) -> None:
        self.ended = how


class MemoryStore(MemoryTweetLog, MemoryTagQueries, MemoryReportLog):
    """See Store."""

    def reader(self) -> "MemoryStore":
        return self

    def count(self) -> int:
        return len(self.tweets)


def _summary(uses: list[tuple[str, Tweet]], now: int) -> TagSummary:
    spelling, _ = Counter(tag for tag, _ in uses).most_common(1)[0]
    ages = Counter(now // DAY_MS - tweet.at // DAY_MS for _, tweet in uses)
    days = [ages[age] for age in reversed(range(HISTORY_DAYS))]
    return TagSummary(spelling, len(uses), uses[-1][1].at, days)


# Each part keeps its contract alone.
_LOG: type[TweetLog] = MemoryTweetLog
_QUERIES: type[TagQueries] = MemoryTagQueries
_REPORTS: type[ReportLog] = MemoryReportLog


def in_place_of_sqlite(store: MemoryStore) -> SqliteStore:
    """A fake that has all that a server asks of the store it opens."""
    store.engine = "no SQLite at all"  # type: ignore[attr-defined]  # which the server's first lines name
    store.can_index_words = True  # type: ignore[attr-defined]
    return cast(SqliteStore, store)
