"""A history against the file that is left. The file is read with SQLite alone: nothing of ttweet's code is used."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from unicodedata import normalize

from proofs import erased, order, report_log, tables
from proofs.findings import Findings
from proofs.history import History, Read
from proofs.stored import StoredContent


def check(
    history: History, db: Path, *, sample: Path | None = None, ended: bool = False, left: Sequence[bytes] = ()
) -> Findings:
    """Compare the answers to clients with the file, and with the copy of the log if one is named.

    With `ended` the copy must be complete, as after a stop in order; else it may lack the newest lines. `left` are the
    copies that servers which were killed have left, one for each of the first sessions.
    """
    findings = Findings()
    try:
        _check_file(history, db, findings)
        with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
            if sample is not None:
                report_log.check_copy(connection, sample.read_bytes(), ended, findings)
            report_log.check_left(connection, left, findings)
        if ended:
            erased.check(history, db, findings)
    except sqlite3.DatabaseError as exc:
        findings.add("corrupt", f"the file cannot be read: {exc}")
    return findings


def _check_file(history: History, db: Path, findings: Findings) -> None:
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        for (said,) in connection.execute("PRAGMA integrity_check"):
            if said != "ok":
                findings.add("corrupt", f"integrity_check: {said}")
        for broken in connection.execute("PRAGMA foreign_key_check"):
            findings.add("corrupt", f"foreign_key_check: {broken}")
        stored = StoredContent.read(connection, history)
        _check_uploads(history, stored, findings)
        _check_deletes(history, stored, findings)
        _check_reads(history, stored, findings)
        _check_pushes(history, stored, findings)
        order.check(history, stored, findings)
        tables.check(history, stored, connection, findings)
        report_log.check(history, stored, connection, findings)


def _check_uploads(history: History, stored: StoredContent, findings: Findings) -> None:
    ids: dict[str, list[int]] = defaultdict(list)
    for tweet in stored.tweets:
        ids[tweet.text].append(tweet.id)
    sent = {normalize("NFC", upload.text): upload.by for upload in history.uploads if upload.outcome != "refused"}
    for text, found in ids.items():
        if text not in sent:
            findings.add("forged", f"nobody was told that {text!r} is stored, under {found}")
        elif (by := stored.by_id[found[0]].by) != sent[text]:
            findings.add("forged", f"{text!r} is stored as one of {by}, not of {sent[text]}")
        if len(found) > 1:
            findings.add("dup", f"{text!r} is stored under {found}")
    for upload in history.uploads:
        if upload.stored is not None and not stored.has(upload.stored):
            findings.add("lost", f"{upload.text!r} was acknowledged as {upload.stored}")


def _check_deletes(history: History, stored: StoredContent, findings: Findings) -> None:
    """Exactly the tweets that were deleted for a client are empty."""
    for delete in history.deletes:
        if delete.outcome == "ok" and stored.deletions.get(delete.id) != delete.tweet:
            findings.add("lost", f"the deletion of {delete.tweet} was acknowledged as {delete.id}")
    asked = {delete.tweet for delete in history.deletes if delete.outcome != "refused"}
    for tweet in {*stored.deletions.values()} ^ stored.places:
        findings.add("corrupt", f"a deletion tells of {tweet}, or it is blank, but not both")
    for tweet in stored.places - asked:
        findings.add("lost", f"{tweet} is blank, and nobody has deleted it")
    for id_ in stored.deletions.keys() & ({*stored.by_id} | stored.places):
        findings.add("dup", f"{id_} is the id of a tweet and of a deletion")


def _check_reads(history: History, stored: StoredContent, findings: Findings) -> None:
    """The shown tweets are there, and a page lacks none between its tweets, nor claims that there are others."""
    for read in history.reads:
        for tweet in read.tweets:
            if not stored.has(tweet):
                findings.add("lost", f"{tweet} was shown")
        if read.about is not None:
            _check_page(read, stored.about[read.about], findings)


def _check_page(read: Read, about: list[int], findings: Findings) -> None:
    """All below the newest that is shown was committed by then, and all below an id that was shown before."""
    ids = [tweet.id for tweet in read.tweets]
    newest = ids[0] if ids else 0
    below = bisect_right(about, newest) if read.before is None else bisect_left(about, read.before)
    expected = about[max(0, below - read.limit) : below][::-1]
    if ids != expected:
        findings.add("stale", f"a page of {read.about} shows {ids}, not {expected}")
    elif read.more != (below > read.limit):
        findings.add("stale", f"a page of {read.about} that shows {ids} says more: {read.more}")


def _check_pushes(history: History, stored: StoredContent, findings: Findings) -> None:
    """Each follower has all from the first tweet on, ids rising, and nothing is pushed that is not stored."""
    seen: dict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
    for push in history.pushes:
        seen[push.follower, push.keys].append(push.tweet.id)
        if not stored.has(push.tweet):
            findings.add("lost", f"{push.tweet} was pushed")
    for follower, keys in {*seen, *history.awaited}:
        ids = seen[follower, keys]
        every = sorted({id_ for key in keys for id_ in stored.about[key]} if keys else stored.by_id)
        end = max([history.awaited.get((follower, keys), 0), *ids[-1:]])
        expected = [id_ for id_ in every if id_ <= end and id_ not in stored.vanished]
        if [id_ for id_ in ids if id_ not in stored.vanished] != expected:
            findings.add("order", f"follower {follower} of {keys} saw {len(ids)} tweets, not {len(expected)} in order")
