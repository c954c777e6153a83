"""What is answered to the questions that change nothing of the service or the connection that asks.

Knows no sockets and no connections.
"""

from typing import assert_never

from ttweet.broker.service import Service
from ttweet.model.answers import Names
from ttweet.model.requests import (
    Last,
    ListNames,
    ListTags,
    PageQuery,
    Question,
    ShowStats,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
)
from ttweet.model.tweets import Page
from ttweet.protocol import answers
from ttweet.protocol.codecs import JSON


async def answer(service: Service, question: Question) -> bytes:
    """The answer, as it is sent. Raises Refused, StoreError."""
    match question:
        case Last():
            return answers.encode(service.last(), JSON)
        case ListTags(limit, numbers):
            return answers.encode(await service.list_tags(limit=limit, numbers=numbers), JSON)
        case ListNames():
            return answers.encode(Names(service.online), JSON)
        case ShowStats():
            return answers.encode_ok(await service.stats(), JSON)
        case _:
            return answers.encode(await _page(service, question), JSON)


async def _page(service: Service, query: PageQuery) -> Page:
    match query:
        case TweetsOfTag(tag, limit, before):
            return await service.tweets_of_tag(tag, limit=limit, before=before)
        case TweetsOfAuthor(by, limit, before):
            return await service.tweets_of_author(by, limit=limit, before=before)
        case TweetsSinceLogin(by, limit, after):
            return await service.tweets_since_login(by, limit=limit, after=after)
        case _:
            assert_never(query)
