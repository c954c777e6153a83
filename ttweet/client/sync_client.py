"""The other end of the framed protocol: a client of the standard library alone, quick to import.

A client keeps a few open connections and uses each for one thing at a time, so it may be shared by threads. Typed
results are imported when they are first made, since `typing` alone takes 3 ms. Knows no server, no storage, no trio.
"""

from __future__ import annotations

import time
from collections.abc import Sized
from itertools import repeat

from ttweet.client import link_errors
from ttweet.client.any_client import AnyClient
from ttweet.client.link import SyncLink
from ttweet.client.waiting import FOREVER, pause
from ttweet.model.errors import ConnectError, Refused, SlowDown
from ttweet.protocol import calls, frames, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Any, Self, TypeVar

    from ttweet.client.cursor import FollowListener
    from ttweet.client.follower import Follower
    from ttweet.client.retry import RetryBudget
    from ttweet.client.servers import ServerAddress
    from ttweet.model.answers import Following
    from ttweet.model.pushes import Push
    from ttweet.model.tweets import Deletion, Page, TagPage, Tombstone, Tweet
    from ttweet.protocol.replies import Stored

    T = TypeVar("T")


IN_FLIGHT = 64  # unanswered requests of a client; a server reads no more
MAX_IDLE = 16  # open connections between requests: one for each of a program's threads that are busy at a time


