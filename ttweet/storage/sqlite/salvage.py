"""Reading a damaged file: all entries of the log except those on lost pages.

Entries that SQLite cannot read, or that no server could have written, are skipped: a query beyond the ids of a lost
page finds the next page. SQLite's own way is no help to many: its shell is often built without `.recover`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from ttweet.model.errors import OpenError, Refused, StoreError
from ttweet.model.remedies import READ_EACH_PAGE
from ttweet.model.tweets import Entry
from ttweet.storage import jsonl
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.reader import Queries

STEPS = 1000  # ids that are tried one by one; each further step is this part of the gap, so 2^53 ids take 30,000 steps
_NEXT_ID = """
    SELECT min(id) FROM (
        SELECT min(id) AS id FROM tweets WHERE id > :cursor
        UNION ALL SELECT min(id) FROM deletions WHERE id > :cursor)
"""
_NOTHING = "nothing can be read of {}"  # then the remedy is one that takes no page for granted


class Salvage(Queries):
    """Reads a damaged file."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises OpenError for a file that is missing or none of ours, `damaged` when nothing at all can be read.
        """
        self._path = path
        with ExitStack() as opened:
            try:
                super().__init__(connect_reader(path, damaged=True), shown_as=path)
                opened.callback(self.close)
                self._newest = self._newest_id()
            except (OpenError, StoreError) as error:
                if error.code not in ("damaged", "internal"):
                    raise
                raise OpenError("damaged", _NOTHING.format(path), READ_EACH_PAGE, str(path)) from error
            opened.pop_all()
        self.lost: list[tuple[int, int]] = []
        """Gaps that were met, by their first and their last id: what is there cannot be read."""
        self._read: Callable[[int, int], Sequence[Entry]] = self._reads_of_log()

    def count(self) -> int:
        """How many ids were given: to count the entries would be to read them."""
        return self._newest

    def entries_after(self, cursor: int, limit: int) -> list[Entry]:
        """See Queries: those that can be read. Raises StoreError when these are none at all."""
        while (page := self._sound(cursor, limit)) is None and limit > 1:
            limit //= 2
        return self._behind_gap(cursor) if page is None else page

    def _behind_gap(self, cursor: int) -> list[Entry]:
        """Return the next entry, where the one that follows the cursor cannot be read."""
        page, unread = [], cursor
        for candidate in self._beyond(cursor):
            found = self._sound(candidate, 1)
            if found is not None:
                page = self._first_sound(unread, candidate, found)
                break
            unread = candidate
        if not page and not cursor:
            raise StoreError("internal", _NOTHING.format(self._path), READ_EACH_PAGE, str(self._path))
        self.lost.append((cursor + 1, page[0].id - 1 if page else self._newest))
        return page

    def _beyond(self, cursor: int) -> Iterator[int]:
        """Where to read on, rising: at the next id where the tables tell it, else by steps that grow with the gap."""
        place = cursor
        while True:
            place = self._next_id(place) or place + max(1, (place - cursor) // STEPS)
            if place >= self._newest:
                return
            yield place

    def _first_sound(self, unread: int, candidate: int, page: list[Entry]) -> list[Entry]:
        """Return the entry nearest to a place where none can be read: a long step may have passed others."""
        while candidate - unread > 1:
            middle = (unread + candidate) // 2
            if (found := self._sound(middle, 1)) is None:
                unread = middle
            else:
                candidate, page = middle, found
        return page

    def _next_id(self, cursor: int) -> int | None:
        """Return the id that follows; None where it cannot be read either."""
        try:
            following = self._one(_NEXT_ID, cursor=cursor)[0]
        except StoreError as error:
            if error.code == "internal":
                return None
            raise
        return following if isinstance(following, int) and following > cursor else None

    def _sound(self, cursor: int, limit: int) -> list[Entry] | None:
        """Return the entries after the cursor; None where they cannot be read or are none."""
        try:
            page = [*self._read(cursor, limit)]
            for entry in page:
                jsonl.decode(jsonl.encode(entry))
        except (Refused, AttributeError, TypeError, ValueError):
            return None
        except StoreError as error:
            if error.code == "internal":
                return None
            raise
        ids = [cursor, *(entry.id for entry in page)]
        rising = all(before < after for before, after in pairwise(ids))
        return page if rising and ids[-1] <= self._newest else None

    def _newest_id(self) -> int:
        """By the table that counts the ids, or by the tweets themselves."""
        try:
            return int(self._one("SELECT seq FROM sqlite_sequence WHERE name = 'tweets'")[0])
        except (StoreError, TypeError, ValueError):
            return self._one("SELECT max(id) FROM tweets")[0] or 0

    def _reads_of_log(self) -> Callable[[int, int], Sequence[Entry]]:
        """All there is, or when the deletions are lost the tweets alone: those that were deleted stay so."""
        try:
            self._one("SELECT max(at) FROM deletions")
        except StoreError:
            return self.tweets_after
        return super().entries_after
