"""What is answered: to uploads, and to the questions that change nothing of the service or the connection that asks.

Knows no sockets and no connections.
"""

from typing import assert_never

from ttweet.broker.service import Service
from ttweet.model.errors import TtweetError
from ttweet.model.tweets import Page, Tombstone, Tweet
from ttweet.protocol import requests as wire
from ttweet.protocol.codecs import JSON


async def answer(service: Service, question: wire.Question) -> bytes:
    """The answer, as it is sent. Raises Refused, StoreError."""
    match question:
        case wire.Last():
            return wire.encode_last(service.last(), JSON)
        case wire.ListTags(limit, numbers):
            return wire.encode_tags(await service.list_tags(limit=limit, numbers=numbers), JSON)
        case wire.ListNames():
            return wire.encode_ok({"names": service.online}, JSON)
        case wire.ShowStats():
            return wire.encode_ok(await service.stats(), JSON)
        case _:
            return wire.encode_page(await _page(service, question), JSON)


def encode_outcome(outcome: Tweet | Tombstone | TtweetError) -> bytes:
    """The answer to an upload."""
    return wire.encode_error(outcome, JSON) if isinstance(outcome, TtweetError) else wire.encode_stored(outcome, JSON)


async def _page(service: Service, query: wire.PageQuery) -> Page:
    match query:
        case wire.TweetsOfTag(tag, limit, before):
            return await service.tweets_of_tag(tag, limit=limit, before=before)
        case wire.TweetsOfAuthor(by, limit, before):
            return await service.tweets_of_author(by, limit=limit, before=before)
        case wire.TweetsSinceLogin(by, limit, after):
            return await service.tweets_since_login(by, limit=limit, after=after)
        case _:
            assert_never(query)
