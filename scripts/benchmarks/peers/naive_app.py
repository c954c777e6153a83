"""The service that a Python developer would write first: FastAPI, sqlite3, a connection for each request.

Not part of ttweet and not started by it. Runs in the environment of the peers, which has FastAPI and uvicorn.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator

from fastapi import Depends, FastAPI
from pydantic import BaseModel

DATABASE = os.environ["NAIVE_DATABASE"]
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE tweets (id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP, text TEXT NOT NULL);
CREATE TABLE tweet_tags (tag TEXT, tweet INTEGER REFERENCES tweets (id), PRIMARY KEY (tag, tweet));
"""


class NewTweet(BaseModel):
    """The body of a request."""

    text: str


def connection() -> Iterator[sqlite3.Connection]:
    """A connection for one request; `synchronous` is FULL, as SQLite's own default is."""
    database = sqlite3.connect(DATABASE, timeout=60, check_same_thread=False)
    try:
        yield database
    finally:
        database.close()


with sqlite3.connect(DATABASE) as first:
    first.executescript(SCHEMA)

app = FastAPI()


@app.post("/tweets")
def post_tweet(upload: NewTweet, database: sqlite3.Connection = Depends(connection)) -> dict[str, int]:  # noqa: B008
    """Store a tweet with its tags and answer with its id."""
    with database:
        cursor = database.execute("INSERT INTO tweets (text) VALUES (?)", (upload.text,))
        tags = {tag.lower() for tag in re.findall(r"#(\w+)", upload.text)}
        database.executemany("INSERT INTO tweet_tags VALUES (?, ?)", [(tag, cursor.lastrowid) for tag in tags])
    return {"id": cursor.lastrowid or 0}
