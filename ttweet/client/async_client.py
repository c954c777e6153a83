"""The client for programs that run on trio: the verbs of `Client`, to be awaited.

One connection for requests, which many tasks may share, and one for each follower. Knows no server and no storage.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import trio

from ttweet.client import link_errors
from ttweet.client.any_client import AnyClient
from ttweet.client.async_follower import AsyncFollower
from ttweet.client.async_link import AsyncLink, open_link
from ttweet.client.cursor import Cursor, FollowListener
from ttweet.client.retry import RetryBudget
from ttweet.client.servers import ServerAddress
from ttweet.model.errors import ConnectError, SlowDown
from ttweet.model.tweets import Deletion, Page, TagPage, Tombstone, Tweet
from ttweet.protocol import calls, frames, replies
from ttweet.protocol.replies import Stored

T = TypeVar("T")


class AsyncClient(AnyClient):
    """A server, as its clients see it. It connects at the first request, and again when a connection has ended.

    Every method raises ConnectError and Refused as those of Client do. A cancelled request ends the connection, since
    no task would take its answer. Its tweet may be stored or not. A `name` is as in Client.
    """

    def _start(self) -> None:
        self._asking = trio.Lock()
        self._link: AsyncLink | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection that requests go over; one that another task waits for fails, its outcome unknown."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def post(self, text: str, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None) -> Stored:
        """Upload a tweet; it is on the server's disk when this returns. See Client.post."""
        call = calls.post(text, tags, scan=scan, key=key)
        try:
            return await self.call(*call)
        except ConnectError as error:
            raise link_errors.of_upload(error, key) from error

    async def last(self) -> Tweet | None:
        """The newest tweet; None when there is none or it is empty."""
        return await self.call(*calls.last())

    async def tweet(self, id_: int) -> Tweet | Tombstone | None:
        """The tweet with this id, or its tombstone if it is deleted; None when its text is empty. See Client.tweet."""
        return await self.call(*calls.tweet(id_))

    async def tweets_of_tag(self, tag: str, *, limit: int | None = None, before: int | None = None) -> Page:
        """The newest tweets of a tag in any spelling, newest first; with `before` those with a lower id."""
        return await self.call(*calls.tweets_of_tag(tag, limit=limit, before=before))

    async def tweets_by(self, name: str, *, limit: int | None = None, before: int | None = None) -> Page:
        """The newest tweets of an author, newest first; with `before` those with a lower id."""
        return await self.call(*calls.tweets_of_author(name, limit=limit, before=before))

    async def tweets_since_login(self, name: str, *, limit: int | None = None, after: int | None = None) -> Page:
        """The tweets since the login of an author who is online, oldest first; with `after` those with a higher id."""
        return await self.call(*calls.tweets_since_login(name, limit=limit, after=after))

    async def who(self) -> list[str]:
        """The names that are online, in the order of their login."""
        return (await self.call(*calls.list_names())).names

    async def list_tags(self, *, limit: int | None = None, numbers: bool = False) -> TagPage:
        """The most used tags; those without a letter only with `numbers`."""
        return await self.call(*calls.list_tags(limit=limit, numbers=numbers))

    async def stats(self) -> dict[str, dict[str, Any]]:
        """How the server is doing. See Client.stats."""
        return (await self.call(*calls.stats())).parts

    async def delete(self, tweet: int) -> Deletion:
        """Delete a tweet, its text, tags and author; its id stays. See Client.delete."""
        return await self.call(*calls.delete(tweet))

    async def ping(self) -> None:
        """See whether the server answers."""
        await self.call(*calls.ping())

    def follow(self, *tags: str, after: int | None = None, listener: FollowListener | None = None) -> AsyncFollower:
        """Iterate over tweets with any of the tags, or over all: first those after the id, then live.

        Without `after` only new ones. It reconnects and resumes by itself until it is cancelled or left.
        """
        return AsyncFollower(self._connect, Cursor(tags, after, listener))

    async def request(self, operation: str, data: object) -> Any:
        """Ask one thing and return the data of its answer."""
        return await self._ask(frames.encode(operation, data))

    async def call(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make one of the calls of `protocol.calls` and return what its shape makes of the answer."""
        return self._shaped(shape, await self._ask(frame))

    async def _ask(self, frame: bytes) -> Any:
        budget: RetryBudget | None = None
        while True:
            try:
                return await self._ask_once(frame)
            except SlowDown as refused:
                budget = budget or self._retry_budget()
                await trio.sleep(budget.pause_s(refused))

    async def _ask_once(self, frame: bytes) -> Any:
        async with self._asking:
            link = await self._usable_link()
            try:
                answer = await link.ask(frame, self._timeout_s)
            except BaseException:
                self.close()  # an answer that is still to come would be taken for that of the next request
                raise
        return self._shaped(replies.data_of, answer)

    async def _usable_link(self) -> AsyncLink:
        if self._link is not None and self._link.has_ended():
            self.close()
        if self._link is None:
            self._link = await self._connect()
        return self._link

    async def _connect(self) -> AsyncLink:
        failures: list[ConnectError] = []
        for server in self.endpoint.servers:
            try:
                return await self._connect_to(server)
            except ConnectError as error:
                failures.append(error)
        raise link_errors.none_reached(failures)

    async def _connect_to(self, server: ServerAddress) -> AsyncLink:
        self.host, self.port = server.host, server.port
        link = await open_link(self.host, self.port, self._timeout_s, self.endpoint.tls.context(server))
        try:
            for frame in self.endpoint.greetings(server, link.peer, self.name):
                self._shaped(replies.data_of, await link.ask(frame, self._timeout_s))
        except BaseException:
            link.close()
            raise
        return link
