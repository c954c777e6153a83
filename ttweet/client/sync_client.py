"""The client for threads: the standard library alone, and quick to import.

A client keeps a few open connections and uses each for one thing at a time, so it may be shared by threads. Typed
results are imported when they are first made, since `typing` alone takes 3 ms. Knows no server, no storage, no trio.
"""

from __future__ import annotations

import time

from ttweet.client import exchanges, link_errors
from ttweet.client.any_client import AnyClient
from ttweet.client.exchanges import RECEIVE
from ttweet.client.link import SyncLink
from ttweet.client.waiting import FOREVER, pause
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any, Self, TypeVar

    from ttweet.client.cursor import FollowListener
    from ttweet.client.exchanges import Begin, Exchange, Step, Steps
    from ttweet.client.follower import Follower
    from ttweet.client.pipeline import PostBatch, PostOutcome
    from ttweet.client.rotation import Patience
    from ttweet.client.servers import ServerAddress
    from ttweet.protocol.calls import Call

    T = TypeVar("T")


MAX_IDLE = 16  # open connections between requests: one for each thread that asks at the same time


class Client(AnyClient):
    """A client for threads. It connects at the first request, and again when a connection has ended.

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

    def follow(
        self,
        *tags: str,
        query: str = "",
        after: int | None = None,
        live: bool = True,
        timeout_s: float | None = None,
        listener: FollowListener | None = None,
    ) -> Follower:
        """Iterate over tweets with any of the tags, or over all: first those after the id, then live.

        With a `query`, only those that it finds; see `find`. Without `after` only new ones, and with `live=False`
        only those that are there. It reconnects and resumes by itself, without end or for `timeout_s`, and calls the
        listener. It has a connection of its own; see Follower for what is promised and raised.
        """
        from ttweet.client.cursor import Cursor
        from ttweet.client.follower import Follower

        deadline = self.deadline if timeout_s is None else min(self.deadline, time.monotonic() + timeout_s)
        return Follower(
            self._connect, Cursor(tags, after, listener, query, live=live, rotation=self.rotation), deadline
        )

    def report_if_connected(self, *lines: str) -> None:
        """Send lines for the server's report log on a connection that is open, else not at all. Raises nothing."""
        if link := self._take_idle():
            told, *_ = exchanges.tell(calls.report(*lines))
            try:
                self._carry_out_once(link, told)
            except ConnectError:
                return  # the server is gone

    def call(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make one of the calls of `protocol.calls` and return what its shape makes of the answer."""
        return self.carry_out(exchanges.ask((frame, shape)))

    def carry_out(self, exchange: Exchange[T]) -> T:
        """Carry out an exchange and return its result. One refused with `slow_down` is begun again."""
        what, explained, may_repeat = exchange
        try:
            result = self._obeying(lambda: self._carry_out_once(self._take(), what), may_repeat=may_repeat)
        except ConnectError as error:
            raise explained(error) from error.__cause__
        self.rotation.note_all(result)
        return result

    def carry_out_batch(self, batch: PostBatch) -> Iterator[PostOutcome]:
        """Carry out the uploads of a batch and yield their outcomes in order."""
        from ttweet.client.pipeline import Pipeline

        uploads, in_flight = batch
        pipeline = Pipeline(in_flight, self._retry_budget())
        link = self._obeying(self._take)
        try:
            while (data := pipeline.fill(uploads)) or pipeline:
                link.send(data)
                for _ in range((len(pipeline) + 1) // 2):
                    yield self._converse(link, pipeline.next_outcome())
        except BaseException:
            link.close()
            raise
        self._put_back(link)

    def _obeying(self, ask: Callable[[], T], *, may_repeat: bool = True) -> T:
        """Return the answer, of a busy server when it says, or of the next one if this one cannot help."""
        patience: Patience | None = None
        while True:
            try:
                return ask()
            except (Refused, ConnectError) as error:
                patience = patience or self._patience(may_repeat=may_repeat)
                pause(patience.pause_s(error), self.deadline)

    def _carry_out_once(self, link: SyncLink, what: Call[T] | Begin[T]) -> T:
        """Carry it out on a connection that is put back, or closed when an answer to it may still come."""
        try:
            result = self._carry_out_on(link, what)
        except Refused:
            self._put_back(link)
            raise
        except BaseException:
            link.close()
            raise
        self._put_back(link)
        return result

    def _carry_out_on(self, link: SyncLink, what: Call[T] | Begin[T]) -> T:
        if callable(what):
            return self._converse(link, what())
        frame, read = what
        link.send(frame)
        return self._read(read, link.receive())

    def _converse(self, link: SyncLink, steps: Steps[T]) -> T:
        steps = self._checked(steps)
        try:
            step = next(steps)
            while True:
                step = steps.send(self._carry_out_step(link, step))
        except StopIteration as end:
            result: T = end.value
            return result

    def _carry_out_step(self, link: SyncLink, step: Step) -> bytes | None:
        if step is RECEIVE:
            return link.receive()
        if isinstance(step, bytes):
            link.send(step)
        else:
            pause(step, self.deadline)
        return None

    def _take(self) -> SyncLink:
        """Return an idle connection, or a new one. No other thread uses it until it is put back."""
        return self._take_idle() or self.connect()

    def _put_back(self, connection: SyncLink) -> None:
        if len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _take_idle(self) -> SyncLink | None:
        """Return an idle connection that the server has not closed, or None."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.turn == self.rotation.turn and not connection.has_ended():
                connection.wait_until(self.deadline)
                return connection
            connection.close()

    def connect(self) -> SyncLink:
        """Return a separate connection, signed in. The caller closes it."""
        return self._connect(self.deadline)

    def _connect(self, deadline: float) -> SyncLink:
        """Return a new connection to the first reachable server, signed in. The caller closes it."""
        failures: list[ConnectError] = []
        for server in self.rotation.in_order():
            try:
                return self._connect_to(server, deadline)
            except ConnectError as error:
                failures.append(error)
        raise link_errors.none_reached(failures)

    def _connect_to(self, server: ServerAddress, deadline: float) -> SyncLink:
        self.host, self.port = server.host, server.port
        link = SyncLink(self.host, self.port, self._timeout_s, self.endpoint.tls.context(server), deadline)
        link.turn = self.rotation.reached(server)
        try:
            self._converse(link, exchanges.greet(self.endpoint.greetings(server, link.peer, self.name)))
        except BaseException:
            link.close()
            raise
        self.rotation.was_online |= self.name is not None
        return link
