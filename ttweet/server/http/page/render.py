"""Templates and the values that they are given: tweets as list items, tags with their charts, days as separators."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ttweet import plots
from ttweet.model import hashtags
from ttweet.model.times import rfc3339, utc
from ttweet.model.tweets import MAX_CHARACTERS, MAX_TEXT_BYTES, TagSummary, Tweet
from ttweet.server.http.page import assets
from ttweet.server.http.page.kept_items import KeptItems
from ttweet.server.http.page.text import Mark, as_html, author_path, tag_path

_FOLDER = Path(__file__).parent / "templates"
_KEPT_SPARKS = 512  # small charts, of 1 KB each: those of two pages of tags

Item = Markup | str
"""A tweet as a list item, or the day of those that follow."""


def render(name: str, /, **values: object) -> bytes:
    """Return a page, by the name of its template."""
    return _environment.get_template(name).render(values).encode()


ITEMS = KeptItems(lambda tweet: _item(tweet, as_html(tweet.text)))
"""The items of all pages and streams. It listens to the journal of a server that has pages."""

item = ITEMS.item


def marked_item(tweet: Tweet, marks: Sequence[Mark]) -> Markup:
    """Return a tweet as a list item in which found words are marked."""
    return _item(tweet, as_html(tweet.text, marks))


def tag_row(tag: TagSummary) -> Markup:
    """Return a tag as the list item of a page, with its small chart."""
    return Markup(_environment.get_template("tag_row.html").render(tag=tag))  # noqa: S704 the template escapes


def by_day(tweets: Iterable[Tweet], items: Iterable[Markup], today: date) -> Iterator[Item]:
    """Return list items with the name of a day before the first tweet of each."""
    last: date | None = None
    for tweet, one in zip(tweets, items, strict=True):
        day = _day_of(tweet)
        if day != last:
            yield day_name(day, today)
        yield one
        last = day


def day_name(day: date, today: date) -> str:
    """Return a day as people say it: the year only when it is another one."""
    if day == today:
        return "Today"
    if day == today - timedelta(1):
        return "Yesterday"
    return f"{day:%A}, {day.day} {day:%B}" + (f" {day.year}" if day.year != today.year else "")


def day_counts(tag: TagSummary, today: date) -> list[tuple[str, int]]:
    """Return the days of a tag's chart and their tweets, today first."""
    days = [today - timedelta(ago) for ago in range(len(tag.days))]
    return [(day_name(day, today), count) for day, count in zip(days, reversed(tag.days), strict=True)]


def _item(tweet: Tweet, text: Markup) -> Markup:
    html = _environment.get_template("item.html").render(
        tweet=tweet, text=text, beside=hashtags.beside(tweet.tags, tweet.text)
    )
    return Markup(html)  # noqa: S704 the template escapes


def _day_of(tweet: Tweet) -> date:
    return utc(tweet.at).date()


def _clock(at: int) -> str:
    """Return a time of a day (UTC)."""
    return f"{utc(at):%H:%M}"


def _spark(counts: Sequence[int]) -> Markup:
    return _kept_spark(tuple(counts))


@lru_cache(_KEPT_SPARKS)
def _kept_spark(counts: tuple[int, ...]) -> Markup:
    return Markup(plots.spark(counts))  # noqa: S704 numbers alone


def _chart(counts: Sequence[int], label: str) -> Markup:
    return Markup(plots.chart(counts, label))  # noqa: S704 the label is escaped


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    functions: dict[str, Any] = {
        "clock": _clock,
        "iso": rfc3339,
        "spark": _spark,
        "chart": _chart,
        "tag_path": tag_path,
        "author_path": author_path,
        "day_label": plots.day_label,
        "top_of": plots.top_of,
    }
    environment.globals.update(
        functions, asset=assets.path_of, max_characters=MAX_CHARACTERS, max_bytes=MAX_TEXT_BYTES, Markup=Markup
    )
    return environment


_environment = _make_environment()
