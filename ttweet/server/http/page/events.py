"""Pushes to a page: each tweet as the list item that the page would have shown."""

from ttweet.model.tweets import Tweet
from ttweet.server.http.page.render import item
from ttweet.server.http.response import chunk
from ttweet.server.http.streams import EventEncoder


class HtmlEventEncoder(EventEncoder):
    """Server-sent events whose data are HTML. All pages share one encoder."""

    def tweet(self, tweet: Tweet) -> bytes:
        """See Encoder."""
        lines = "".join([f"data: {line}\n" for line in item(tweet).split("\n")])
        return chunk(f"id: {tweet.id}\n{lines}\n".encode())


HTML_EVENTS = HtmlEventEncoder()
