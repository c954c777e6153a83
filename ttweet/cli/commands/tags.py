"""The command `tags`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.cli.actions import tags as action
from ttweet.cli.options import AMOUNT, FILE, LIMIT, RARE, Ca, Db, Json, Server, refuse_conflict, whole
from ttweet.cli.output_file import Force, refuse_database, refuse_needless_force
from ttweet.cli.source import checked_body, open_source
from ttweet.model.limits import QUERY_LIMIT

if TYPE_CHECKING:
    from ttweet.cli.source import Source

PLOT_DAYS = 30  # of a chart: a month
MAX_DAYS = 366  # of a chart, each a query: a year

Limit = Annotated[int, AMOUNT, LIMIT, Parameter(help="Show at most N tweets or tags.")]
Numbers = Annotated[
    bool, Parameter(name="--numbers", negative="", help="Also list tags without a letter, such as #3251.")
]
Tags = Annotated[str, Parameter(name="TAG", help="Show the tweets of this tag, in any case.")]
Plot = Annotated[bool, Parameter(name="--plot", negative="", help="Show a chart of the tweets a day of each TAG.")]
Svg = Annotated[
    Path | None,
    FILE,
    Parameter(name="--svg", allow_leading_hyphen=True, help="Write the chart to this file; -: to stdout."),
]
Days = Annotated[
    int | None,
    RARE,
    whole(1, MAX_DAYS),
    Parameter(name="--days", metavar="N", help="The days of the chart.", show_default=lambda _: PLOT_DAYS),
]


def tags(
    *tag: Tags,
    limit: Limit = QUERY_LIMIT,
    numbers: Numbers = False,
    plot: Plot = False,
    svg: Svg = None,
    force: Annotated[Force, RARE] = False,
    days: Days = None,
    db: Db = None,
    server: Server = None,
    ca: Annotated[Ca, RARE] = None,
    json: Json = False,
) -> int:
    """List the tags, or show the tweets of one."""
    refuse_conflict({"--svg": svg, "--json": json})
    refuse_conflict({"--plot": plot, "--svg": svg})
    refuse_needless_force("--svg", svg, force=force)
    if days is not None and not (plot or svg):
        raise shell.UsageError("invalid option: --days belongs to a chart; add --plot, or --svg FILE")
    if (plot or svg is not None) and not tag:
        raise shell.UsageError("missing tag: a chart needs one; run: ttweet tags TAG --plot")
    if len(tag) > 1 and not (plot or svg):
        watch = shlex.join(["ttweet", "follow", *tag])
        raise shell.UsageError(f"too many tags: {len(tag)}; give one, chart them with --plot, or watch them: {watch}")
    if svg is not None:
        refuse_database(svg)
    if plot or svg is not None:
        chart = "--svg" if svg else "--plot"
        refuse_conflict({"--numbers": numbers, chart: True})
        refuse_conflict({"--limit": None if limit == QUERY_LIMIT else limit, chart: True})
        with open_source(db, server, ca) as source:
            return _plot(source, tag, days=days or PLOT_DAYS, svg=svg, force=force, json=json)
    return action.tags(*tag, limit=limit, numbers=numbers, db=db, server=server, ca=ca, json=json)


def _plot(source: "Source", tags: Sequence[str], *, days: int, svg: Path | None, force: bool, json: bool) -> int:
    from ttweet.cli.commands.tag_plots import show_plots

    for tag in tags:
        if action.newest_of(source, tag) is None:
            shell.complain(action.no_such_tag(source, tag))
            return shell.NOTHING
    return show_plots(source, [checked_body(tag) for tag in tags], days=days, svg=svg, force=force, json=json)
