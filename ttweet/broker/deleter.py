"""Deletions: the report lines that repeat a tweet's text are blanked first, then the tweet is removed.

A report log of 100 MB takes a second to search, and may repeat a text a million times. The server searches and redacts
it in small steps, between which other queries and uploads have their turn, and makes one deletion at a time. A deletion
that is cut short, by a stop or a crash, leaves blanked report lines of a tweet that is still there. The line of its
arrival is blanked last, so that the next attempt starts at the same place.
"""

from functools import partial

import trio

from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion
from ttweet.storage.contract import NOT_SEARCHED, REDACT_STEP, ReportQueries, Traces


class Deleter:
    """Deletes tweets through a journal; only `reads` may call the reader."""

    def __init__(self, journal: Journal, reader: ReportQueries, reads: ReadScheduler) -> None:
        self._journal = journal
        self._reader = reader
        self._reads = reads
        self._turn = trio.Lock()

    async def delete(self, tweet: int, report: Report) -> Deletion:
        """Delete a tweet and what repeats its text; see Journal.delete."""
        async with self._turn:
            return await self._journal.delete(tweet, report, await self._redact(tweet, await self._arrival(tweet)))

    async def _arrival(self, tweet: int) -> list[int]:
        """Return the line that says the tweet came, or none if it is gone."""
        found = NOT_SEARCHED
        while not (found.lines or found.complete):
            found = await self._reads.run(partial(self._reader.arrival, tweet, after=found.searched))
        return found.lines

    async def _redact(self, tweet: int, arrival: list[int]) -> Traces:
        """Redact all later lines. Returns the line of the arrival, which is left, and how far others are redacted."""
        found = Traces([], max(arrival, default=0), complete=False)
        while not found.complete:
            found = await self._reads.run(partial(self._reader.traces, tweet, after=found.searched))
            for first in range(0, len(found.lines), REDACT_STEP):
                await self._journal.redact(tweet, found.lines[first : first + REDACT_STEP])
        return found._replace(lines=arrival)
