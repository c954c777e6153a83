"""The one table from what a client asks to what answers it: values in, values out, for every edge."""

from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any

from ttweet.broker.session import Session
from ttweet.model.answers import Answer, Done, Names, Stats
from ttweet.model.errors import Refused, StoreError
from ttweet.model.requests import (
    Delete,
    Follow,
    Last,
    ListNames,
    ListTags,
    Query,
    ReadStats,
    SignIn,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
)


def answer(session: Session, query: Query) -> "Answer | CoroutineType[Any, Any, Answer]":
    """Return the answer to a query of this client, or a coroutine that returns it if the query needs the file.

    Raises ProtocolError, Refused and StoreError, at once or from the coroutine; the session has noted them.
    """
    if type(query) in session.forbidden:  # a look instead of a call for each query
        session.admit(query)
    try:
        found: Any = METHODS[type(query)](session, query)
    except Refused as error:
        session.note_refused(error)
        raise
    return _noted(session, found) if type(found) is CoroutineType else found  # type: ignore[return-value]


async def _noted(session: Session, found: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return await found
    except (Refused, StoreError) as error:
        session.note_refused(error)
        raise


def _unfollow(session: Session, _: Unfollow) -> Done:
    session.unfollow()
    return Done()


async def _stats(session: Session, _: ReadStats) -> Stats:
    return Stats(await session.service.stats())


METHODS: dict[type[Query], Callable[[Session, Any], Any]] = {
    Last: lambda session, _: session.service.last(),
    Timeline: lambda session, query: session.service.timeline(*query),
    TweetById: lambda session, query: session.service.tweet(query.tweet),
    TweetsOfTag: lambda session, query: session.service.tweets_of_tag(*query),
    TweetsOfAuthor: lambda session, query: session.service.tweets_of_author(*query),
    TweetsSinceLogin: lambda session, query: session.service.tweets_since_login(*query),
    ListTags: lambda session, query: session.list_tags(*query),
    ListNames: lambda session, _: Names(session.service.online),
    ReadStats: _stats,
    SignIn: lambda session, request: session.sign_in(request.name),
    Follow: lambda session, request: session.follow(request),
    Unfollow: _unfollow,
    Delete: lambda session, request: session.delete(request.tweet),
}
