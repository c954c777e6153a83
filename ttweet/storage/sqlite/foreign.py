"""Foreign objects: those that other programs have put on our tables, and which of them run in our transactions.

A trigger can raise, or skip a row that the server then acknowledges. An index that is unique or has an expression can
raise. A foreign key can forbid a deletion or pass it on. None of them can be distinguished from a harmless one, so the
server refuses all of them. Views, tables and plain indexes never run in our transactions: they are welcome.
"""

import json
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ttweet.model.remedies import NEW_FILE

GUIDE = "docs/schema.md lists what may be in the file"

_TRIGGERS = """
    SELECT name, tbl_name FROM main.sqlite_schema
    WHERE type = 'trigger' AND lower(tbl_name) IN (SELECT value FROM json_each(:tables))
"""
# An index without SQL belongs to the table itself; cid -2 is an expression.
_INDEXES = """
    SELECT name, tbl_name FROM main.sqlite_schema AS object
    WHERE type = 'index' AND sql IS NOT NULL AND lower(tbl_name) IN (SELECT value FROM json_each(:tables))
    AND name NOT IN (SELECT value FROM json_each(:ours))
    AND (
        EXISTS (
            SELECT 1 FROM pragma_index_list(object.tbl_name, 'main') AS listed
            WHERE listed.name = object.name AND (listed."unique" OR listed.partial)
        )
        OR EXISTS (
            SELECT 1 FROM pragma_index_xinfo(object.name, 'main')
            WHERE cid = -2 OR upper(coll) NOT IN ('BINARY', 'NOCASE', 'RTRIM')
        )
    )
"""
_FOREIGN_KEYS = """
    SELECT object.name, lower(reference."table"), reference."from"
    FROM main.sqlite_schema AS object, pragma_foreign_key_list(object.name, 'main') AS reference
    WHERE object.type = 'table' AND object.name NOT IN (SELECT value FROM json_each(:ours))
    AND lower(reference."table") IN (SELECT value FROM json_each(:tables))
"""
_WITH_SQL = "SELECT name, sql FROM main.sqlite_schema WHERE type IN ('table', 'index')"
_DROP_KEY = "--drop-foreign-key"
_KEPT_BY_SQLITE_UTILS = "_sqlite_migrations"  # which words it as its version does


class Objection(NamedTuple):
    """A problem of the schema and its remedy."""

    what: str
    way_out: str


def find_objections(
    connection: sqlite3.Connection, path: Path, ours: Mapping[str, str], *, current: bool
) -> list[Objection]:
    """Return what keeps a server from writing: tables of ours that are altered or missing, and foreign objects.

    `ours` is the SQL of our own objects by name; they are compared if the file's schema is `current`, since a migration
    changes those of an older one. Raises sqlite3.Error.
    """
    tables = [name for name, sql in ours.items() if sql.startswith("CREATE TABLE")]
    values = {"tables": json.dumps(tables), "ours": json.dumps([*ours])}
    file = str(path)
    return [
        *(_altered(connection, ours) if current else []),
        *[
            _runs(f"trigger {name!r} on {table}", "sqlite3", file, f"DROP TRIGGER {_quoted(name)}")
            for name, table in connection.execute(_TRIGGERS, values)
        ],
        *[
            _runs(f"index {name!r} on {table}", "sqlite3", file, f"DROP INDEX {_quoted(name)}")
            for name, table in connection.execute(_INDEXES, values)
        ],
        *[
            _runs(f"foreign key of {name!r} to {table}", "sqlite-utils", "transform", file, name, _DROP_KEY, column)
            for name, table, column in connection.execute(_FOREIGN_KEYS, values)
        ],
    ]


def _altered(connection: sqlite3.Connection, ours: Mapping[str, str]) -> Iterator[Objection]:
    """Find altered and missing objects; a missing index makes the server slow, not wrong, so a check reports it."""
    found = dict(connection.execute(_WITH_SQL))
    for name, sql in ours.items():
        if name not in found and sql.startswith("CREATE TABLE"):
            yield Objection(f"{name} is missing from the schema", NEW_FILE)
        elif found.get(name, sql) != sql and name != _KEPT_BY_SQLITE_UTILS:
            yield Objection(f"{name} differs from the schema", NEW_FILE)


def _runs(what: str, *command: str) -> Objection:
    return Objection(f"{what} would run in the server's transactions", f"remove it: {shlex.join(command)}; {GUIDE}")


def _quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
