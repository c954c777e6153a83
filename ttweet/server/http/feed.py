"""Tweets as an Atom feed (RFC 4287), for readers of feeds, with the deletions that they have to know (RFC 6721)."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ttweet.model.answers import Deletions
from ttweet.model.requests import NewestDeletions
from ttweet.model.times import rfc3339
from ttweet.model.tweets import Deletion, Tweet
from ttweet.server.http import bounded, tag_pages
from ttweet.server.http.bounded import Tweets
from ttweet.server.http.call import Call
from ttweet.server.http.forms import caching_of
from ttweet.server.http.response import Response

FEED_TYPE = "application/atom+xml; charset=utf-8"
NO_AUTHOR = "anonymous"  # a feed must name an author
MAX_TOMBSTONES = 100  # of a feed, 11 KiB: a reader that comes daily learns of as many a day
TITLE_CHARACTERS = 60  # of a tweet in its title; readers show it in a list

_FOLDER = Path(__file__).parent / "templates"
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


async def tweets_as_feed(call: Call, answer: Tweets) -> Response:
    """Return tweets as a feed. In place of the deleted tweets it has the newest deletions, of all tweets.

    A deletion does not tell which feeds its tweet was in: its author and tags are deleted too.
    """
    entry, base = _environment.get_template("entry.xml"), call.base
    entries, page = await bounded.made(answer, lambda tweet: entry.render(base=base, tweet=_entry(tweet)))
    deletions = await _deletions(call)
    times = [one.at for one in page.tweets[:1]] + [one.at for one in deletions[:1]]
    path = f"{call.request.path}?{call.request.query}" if call.request.query else call.request.path
    body = _environment.get_template("feed.xml").render(
        base=base,
        path=path,
        page=path.replace(".atom", "", 1),
        title=_NO_XML.sub("\ufffd", _title(call)),
        updated=rfc3339(max(times, default=0)),
        tombstones=[(one.tweet, rfc3339(one.at)) for one in deletions],
        entries=[Markup(one) for one in entries],  # noqa: S704 the template escapes
    )
    return Response(200, body.encode(), FEED_TYPE, caching_of(call, answer))


async def _deletions(call: Call) -> list[Deletion]:
    answer: Any = await call.ask(NewestDeletions(MAX_TOMBSTONES))
    deletions: Deletions = answer
    return deletions.deletions


def _title(call: Call) -> str:
    """Return the title of a feed, which readers list: the tags, the author or the query."""
    asked = call.request.parameters("q", "limit", "before", "after").text("q")
    subject = tag_pages.heading_of(call) or call.values.get("name") or asked
    return f"{subject} on ttweet" if subject else "ttweet"


def _entry(tweet: Tweet) -> dict[str, object]:
    text = _NO_XML.sub("\ufffd", tweet.text)
    line = " ".join(text.split())
    return {
        "id": tweet.id,
        "title": line if len(line) <= TITLE_CHARACTERS else f"{line[: TITLE_CHARACTERS - 1]}…",
        "at": rfc3339(tweet.at),
        "by": tweet.by or NO_AUTHOR,
        "tags": [_NO_XML.sub("\ufffd", tag) for tag in tweet.tags],
        "text": text,
    }
