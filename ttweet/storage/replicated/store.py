"""The replicated store: an SQLite store whose tweets come from a log that the servers of a cluster share.

A tweet, a deletion and the end of old tweets are entries of that log first, and every server applies them to its own
file. Reads and the report log are those of the file. An acknowledged tweet is in the log and in this file.
"""

import secrets
import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from ttweet.model.errors import OpenError, Refused, StoreError
from ttweet.model.remedies import BEGIN, FROM_BACKUP, NEW_CLUSTER, WITH_KEY, WITHOUT_KEY
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Draft, Tombstone, Tweet
from ttweet.storage.contract import NOT_SEARCHED, Arrived, Line, Traces
from ttweet.storage.replicated.entries import Batch, Change, Claim, LogEntry, Pruning, Removal, encode, parts
from ttweet.storage.replicated.log import Log, LogCut, NoQuorum, Record, Undecided
from ttweet.storage.replicated.replay import ELSEWHERE, Local, Outcome, Replay
from ttweet.storage.sqlite.connections import write_back
from ttweet.storage.sqlite.database_file import DatabaseFile
from ttweet.storage.sqlite.errors import store_error
from ttweet.storage.sqlite.replica import (
    Progress,
    end_redaction,
    last_number,
    next_redaction,
    read_progress,
    write_progress,
    write_redaction,
)
from ttweet.storage.sqlite.writer import SqliteStore

READ_S = 5.0  # until the log gives back an entry of this server; then the outcome is unknown
SYNC_S = 5.0  # between syncs of the file: a power cut takes this back, and the log gives it again
KNOWN_CHECKSUMS = 1_024  # of the last positions, to compare with the claims of other servers
NOTHING = Arrived([], None)
COMPARED_ENTRIES = 200  # the newest of a file, compared with those of the file that the cluster began with
_IN_DOUBT: Mapping[type[Change], str] = {
    Batch: f"the tweet may be stored or not; {WITH_KEY}, or {WITHOUT_KEY}",
    Removal: "the tweet may be deleted or not; delete it again",
    Pruning: "old tweets may be removed or not; the next attempt removes them",
}
"""The outcome of each kind of change that may be in the log or not, and the next step."""


class Genesis(NamedTuple):
    """The beginning of a log: its name, and the newest id and the newest entries of the file that it began with."""

    log: str
    newest: int
    checksum: int


