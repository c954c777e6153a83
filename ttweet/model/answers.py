"""Answers to requests, as values. The answer to an upload is in the receipt of its batch."""

from typing import Any, Generic, NamedTuple, TypeVar

from ttweet.model.records import Count, Deletion, Found, Page, TagPage, Tombstone, Tweet

T = TypeVar("T")


class Done(NamedTuple):
    """The request was carried out and has no data."""


class Following(NamedTuple):
    """The id after which tweets are pushed, and the newest id that was pruned, if that is above the requested one."""

    cursor: int
    pruned_up_to: int | None = None


class SignedIn(NamedTuple):
    """The name in its normal form, and the newest id at its login."""

    name: str
    after: int


class Identity(NamedTuple):
    """The name that a token gives, None without one, and its rights."""

    name: str | None
    rights: tuple[str, ...]


class Names(NamedTuple):
    """The names that are online, in the order of their logins."""

    names: list[str]


class Deletions(NamedTuple):
    """Deletions, the newest first."""

    deletions: list[Deletion]


class Stats(NamedTuple):
    """The state of the server: objects of numbers, strings, booleans and None."""

    parts: dict[str, dict[str, Any]]


class Shared(Generic[T]):
    """An answer that many clients get. An encoder keeps what it makes in `encoded`, under a key of its own."""

    __slots__ = ("encoded", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.encoded: dict[object, Any] = {}


Read = (
    Tweet
    | Tombstone
    | None
    | Page
    | Found
    | Count
    | TagPage
    | Shared[Page]
    | Shared[TagPage]
    | Names
    | Deletions
    | Stats
)
"""The values that a query reads."""

Answer = Read | Deletion | Following | SignedIn | Identity | Done
