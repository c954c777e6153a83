"""The one table from what a client asks to what answers it: values in, values out, for every edge.

It has two halves: AT_ONCE is answered from memory, FROM_FILE may need the file.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ttweet.broker.session import Session
from ttweet.model.answers import Answer, Done, Names, Stats
from ttweet.model.errors import Refused, StoreError
from ttweet.model.requests import (
    CountFound,
    Delete,
    Find,
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


async def ask(session: Session, query: Query) -> Answer:
    """Return the answer to a query, for an edge that can wait for any. See `answer` and `find`."""
    return answer(session, query) if type(query) in AT_ONCE else await find(session, query)


def kept(session: Session, query: Query) -> Answer:
    """Return the answer to a query in FROM_FILE if memory has it, else None. Raises as `answer` does."""
    return answer(session, query) if type(query) in KEPT else None


def answer(session: Session, query: Query) -> Answer:
    """Return the answer to a query in AT_ONCE. Raises ProtocolError and Refused, which the session has noted."""
    if type(query) in session.forbidden:  # a look instead of a call for each query
        session.admit(query)
    try:
        return _FROM_MEMORY[type(query)](session, query)
    except Refused as error:
        session.note_refused(error)
        raise


def find(session: Session, query: Query) -> Awaitable[Answer]:
    """Admit a query in FROM_FILE, and return what finds its answer, which raises Refused and StoreError.

    Raises ProtocolError and Refused. The session has noted all that is raised.
    """
    if type(query) in session.forbidden:
        session.admit(query)
    return _noted(session, FROM_FILE[type(query)](session, query))


async def _noted(session: Session, found: Awaitable[Answer]) -> Answer:
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


AT_ONCE: dict[type[Query], Callable[[Session, Any], Answer]] = {
    Last: lambda session, _: session.service.last(),
    ListNames: lambda session, _: Names(session.service.online),
    SignIn: lambda session, request: session.sign_in(request.name),
    Follow: lambda session, request: session.follow(request),
    Unfollow: _unfollow,
}

KEPT: dict[type[Query], Callable[[Session, Any], Answer]] = {
    Timeline: lambda session, query: session.service.kept_timeline(*query),
    TweetsOfTag: lambda session, query: session.service.kept_tweets(*query),
    ListTags: lambda session, query: session.kept_tags(*query),
}
"""Queries in FROM_FILE that memory often answers; what it does not have is None."""

_FROM_MEMORY = AT_ONCE | KEPT

FROM_FILE: dict[type[Query], Callable[[Session, Any], Awaitable[Answer]]] = {
    Timeline: lambda session, query: session.service.timeline(*query),
    Find: lambda session, query: session.service.find(*query, client=session.client),
    CountFound: lambda session, query: session.service.count_found(*query, client=session.client),
    TweetById: lambda session, query: session.service.tweet(query.tweet),
    TweetsOfTag: lambda session, query: session.service.tweets_of_tag(*query),
    TweetsOfAuthor: lambda session, query: session.service.tweets_of_author(*query),
    TweetsSinceLogin: lambda session, query: session.service.tweets_since_login(*query),
    ListTags: lambda session, query: session.list_tags(*query),
    ReadStats: _stats,
    Delete: lambda session, request: session.delete(request.tweet),
}