class ReplicatedStore(SqliteStore):
    """Make it with `join`. No two of its writing calls may run at the same time."""

    _log: Log
    _progress: Progress

    def __init__(self, file: DatabaseFile, *, log_limit: int, find: bool, replicated: bool) -> None:
        super().__init__(file, log_limit=log_limit, find=find, replicated=replicated)
        self._number = 0  # of the last own entry that was applied
        self._doubtful: dict[bytes, Local] = {}  # entries that may have the next number
        self._found: dict[bytes, Outcome] = {}  # own entries that were applied
        self._arrived = NOTHING
        self._checksums: dict[int, int] = {}
        self._has_failed = False  # the last entry was not stored, or may not be
        self._pruned_before = 0  # the id below which nothing is left to remove
        self._synced = 0  # the position up to which the file is on the disk
        self._sync_at = 0.0  # the time, by time.monotonic(), of the next sync

    @classmethod
    def join(cls, path: Path, log: Log, *, log_limit: int, at: int, find: bool = True, begin: bool = False) -> Self:
        """Open or create a file as SqliteStore does, and apply the log to its end; see `enter`."""
        store = cls.open(path, log_limit=log_limit, at=at, find=find, replicated=True)
        try:
            store.enter(log, begin=begin)
        except BaseException:
            store.close()
            raise
        return store

    def enter(self, log: Log, *, begin: bool) -> None:
        """Follow a log from now on, and apply it to its end. The first file begins the log.

        A file that has tweets and follows no log begins one only with `begin`.
        Raises OpenError `in_cluster` for a file that cannot follow this log, and StoreError.
        """
        self._log = log
        self._progress = self._first_progress(self._file.path, begin=begin)
        self._checksums = {self._progress.position: self._progress.checksum}
        self._synced = self._progress.position  # opening a file syncs it
        try:
            self._follow(log.end())
        except LogCut as cut:
            behind = f"needs the log after {cut.after}, which is no longer kept"
            raise _refusal(self._file.path, behind, FROM_BACKUP) from cut
        self._arrived = NOTHING

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        """See TweetLog. Also raises Undecided and NoQuorum."""
        if not drafts:
            return super().append(drafts, lines, at=at)
        self.refuse_without_room()
        stored: list[Tweet | Tombstone] = []
        left = [*lines]
        for part in parts(drafts):
            last = len(stored) + len(part) == len(drafts)
            own, left = (left, []) if last else _split(left, len(part))
            stored += self._append_part(Batch(at, [*part]), own, is_first=not stored)
        return stored

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        """See TweetLog. Also raises Undecided and NoQuorum."""
        self._has_traces = True
        deletion = self._put(Removal(at, tweet), Local(report=report, traces=traces))
        if not isinstance(deletion, Deletion):
            raise Refused("no_tweet", f"no tweet has the id {tweet}")
        return deletion

    def prune(self, before: int) -> int | None:
        """See TweetLog. Every server removes the tweets below the highest id that any of them was given here."""
        if before > self._progress.prune_before:
            self._put(Pruning(before))
        return self._prune_step()

    @property
    def must_settle(self) -> bool:
        """See TweetLog."""
        return super().must_settle or self._sync_is_due

    @property
    def _sync_is_due(self) -> bool:
        return self._synced < self._progress.position and time.monotonic() >= self._sync_at

    def settle(self) -> None:
        """See TweetLog. Also raises NoQuorum, as long as an entry would not be stored.

        An own entry whose answer was lost may have arrived, too.
        """
        if self._sync_is_due:
            self._sync()
        if self._has_failed:
            self._log.end()
            self._has_failed = False
        self.refresh()
        super().settle()

    def _sync(self) -> None:
        self._sync_at = time.monotonic() + SYNC_S
        try:
            if write_back(self._connection):
                self._synced = self._progress.position
        except sqlite3.Error as exc:
            raise store_error(exc) from exc

    def refresh(self) -> bool:
        """See Replica."""
        records = self._log.read(self._progress.position, wait_s=0)
        if records:
            self._apply(records)
        has_redacted = self._redact_step()
        has_old = self._pruned_before < self._progress.prune_before
        if has_old:
            self._prune_step()
        return bool(records) or has_old or has_redacted

    def _redact_step(self) -> bool:
        """Redact a deleted text in some report lines; returns whether there may be more to do."""
        redaction = next_redaction(self._connection)
        if redaction is None:
            return False
        found = self._search_text(redaction.text, redaction.searched)
        with self.transaction() as entries:
            entries.redact(redaction.text, found.lines)
            if found.complete:
                end_redaction(entries.connection, redaction)
            else:
                write_redaction(entries.connection, redaction._replace(searched=found.searched))
        self._has_traces = True
        return True

    def _prune_step(self) -> int | None:
        removed = super().prune(self._progress.prune_before)
        if removed is None:
            self._pruned_before = self._progress.prune_before
        else:
            self._arrived = self._arrived._replace(position=self.position())
        return removed

    def take_arrived(self) -> Arrived:
        """See Replica."""
        arrived = self._arrived
        self._arrived = NOTHING
        return arrived

    @property
    def progress(self) -> Progress:
        """How far this file has followed the log. Any thread may ask."""
        return self._progress

    @property
    def synced(self) -> int:
        """The position up to which a power cut leaves this file. Any thread may ask."""
        return self._synced

    def _first_progress(self, path: Path, *, begin: bool) -> Progress:
        progress = read_progress(self._connection)
        ours = Genesis(secrets.token_hex(8), self.newest_id(), self._newest_checksum())
        if progress is None and ours.newest and not begin:
            raise _refusal(path, f"has tweets up to id {ours.newest}, and follows no cluster", BEGIN)
        genesis = msgspec.json.decode(self._log.begin(msgspec.json.encode(ours)), type=Genesis)
        if progress is None:
            if genesis[1:] != ours[1:]:
                raise _refusal(path, _not_the_first(ours.newest, genesis.newest), FROM_BACKUP)
            progress = Progress(genesis.log, 0, genesis.checksum, 0)
            with self.transaction() as entries:
                write_progress(entries.connection, progress)
        if progress.log != genesis.log:
            raise _refusal(path, f"follows the log {progress.log} of another cluster, not {genesis.log}", FROM_BACKUP)
        if progress.position > (end := self._log.end()):
            ahead = f"is at {progress.position} of the cluster's log, which ends at {end} and has lost entries"
            raise _refusal(path, ahead, NEW_CLUSTER)
        return progress

    def _newest_checksum(self) -> int:
        entries = self.read_after(max(0, self.newest_id() - COMPARED_ENTRIES), COMPARED_ENTRIES, deletions=True)
        return zlib.crc32(msgspec.json.encode(entries))

    def _append_part(self, batch: Batch, lines: Sequence[Line], *, is_first: bool) -> list[Tweet | Tombstone]:
        try:
            stored = self._put(batch, Local(lines=lines))
        except NoQuorum:
            if is_first:
                raise
            raise Undecided(_IN_DOUBT[Batch]) from None  # earlier parts are stored
        assert isinstance(stored, list)
        return stored

    def _put(self, change: Change, local: Local = ELSEWHERE) -> Outcome:
        """Append an entry and apply the log up to it."""
        try:
            return self._put_entry(change, local)
        except Undecided as error:
            raise Undecided(_IN_DOUBT[type(change)]) from error

    def _put_entry(self, change: Change, local: Local) -> Outcome:
        """Do as `_put`. An entry in doubt may have the number of this one: then take the next one."""
        self._refuse_forgotten()
        data = encode(LogEntry(Claim(self._progress.position, self._progress.checksum), change))
        while True:
            earlier = self._doubtful
            self._doubtful = earlier | {data: local}
            try:
                position = self._log.append(self._number + 1, data)
            except NoQuorum:
                self._has_failed, self._doubtful = True, earlier
                raise
            except Undecided:
                self._has_failed = True
                self._doubtful = earlier | {data: Local([line for line in local.lines if isinstance(line, Draft)])}
                raise
            self._follow_own(position)
            if data in self._found:
                return self._found.pop(data)

    def _refuse_forgotten(self) -> None:
        """Raise StoreError when so many other runs have appended since the last own entry that its number is gone."""
        if self._number and not last_number(self._connection, self._log.origin):
            raise StoreError("internal", "this server was idle for too long to be known to its cluster; start it again")

    def _follow_own(self, position: int) -> None:
        """Apply the log up to an entry of this server. The log has the entry, so an error here leaves it unknown."""
        self._found = {}
        try:
            self._follow(position)
        except StoreError as error:
            if error.may_pass:
                raise Undecided from error
            raise

    def _follow(self, position: int) -> None:
        deadline = time.monotonic() + READ_S
        while self._progress.position < position:
            records = self._log.read(self._progress.position, wait_s=max(0.0, deadline - time.monotonic()))
            if not records:
                raise Undecided
            self._apply(records)
            deadline = time.monotonic() + READ_S

    def _apply(self, records: Sequence[Record]) -> None:
        """Apply records in one transaction."""
        found: dict[bytes, Outcome] = {}
        with self.transaction() as entries:
            replay = Replay(entries, self._progress, session=self.session, checksums=self._checksums)
            for record in records:
                outcome = replay.apply(record, self._local(record))
                if record.origin == self._log.origin:
                    found[record.data] = outcome
            replay.finish()
        self._progress = replay.progress
        self._note_arrived(replay.new)
        self._checksums = dict([*replay.checksums.items()][-KNOWN_CHECKSUMS:])
        self._note_own(found)

    def _note_arrived(self, new: list[Tweet | Deletion]) -> None:
        is_more = self._arrived.position is not None or any(isinstance(entry, Deletion) for entry in new)
        self._arrived = Arrived(self._arrived.entries + new, self.position() if is_more else None)

    def _local(self, record: Record) -> Local:
        is_own = record.origin == self._log.origin
        return self._doubtful.get(record.data, ELSEWHERE) if is_own else ELSEWHERE

    def _note_own(self, found: dict[bytes, Outcome]) -> None:
        if found:
            self._number += len(found)
            self._doubtful = {}
            self._found |= found


def _not_the_first(newest: int, first: int) -> str:
    if newest == first:
        return f"has other tweets up to id {newest} than the file that the cluster began with"
    return f"has tweets up to id {newest}, and the cluster began with a file that had them up to id {first}"


def _refusal(path: Path, problem: str, remedy: str) -> OpenError:
    return OpenError("in_cluster", f"{path} {problem}", remedy)


def _split(lines: Sequence[Line], drafts: int) -> tuple[list[Line], list[Line]]:
    """Split report lines after those of the first drafts."""
    for place, line in enumerate(lines, 1):
        drafts -= isinstance(line, Draft)
        if drafts == 0:
            return [*lines[:place]], [*lines[place:]]
    return [*lines], []
