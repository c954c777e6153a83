"""The report log: it tells of each tweet in its place, one harmless line each, and Sample.txt is its copy."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence

from proofs.findings import Findings
from proofs.history import History
from proofs.stored import StoredContent

RECEIVED = "Message Received: "
DELETED = RECEIVED + "(deleted)"
BEGUN = "SERVER ALERT [GENERAL] SERVER ON HAS INITIALIZED"
ENDED = "SERVER ALERT [CONNECTION] SERVER HAS DISCONNECTED"
_DRAWN = ("ZERO WIDTH NON-JOINER", "ZERO WIDTH JOINER", "ARABIC", "SYRIAC", "KAITHI")  # how their names begin
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
_RESERVED = ((0xFFF0, 0xFFF8), (0x13430, 0x1343F), (0xE0000, 0xE0FFF))  # for format characters
_LETTERS = {2: "x", 4: "u", 8: "U"}
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def check(history: History, stored: StoredContent, connection: sqlite3.Connection, findings: Findings) -> None:
    """Each tweet has its line, first lines stand in the order of ids, and no line tells of what is not there."""
    ids = {escaped(tweet.text): tweet.id for tweet in stored.tweets}
    told: dict[int, None] = {}
    for category, text in connection.execute("SELECT category, text FROM log WHERE side = 'SERVER' ORDER BY id"):
        if category == "GENERAL" and text.startswith(RECEIVED) and text != DELETED:
            id_ = ids.get(text.removeprefix(RECEIVED))
            if id_ is None:
                findings.add("forged", f"the log tells of {text!r}, and there is none")
            else:
                told.setdefault(id_)
    if missing := stored.by_id.keys() - told.keys():
        findings.add("lost", f"the log tells nothing of {len(missing)} tweets, such as {min(missing)}")
    if [*told] != sorted(told):
        findings.add("order", "the log tells of tweets in another order than that of their ids")
    deleted = {escaped(unicodedata.normalize("NFC", one.text)) for one in history.deletes if one.outcome == "ok"}
    for (text,) in connection.execute("SELECT text FROM log WHERE instr(text, ': ') > 0"):
        if text.partition(": ")[2] in deleted:
            findings.add("lost", f"the log still has {text!r}, which was deleted")


def check_copy(connection: sqlite3.Connection, sample: bytes, ended: bool, findings: Findings) -> None:
    """The copy of the log is the session's lines, each of them one harmless line."""
    [session] = connection.execute("SELECT max(id) FROM sessions").fetchone()
    logged = _lines(connection, session)
    lines = sample.decode().split("\n")
    copied, rest = lines[:-1], lines[-1]
    expected = logged if ended else logged[: len(copied)]
    if not _is_copy(copied, expected) or (ended and rest):
        findings.add("corrupt", f"{len(copied)} lines of the copy are not the {len(expected)} of the log")
    if ended and not (logged and logged[0].startswith(BEGUN) and logged[-1] == ENDED):
        findings.add("lost", f"the log of a session goes from {logged[:1]} to {logged[-1:]}")
    for line in logged:
        if len(line.splitlines()) != 1 or line != escaped(line):
            findings.add("forged", f"the log has {line!r}")


def check_left(connection: sqlite3.Connection, left: Sequence[bytes], findings: Findings) -> None:
    """The copy of a killed server is the beginning of its session's log; the last line may be cut."""
    for session, sample in enumerate(left, 1):
        copied = sample[: sample.rfind(b"\n") + 1].decode().splitlines()
        if not _is_copy(copied, _lines(connection, session)[: len(copied)]):
            findings.add("corrupt", f"the copy that session {session} has left is not the beginning of its log")


def _is_copy(copied: list[str], logged: list[str]) -> bool:
    """Compare line for line; deleted texts are cleared in the log alone."""
    same = [one == other or other.endswith(DELETED) for one, other in zip(copied, logged, strict=False)]
    return all(same) and len(copied) == len(logged)


def _lines(connection: sqlite3.Connection, session: int) -> list[str]:
    of_session = "SELECT side, category, text FROM log WHERE session = ? ORDER BY id"
    return [
        text if category is None else f"{side} ALERT [{category}] {text}"
        for side, category, text in connection.execute(of_session, (session,))
    ]


def escaped(text: str) -> str:
    """The text as one harmless line: the escape of docs/schema.md a second time, one character after another."""
    return "".join([_escape(character) if is_hidden(character) else character for character in text])


def is_hidden(character: str) -> bool:
    """Whether a character steers a terminal, breaks a line, or hides."""
    point, kind = ord(character), unicodedata.category(character)
    if kind == "Cf":
        return point == 0x61C or not unicodedata.name(character).startswith(_DRAWN)
    if kind == "Cn":  # some of these a newer Python knows, as format characters
        return point == 0x2065 or any(low <= point <= high for low, high in _RESERVED)
    return kind in ("Cc", "Cs", "Zl", "Zp") or character in _BLANK


def _escape(character: str) -> str:
    point = ord(character)
    width = 2 if point < 0x100 else 4 if point < 0x10000 else 8
    return _NAMED.get(character, f"\\{_LETTERS[width]}{point:0{width}x}")