class Client(AnyClient):
    """A server, as its clients see it. It connects at the first request, and again when a connection has ended.

    Every method raises ConnectError: `unreachable` when nothing was asked or changed, `unknown` when the answer is
    missing; and Refused with the server's code and sentence. With a `name` it signs in with each connection and its
    tweets carry the name. A name is for one connection at a time: while it follows, no other one can post under it.

    `deadline`, a time of time.monotonic(), may be set: no method waits beyond it, whatever it waits for.
    """

    def _start(self) -> None:
        self._idle: list[SyncLink] = []
        self.deadline = FOREVER

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections that are open and idle."""
        while self._idle:
            self._idle.pop().close()

    def reach(self) -> None:
        """Connect now instead of with the first request. Raises ConnectError, Refused."""
        self._put_back(self._take())

    def post(self, text: str, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None) -> Stored:
        """Upload a tweet; it is on the server's disk when this returns.

        `tags` are tags beside those in the text, or with `scan=False` instead of them. After a ConnectError
        `unknown` the tweet may be stored or not; with a `key` it is safe to post it again.
        """
        call = calls.post(text, tags, scan=scan, key=key)
        try:
            return self.call(*call)
        except ConnectError as error:
            raise link_errors.of_upload(error, key) from error

    def post_many(
        self,
        texts: Iterable[str],
        *,
        tags: Iterable[str] = (),
        keys: Iterable[str | None] = repeat(None),
        in_flight: int = IN_FLIGHT,
    ) -> Iterator[Stored | Refused]:
        """Upload many tweets, each with its key, without waiting for each; yield their outcomes in order.

        At most `in_flight` are unanswered. After a ConnectError those taken from `texts` whose outcome was not
        yielded may be stored or not. Raises ValueError when there are fewer keys than texts: of two lists before
        anything is sent.
        """
        if isinstance(texts, Sized) and isinstance(keys, Sized) and len(keys) < len(texts):
            raise _too_few_keys(len(keys), f"{len(texts)} texts")
        return self._post_many(texts, tags=tags, keys=keys, in_flight=in_flight)

    def _post_many(
        self, texts: Iterable[str], *, tags: Iterable[str], keys: Iterable[str | None], in_flight: int
    ) -> Iterator[Stored | Refused]:
        from ttweet.client.pipeline import Pipeline

        uploads = _uploads(texts, calls.tag_list(tags), keys)
        connection = self._obeying(self._take)
        pipeline = Pipeline(connection, in_flight, self._outcome, self._retry_budget(), self.deadline)
        try:
            while pipeline.fill(uploads) or pipeline:
                for _ in range((len(pipeline) + 1) // 2):
                    yield pipeline.next_outcome()
        except BaseException:
            connection.close()
            raise
        self._put_back(connection)

    def follow(
        self,
        *tags: str,
        after: int | None = None,
        timeout_s: float | None = None,
        listener: FollowListener | None = None,
    ) -> Follower:
        """Iterate over tweets with any of the tags, or over all: first those after the id, then live.

        Without `after` only new ones. It reconnects and resumes by itself, without end or for `timeout_s`, and calls
        the listener. It has a connection of its own; see Follower for what is promised and raised.
        """
        from ttweet.client.cursor import Cursor
        from ttweet.client.follower import Follower

        deadline = self.deadline if timeout_s is None else min(self.deadline, time.monotonic() + timeout_s)
        return Follower(self._connect, Cursor(tags, after, listener), deadline)

    def last(self) -> Tweet | None:
        """The newest tweet; None when there is none or it is empty."""
        return self.call(*calls.last())

    def last_text(self) -> str:
        """The text of the newest tweet, empty when there is none. As `last`, without what that imports."""
        return self.call(*calls.last_text())

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        """The tweet with this id, or its tombstone if it is deleted; None when its text is empty.

        Raises Refused `no_tweet`.
        """
        return self.call(*calls.tweet(id_))

    def tweets_of_tag(self, tag: str, *, limit: int | None = None, before: int | None = None) -> Page:
        """The newest tweets of a tag in any spelling, newest first; with `before` those with a lower id."""
        return self.call(*calls.tweets_of_tag(tag, limit=limit, before=before))

    def tweets_by(self, name: str, *, limit: int | None = None, before: int | None = None) -> Page:
        """The newest tweets of an author, newest first; with `before` those with a lower id."""
        return self.call(*calls.tweets_of_author(name, limit=limit, before=before))

    def tweets_since_login(self, name: str, *, limit: int | None = None, after: int | None = None) -> Page:
        """The tweets since the login of an author who is online, oldest first; with `after` those with a higher id."""
        return self.call(*calls.tweets_since_login(name, limit=limit, after=after))

    def who(self) -> list[str]:
        """The names that are online, in the order of their login."""
        return self.call(*calls.list_names()).names

    def list_tags(self, *, limit: int | None = None, numbers: bool = False) -> TagPage:
        """The most used tags; those without a letter only with `numbers`."""
        return self.call(*calls.list_tags(limit=limit, numbers=numbers))

    def stats(self) -> dict[str, dict[str, Any]]:
        """How the server is doing: objects of numbers, as docs/protocol.md tells of them. For who may administer it."""
        return self.call(*calls.stats()).parts

    def delete(self, tweet: int) -> Deletion:
        """Delete a tweet, its text, tags and author; its id stays. On return it is done, on the server's disk.

        One that is deleted already gives the first deletion. Raises Refused `no_tweet` and `forbidden`: it takes the
        right to administer the server.
        """
        return self.call(*calls.delete(tweet))

    def deletions_after(self, after: int) -> set[int]:
        """The ids of the deletions after this id, which are among those of the tweets."""
        return self._obeying(lambda: self._deletions_once(after))

    def ping(self) -> None:
        """See whether the server answers."""
        self.call(*calls.ping())

    def report(self, *lines: str) -> None:
        """Send lines for the server's report log. The server does not answer them: they may get lost.

        Raises ConnectError when no connection is open and none can be made, and Refused for a wrong token.
        """
        self._report(self._take(), lines)

    def report_if_connected(self, *lines: str) -> None:
        """Send lines for the server's report log on a connection that is open, else not at all. Raises nothing."""
        if connection := self._take_idle():
            try:
                self._report(connection, lines)
            except ConnectError:
                return  # the server is gone

    def _report(self, connection: SyncLink, lines: tuple[str, ...]) -> None:
        try:
            connection.send(calls.report(*lines))
        except BaseException:
            connection.close()
            raise
        self._put_back(connection)

    def request(self, operation: str, data: object) -> Any:
        """Ask one thing and return the data of its answer."""
        return self._ask(frames.encode(operation, data))

    def call(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make one of the calls of `protocol.calls` and return what its shape makes of the answer."""
        return self._shaped(shape, self._ask(frame))

    def _ask(self, frame: bytes) -> Any:
        return self._obeying(lambda: self._ask_once(frame))

    def _obeying(self, ask: Callable[[], T]) -> T:
        """Return the answer once the server is not too busy. A request refused with `slow_down` has done nothing."""
        budget: RetryBudget | None = None
        while True:
            try:
                return ask()
            except SlowDown as refused:
                budget = budget or self._retry_budget()
                pause(budget.pause_s(refused), self.deadline)

    def _ask_once(self, frame: bytes) -> Any:
        connection = self._take()
        try:
            connection.send(frame)
            answer = connection.receive()
        except BaseException:
            connection.close()  # an answer that is still to come would be taken for that of the next request
            raise
        self._put_back(connection)
        return self._shaped(replies.data_of, answer)

    def _deletions_once(self, after: int) -> set[int]:
        """With a tag that no tweet has the deletions alone come, and then `e`."""
        import secrets

        from ttweet.model.pushes import CaughtUp
        from ttweet.model.tweets import Deletion

        found: set[int] = set()
        connection = self.connect()
        try:
            frame, _ = calls.follow([secrets.token_hex(16)], after, deletions=True)
            connection.send(frame)
            self._shaped(replies.data_of, connection.receive())
            while type(push := self._shaped(_push, connection.receive())) is not CaughtUp:
                found.update([push.id] if type(push) is Deletion else [])
        finally:
            connection.close()
        return found

    def _outcome(self, line: bytes) -> Stored | Refused:
        try:
            return self._shaped(replies.stored, self._shaped(replies.data_of, line))
        except Refused as refused:
            return refused

    def _take(self) -> SyncLink:
        """An idle connection, or a new one: no other thread has it until it is put back among the idle."""
        return self._take_idle() or self.connect()

    def _put_back(self, connection: SyncLink) -> None:
        if len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _take_idle(self) -> SyncLink | None:
        """An idle connection that the server has not closed, if there is one."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not connection.has_ended():
                return connection
            connection.close()

    def connect(self) -> SyncLink:
        """Return a separate connection, signed in. The caller closes it."""
        return self._connect(self.deadline)

    def _connect(self, deadline: float) -> SyncLink:
        """Return a new connection to the first reachable server, signed in. The caller closes it."""
        failures: list[ConnectError] = []
        for server in self.endpoint.servers:
            try:
                return self._connect_to(server, deadline)
            except ConnectError as error:
                failures.append(error)
        raise link_errors.none_reached(failures)

    def _connect_to(self, server: ServerAddress, deadline: float) -> SyncLink:
        self.host, self.port = server.host, server.port
        link = SyncLink(self.host, self.port, self._timeout_s, self.endpoint.tls.context(server), deadline)
        try:
            for frame in self.endpoint.greetings(server, link.peer, self.name):
                link.send(frame)
                self._shaped(replies.data_of, link.receive())
        except BaseException:
            link.close()
            raise
        return link


def _push(line: bytes) -> Push | Following:
    from ttweet.protocol import pushes

    return pushes.decode(frames.loads(line))


def _uploads(texts: Iterable[str], tags: list[str], keys: Iterable[str | None]) -> Iterator[bytes | Refused]:
    keys = iter(keys)
    for number, text in enumerate(texts, 1):
        try:
            key = next(keys)
        except StopIteration:
            raise _too_few_keys(number - 1, f"{number} texts or more") from None
        try:
            frame, _ = calls.post(text, tags, key=key)
            yield frame
        except Refused as refused:
            yield refused


def _too_few_keys(keys: int, texts: str) -> ValueError:
    return ValueError(f"too few keys: {keys} for {texts}; give one for each, None for a text without")
