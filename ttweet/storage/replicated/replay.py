"""The replay of a replicated log: its records, applied to the tables of a file one after another.

All servers apply the same records in the same order, so all files have the same tweets under the same ids. Only the
records and the file decide what is applied: no clock, and no memory that a restart loses.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ttweet.model.errors import Refused, StoreError
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Tombstone, Tweet
from ttweet.storage.contract import Line, Traces
from ttweet.storage.replicated.entries import Batch, Change, Claim, Pruning, Removal, decode
from ttweet.storage.replicated.log import Record
from ttweet.storage.sqlite.entries import EntryWriter
from ttweet.storage.sqlite.removal import find_deletable
from ttweet.storage.sqlite.replica import (
    Progress,
    Redaction,
    forget_origins,
    last_number,
    write_number,
    write_progress,
    write_redaction,
)

Outcome = list[Tweet | Tombstone] | Deletion | None
"""The tweets of a batch, or a deletion; None for a tweet that was not there, and for the end of old tweets."""


class Damaged(StoreError):
    """The log and the file contradict each other, so that nothing more of the log can be applied."""

    def __init__(self, what: str) -> None:
        super().__init__("internal", f"{what}; stop this server, and start it from a backup of another server")


class Local(NamedTuple):
    """The report lines of this server that belong to an entry which it has appended, and those to redact with it.

    Without `traces`, the report lines are searched later.
    """

    lines: Sequence[Line] = ()
    report: Report | None = None
    traces: Traces | None = None


ELSEWHERE = Local()
"""For the entries of other servers, which have their report lines there."""


class Replay:
    """Applies records in one transaction of the caller's; `finish` ends it."""

    def __init__(self, entries: EntryWriter, progress: Progress, *, session: int, checksums: Mapping[int, int]) -> None:
        """Begin where the file is. `checksums` are those of earlier positions, as far as they are known."""
        self._entries = entries
        self._session = session
        self._last: dict[str, Record] = {}
        self._has_new_origin = False
        self.progress = progress
        """How far the file has come with the records so far."""
        self.checksums = {**checksums}
        """The checksum at the position of each record, those so far included."""
        self.new: list[Tweet | Deletion] = []
        """The new entries of the file, ids rising."""

    def apply(self, record: Record, local: Local = ELSEWHERE) -> Outcome:
        """Apply the next record. Raises Damaged for one that does not follow those before, StoreError, sqlite3.Error.

        The text of a deleted tweet is redacted in the report lines of this server, or noted for that.
        """
        self._count(record)
        entry = decode(record.data)
        self._compare(entry.claim)
        outcome = self._make(entry.change, local)
        checksum = zlib.crc32(b"%d %s %s" % (record.number, record.data, _ids(outcome)), self.progress.checksum)
        self.progress = self.progress._replace(position=record.position, checksum=checksum)
        self.checksums[record.position] = checksum
        return outcome

    def finish(self) -> None:
        """Note in the file how far it has come. Raises sqlite3.Error."""
        write_progress(self._entries.connection, self.progress)
        for record in self._last.values():
            write_number(self._entries.connection, record.origin, record.number, record.position)
        if self._has_new_origin:
            forget_origins(self._entries.connection)

    def _count(self, record: Record) -> None:
        """See that no record of its origin is missing."""
        last = self._last.get(record.origin)
        before = last_number(self._entries.connection, record.origin) if last is None else last.number
        if record.number != before + 1:
            raise Damaged(f"the log of the cluster has record {record.number} of a server after its record {before}")
        self._last[record.origin] = record
        self._has_new_origin |= record.number == 1

    def _compare(self, claim: Claim) -> None:
        """See that the server that has written an entry had the same file."""
        if self.checksums.get(claim.position, claim.checksum) != claim.checksum:
            raise Damaged("this file differs from that of another server of the cluster")

    def _make(self, change: Change, local: Local) -> Outcome:
        match change:
            case Batch():
                return self._append(change, local)
            case Removal():
                return self._delete(change, local)
            case Pruning(before):
                self.progress = self.progress._replace(prune_before=max(before, self.progress.prune_before))
        return None

    def _append(self, batch: Batch, local: Local) -> list[Tweet | Tombstone]:
        before = self._entries.newest
        stored = self._entries.append(batch.drafts, local.lines, session=self._session, at=batch.at)
        new = {one.id: one for one in stored if isinstance(one, Tweet) and one.id > before}
        self.new += new.values()
        return stored

    def _delete(self, removal: Removal, local: Local) -> Deletion | None:
        """Delete a tweet. Other files may have pruned one that this file still has, so both take it as gone."""
        found = self._find(removal.tweet)
        if not isinstance(found, Tweet):
            return found
        traces = self._note_redaction(found) if local.traces is None else local.traces
        deletion = self._entries.delete(found, local.report, session=self._session, at=removal.at, traces=traces)
        self.new.append(deletion)
        return deletion

    def _note_redaction(self, tweet: Tweet) -> Traces:
        """Have report lines searched later, in steps: all of them would keep the clients of this server waiting."""
        if tweet.text:
            write_redaction(self._entries.connection, Redaction(tweet.id, tweet.text, 0))
        return Traces([], self._entries.last_line, complete=False)

    def _find(self, tweet: int) -> Tweet | Deletion | None:
        if tweet < self.progress.prune_before:
            return None
        try:
            return find_deletable(self._entries.connection, tweet)
        except Refused:
            return None


def _ids(outcome: Outcome) -> bytes:
    """Return the ids that an entry was given, or found."""
    if isinstance(outcome, Deletion):
        return b"%d" % outcome.id
    return b" ".join([b"%d" % one.id for one in outcome or ()])
