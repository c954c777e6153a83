"""Deleted texts: neither they nor words of them are left in the bytes of the file, not even in an index of words."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from proofs.findings import Findings
from proofs.history import History

UNIQUE_CHARACTERS = 24  # of a word that stands in one text only
END_CHARACTERS = 16  # of it to search for: an index may share the beginnings of words


def unique_word(text: str) -> str:
    """Return a word for a text by which its traces can be found."""
    return sha256(text.encode()).hexdigest()[:UNIQUE_CHARACTERS]


def check(history: History, db: Path, findings: Findings) -> None:
    """Search the raw file of a server that has ended in order, with its write-ahead log if one is left."""
    log = Path(f"{db}-wal")
    left = db.read_bytes() + (log.read_bytes() if log.exists() else b"")
    for delete in history.deletes:
        for word in re.findall(rf"\b[0-9a-f]{{{UNIQUE_CHARACTERS}}}\b", delete.text):
            if delete.outcome == "ok" and word[-END_CHARACTERS:].encode() in left:
                findings.add("lost", f"{word!r} of the deleted tweet {delete.tweet} is still in the file")
