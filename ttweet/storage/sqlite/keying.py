"""How the tags of a file are keyed: by which version of the rule, and by the Unicode tables of which Python.

The search key of a tag is made once and stored. A server whose rule or tables differ makes the keys again when it opens
the file (`tag_index`). Readers change nothing: they find a tag by the key that is stored.
"""

import sqlite3

from ttweet.model import hashtags
from ttweet.model.keying import Keying

KEYING_SINCE = 8  # of the schema: the files of older ones do not say how they are keyed

# The GLOBs leave out what all rules and all tables key alike, without a call of Python for each tag.
_SPELLINGS = """
    SELECT key, spelling FROM tags WHERE spelling GLOB '*[^ -~]*' OR spelling GLOB '*_'
    UNION ALL
    SELECT key, s.spelling FROM spellings s JOIN tags ON tags.id = s.tag
    WHERE s.spelling GLOB '*[^ -~]*' OR s.spelling GLOB '*_'
"""


UNKNOWN = Keying(1, "")
"""That of the files of older schemas: the first rule, by the tables of any Python."""


def of_file(connection: sqlite3.Connection, version: int) -> Keying:
    """How the tags are keyed in a file whose schema has this version. Raises sqlite3.Error."""
    if version < KEYING_SINCE:
        return UNKNOWN
    return Keying(*connection.execute("SELECT rule, unicode FROM tag_index").fetchone())


def foreign_keys(connection: sqlite3.Connection, rule: int = hashtags.RULE) -> dict[str, str]:
    """Return the spellings whose stored key is not what this Python makes by a rule, with that key.

    Raises sqlite3.Error.
    """
    stored = connection.execute(_SPELLINGS)
    return {spelling: key for key, spelling in stored if hashtags.key(spelling, rule=rule) != key}
