"""How tweets, tags and report lines look: aligned and coloured on a terminal, plain columns of tabs in a pipe, JSON.

Nothing that a user wrote reaches a terminal unescaped, and in columns every row is one line.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ttweet import shell
from ttweet.reports import escape
from ttweet.tweets import TagSummary, Tweet

BARS = "▁▂▃▄▅▆▇█"  # the lowest stands for none
NARROW = 50  # columns; below it a sparkline leaves no room for the tags
_UNITS = ((60, "s"), (60, "min"), (24, "h"), (7, "d"), (52, "wk"))


def write_json(value: object) -> None:
    """One object on a line, flushed. A terminal gets it in ASCII: JSON escapes no control characters above U+007F."""
    ascii_only = shell.on_terminal(sys.stdout)
    shell.write(json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")))
    if sys.stdout is not None:
        sys.stdout.flush()


def write_tweets(tweets: Sequence[Tweet], *, now: int) -> None:
    """Tweets in the order given, one a line; `now` is milliseconds since 1970 UTC."""
    if not shell.on_terminal(sys.stdout):
        for tweet in tweets:
            write_columns(tweet.id, iso(tweet.at), tweet.by or "-", tweet.text)
        return
    table = _grid()
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(justify="right", style="cyan", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for tweet in tweets:
        table.add_row(f"#{tweet.id}", ago(tweet.at, now), styled(tweet))
    terminal().print(table)


def write_tags(tags: Sequence[TagSummary], *, now: int) -> None:
    """A list of tags: how many tweets, how long ago the newest came, and on a terminal the last 14 days."""
    if not shell.on_terminal(sys.stdout):
        for tag in tags:
            write_columns(tag.tag, tag.count, iso(tag.newest))
        return
    console = terminal()
    wide = console.width >= NARROW
    table = _grid(show_header=True)
    table.add_column("TAG", style="bold", overflow="fold")
    table.add_column("TWEETS", justify="right", no_wrap=True)
    table.add_column("NEWEST", justify="right", style="cyan", no_wrap=True)
    if wide:
        table.add_column("LAST 14 DAYS", style="green", no_wrap=True)
    for tag in tags:
        cells = [f"#{escape(tag.tag)}", f"{tag.count:,}", ago(tag.newest, now), sparkline(tag.days)]
        table.add_row(*[Text(cell) for cell in cells[: 4 if wide else 3]])
    console.print(table)


def write_columns(*cells: object) -> None:
    """One row for a pipe: cells parted by tabs, none of which can break the row."""
    shell.write("\t".join([escape(str(cell)) for cell in cells]))


def terminal() -> Console:
    """A console of stdout that takes text as it is."""
    no_color = not shell.has_colour(sys.stdout)
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, no_color=no_color)


def styled(tweet: Tweet) -> Text:
    """A tweet's author and text, its tags standing out; those beside the text follow it, dim."""
    text = Text(escape(tweet.text))
    beside = []
    for tag in tweet.tags:
        marked = [f"{sign}{escape(tag)}" for sign in "#\uff03"]
        if not text.highlight_words(marked, style="bold", case_sensitive=True):
            beside.append(marked[0])
    if beside:
        text.append(f"  {' '.join(beside)}", style="dim")
    return Text.assemble((f"{escape(tweet.by)}: ", "bold cyan"), text) if tweet.by else text


def ago(at: int, now: int) -> str:
    """How long before `now` (both ms): `now`, `12 s`, `5 min`, `3 h`, `2 d`, `6 wk`, `2 yr`."""
    amount = (now - at) // 1000
    if amount < 1:
        return "now"
    for size, unit in _UNITS:
        if amount < size:
            return f"{amount} {unit}"
        amount //= size
    return f"{amount} yr"


def sparkline(counts: Sequence[int]) -> str:
    """A bar for each count, the highest one full; a day with any stands above a day with none."""
    highest = max(counts, default=0) or 1
    return "".join([BARS[-(-count * (len(BARS) - 1) // highest)] for count in counts])


def iso(at: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, as the view `timeline` writes it."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at % 1000:03d}Z"


def _grid(*, show_header: bool = False) -> Table:
    return Table(box=None, show_header=show_header, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
