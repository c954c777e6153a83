"""The charts of `ttweet tags TAG --plot`: tweets a day, on the terminal or as an SVG file."""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ttweet import plots
from ttweet.cli import output, plot_text, shell, terminal
from ttweet.cli.output_file import STDOUT, naming_the_fix, write_stdout
from ttweet.files import write_texts
from ttweet.model.times import now_ms, utc

if TYPE_CHECKING:
    from ttweet.cli.source import Source


Charts = list[tuple[str, list[int]]]
"""A tag, and its tweets on each day, today last."""


def show_plots(source: "Source", tags: Sequence[str], *, days: int, svg: Path | None, force: bool, json: bool) -> int:
    """Show how many tweets each tag has on each of the last days, which are those of UTC."""
    today = utc(now_ms()).date()
    charts = [(tag, _counts(source, tag, days, today)) for tag in tags]
    if json:
        _write_json(charts, today)
        return shell.DONE
    titled = [(f"#{tag}, tweets a day", counts) for tag, counts in charts]
    if svg is not None:
        picture = plots.picture(titled, today)
        if svg == STDOUT:
            write_stdout([picture], "--svg")
        else:
            with naming_the_fix(svg):
                write_texts(svg, [picture], mode=0o644, overwrite=force)
        return shell.DONE
    width = terminal.size().columns
    for line in plot_text.draw(titled, today, width, _marks()):
        shell.write(line)
    if (shown := plot_text.days_with_room(titled, width)) < days:
        shell.hint(f"the last {shown} of {days} days; a wider terminal shows more, and --svg FILE all")
    return shell.DONE


def _counts(source: "Source", tag: str, days: int, today: date) -> list[int]:
    counts = []
    for age in range(days - 1, -1, -1):
        day = today - timedelta(age)
        found = source.count(f"tag:{tag} since:{day} until:{day + timedelta(1)}", before=None)
        if found.searched_to is not None:
            shell.complain(f"the time for counting #{tag} on {day} was up: there are more than {found.number:,}")
        counts.append(found.number)
    return counts


def _write_json(charts: Charts, today: date) -> None:
    for tag, counts in charts:
        first = today - timedelta(len(counts) - 1)
        output.write_json({"tag": tag, "first": str(first), "last": str(today), "days": counts})


def _marks() -> plot_text.Marks:
    try:
        plot_text.UNICODE.bars.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return plot_text.ASCII
    return plot_text.UNICODE
