"""The content of a file, as SQLite alone reads it, arranged for comparing it with the answers to clients."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Self
from unicodedata import normalize

from proofs.history import BY, History, Seen
from proofs.simple_tags import tags


@dataclass(frozen=True, slots=True)
class StoredContent:
    """The tweets by their ids; the tombstones of those that were deleted; which deletion is of which tweet.

    `about` has the ids of each tag's and each name's tweets, `given` the tags beside each text. `vanished` are the
    tweets whose deletion was requested: an earlier answer may still show them.
    """

    tweets: list[Seen]
    by_id: dict[int, Seen]
    places: set[int]
    deletions: dict[int | None, int]
    about: dict[str, list[int]]
    given: dict[str, tuple[str, ...]]
    vanished: set[int]

    @classmethod
    def read(cls, connection: sqlite3.Connection, history: History) -> Self:
        """Read all of it. Raises sqlite3.DatabaseError."""
        rows = connection.execute("SELECT id, at, author, text, tags FROM tweets ORDER BY id").fetchall()
        tweets = [Seen(id_, at, by, text, tuple(tags.split())) for id_, at, by, text, tags in rows if by != ""]
        given = {normalize("NFC", upload.text): upload.tags for upload in history.uploads}
        about: dict[str, list[int]] = defaultdict(list)
        for tweet in tweets:
            for key in tags(tweet.text, given.get(tweet.text, ())):
                about[key].append(tweet.id)
            if tweet.by is not None:
                about[BY + tweet.by].append(tweet.id)
        return cls(
            tweets,
            {tweet.id: tweet for tweet in tweets},
            {row[0] for row in rows if row[2] == ""},
            dict(connection.execute("SELECT id, tweet FROM deletions").fetchall()),
            about,
            given,
            {delete.tweet for delete in history.deletes if delete.outcome != "refused"},
        )

    def has(self, tweet: Seen) -> bool:
        """Whether it is there as it was shown, or was deleted since."""
        return self.by_id.get(tweet.id) == tweet or (tweet.id in self.vanished and tweet.id in self.places)
