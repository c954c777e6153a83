"""How tweets, tags and report lines look on a terminal: aligned, wrapped and coloured by rich, at any width."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ttweet.cli import terminal
from ttweet.cli.console import TerminalConsole
from ttweet.model import hashtags, reports, times
from ttweet.model.durations import ago
from ttweet.model.reports import escape
from ttweet.model.tweets import TagSummary, Tweet
from ttweet.security.rights import listed
from ttweet.storage.contract import LogLine

if TYPE_CHECKING:
    from ttweet.cli.config_file import Setting
    from ttweet.cli.output import Marks
    from ttweet.security.tokens import Token

BARS = "▁▂▃▄▅▆▇█"  # the lowest stands for none
NARROW = 50  # columns; below it a sparkline leaves no room for the tags
LEAST = 8  # columns of text in a table; with fewer the rows are plain lines
GAP = 2  # between columns
TAG_SHARE = 3  # a tag takes a third of the width at most: it may be as long as a tweet
_STYLES = {"ERROR": "red", "CONNECTION": "dim"}


def print_tweets(tweets: Sequence[Tweet], *, now: int, marks: "Marks | None" = None) -> None:
    """Tweets in the order given: id, how long before `now` (ms), author and text, with the marked places in bold."""
    table = _grid()
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(justify="right", style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for tweet in tweets:
        table.add_row(f"#{tweet.id}", ago(tweet.at, now), styled(tweet, marks(tweet.text) if marks else ()))
    _print_table(_terminal(), table)


def print_tweet(tweet: Tweet) -> None:
    """Print a tweet by itself: id, local time of day, author and text."""
    at = times.local(tweet.at)
    text = Text.assemble((f"#{tweet.id}", "dim"), (f"  {at:%H:%M:%S}  ", "cyan"), styled(tweet))
    _terminal().print(text, soft_wrap=True)


def print_tags(tags: Sequence[TagSummary], *, now: int) -> None:
    """Tags in the order given: tweets, how long before `now` (ms) the newest came, and 14 days where there is room."""
    console = _terminal()
    columns = 4 if console.width >= NARROW else 3
    table = _grid(show_header=True)
    widest = console.width // TAG_SHARE
    table.add_column("TAG", style="bold", overflow="fold", max_width=widest)
    table.add_column("TWEETS", justify="right", no_wrap=True)
    table.add_column("NEWEST", justify="right", style="cyan", no_wrap=True)
    if columns == 4:
        table.add_column("LAST 14 DAYS", style="green", no_wrap=True)
    for tag in tags:
        cells = [f"#{escape(tag.tag)}", f"{tag.count:,}", ago(tag.newest, now), sparkline(tag.days)]
        table.add_row(*[Text(cell) for cell in cells[:columns]])
    _print_table(console, table)


def print_parts(parts: Mapping[str, Mapping[str, str]]) -> None:
    """Named parts of named values, a value a line; a part that is empty has none."""
    table = _grid()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(style="dim", overflow="fold", no_wrap=True)
    table.add_column(justify="right", overflow="fold")
    for part, values in parts.items():
        for number, (name, value) in enumerate(values.items()):
            table.add_row(Text("" if number else escape(part)), Text(name), Text(value))
    _print_table(_terminal(), table)


def print_settings(settings: Mapping[str, "Setting"]) -> None:
    """Print settings in the order given: key, value, where it comes from."""
    table = _grid()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", overflow="fold")
    for key, setting in settings.items():
        table.add_row(Text(key), Text(escape(setting.value)), Text(escape(setting.source)))
    _print_table(_terminal(), table)


def print_log(lines: Iterable[LogLine]) -> None:
    """Report lines with their local time; a heading tells when the session or the day changes."""
    console = _terminal()
    heading = ""
    for line in lines:
        at = times.local(line.at)
        if heading != (heading := f"session {line.session}, {at:%A %d %B %Y}"):
            console.print(Text(heading, style="bold"), soft_wrap=True)
        text = Text(reports.line(line.side, line.category, line.text), style=_STYLES.get(line.category or "", ""))
        text.append(reports.suffix(line.code, line.identity, line.address), style="dim")
        console.print(_hanging(Text(f"{at:%H:%M:%S}  ", "cyan"), text, console), soft_wrap=True)


def _hanging(head: Text, text: Text, console: Console) -> Text:
    """Return a head and the text beside it, in lines of the terminal.

    A table would be shown after its last row only.
    """
    if console.width < head.cell_len + terminal.PLAIN:
        return head + text
    rows = text.wrap(console, console.width - head.cell_len, overflow="fold")
    return Text.assemble(head, Text(f"\n{' ' * head.cell_len}").join(rows))


def print_tokens(tokens: Sequence["Token"], *, now: int) -> None:
    """Tokens in the order given: rights, state, and how long before `now` (ms) each was made and was used."""
    table = _grid(show_header=True)
    table.add_column("NAME", style="bold", overflow="fold")
    table.add_column("CAN", overflow="fold")
    table.add_column("STATE", overflow="fold")
    table.add_column("MADE", justify="right", style="cyan", no_wrap=True)
    table.add_column("USED", justify="right", style="cyan", no_wrap=True)
    for token in tokens:
        used = "never" if token.used is None else ago(token.used, now)
        style = "" if token.state(now) == "live" else "dim"
        cells = [escape(token.name), listed(token.rights), _state(token, now), ago(token.created, now), used]
        table.add_row(*[Text(cell) for cell in cells], style=style)
    _print_table(_terminal(), table)


def _state(token: "Token", now: int) -> str:
    state = token.state(now)
    if state != "live" or token.expires is None:
        return state
    return f"live for {ago(now, token.expires)}"


def styled(tweet: Tweet, marks: Sequence[tuple[int, int]] = ()) -> Text:
    """Return a tweet's author and text, its tags and the marked places standing out.

    Tags beside the text follow it, dim.
    """
    text, keys = Text(escape(tweet.text)), {hashtags.key(tag) for tag in tweet.tags}
    for start, end in hashtags.places(tweet.text, numeric=True) if keys else ():
        if hashtags.key(tweet.text[start:end]) in keys:
            _stylize(text, "bold", tweet.text, start - 1, end)
    for start, end in marks:
        _stylize(text, "bold yellow", tweet.text, start, end)
    if beside := hashtags.beside(tweet.tags, tweet.text):
        text.append(f"  {' '.join([f'#{escape(tag)}' for tag in beside])}", style="dim")
    return Text.assemble((f"{escape(tweet.by)}: ", "bold cyan"), text) if tweet.by else text


def _stylize(shown: Text, style: str, text: str, start: int, end: int) -> None:
    """Give a place of a text, which is shown escaped, a style."""
    shown.stylize(style, len(escape(text[:start])), len(escape(text[:end])))


def sparkline(counts: Sequence[int]) -> str:
    """Return a bar for each count, the highest one full; a day with any stands above a day with none."""
    highest = max(counts, default=0) or 1
    return "".join([BARS[-(-count * (len(BARS) - 1) // highest)] for count in counts])


def _terminal() -> TerminalConsole:
    """Return a console of stdout that takes text as it is."""
    return TerminalConsole(sys.stdout, markup=False, emoji=False)


def _grid(*, show_header: bool = False) -> Table:
    return Table(box=None, show_header=show_header, header_style="dim", padding=(0, GAP, 0, 0), pad_edge=False)


def _print_table(console: Console, table: Table) -> None:
    """Print the table, or its rows as plain lines where the terminal has no room for its columns."""
    columns = [[Text(str(column.header)), *map(_cell, column.cells)] for column in table.columns]
    least = sum([_least(column, cells) for column, cells in zip(table.columns, columns, strict=True)])
    if terminal.PLAIN <= console.width >= least + GAP * (len(columns) - 1):
        console.print(table)
        return
    for row in list(zip(*columns, strict=True))[0 if table.show_header else 1 :]:
        console.print(Text(" " * GAP).join(row), soft_wrap=True)


def _least(column: Column, cells: Sequence[Text]) -> int:
    """Return the columns of the terminal that a column of the table takes at least."""
    widest = max([cell.cell_len for cell in cells])
    return widest if column.no_wrap else min(widest, LEAST)


def _cell(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))
