"""Where the commands that read look: a server, or a database file, which gives the same answers.

The command line comes first, then the environment, then the server at the default address. Only when no server is
listening there is the file in the working folder read. Quick to import.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager, nullcontext

from ttweet import defaults
from ttweet.cli import shell
from ttweet.cli.open_client import open_client
from ttweet.client.servers import VARIABLE
from ttweet.model.errors import ConnectError, Refused
from ttweet.model.limits import MAX_QUERY_CHARACTERS, MAX_QUERY_LIMIT, MAX_QUERY_TERMS
from ttweet.model.records import Page, Tombstone, shown
from ttweet.model.reports import escape
from ttweet.model.times import now_ms

MAX_WORD_CHARACTERS = 150  # of a tag or a word that needs no check here, as model.tweets.MAX_CHARACTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Protocol

    from ttweet.client.sync_client import Client
    from ttweet.model.query import Query
    from ttweet.model.records import Count, Found, TagPage, Tweet
    from ttweet.storage.sqlite.reader import SqliteReader

    class Source(Protocol):
        """The queries that both a file and a server can answer. Raises ConnectError, OpenError, StoreError, Refused."""

        @property
        def max_tags(self) -> int | None:
            """How many tags it lists at most; None for no limit."""
            ...

        def last(self) -> Tweet | None:
            """Return the newest tweet; None when there is none or it is empty."""
            ...

        def tweet(self, id_: int) -> Tweet | Tombstone | None:
            """Return the tweet with this id, or its tombstone; None for an empty one. Raises Refused `no_tweet`."""
            ...

        def tweets_of_tag(self, tag: str, *, limit: int) -> Page:
            """Return the newest tweets of a tag in any spelling, newest first. Raises UsageError for an invalid one."""
            ...

        def find(self, asked: str, *, limit: int, before: int | None) -> Found:
            """Return the newest tweets that a query finds, newest first."""
            ...

        def count(self, asked: str, *, before: int | None) -> Count:
            """Return how many tweets a query finds."""
            ...

        def list_tags(self, *, limit: int, numbers: bool) -> TagPage:
            """Return the most used tags; those without a letter only with `numbers`."""
            ...


@contextmanager
def open_source(db: Path | None, server: str | None, ca: str | None = None) -> Iterator[Source]:
    """Yield the source that the options and the environment name.

    Raises UsageError, ConnectError, Refused, OpenError.
    """
    refuse_two_sources(db, server, ca)
    with ExitStack() as resources:
        if db is not None:
            yield resources.enter_context(_open_file(db))
        elif server is not None or ca is not None or _setting(VARIABLE):
            yield _Server(resources.enter_context(open_client(server, ca=ca)))
        elif file := _setting("TTWEET_DB"):
            yield resources.enter_context(_open_file(_path(file)))
        else:
            yield _default_source(resources)


def refuse_two_sources(db: Path | None, server: str | None, ca: str | None) -> None:
    """Raise UsageError for options of a file and of a server."""
    if db is not None and (server is not None or ca is not None):
        other = "--server" if server is not None else "--ca"
        raise shell.UsageError(f"conflicting options: --db is for a file, {other} for a server; give one of them")


def _default_source(resources: ExitStack) -> Source:
    """Return the server at the default address or, when nothing listens there, the file in the working folder."""
    client = resources.enter_context(open_client(None))
    try:
        client.reach()
    except ConnectError as error:
        if error.code != "unreachable":
            raise
        db = _path(defaults.DB)
        if not db.exists():
            raise ConnectError(error.code, f"{shell.sentence(error)}, or read a file: --db FILE") from error
        shell.hint(f"no server is listening on {client.address}; reading {db}")
        return resources.enter_context(_open_file(db))
    return _Server(client)


@contextmanager
def _open_file(path: Path) -> Iterator[Source]:
    from ttweet.cli.advice import advising
    from ttweet.storage.sqlite.reader import SqliteReader  # a command that asks a server goes without

    with advising(missing="choose another with --db, or a server with --server"):
        reader = SqliteReader(path)
    with closing(reader):
        yield _File(reader)


def advising_source(command: str, target: str, db: Path | None) -> AbstractContextManager[None]:
    """Explain that the only argument is the output, where the default database is missing."""
    if db is not None or _setting("TTWEET_DB"):
        return nullcontext()
    import shlex

    from ttweet.cli.advice import advising

    run = shlex.join(["ttweet", command, target, "--db"])
    return advising(missing=f"name the database to copy: {run} DATABASE")


def db_path(db: Path | None) -> Path:
    """Return the database file that the option or the environment names, else that of the working folder."""
    return db or _path(_setting("TTWEET_DB") or defaults.DB)


def _path(name: str) -> Path:
    from pathlib import Path  # a command that asks a server goes without

    return Path(name)


def refuse_itself(target: Path, db: Path) -> None:
    """Raise UsageError for what is to be written in the place of the database that is read, or of a file beside it."""
    from ttweet.storage.sqlite.lock_file import belongs_to  # a command that asks a server does not need it

    if belongs_to(target, db):
        raise shell.UsageError(f"{escape(str(target))} is part of the database; choose another output file")


def _setting(name: str) -> str | None:
    return os.environ.get(name) or None


class _File:
    """See Source."""

    max_tags = None

    def __init__(self, reader: SqliteReader) -> None:
        self._reader = reader

    def last(self) -> Tweet | None:
        return shown(self._reader.last())

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        found = self._reader.tweet(id_)
        if found is None:
            raise Refused("no_tweet", f"no tweet has the id {id_}")
        return found if isinstance(found, Tombstone) else shown(found)

    def tweets_of_tag(self, tag: str, *, limit: int) -> Page:
        from ttweet.model.tweets import search_key  # a command that asks a server goes without

        key = search_key(checked_body(tag))

        def read(limit: int, before: int | None) -> Page:
            return self._reader.tweets_of_tag(key, limit=limit, before=before)

        return in_pages(read, limit)

    def find(self, asked: str, *, limit: int, before: int | None) -> Found:
        return self._reader.find(checked_query(asked), limit=limit, before=before)

    def count(self, asked: str, *, before: int | None) -> Count:
        return self._reader.count_found(checked_query(asked), before=before)

    def list_tags(self, *, limit: int, numbers: bool) -> TagPage:
        return self._reader.list_tags(limit=limit, now=now_ms(), numbers=numbers)


class _Server:
    """See Source."""

    max_tags = MAX_QUERY_LIMIT

    def __init__(self, client: Client) -> None:
        self._client = client

    def last(self) -> Tweet | None:
        return self._client.last()

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        return self._client.tweet(id_)

    def tweets_of_tag(self, tag: str, *, limit: int) -> Page:
        body = checked_body(tag)

        def read(limit: int, before: int | None) -> Page:
            return self._client.tweets_of_tag(body, limit=limit, before=before)

        return in_pages(read, limit)

    def find(self, asked: str, *, limit: int, before: int | None) -> Found:
        return find_in_pages(self._client, asked, limit, before)

    def count(self, asked: str, *, before: int | None) -> Count:
        return self._client.count(asked, before=before)

    def list_tags(self, *, limit: int, numbers: bool) -> TagPage:
        if limit > self.max_tags:
            raise shell.UsageError(
                f"invalid --limit: a server lists at most {self.max_tags} tags; read its file: --db FILE"
            )
        return self._client.list_tags(limit=limit, numbers=numbers)


def checked_body(tag: str) -> str:
    """Return a tag as it was typed, without its hash sign. Raises UsageError when it cannot be one."""
    body = shell.checked_text(tag, "the tag").strip()
    if _is_word(body):
        return body
    from ttweet.model.tweets import queried_tag  # most tags are words

    try:
        return queried_tag(body)
    except Refused as refused:
        raise shell.UsageError(refused.text) from refused


def _is_word(text: str) -> bool:
    """Return whether a text is of ASCII letters and digits, and so one word by every rule."""
    return text.isascii() and text.isalnum() and len(text) <= MAX_WORD_CHARACTERS


def find_in_pages(client: Client, asked: str, limit: int, before: int | None = None) -> Found:
    """Return what a query finds, by several queries as `in_pages`, until the time for one was up."""
    found = client.find(asked, limit=min(limit, MAX_QUERY_LIMIT), before=before)
    tweets = found.tweets
    while found.more and found.tweets and found.searched_to is None and len(tweets) < limit:
        found = client.find(asked, limit=min(limit - len(tweets), MAX_QUERY_LIMIT), before=tweets[-1].id)
        tweets += found.tweets
    return found._replace(tweets=tweets)


def check_query(asked: str) -> None:
    """Raise UsageError for a query that cannot be asked."""
    words = asked.split()
    if len(words) > MAX_QUERY_TERMS or len(asked) > MAX_QUERY_CHARACTERS or not all(map(_is_word, words)):
        checked_query(asked)  # most queries are a few words, which need no parser


def tell_unknown_fields(asked: str) -> None:
    """Say that a query has `user:ann` as text, if it does, and what its fields are."""
    if ":" not in asked:
        return
    from ttweet.model.query import unknown_fields_hint

    if hint := unknown_fields_hint(asked):
        shell.hint(hint)


def checked_query(asked: str) -> Query:
    """Return what a query means. Raises UsageError."""
    from ttweet.model.query import parse  # most commands have no query

    try:
        return parse(shell.checked_text(asked, "the query"), now_ms())
    except Refused as refused:
        raise shell.UsageError(refused.text) from refused


def check_since(since: str) -> None:
    """Raise UsageError for a value of --since that names no time."""
    from ttweet.model.times import instant  # most commands have no time

    try:
        instant(since, now_ms())
    except (ValueError, OverflowError) as exc:
        raise shell.UsageError(f"invalid --since {shell.quoted(since)}: use 2h, 7d or 2026-01-31") from exc


def checked_content(text: str) -> str:
    """Return the normal form of what a tweet's text may contain. Raises UsageError for what no tweet has room for."""
    from ttweet.model.tweets import checked_text  # most commands have no such text

    try:
        return checked_text(shell.checked_text(text, "--text"))
    except Refused as refused:
        raise shell.UsageError(f"--text: {refused.text}") from refused


def in_pages(read: Callable[[int, int | None], Page], limit: int) -> Page:
    """Return the newest `limit` tweets by several queries, each of a size that the server answers quickly."""
    page = read(min(limit, MAX_QUERY_LIMIT), None)
    tweets = page.tweets
    while page.more and page.tweets and len(tweets) < limit:
        page = read(min(limit - len(tweets), MAX_QUERY_LIMIT), tweets[-1].id)
        tweets += page.tweets
    return Page(tweets, page.more)
