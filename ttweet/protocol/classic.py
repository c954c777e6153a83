"""The classic protocol's two requests and its answer, as values. A connection has one request.

`reader` makes them of bytes. They are no requests of other edges: a connection posts the text, or reads the last
message, as for any other client.
"""

from typing import NamedTuple

from ttweet.model import reports, tweets
from ttweet.model.tweets import Tweet


class ClassicUpload(NamedTuple):
    """Store a message, without an answer."""

    text: str


class ClassicDownload(NamedTuple):
    """The last message as bare text; the connection ends with it."""


def encode_last(last: Tweet | None) -> bytes:
    """Encode the answer to a download: the text alone, without a line feed."""
    shown = tweets.shown(last)
    return (shown.text if shown else reports.EMPTY_MESSAGE).encode()
