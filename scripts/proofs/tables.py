"""The tables beside the tweets: they say what the texts say, by a second implementation of the rule of hashtags."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable
from unicodedata import category

from proofs.findings import Findings
from proofs.history import History
from proofs.simple_tags import tags
from proofs.stored import StoredContent

DAY_MS = 86_400_000


def check(history: History, stored: StoredContent, connection: sqlite3.Connection, findings: Findings) -> None:
    """Tags up to the mark that says how far they are, keys, and how sessions have ended."""
    [up_to] = connection.execute("SELECT up_to FROM tag_index").fetchone()
    newest = max([0, *stored.by_id, *stored.places, *filter(None, stored.deletions)])
    if up_to > newest > 0:
        findings.add("corrupt", f"the index says that it is complete up to {up_to}, and the newest id is {newest}")
    _check_tags(stored, up_to, connection, findings)
    _check_keys(history, connection, findings)
    hows = [how for (how,) in connection.execute("SELECT how FROM sessions ORDER BY id")]
    if "running" in hows[:-1]:
        findings.add("corrupt", f"a session that is over says how it is: {hows}")


def _check_tags(stored: StoredContent, up_to: int, connection: sqlite3.Connection, findings: Findings) -> None:
    links: set[tuple[str, int]] = set()
    counts: Counter[str] = Counter()
    newest: dict[str, int] = {}
    days: Counter[tuple[int, str]] = Counter()
    spellings: Counter[tuple[str, str]] = Counter()
    for tweet in stored.tweets:
        spelled = tags(tweet.text, stored.given.get(tweet.text, ()))
        if tweet.tags != tuple(spelled.values()):
            findings.add("corrupt", f"tweet {tweet.id} {tweet.text!r} says its tags are {tweet.tags!r}")
        if tweet.id > up_to:
            continue
        links.update((key, tweet.id) for key in spelled)
        counts.update(spelled.keys())
        newest.update(dict.fromkeys(spelled, tweet.at))
        days.update((tweet.at // DAY_MS, key) for key in spelled)
        spellings.update(spelled.items())
    _same("links", links, connection.execute("SELECT key, tweet FROM tweet_tags JOIN tags ON id = tag"), findings)
    rows = {(key, count, newest[key], int(_has_letter(key))) for key, count in counts.items()}
    _same("rows", rows, connection.execute("SELECT key, count, newest, lettered FROM tags"), findings)
    of_days = connection.execute("SELECT day, key, d.count FROM tag_days d JOIN tags ON id = tag")
    _same("days", {(day, key, count) for (day, key), count in days.items()}, of_days, findings)
    of_spellings = connection.execute(
        "SELECT key, spelling, spelling_count FROM tags"
        " UNION ALL SELECT key, s.spelling, s.count FROM spellings s JOIN tags ON id = tag"
    )
    _same("spellings", {(*pair, count) for pair, count in spellings.items()}, of_spellings, findings)


def _has_letter(key: str) -> bool:
    return any(category(character)[0] in "LM" for character in key)


def _same(what: str, expected: Iterable[object], found: Iterable[object], findings: Findings) -> None:
    wanted, there = set(expected), list(found)
    if len(there) != len(set(there)) or wanted != set(there):
        differ = sorted(map(repr, wanted ^ set(there)))[:3]
        findings.add("corrupt", f"the {what} of tags differ from the texts: {', '.join(differ)}")


def _check_keys(history: History, connection: sqlite3.Connection, findings: Findings) -> None:
    """Each acknowledged key leads to its tweet, so that a retry finds it."""
    [secret] = connection.execute("SELECT secret FROM key_secret").fetchone()
    keys: dict[bytes, int] = dict(connection.execute("SELECT digest, tweet FROM keys"))
    for upload in history.uploads:
        if upload.key is not None and upload.outcome == "ok":
            scope = f"{upload.by or ''}\0{upload.key}".encode()
            tweet = keys.get(hashlib.blake2b(scope, key=secret, digest_size=16).digest())
            if tweet != upload.id:
                findings.add("lost", f"the key {upload.key!r} leads to {tweet}, not to {upload.id}")
