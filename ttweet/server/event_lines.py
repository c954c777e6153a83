"""Events as lines: text for people, JSON for programs.

Text leaves out connections, sign-ins and the report lines of clients: a command that posts is one line, not four.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from ttweet.model import events, hashtags, tweets
from ttweet.model.columns import width_of, width_of_character
from ttweet.model.events import Event, Peer
from ttweet.model.reports import escape
from ttweet.model.tweets import Tweet
from ttweet.server.config import LineStyle

TEXTS: Mapping[str, str | None] = {
    events.LISTENING: None,  # a message says so
    events.CONNECTED: None,
    events.IDENTIFIED: None,
    events.SIGNED_IN: None,
    events.POSTED: 'posted #{id} "{text}" {tags}',  # see TextLines.tweet
    events.REJECTED: "rejected ({code}): {text}",
    events.LIMITED: "exceeded the rate limit",
    events.FOLLOWED: "follows {tags}",
    events.UNFOLLOWED: "stopped following",
    events.DELETED: "deleted #{id}",
    events.REQUESTED: None,
    events.REPORTED: None,
    events.SIGNED_OUT: None,
    events.DISCONNECTED: "disconnected: {reason}",  # only if there is one
    events.REMOVED: "removed {tweets} old tweets, up to #{up_to}",
    events.LINES_LOST: "lost {lines} report lines: the disk could not store them in time",
    events.MESSAGE: "{text}",
    events.STOPPED: "stopped",
}
"""The words of each kind of event in a line of text, behind time and name; None: no line."""

SERVER = "server"  # the name in a line that is about no client
_TIME, _NAME, _WRONG, _FAINT = "36", "1", "31", "2"  # styles of ECMA-48: cyan, bold, red, faint
_STYLES = {events.REJECTED: _WRONG, events.LINES_LOST: _WRONG}  # other events are faint, and tweets plain


class Lines(Protocol):
    """Makes lines without their ends; None for what it leaves out. `at` is milliseconds since 1970 UTC."""

    def event(self, at: int, event: Event) -> str | None:
        """Return the line of an event."""
        ...

    def tweet(self, tweet: Tweet, peer: Peer | None) -> str:
        """Return the line of a tweet that was posted, by a client at `peer`."""
        ...

    def message(self, at: int, level: str, text: str) -> str:
        """Return the line of a message for the operator; `text` may have several lines."""
        ...


class TextLines:
    """Lines of local time, name or address, and what happened."""

    def __init__(self, style: LineStyle) -> None:
        self._style = style
        self._second = -1
        self._time = ""

    def event(self, at: int, event: Event) -> str | None:
        """See Lines."""
        what = _what(event)
        if what is None:
            return None
        line = self._line(at, _who(event.name, event.peer), what, _STYLES.get(event.kind, _FAINT))
        return f"\r{line}" if event.kind == events.STOPPED and self._style.columns else line  # over the ^C

    def tweet(self, tweet: Tweet, peer: Peer | None) -> str:
        """See Lines."""
        if tweet.text:
            what = f'posted #{tweet.id} "{escape(tweet.text)}"'
            if tweet.tags:
                what += "".join([f" #{escape(tag)}" for tag in hashtags.beside(tweet.tags, tweet.text)])
        else:
            what = f"posted #{tweet.id}, an empty message"
        return self._line(tweet.at, _who(tweet.by, peer), what, "")

    def message(self, at: int, level: str, text: str) -> str:
        """See Lines. A message is never cut, because it says what to do."""
        style = _FAINT if level == "info" else _WRONG
        return f"{self._styled(self._clock(at), _TIME)} {self._styled(text, style)}"

    def _line(self, at: int, who: str, what: str, style: str) -> str:
        clock = self._clock(at)
        _, colour, columns = self._style
        if columns is not None:
            what = cut(what, columns() - width_of(f"{clock} {who} "))
        if not colour:
            return f"{clock} {who} {what}"
        return f"{self._styled(clock, _TIME)} {self._styled(who, _NAME)} {self._styled(what, style)}"

    def _clock(self, at: int) -> str:
        second = at // 1000
        if second != self._second:  # formatting a time takes longer than the rest of a line
            self._second, self._time = second, time.strftime("%H:%M:%S", time.localtime(second))
        return self._time

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if style and self._style.colour else text


class JsonLines:
    """An object on each line; all of them have `at` and `event`."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        """`ascii_only` is for a terminal: JSON escapes no control characters above U+007F."""
        self._encode = json.JSONEncoder(ensure_ascii=ascii_only, separators=(",", ":")).encode

    def event(self, at: int, event: Event) -> str:
        """See Lines."""
        return self.object(at, event.kind, {**_client(event.name, event.peer), **event.values})

    def tweet(self, tweet: Tweet, peer: Peer | None) -> str:
        """See Lines."""
        return self.object(tweet.at, events.POSTED, {**_client(tweet.by, peer), **tweets.as_json(tweet)})

    def message(self, at: int, level: str, text: str) -> str:
        """See Lines."""
        return self.object(at, events.MESSAGE, {"level": level, "text": text})

    def object(self, at: int, kind: str, values: Mapping[str, object]) -> str:
        """Return an object of these values."""
        return self._encode({"at": at, "event": kind, **values})


def cut(text: str, columns: int) -> str:
    """Return the text, or the part that fits into the columns of a terminal, with an ellipsis behind it."""
    if width_of(text) <= columns:
        return text
    left = max(columns, 1) - 1
    kept = 0
    for kept, character in enumerate(text):  # noqa: B007  # where it breaks is used
        left -= width_of_character(character)
        if left < 0:
            break
    return text[:kept].rstrip() + "…"


def _what(event: Event) -> str | None:
    template = TEXTS[event.kind]
    if template is None or (event.kind == events.DISCONNECTED and event.values["reason"] is None):
        return None
    return escape(template.format_map(_as_text(event.values)))


def _as_text(values: Mapping[str, object]) -> dict[str, object]:
    tags = values.get("tags")
    return {**values, "tags": _followed(tags, values.get("query"))} if isinstance(tags, list) else {**values}


def _followed(tags: Sequence[str], query: object) -> str:
    listed = " ".join([f"#{tag}" for tag in tags]) or "all tweets"
    return listed if query is None else f"{listed} with {query}"


def _who(name: str | None, peer: Peer | None) -> str:
    return escape(name) if name else peer[0] if peer else SERVER


def _client(name: str | None, peer: Peer | None) -> dict[str, object]:
    return {} if peer is None else {"by": name, "address": peer[0], "port": peer[1]}
