"""The bound of an answer with tweets or tags: each form of it has as many of them as PAGE_BYTES of that form hold."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import trio

from ttweet.model.answers import Shared
from ttweet.model.limits import PAGE_BYTES
from ttweet.model.tweets import Found, Page, Tweet

TURN_BYTES = 16 * 1024  # made in one turn of the event loop, about 8 ms of HTML; then other tasks run
ITEM_BYTES = 2048  # that a tweet counts for in addition to its bytes: marking the words of a text takes about as long

Tweets = Page | Shared[Page] | Found
"""An answer with tweets."""

V = TypeVar("V")
T = TypeVar("T", bound=str | bytes)


async def made(answer: Tweets, make: Callable[[Tweet], T]) -> tuple[list[T], Page | Found]:
    """Return the tweets of an answer, each made by `make`, as many as PAGE_BYTES hold, with the page that they fill."""
    page = page_of(answer)
    items = await fitting(page.tweets, make)
    return items, _cut(page, len(items))


async def fitting(values: Iterable[V], make: Callable[[V], T]) -> list[T]:
    """Return values, each made by `make`, as many as PAGE_BYTES hold, at least one. Other tasks run meanwhile."""
    items: list[T] = []
    size = turn = 0
    for value in values:
        if turn >= TURN_BYTES:
            await trio.lowlevel.checkpoint()
            turn = 0
        item = make(value)
        length = len(item.encode() if isinstance(item, str) else item)
        if items and size + length > PAGE_BYTES:
            break
        items.append(item)
        size += length
        turn += length + ITEM_BYTES
    return items


def page_of(answer: Tweets) -> Page | Found:
    """Return the page of an answer, which may be one that clients share."""
    return answer.value if isinstance(answer, Shared) else answer


def _cut(page: Page | Found, count: int) -> Page | Found:
    """Return the first tweets of a page. A cut one continues below its last tweet, and not where a search ended."""
    if count == len(page.tweets):
        return page
    tweets = page.tweets[:count]
    return Page(tweets, more=True) if isinstance(page, Page) else Found(tweets, more=True)
