"""The log's entries as lines of JSON, to be kept or moved: written, read back, and put into a store, each once.

An entry is a tweet, the tombstone of a deleted one, or its deletion.

docs/export.md describes the lines. Knows no SQL, no files and no command line.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol

from ttweet.model import stored
from ttweet.model.errors import Refused
from ttweet.model.limits import LATEST_MS, MAX_ID, MAX_TWEET_ID
from ttweet.model.remedies import IMPORT_ELSEWHERE, IS_UTF_16, REPAIR_LINE
from ttweet.model.tweets import Deletion, Entry, Tombstone, Tweet

PAGE_ENTRIES = 1000  # entries of one read of an export, and of one transaction of an import
MAX_LINE_BYTES = 1024 * 1024  # of a line of an import, which is kept in memory; a tweet's line has 1 KiB

_ORIGIN = re.compile("[0-9a-f]{16}")
_Fields = dict[str, tuple[str, tuple[type, ...]]]
_ANY: _Fields = {
    "id": ("a whole number", (int,)),
    "at": ("a whole number, milliseconds since 1970", (int,)),
}
_DELETION: _Fields = {**_ANY, "deletes": ("the id of a tweet", (int,))}
_TOMBSTONE: _Fields = {**_ANY, "deleted": ("true", (bool,))}
_TWEET: _Fields = {
    **_ANY,
    "by": ("a name, or null", (str, type(None))),
    "text": ("a text", (str,)),
    "tags": ("a list of tags", (list,)),
}


class ImportTarget(Protocol):
    """The part of a store that entries are put into. Raises StoreError."""

    def newest_id(self) -> int:
        """Return the newest id that was given; 0 before the first."""
        ...

    def entries_after(self, cursor: int, limit: int) -> list[Entry]:
        """At most `limit` entries with an id above the cursor, oldest first."""
        ...

    def restore(self, entries: Sequence[Entry]) -> None:
        """Write entries as they are, in one transaction: ids rising, above the newest. Durable on return."""
        ...


class BinaryFile(Protocol):
    """A file of bytes that is read line by line."""

    def readline(self, limit: int, /) -> bytes:
        """Return a line with its end, at most so many bytes of it."""
        ...


@dataclass(slots=True)
class ImportTally:
    """How many tweets were put into the store, and how many were there already."""

    new: int = 0
    known: int = 0
    deleted: int = 0
    """How many of them were deleted since the import before, by a merge."""


def encode(entry: Entry, *, ascii_only: bool = False) -> bytes:
    """Return an entry's line, the same bytes each time. `ascii_only` is for terminals: no character steers them."""
    value: dict[str, object] = {"id": entry.id, "at": entry.at}
    match entry:
        case Tweet():
            value |= {"by": entry.by, "text": entry.text, "tags": entry.tags}
        case Tombstone():
            value |= {"deleted": True}
        case Deletion():
            value |= {"deletes": entry.tweet}
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode() + b"\n"


def encode_origin(name: str) -> bytes:
    """Return the line before the entries that names their database."""
    return json.dumps({"origin": name}, separators=(",", ":")).encode() + b"\n"


def split_origin(lines: Iterator[tuple[int, bytes]]) -> tuple[str | None, Iterator[tuple[int, bytes]]]:
    """Return the name of the database that the first line gives, None if it does not, and the lines of entries."""
    first = list(islice(lines, 1))
    name = _origin(first[0][1]) if first else None
    return name, lines if name else chain(first, lines)


def _origin(line: bytes) -> str | None:
    with suppress(Refused):
        value = _object(line)
        if value.keys() == {"origin"} and isinstance(value["origin"], str) and _ORIGIN.fullmatch(value["origin"]):
            return str(value["origin"])
    return None


def decode(line: bytes) -> Entry:
    """Return the entry of a line. Raises Refused `bad_request`, and what the rules for texts, names and tags raise."""
    value = _object(line)
    if "deletes" in value:
        _check(value, _DELETION)
        return Deletion(_id(value["id"], MAX_ID), _at(value["at"]), _id(value["deletes"]))
    if "deleted" in value:
        _check(value, _TOMBSTONE)
        return Tombstone(_id(value["id"]), _at(value["at"]))
    _check(value, _TWEET)
    text = stored.checked_text(value["text"])
    name = None if value["by"] is None else stored.checked_name(value["by"])
    return Tweet(_id(value["id"]), _at(value["at"]), name, text, _tags(value["tags"], text))


def read_lines(file: BinaryFile) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers, from 1; empty ones are left out. Raises Refused for one too long.

    A byte order mark at the start, as an editor may have put it there, is dropped; UTF-16 is refused.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise _bad(f"the file {IS_UTF_16}")
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) > MAX_LINE_BYTES:
            raise _bad(f"line {number}: more than {MAX_LINE_BYTES:,} bytes; this is not an export of ttweet")
        if line.strip():
            yield number, line


