"""The commands that read tweets: `last` and `tags`."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.options import AMOUNT, FILE, LIMIT, RARE, Ca, Db, Json, Server, refuse_conflict, whole
from ttweet.cli.source import Source, checked_body, open_source
from ttweet.model.limits import MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.model.tweets import Tweet, as_json

PLOT_DAYS = 30  # of a chart: a month
MAX_DAYS = 366  # of a chart, each a query: a year

Limit = Annotated[int, AMOUNT, LIMIT, Parameter(help="Show at most N tweets or tags.")]
Numbers = Annotated[
    bool, Parameter(name="--numbers", negative="", help="Also list tags without a letter, such as #3251.")
]
Tags = Annotated[str, Parameter(name="TAG", help="Show the tweets of this tag, in any case.")]
Plot = Annotated[bool, Parameter(name="--plot", negative="", help="Show a chart of the tweets a day of each TAG.")]
Svg = Annotated[Path | None, FILE, Parameter(name="--svg", help="Write the chart to this file.")]
Days = Annotated[int, RARE, whole(1, MAX_DAYS), Parameter(name="--days", metavar="N", help="The days of the chart.")]

LastTag = Annotated[str | None, Parameter(name="TAG", help="Show the newest tweet of this tag, in any case.")]

_NO_LAST = "no last message: nothing was posted yet, or an empty message has reset it"


def last(tag: LastTag = None, /, *, db: Db = None, server: Server = None, ca: Ca = None, json: Json = False) -> int:
    """Show the last message, or the newest tweet of a tag."""
    with open_source(db, server, ca) as source:
        tweet = source.last() if tag is None else _newest_of(source, tag)
        if tweet is None:
            shell.complain(_NO_LAST if tag is None else _no_such_tag(source, tag))
            return shell.NOTHING
    output.write_single(tweet, json=json)
    return shell.DONE


def _newest_of(source: Source, tag: str) -> Tweet | None:
    return next(iter(source.tweets_of_tag(tag, limit=1).tweets), None)


def tags(
    *tag: Tags,
    limit: Limit = QUERY_LIMIT,
    numbers: Numbers = False,
    plot: Plot = False,
    svg: Svg = None,
    days: Days = PLOT_DAYS,
    db: Db = None,
    server: Server = None,
    ca: Annotated[Ca, RARE] = None,
    json: Json = False,
) -> int:
    """List the tags, or show the tweets of one."""
    refuse_conflict({"--svg": svg, "--json": json})
    if (plot or svg is not None) and not tag:
        raise shell.UsageError("missing tag: a chart needs one; run: ttweet tags TAG --plot")
    if len(tag) > 1 and not (plot or svg):
        raise shell.UsageError(f"{len(tag)} tags: only charts show several; add --plot, or follow them: ttweet follow")
    with open_source(db, server, ca) as source:
        if plot or svg is not None:
            return _plot(source, tag, days=days, svg=svg, json=json)
        if not tag:
            return _list_tags(source, limit=limit, numbers=numbers, json=json)
        return _show_tweets(source, tag[0], limit=limit, json=json)


def _plot(source: Source, tags: Sequence[str], *, days: int, svg: Path | None, json: bool) -> int:
    from ttweet.cli.commands.tag_plots import show_plots

    for tag in tags:
        if _newest_of(source, tag) is None:
            shell.complain(_no_such_tag(source, tag))
            return shell.NOTHING
    return show_plots(source, [checked_body(tag) for tag in tags], days=days, svg=svg, json=json)


def _list_tags(source: Source, *, limit: int, numbers: bool, json: bool) -> int:
    page = source.list_tags(limit=limit, numbers=numbers)
    if not page.tags:
        rest = "" if numbers else "; to list tags without a letter, such as #3251, add --numbers"
        shell.complain(f"no tags yet{rest}")
        return shell.NOTHING
    if json:
        for summary in page.tags:
            output.write_json(asdict(summary))
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
        shell.complain(_no_such_tag(source, tag))
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


def _no_such_tag(source: Source, tag: str) -> str:
    name = checked_body(tag)
    known = {
        summary.tag.casefold(): summary.tag for summary in source.list_tags(limit=MAX_QUERY_LIMIT, numbers=True).tags
    }
    close = get_close_matches(name.casefold(), known, n=1)
    suggestion = f"; did you mean {escape(known[close[0]])}?" if close else ""
    return f"no tweet has the tag #{escape(name)}{suggestion}"
