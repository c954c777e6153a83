"""The tweets of another database, merged into a store under ids of its own, each once.

The store notes the origin of each tweet: the name of its database and its id there. So a later export of the same
database adds only the tweets and deletions that are new. Knows no SQL, no files and no command line.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from ttweet.model.errors import Refused
from ttweet.model.tweets import Deletion, Entry, Tombstone, Tweet
from ttweet.storage.jsonl import PAGE_ENTRIES, ImportTally, numbered

NumberedEntries = list[tuple[int, Entry]]
"""Entries with the numbers of their lines."""


class MergeTarget(Protocol):
    """The part of a store that tweets are merged into. Raises StoreError."""

    def merged(self, origin: str, first: int, last: int) -> dict[int, Tweet | Tombstone | None]:
        """Return what is here of an origin's tweets, by their original ids; None for a tweet that was removed."""
        ...

    def merge(self, origin: str, tweets: Sequence[Tweet]) -> None:
        """Write tweets under new ids, with their origins, in one transaction. Durable on return."""
        ...


def merge_entries(
    target: MergeTarget,
    origin: str,
    lines: Iterable[tuple[int, bytes]],
    tally: ImportTally,
    *,
    delete: Callable[[int], object],
    progress: Callable[[], object],
) -> None:
    """Merge the entries of an origin's lines, PAGE_ENTRIES at most in a transaction.

    `delete` deletes a tweet of the store by its id. A tweet that is deleted or removed here stays so. `tally` counts
    what is done, and `progress` is called after each page. Raises Refused with the line's number for a line that is no
    entry, and for a tweet that differs from the one that was merged: pages before it are stored.
    """
    for page in _pages(numbered(lines)):
        _merge(target, origin, page, tally)
        for _, entry in page:
            if not isinstance(entry, Tweet):
                tally.deleted += _delete(target, origin, entry, delete)
        progress()


def _pages(entries: Iterable[tuple[int, Entry]]) -> Iterator[NumberedEntries]:
    """Yield the entries in pages; the last has those before an invalid line, and then Refused is raised."""
    page: NumberedEntries = []
    try:
        for entry in entries:
            page.append(entry)
            if len(page) == PAGE_ENTRIES:
                yield page
                page = []
    except Refused:
        if page:
            yield page
        raise
    if page:
        yield page


def _merge(target: MergeTarget, origin: str, page: NumberedEntries, tally: ImportTally) -> None:
    known = target.merged(origin, page[0][1].id, page[-1][1].id)
    new: list[Tweet] = []
    for number, entry in page:
        if entry.id in known:
            _compare(number, entry, known[entry.id])
            tally.known += isinstance(entry, Tweet)
        elif isinstance(entry, Tweet):
            new.append(entry)
    if new:
        target.merge(origin, new)
        tally.new += len(new)


def _compare(number: int, entry: Entry, here: Tweet | Tombstone | None) -> None:
    """Raise Refused if the origin's tweet is not the one that was merged."""
    if isinstance(entry, Tweet) and isinstance(here, Tweet) and here._replace(id=entry.id) != entry:
        problem = f"line {number}: tweet {entry.id} differs from the one that was merged as {here.id}"
        raise Refused("bad_request", problem, "merge the export of the database that it came from")


def _delete(target: MergeTarget, origin: str, entry: Tombstone | Deletion, delete: Callable[[int], object]) -> bool:
    """Delete what the origin has deleted; returns whether it was still here."""
    original = entry.tweet if isinstance(entry, Deletion) else entry.id
    here = target.merged(origin, original, original).get(original)
    if not isinstance(here, Tweet):
        return False
    delete(here.id)
    return True