def begun(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Return the same lines, when the first is that of an entry: nothing need be made for what is none.

    Raises Refused.
    """
    first = list(islice(lines, 1))
    list(numbered(first))
    return chain(first, lines)


def import_entries(
    target: ImportTarget, lines: Iterable[tuple[int, bytes]], tally: ImportTally, progress: Callable[[], object]
) -> None:
    """Put the entries of lines into a store, PAGE_ENTRIES in a transaction; those it has already are passed over.

    So to do it again after an end of any kind imports what is missing, and nothing twice. `tally` counts what is done,
    and `progress` is called after each transaction. Raises Refused with the line's number: for a line that is no tweet,
    whose id is not above the one before, or belongs to another tweet of the store. The lines before it are then stored.
    """
    newest = target.newest_id()
    known = _StoredEntries(target)
    batch: list[Entry] = []
    try:
        for done, (number, entry) in enumerate(numbered(lines), 1):
            if entry.id <= newest:
                known.compare(number, entry)
                tally.known += isinstance(entry, Tweet)
            else:
                batch.append(entry)
            if done % PAGE_ENTRIES == 0:
                _store(target, batch, tally)
                progress()
    except Refused:
        _store(target, batch, tally)
        raise
    _store(target, batch, tally)
    progress()


def _store(target: ImportTarget, batch: list[Entry], tally: ImportTally) -> None:
    if batch:
        target.restore(batch)
        tally.new += sum([isinstance(entry, Tweet) for entry in batch])
        batch.clear()


class _StoredEntries:
    """The entries of a store, beside lines that come in the same order."""

    def __init__(self, target: ImportTarget) -> None:
        self._entries = _all(target)
        self._next: Entry | None = None

    def compare(self, number: int, entry: Entry) -> None:
        """Raise Refused unless the store has this very entry."""
        while self._next is None or self._next.id < entry.id:
            self._next = next(self._entries, None)
            if self._next is None:
                break
        if self._next != entry:
            what = "another entry" if self._next and self._next.id == entry.id else "newer entries, and none"
            problem = f"line {number}: the file has {what} with the id {entry.id}"
            raise Refused("bad_request", problem, IMPORT_ELSEWHERE)


def _all(target: ImportTarget) -> Iterator[Entry]:
    cursor = 0
    while page := target.entries_after(cursor, PAGE_ENTRIES):
        yield from page
        cursor = page[-1].id


def numbered(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Entry]]:
    """Yield the entries of lines with the lines' numbers. Raises Refused, also for ids that do not rise."""
    before = 0
    for number, line in lines:
        try:
            entry = decode(line)
        except Refused as refused:
            raise Refused(refused.code, f"line {number}: {refused.text}", REPAIR_LINE) from refused
        if entry.id <= before:
            problem = f"line {number}: id {entry.id} comes after {before}, but ids must rise"
            raise Refused("bad_request", problem, REPAIR_LINE)
        before = entry.id
        yield number, entry


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as exc:
        raise _bad("invalid UTF-8; this is not an export of ttweet") from exc
    except json.JSONDecodeError as exc:
        raise _bad(f"invalid JSON: {exc.msg} (character {exc.colno}){_cut(line)}") from exc
    except RecursionError as exc:
        raise _bad("invalid JSON: it is nested too deeply") from exc
    except ValueError as exc:  # Python reads no integer of more than 4,300 digits
        raise _bad("invalid JSON: a number has too many digits") from exc
    if not isinstance(value, dict):
        raise _bad("not a JSON object; an export has one on each line")
    return value


def _cut(line: bytes) -> str:
    """Return a hint about a line without an end: a file that was cut short ends so."""
    return "" if line.endswith(b"\n") else "; the line has no end, so the file may have been cut short"


def _check(value: dict[str, Any], fields: _Fields) -> None:
    if value.keys() != fields.keys():
        missing = ", ".join([name for name in fields if name not in value])
        more = ", ".join([ascii(name)[:40] for name in value if name not in fields])
        raise _bad(f"missing field: {missing}" if missing else f"{more} is not a field of an entry; see docs/export.md")
    for name, (kind, types) in fields.items():
        if not isinstance(value[name], types) or (value[name] is not True if bool in types else value[name] is True):
            raise _bad(f"{name} must be {kind}, not {json.dumps(value[name])[:40]}")


def _id(number: int, highest: int = MAX_TWEET_ID) -> int:
    if not 1 <= number <= highest:
        raise _bad(f"invalid id {number}: use 1 to {highest}")
    return number


def _at(number: int) -> int:
    if not 0 <= number <= LATEST_MS:
        raise _bad(f"invalid at {number}: use 0 to {LATEST_MS}")
    return number


def _tags(bodies: list[Any], text: str) -> tuple[str, ...]:
    """Tags as they were typed, each key once. Raises Refused `bad_tag`."""
    if bodies and not text:
        raise Refused("bad_tag", "an empty text cannot have tags")
    stored.refuse_bad_tags(bodies)
    return tuple(bodies)


def _bad(text: str) -> Refused:
    return Refused("bad_request", text)
