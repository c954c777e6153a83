"""The files of a cluster against each other, and against the answers of servers. SQLite alone reads them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from unicodedata import normalize

from proofs.cluster.visitors import PostRecord, StoredPost
from proofs.findings import Findings

Row = tuple[object, ...]


def read_rows(db: Path) -> list[Row]:
    """Return what all files of a cluster have in common."""
    with closing(_open(db)) as connection:
        return connection.execute("SELECT id, at, author, text, tags FROM tweets ORDER BY id").fetchall()


def read_position(db: Path) -> int:
    """Return the position in the log up to which a file has all; 0 for one that follows none."""
    with closing(_open(db)) as connection:
        row = connection.execute("SELECT position FROM replica").fetchone()
    return 0 if row is None else int(row[0])


def compare(record: PostRecord, files: Sequence[Path]) -> Findings:
    """Compare the files with the first, and that one with the answers."""
    findings = Findings()
    rows, *others = [read_rows(db) for db in files]
    for db, other in zip(files[1:], others, strict=True):
        if other != rows:
            findings.add("differ", f"{db} has {len(other)} rows, and {files[0]} has {len(rows)}")
    _check_stored(record, rows, findings)
    _check_order(record, findings)
    for sentence in record.stale:
        findings.add("stale", sentence)
    return findings


def _check_stored(record: PostRecord, rows: Sequence[Row], findings: Findings) -> None:
    by_id = {row[0]: row[3] for row in rows}
    for post in record.stored:
        if by_id.get(post.id) != normalize("NFC", post.text):
            findings.add("lost", f"{post.text!r} was acknowledged as {post.id}, which is {by_id.get(post.id)!r}")
    times = Counter(str(row[3]) for row in rows)
    for text, number in times.items():
        if number > 1:
            findings.add("dup", f"{text!r} is stored {number} times")
    for text in record.refused:
        if times[text]:
            findings.add("forged", f"{text!r} was refused and is stored")


def _check_order(record: PostRecord, findings: Findings) -> None:
    """Each client posts its texts one after another, so their ids rise."""
    newest: dict[str, StoredPost] = {}
    for post in record.stored:
        before = newest.setdefault(post.client, post)
        if post.id <= before.id and post is not before:
            findings.add("order", f"{post} was stored before {before}")
        newest[post.client] = post


def _open(db: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{db}?mode=ro", uri=True)
