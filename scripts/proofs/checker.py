"""A history against the file that is left. The file is read with SQLite alone: nothing of ttweet's code is used.

`lost`: acknowledged or shown, and not there as it was told. `dup`: there more than once. `order`: ids that contradict
what came before what. `stale`: an answer that others had already outdated, or that knew the future. `forged`: what
nobody sent, or what was refused. `corrupt`: the file, its index of tags or its log does not hold together.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple
from unicodedata import normalize

from proofs.history import History, Upload
from proofs.simple_tags import tags

Kind = Literal["lost", "dup", "order", "stale", "forged", "corrupt"]
NEVER = 2**63
DAY_MS = 86_400_000
MAX_TOLD = 5  # findings told in full of each kind


@dataclass(slots=True)
class Findings:
    """What is wrong, counted by kind."""

    counts: Counter[Kind] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def add(self, kind: Kind, sentence: str) -> None:
        """Count one and keep its sentence, for the first few of each kind."""
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_TOLD:
            self.told.append(f"{kind}: {sentence}")

    def include(self, others: Findings) -> None:
        """Add what was found elsewhere."""
        self.counts += others.counts
        self.told += others.told

    def __bool__(self) -> bool:
        return bool(self.counts)

    def figure(self, *kinds: Kind) -> str:
        """Such as `lost=0 dup=0`; kinds that were not asked for are added when there are some."""
        shown = [*kinds, *sorted(kind for kind in self.counts if kind not in kinds)]
        return " ".join(f"{kind}={self.counts[kind]}" for kind in shown)


class Row(NamedTuple):
    """A stored tweet."""

    id: int
    at: int
    text: str
    tags: str


class Event(NamedTuple):
    """Something that shows an id to be committed between two moments; a write is what makes it so."""

    invoked: int
    returned: int
    id: int
    write: bool


def check(history: History, db: Path, *, sample: Path | None = None, ended: bool = False) -> Findings:
    """Compare what clients were told with the file, and with the copy of the log if one is named.

    With `ended` the copy must be complete, as after a stop in order; else it may lack the newest lines.
    """
    findings = Findings()
    try:
        _check_file(history, db, sample, ended, findings)
    except sqlite3.DatabaseError as exc:
        findings.add("corrupt", f"the file cannot be read: {exc}")
    return findings


def _check_file(history: History, db: Path, sample: Path | None, ended: bool, findings: Findings) -> None:
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        for (said,) in connection.execute("PRAGMA integrity_check"):
            if said != "ok":
                findings.add("corrupt", f"integrity_check: {said}")
        rows = [Row(*row) for row in connection.execute("SELECT id, at, text, tags FROM tweets ORDER BY id")]
        _check_uploads(history, rows, findings)
        _check_reads(history, rows, findings)
        _check_pushes(history, rows, findings)
        _check_order(history, rows, findings)
        _check_tags(history, rows, connection, findings)
        if sample is not None:
            _check_log(connection, sample.read_bytes(), ended, findings)


def _check_uploads(history: History, rows: list[Row], findings: Findings) -> None:
    stored: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        stored[row.text].append(row.id)
    sent = {normalize("NFC", upload.text) for upload in history.uploads if upload.outcome != "refused"}
    for text, ids in stored.items():
        if text not in sent:
            findings.add("forged", f"nobody was told that {text!r} is stored, under {ids}")
        if len(ids) > 1:
            findings.add("dup", f"{text!r} is stored under {ids}")
    for upload in history.uploads:
        if upload.outcome == "ok" and upload.id not in stored.get(normalize("NFC", upload.text), []):
            findings.add("lost", f"{upload.text!r} was acknowledged as {upload.id}")


def _check_reads(history: History, rows: list[Row], findings: Findings) -> None:
    """What was shown is there, and a page of a tag lacks none between its tweets."""
    texts = {row.id: row.text for row in rows}
    tagged = _ids_by_tag(history, rows)
    for read in history.reads:
        for id_, text in read.tweets:
            if texts.get(id_) != text:
                findings.add("lost", f"{text!r} was shown as {id_}")
        if read.tag is not None and read.tweets:
            ids = [id_ for id_, _ in read.tweets]
            below = [id_ for id_ in tagged[read.tag] if id_ <= ids[0]][-read.limit :]
            if ids[::-1] != below:
                findings.add("stale", f"a page of #{read.tag} shows {ids}, not {below[::-1]}")


def _check_pushes(history: History, rows: list[Row], findings: Findings) -> None:
    """Each follower's ids rise without a gap, and nothing is pushed that is not stored."""
    texts = {row.id: row.text for row in rows}
    tagged = _ids_by_tag(history, rows) if history.pushes else {}
    seen: dict[tuple[int, str | None], list[int]] = defaultdict(list)
    for push in history.pushes:
        seen[push.follower, push.tag].append(push.id)
        if texts.get(push.id) != push.text:
            findings.add("lost", f"{push.text!r} was pushed as {push.id}")
    for (follower, tag), ids in seen.items():
        every = [row.id for row in rows if row.text] if tag is None else tagged[tag]
        expected = [id_ for id_ in every if ids[0] <= id_ <= ids[-1]]
        if ids != expected:
            findings.add("order", f"follower {follower} of {tag} saw {len(ids)} tweets, not {len(expected)} in order")


