"""A method of both clients, written once: `Client` returns its result, `AsyncClient` is awaited for it.

Quick to import.
"""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

    from ttweet.client.async_client import AsyncClient
    from ttweet.client.exchanges import Exchange
    from ttweet.client.pipeline import PostBatch, PostOutcome
    from ttweet.client.sync_client import Client

    P = ParamSpec("P")
    Result = TypeVar("Result", covariant=True)

    class Verb(Protocol[P, Result]):
        """The type of a method that carries out an exchange."""

        @overload
        def __get__(self, client: Client, kind: object) -> Callable[P, Result]: ...
        @overload
        def __get__(self, client: AsyncClient, kind: object) -> Callable[P, Coroutine[Any, Any, Result]]: ...
        @overload
        def __get__(self, client: None, kind: object) -> Callable[Concatenate[Any, P], Any]: ...

    class BatchVerb(Protocol[P]):
        """The type of a method that yields the outcomes of a batch."""

        @overload
        def __get__(self, client: Client, kind: object) -> Callable[P, Iterator[PostOutcome]]: ...
        @overload
        def __get__(self, client: AsyncClient, kind: object) -> Callable[P, AsyncIterator[PostOutcome]]: ...
        @overload
        def __get__(self, client: None, kind: object) -> Callable[Concatenate[Any, P], Any]: ...


def verb(exchange: Callable[Concatenate[Any, P], Exchange[Result]]) -> Verb[P, Result]:
    """Make a method that carries out the exchange and returns what comes of it."""

    @wraps(exchange)
    def method(client: Any, *args: P.args, **options: P.kwargs) -> Any:
        return client.carry_out(exchange(client, *args, **options))

    returned = method.__annotations__["return"]
    method.__annotations__["return"] = returned.removeprefix("Exchange[").removesuffix("]")  # for help and editors
    return method  # type: ignore[return-value]  # a function binds itself to a client as a Verb does


def batch_verb(batch: Callable[Concatenate[Any, P], PostBatch]) -> BatchVerb[P]:
    """Make a method that carries out a batch and yields the outcomes."""

    @wraps(batch)
    def method(client: Any, *args: P.args, **options: P.kwargs) -> Any:
        return client.carry_out_batch(batch(client, *args, **options))

    method.__annotations__["return"] = "Iterator[PostOutcome]"
    return method  # type: ignore[return-value]
