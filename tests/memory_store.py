"""A store in memory that keeps the contract, for tests of what stands on one. `fail_next` makes appends fail."""

from collections import Counter
from collections.abc import Sequence

from ttweet import hashtags
from ttweet.errors import StoreError
from ttweet.reports import Report, line
from ttweet.store import LogLine, Size
from ttweet.tweets import HISTORY_DAYS, Draft, Page, TagPage, TagSummary, Tweet

DAY_MS = 86_400_000


class MemoryStore:
    session = 1

    def __init__(self) -> None:
        self.tweets: list[Tweet] = []
        self.log: list[LogLine] = []
        self.keys: dict[tuple[str | None, str], Tweet] = {}
        self.batches: list[int] = []
        self.fail_next: list[StoreError | None] = []
        self.ended: str | None = None
        self.settled = 0
        self.fail_settling: StoreError | None = None
        self.pruned = 0  # the last report line that a limit of the log has removed

    def append(self, drafts: Sequence[Draft], reports: Sequence[Report], *, at: int) -> list[Tweet]:
        if self.fail_next and (error := self.fail_next.pop(0)) is not None:
            raise error
        self.batches.append(len(drafts))
        for report in reports:
            self.log.append(LogLine(len(self.log) + 1, self.session, at, report.side, report.category, report.text))
        return [self._append(draft, at) for draft in drafts]

    def _append(self, draft: Draft, at: int) -> Tweet:
        if draft.key is not None and (first := self.keys.get((draft.by, draft.key))) is not None:
            return first
        tags = tuple(draft.tags.values())
        tweet = Tweet(len(self.tweets) + 1, at, draft.by, draft.text, tags)
        self.tweets.append(tweet)
        if draft.key is not None:
            self.keys[draft.by, draft.key] = tweet
        return tweet

    def settle(self) -> None:
        self.settled += 1
        if self.fail_settling is not None:
            raise self.fail_settling

    def end_session(self, how: str, *, at: int) -> None:
        self.ended = how

    def reader(self) -> "MemoryStore":
        return self

    def size(self) -> Size:
        return Size(0, 0)

    def close(self) -> None:
        pass

    def count(self) -> int:
        return len(self.tweets)

    def last(self) -> Tweet | None:
        return self.tweets[-1] if self.tweets else None

    def read_after(self, cursor: int, limit: int) -> list[Tweet]:
        return self.tweets[cursor : cursor + limit]

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        found = [
            tweet
            for tweet in reversed(self.tweets)
            if (before is None or tweet.id < before) and key in map(hashtags.key, tweet.tags)
        ]
        return Page(found[:limit], len(found) > limit)

    def tagged_after(self, keys: Sequence[str], cursor: int, limit: int) -> list[Tweet]:
        return [tweet for tweet in self.tweets[cursor:] if {*keys} & {*map(hashtags.key, tweet.tags)}][:limit]

    def tweets_of_author(self, by: str, *, limit: int, before: int | None = None) -> Page:
        found = [tweet for tweet in self._of_author(by) if before is None or tweet.id < before]
        return Page(found[::-1][:limit], len(found) > limit)

    def tweets_of_author_after(self, by: str, cursor: int, *, limit: int) -> Page:
        found = [tweet for tweet in self._of_author(by) if tweet.id > cursor]
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

    def log_after(
        self, cursor: int, *, limit: int, session: int | None = None, categories: Sequence[str] = ()
    ) -> list[LogLine]:
        found = [entry for entry in self.log[cursor:] if not categories or entry.category in categories]
        return [entry for entry in found if session in (None, entry.session)][:limit]

    def log_text_after(self, cursor: int, *, limit: int, session: int | None = None) -> tuple[str, int]:
        found = self.log_after(max(cursor, self.pruned), limit=limit, session=session)
        text = "".join([f"{line(entry.side, entry.category, entry.text)}\n" for entry in found])
        return text, found[-1].id if found else cursor

    def last_session(self) -> int | None:
        return self.session


def _summary(uses: list[tuple[str, Tweet]], now: int) -> TagSummary:
    spelling, _ = Counter(tag for tag, _ in uses).most_common(1)[0]
    ages = Counter(now // DAY_MS - tweet.at // DAY_MS for _, tweet in uses)
    days = [ages[age] for age in reversed(range(HISTORY_DAYS))]
    return TagSummary(spelling, len(uses), max(tweet.at for _, tweet in uses), days)