def _check_order(history: History, rows: list[Row], findings: Findings) -> None:
    ids = {row.text: row.id for row in rows}
    writes = list(_writes(history, ids))
    pushed = [Event(push.received, push.received, push.id, False) for push in history.pushes]
    last = [Event(r.invoked, r.returned, _newest(r.tweets), False) for r in history.reads if r.tag is None]
    pages = {tag: [r for r in history.reads if r.tag == tag] for tag in {r.tag for r in history.reads} - {None}}
    shown = [Event(r.invoked, r.returned, _newest(r.tweets), False) for reads in pages.values() for r in reads]
    _sweep([*writes, *last], [*shown, *pushed], findings)
    tagged = _ids_by_tag(history, rows)
    for tag, reads in pages.items():
        carry = set(tagged[tag or ""])
        others = [event for event in (*writes, *last, *pushed) if event.id in carry]
        _sweep([Event(r.invoked, r.returned, _newest(r.tweets), False) for r in reads], others, findings)
    made = {event.id: event.invoked for event in writes}
    for event in (*last, *shown, *pushed):
        if made.get(event.id, 0) > event.returned:
            findings.add("stale", f"{event.id} was shown before it was sent")
    _check_connections(history, findings)


def _writes(history: History, ids: Mapping[str, int]) -> Iterable[Event]:
    """One event for each stored text, however often it was sent."""
    attempts: dict[str, list[Upload]] = defaultdict(list)
    for upload in history.uploads:
        attempts[normalize("NFC", upload.text)].append(upload)
    for text, uploads in attempts.items():
        if text in ids:
            answered = [u.returned for u in uploads if u.outcome == "ok" and u.returned is not None]
            yield Event(min(u.invoked for u in uploads), min(answered, default=NEVER), ids[text], True)


def _newest(tweets: tuple[tuple[int, str], ...]) -> int:
    return tweets[0][0] if tweets else 0


def _sweep(judged: list[Event], witnesses: list[Event], findings: Findings) -> None:
    """No event may be older than what another one has shown before it began. Linearizable, if nothing is found."""
    ended = sorted((*judged, *witnesses), key=lambda event: event.returned)
    floor = place = 0
    for event in sorted(judged, key=lambda event: event.invoked):
        while place < len(ended) and ended[place].returned < event.invoked:
            floor = max(floor, ended[place].id)
            place += 1
        if event.write and event.id <= floor:
            findings.add("order", f"{event.id} was sent after {floor} had been seen")
        elif event.id < floor:
            findings.add("stale", f"{event.id} was the newest shown after {floor} had been seen")


