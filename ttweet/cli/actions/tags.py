"""Show the tags, or the tweets of one. Imports no parser."""

from __future__ import annotations

import sys

from ttweet.cli import output, shell
from ttweet.cli.source import checked_body, open_source
from ttweet.model.limits import MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.model.records import as_json
from ttweet.model.reports import escape
from ttweet.model.times import now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from ttweet.cli.source import Source
    from ttweet.model.records import Tweet


def tags(
    tag: str | None = None,
    *,
    limit: int = QUERY_LIMIT,
    numbers: bool = False,
    db: Path | None = None,
    server: str | None = None,
    ca: str | None = None,
    json: bool = False,
) -> int:
    """List the tags, or show the tweets of one. Raises UsageError."""
    if numbers and tag is not None:
        raise shell.UsageError("invalid option: --numbers belongs to the list of tags; omit --numbers or TAG")
    with open_source(db, server, ca) as source:
        if tag is None:
            return _list_tags(source, limit=limit, numbers=numbers, json=json)
        return _show_tweets(source, tag, limit=limit, json=json)


def _list_tags(source: Source, *, limit: int, numbers: bool, json: bool) -> int:
    page = source.list_tags(limit=limit, numbers=numbers)
    if not page.tags:
        rest = "" if numbers else "; for tags without a letter, such as #3251, add --numbers"
        shell.complain(f"no tags yet; post one: ttweet post 'text #tag'{rest}")
        return shell.NOTHING
    if json:
        for summary in page.tags:
            output.write_json(summary._asdict())
    else:
        output.write_tags(page.tags, now=now_ms())
    if page.more:
        shell.hint(_cut("most used tag", len(page.tags), most=source.max_tags))
    if not json and shell.on_terminal(sys.stdout):
        shell.hint("quote the # in a shell: ttweet tags '#python'; or omit it: ttweet tags python")
    return shell.DONE


def _show_tweets(source: Source, tag: str, *, limit: int, json: bool) -> int:
    page = source.tweets_of_tag(tag, limit=limit)
    if not page.tweets:
        shell.complain(no_such_tag(source, tag))
        return shell.NOTHING
    newest_last = page.tweets[::-1]
    if json:
        for tweet in newest_last:
            output.write_json(as_json(tweet))
    else:
        output.write_tweets(newest_last, now=now_ms())
    if page.more:
        shell.hint(_cut("newest tweet", len(page.tweets)))
    return shell.DONE


def _cut(kind: str, count: int, *, most: int | None = None) -> str:
    """Return the number of rows shown, and the option for more; `most` is the limit of a query."""
    shown = f"the {kind}" if count == 1 else f"the {count:,} {kind}s"
    if count == most:
        return f"{shown}, the most that a server lists; read its file for more: --db FILE"
    return f"{shown}; for more: --limit {min(count * 5, most or count * 5)}"


def newest_of(source: Source, tag: str) -> Tweet | None:
    """Return the newest tweet of a tag, or None."""
    return next(iter(source.tweets_of_tag(tag, limit=1).tweets), None)


def no_such_tag(source: Source, tag: str) -> str:
    """Return an error that names the nearest tag there is."""
    from difflib import get_close_matches  # most tags that are asked for exist

    name = checked_body(tag)
    known = {
        summary.tag.casefold(): summary.tag for summary in source.list_tags(limit=MAX_QUERY_LIMIT, numbers=True).tags
    }
    close = get_close_matches(name.casefold(), known, n=1)
    suggestion = f"; did you mean {escape(known[close[0]])}?" if close else ""
    if name.isascii() and name.isdigit() and not close:
        suggestion = f"; the newest tweets: ttweet find --limit {name}"
    return f"no tweet has the tag #{escape(name)}{suggestion}"
