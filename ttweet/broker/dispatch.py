"""The one table from what a client asks to what answers it: values in, values out, for every edge.

It has two halves: AT_ONCE is answered from memory, FROM_FILE may need the file, or the other servers of a cluster.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

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
    NewestDeletions,
    OrderedRequest,
    ReadStats,
    SignIn,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    WhenThere,
)

T = TypeVar("T")


async def ask(session: Session, request: OrderedRequest) -> Answer:
    """Return the answer to a request, for an edge that can wait for any. See `answer` and `answer_from_file`."""
    if type(request) in AT_ONCE:
        return answer(session, request)
    found = kept(session, request)
    return await answer_from_file(session, request) if found is None else found


def kept(session: Session, request: OrderedRequest) -> Answer:
    """Return the answer to a request in FROM_FILE if memory has it, else None. Raises as `answer` does."""
    return answer(session, request) if type(request) in KEPT else None


def answer(session: Session, request: OrderedRequest) -> Answer:
    """Return the answer to a request in AT_ONCE. Raises ProtocolError and Refused, which the session has noted."""
    if type(request) in session.forbidden:  # a look instead of a call for each request
        session.admit(request)
    try:
        return _FROM_MEMORY[type(request)](session, request)
    except Refused as error:
        session.note_refused(error)
        raise


def answer_from_file(session: Session, request: OrderedRequest) -> Awaitable[Answer]:
    """Admit a request in FROM_FILE, and return what finds its answer, which raises Refused and StoreError.

    Raises ProtocolError and Refused. The session has noted all that is raised.
    """
    if type(request) in session.forbidden:
        session.admit(request)
    found = FROM_FILE[type(request)](session, request)
    return found if type(request) is WhenThere else _noted(session, found)  # which has its parts noted


async def _noted(session: Session, found: Awaitable[T]) -> T:
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


async def _when_there(session: Session, request: WhenThere) -> Answer:
    """Answer a request once an id of another server is here. Raises Refused `behind`."""
    if session.service.horizon is not None:
        await _noted(session, session.service.horizon.reach(request.seen))
    return await ask(session, request.request)


AT_ONCE: dict[type[OrderedRequest], Callable[[Session, Any], Answer]] = {
    Last: lambda session, _: session.service.last(),
    ListNames: lambda session, _: Names(session.service.online.names),
    Unfollow: _unfollow,
}

KEPT: dict[type[OrderedRequest], Callable[[Session, Any], Answer]] = {
    SignIn: lambda session, request: session.sign_in_at_once(request.name),
    Follow: lambda session, request: session.follow_at_once(request),
    Timeline: lambda session, request: session.service.kept_timeline(*request),
    TweetsOfTag: lambda session, request: session.service.kept_tweets(*request),
    ListTags: lambda session, request: session.kept_tags(*request),
}
"""Requests in FROM_FILE that memory often answers; what it does not have is None."""

_FROM_MEMORY = AT_ONCE | KEPT

FROM_FILE: dict[type[OrderedRequest], Callable[[Session, Any], Awaitable[Answer]]] = {
    SignIn: lambda session, request: session.sign_in_everywhere(request.name),
    Follow: lambda session, request: session.follow_when_there(request),
    Timeline: lambda session, request: session.service.timeline(*request),
    Find: lambda session, request: session.service.find(*request, client=session.client),
    CountFound: lambda session, request: session.service.count_found(*request, client=session.client),
    TweetById: lambda session, request: session.service.tweet(request.tweet),
    NewestDeletions: lambda session, request: session.service.newest_deletions(*request),
    TweetsOfTag: lambda session, request: session.service.tweets_of_tag(*request),
    TweetsOfAuthor: lambda session, request: session.service.tweets_of_author(*request),
    TweetsSinceLogin: lambda session, request: session.service.tweets_since_login(*request),
    ListTags: lambda session, request: session.list_tags(*request),
    ReadStats: _stats,
    WhenThere: _when_there,
    Delete: lambda session, request: session.delete(request.tweet),
}