def _check_connections(history: History, findings: Findings) -> None:
    """What was sent together on one connection has rising ids."""
    newest: dict[int, int] = defaultdict(int)
    for upload in history.uploads:
        if upload.outcome == "ok" and upload.id is not None and not upload.retry:
            if upload.id <= newest[upload.connection]:
                findings.add("order", f"{upload.id} follows {newest[upload.connection]} on one connection")
            newest[upload.connection] = upload.id


def _given_tags(history: History) -> dict[str, tuple[str, ...]]:
    return {normalize("NFC", upload.text): upload.tags for upload in history.uploads}


def _ids_by_tag(history: History, rows: list[Row]) -> dict[str, list[int]]:
    given = _given_tags(history)
    ids: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        for key in tags(row.text, given.get(row.text, ())):
            ids[key].append(row.id)
    return ids


def _check_tags(history: History, rows: list[Row], connection: sqlite3.Connection, findings: Findings) -> None:
    """The tables of tags say what the texts say, up to the mark that says how far they are."""
    [up_to] = connection.execute("SELECT up_to FROM tag_index").fetchone()
    if up_to > max([row.id for row in rows], default=up_to):
        findings.add("corrupt", f"the index says that it is complete up to tweet {up_to}, which there is not")
    given = _given_tags(history)
    links: set[tuple[str, int]] = set()
    counts: Counter[str] = Counter()
    days: Counter[tuple[int, str]] = Counter()
    spellings: Counter[tuple[str, str]] = Counter()
    for row in rows:
        spelled = tags(row.text, given.get(row.text, ()))
        if row.tags != " ".join(spelled.values()):
            findings.add("corrupt", f"tweet {row.id} {row.text!r} says its tags are {row.tags!r}")
        if row.id > up_to:
            continue
        links.update((key, row.id) for key in spelled)
        counts.update(spelled.keys())
        days.update((row.at // DAY_MS, key) for key in spelled)
        spellings.update(spelled.items())
    _same("links", links, connection.execute("SELECT key, tweet FROM tweet_tags JOIN tags ON id = tag"), findings)
    _same("counts", counts.items(), connection.execute("SELECT key, count FROM tags"), findings)
    of_days = connection.execute("SELECT day, key, d.count FROM tag_days d JOIN tags ON id = tag")
    _same("days", {(day, key, count) for (day, key), count in days.items()}, of_days, findings)
    of_spellings = connection.execute(
        "SELECT key, spelling, spelling_count FROM tags"
        " UNION ALL SELECT key, s.spelling, s.count FROM spellings s JOIN tags ON id = tag"
    )
    _same("spellings", {(*pair, count) for pair, count in spellings.items()}, of_spellings, findings)


def _same(what: str, expected: Iterable[object], found: Iterable[object], findings: Findings) -> None:
    wanted, there = set(expected), list(found)
    if len(there) != len(set(there)) or wanted != set(there):
        differ = sorted(map(repr, wanted ^ set(there)))[:3]
        findings.add("corrupt", f"the {what} of tags differ from the texts: {', '.join(differ)}")


def _check_log(connection: sqlite3.Connection, sample: bytes, ended: bool, findings: Findings) -> None:
    """The copy of the log is the session's lines, each of them one harmless line."""
    of_session = "SELECT side, category, text FROM log WHERE session = (SELECT max(id) FROM sessions) ORDER BY id"
    logged = [
        text if category is None else f"{side} ALERT [{category}] {text}"
        for side, category, text in connection.execute(of_session)
    ]
    lines = sample.decode().split("\n")
    copied, rest = lines[:-1], lines[-1]
    expected = logged if ended else logged[: len(copied)]
    if copied != expected or (ended and rest):
        findings.add("corrupt", f"{len(copied)} lines of the copy are not the {len(expected)} of the log")
    for line in logged:
        if len(line.splitlines()) != 1 or not _harmless(line):
            findings.add("forged", f"the log has {line!r}")


def _harmless(line: str) -> bool:
    bidi = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    return not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or ord(c) in bidi for c in line)
