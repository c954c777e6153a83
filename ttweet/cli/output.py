"""Output on stdout: tables on a terminal, columns separated by tabs in a pipe, or JSON.

Nothing that a user wrote reaches a terminal unescaped, and in columns every row is one line. The tables are imported
with rich when there is a terminal: a script goes without. Quick to import.
"""

from __future__ import annotations

import json
import sys
import time

from ttweet.cli import shell
from ttweet.model import reports
from ttweet.model.reports import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ttweet.cli.config_file import Setting
    from ttweet.model.records import TagSummary, Tweet
    from ttweet.protocol.replies import Stored
    from ttweet.security.tokens import Token
    from ttweet.storage.contract import LogLine

    Marks = Callable[[str], Sequence[tuple[int, int]]]


def write_json(value: object) -> None:
    """One object on a line, flushed. A terminal gets it in ASCII: JSON escapes no control characters above U+007F."""
    shell.write(json_line(value, ascii_only=shell.on_terminal(sys.stdout)))
    _flush()


def json_line(value: object, *, ascii_only: bool = False) -> str:
    """One object on a line, without the line's end."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))


def stored_json(stored: Stored) -> dict[str, object]:
    """Return the server's answer to an upload as JSON has it."""
    value: dict[str, object] = {"id": stored.id, "at": stored.at, "tags": stored.tags}
    return value | {"deleted": True} if stored.deleted else value


def key_of_deleted(stored: Stored) -> str:
    """Explain why a retry stored nothing."""
    return f"nothing was stored: this key belongs to tweet {stored.id}, which was deleted"


def write_tweet(tweet: Tweet) -> None:
    """Write a tweet as it comes, flushed. In a pipe: id, time, author, text."""
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        tables.print_tweet(tweet)
    else:
        _write_row(tweet.id, iso(tweet.at), tweet.by or "-", tweet.text)
    _flush()


def write_line(line: str) -> None:
    """Write a line that is escaped already, flushed."""
    shell.write(line)
    _flush()


def write_single(tweet: Tweet, *, json: bool) -> None:
    """Write a tweet by itself, as JSON or not. In a pipe: the text alone."""
    if json:
        from ttweet.model.records import as_json

        write_json(as_json(tweet))
    elif shell.on_terminal(sys.stdout):
        from ttweet.model.times import now_ms

        write_tweets([tweet], now=now_ms())
    else:
        shell.write(tweet.text)


def write_tweets(tweets: Sequence[Tweet], *, now: int, marks: Marks | None = None) -> None:
    """Tweets in the order given; `now` is milliseconds since 1970 UTC. In a pipe: id, time, author, text.

    `marks` returns the places in a text that a terminal shows in bold.
    """
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        return tables.print_tweets(tweets, now=now, marks=marks)
    for tweet in tweets:
        _write_row(tweet.id, iso(tweet.at), tweet.by or "-", tweet.text)
    return None


def write_tags(tags: Sequence[TagSummary], *, now: int) -> None:
    """Tags in the order given, with count and newest. In a pipe: tag, count, time of the newest."""
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        return tables.print_tags(tags, now=now)
    for tag in tags:
        _write_row(tag.tag, tag.count, iso(tag.newest))
    return None


def write_log(lines: Iterable[LogLine]) -> None:
    """Report lines. In a pipe: session, time, line."""
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        return tables.print_log(lines)
    for line in lines:
        _write_row(line.session, iso(line.at), reports.line(line.side, line.category, line.text))
    return None


def write_tokens(tokens: Sequence[Token], *, now: int) -> None:
    """Tokens in the order given. In a pipe: name, rights, state, and when it was made, ends, was used last."""
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        return tables.print_tokens(tokens, now=now)
    from ttweet.security.rights import listed

    for token in tokens:
        times = ["-" if at is None else iso(at) for at in (token.created, token.expires, token.used)]
        _write_row(token.name, listed(token.rights), token.state(now), *times)
    return None


def write_settings(settings: Mapping[str, Setting]) -> None:
    """Write settings in the order given. In a pipe: key, value, where it comes from."""
    if shell.on_terminal(sys.stdout):
        from ttweet.cli import tables

        return tables.print_settings(settings)
    for key, setting in settings.items():
        _write_row(key, setting.value, setting.source)
    return None


def iso(at: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, as the view `timeline` writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + f".{at % 1000:03d}Z"


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _write_row(*cells: object) -> None:
    shell.write("\t".join([escape(str(cell)) for cell in cells]))
