"""Files of every schema that there was, as SQL in tests/storage/sqlite/files.

`python -m tests.support.schema_files` writes those that are missing. The steps of migrations.py make the tables. The
rows are those of a server of that time: tags keyed by the first rule, the newest by the time, keys beside authors.
Another Python has written `python_3_13`.
"""

import runpy
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from ttweet.storage.sqlite.migrating import migrations_path

FILES = Path(__file__).parent.parent / "storage" / "sqlite" / "files"
DAY_MS = 86_400_000
AT = 20_000 * DAY_MS
TWEETS = [
    (1, AT, "ann", "Learning #Python", "Python"),
    (2, AT + 1, None, "", ""),
    (3, AT + 400 * DAY_MS, "寿司", "#東京・#大阪 and #cs_ #cs", "東京・ 大阪 cs_ cs"),  # by a clock that was ahead
    (4, AT + DAY_MS, None, "#東京 #1", "東京 1"),
    (5, AT + DAY_MS, "bob", "a secret", ""),  # deleted, where the schema knows deletions
    (6, AT + DAY_MS, None, "#python #cs", "python cs"),
]
KEYS = [(1, "ann", "nightly"), (4, "", "zebra"), (5, "bob", "lost")]
SESSIONS = [(1, AT, AT + 9, "stopped", 1), (2, AT + DAY_MS, None, "crashed", 2)]
LINES = [
    (1, 1, AT, "SERVER", "GENERAL", "Message Received: Learning #Python"),
    (2, 2, AT + DAY_MS, "CLIENT", None, "Received Message: #python #cs"),
]
DELETION = (
    "UPDATE tweets SET author = '', text = '' WHERE id = 5",
    f"INSERT INTO deletions VALUES (7, {AT + 2 * DAY_MS}, 5)",
    "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'tweets'",
    "UPDATE tag_index SET up_to = 7",
)
KNOWS_DELETIONS = 4


def versions() -> range:
    """The schemas of which there are files."""
    return range(1, len([*FILES.glob("schema_*.sql")]) + 1)


def load(name: str, path: Path) -> None:
    """Make a database from a file of SQL, such as `schema_1`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.executescript((FILES / f"{name}.sql").read_text())


def write_missing() -> None:
    """Write the files that are not there yet: those that are may have been the input of a test for years."""
    steps = runpy.run_path(str(migrations_path()))["migrations"]
    names = [step.name for step in steps.pending(Database(memory=True))]
    for version in range(1, len(names) + 1):
        path = FILES / f"schema_{version}.sql"
        if not path.exists():
            path.write_text(_dump(steps, names, version))


def _dump(steps: Any, names: list[str], version: int) -> str:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        db = Database(connection)
        steps.apply(db, stop_before=names[1])
        _fill(connection)
        if version >= KNOWS_DELETIONS:
            steps.apply(db, stop_before=names[KNOWS_DELETIONS:])
            for statement in DELETION:
                connection.execute(statement)
        steps.apply(db, stop_before=names[version:])
        pragmas = [
            f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        return "\n".join([*pragmas, *connection.iterdump(), ""])


def _fill(connection: sqlite3.Connection) -> None:
    """Put in what a server of the first schema has stored and indexed."""
    uses = [(tag.lower(), tag, tweet) for tweet in TWEETS for tag in tweet[4].split()]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(key for key, _, _ in uses), 1)}
    first = {key: tag for key, tag, _ in reversed(uses)}
    rows: list[tuple[str, Any]] = [("tweets", one) for one in TWEETS]
    for key, number in numbers.items():
        spelled = Counter(tag for one, tag, _ in uses if one == key)
        newest = max(tweet[1] for one, _, tweet in uses if one == key)
        main = first[key]
        rows.append(("tags", (number, key, main, spelled.pop(main), sum(1 for use in uses if use[0] == key), newest,
                              int(key != "1"))))  # fmt: skip
        rows += [("spellings", (number, other, count)) for other, count in spelled.items()]
    rows += [("tweet_tags", (numbers[key], tweet[0])) for key, _, tweet in uses]
    days = Counter((tweet[1] // DAY_MS, numbers[key]) for key, _, tweet in uses)
    rows += [("tag_days", (*day, count)) for day, count in days.items()]
    rows += [("keys", one) for one in KEYS] + [("sessions", one) for one in SESSIONS] + [("log", one) for one in LINES]
    for table, row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


if __name__ == "__main__":
    write_missing()
