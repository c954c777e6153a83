"""Requests for a page of tweets, each to the service's method that answers it. Knows no bytes."""

from typing import assert_never

from ttweet import wire
from ttweet.service import Service
from ttweet.tweets import Page


async def page(service: Service, request: wire.PageQuery) -> Page:
    """What the request asks for. Raises Refused and StoreError."""
    match request:
        case wire.TweetsOfTag(tag, limit, before):
            return await service.tweets_of_tag(tag, limit=limit, before=before)
        case wire.TweetsOfAuthor(by, limit, before):
            return await service.tweets_of_author(by, limit=limit, before=before)
        case wire.TweetsSinceLogin(by, limit, after):
            return await service.tweets_since_login(by, limit=limit, after=after)
        case _:
            assert_never(request)
