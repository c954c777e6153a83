"""One client's connection: its requests in, its answers out in the same order.

The client's task reads, parses and queues; it does not sleep on its uploads. Their receipts stand in the outbox, and
when a batch is committed whatever is ready leaves in one write: at once if the socket takes it, through a task of its
own if not. To wake the client's task for each acknowledgement would cost a turn of the scheduler each. Queries that
memory can answer are answered in the same step, and all answers of one read leave in one write.

Back-pressure: nothing more is read while `max_unanswered` uploads are on their way, while the journal is full, or while
the socket does not take what was answered. So a connection holds at most one read, that many receipts, and the answers
of one turn: 64 KiB and one answer more.
"""

from collections.abc import Awaitable, Callable

import trio

from ttweet.broker import dispatch
from ttweet.broker.session import Backend, Session
from ttweet.model.answers import Answer
from ttweet.model.errors import ProtocolError, Refused, StoreError, TtweetError
from ttweet.model.requests import ClientReport, Identify, Last, OrderedRequest, Ping, Post
from ttweet.protocol.classic import ClassicDownload, ClassicUpload
from ttweet.protocol.reader import ReaderEvent, RequestReader
from ttweet.server.config import Limits
from ttweet.server.net.places import FRAMES, Place, Standing
from ttweet.server.net.transport import LOST, Transport, drain
from ttweet.server.tcp.deadline import Deadline
from ttweet.server.tcp.outbox import ENCODER, Outbox, error_frame
from ttweet.server.tcp.state import CLOSED, DRAINING, HANDLING, LAST_READ, LINGERING, READING, after_last, after_read

TURN_REQUESTS = 64  # of one client before other tasks run, about 0.3 ms; one read may hold hundreds
HEAVY_REQUESTS = 8  # that a request counts for in a turn; an answer from memory counts for one, and one more each KiB

NOT_QUERIES = (Post, ClassicUpload, ClassicDownload, ClientReport, Ping, Identify, TtweetError)
"""Everything else is a query: `dispatch` answers it when all that the client sent before it is answered."""


class Connection:
    """The server's side of one connected client. `run` is its task."""

    __slots__ = (
        "_deadline",
        "_limits",
        "_outbox",
        "_quiet",
        "_reader",
        "_send_later",
        "_served",
        "_service",
        "_session",
        "_state",
        "_transport",
        "_turn",
        "place",
    )

    def __init__(
        self,
        transport: Transport,
        backend: Backend,
        reader: Callable[[Session], RequestReader],
        place: Place,
        *,
        limits: Limits,
        send_later: Callable[["Connection"], None],
    ) -> None:
        """`reader` makes the reader of the client's bytes."""
        self._transport = transport
        self._service = backend.service
        self._session = Session(backend, place.peer, self)
        self.place = place
        """See places.Guest: a client in the anteroom asks for a place with its first frame."""
        self._limits = limits
        self._send_later = send_later
        self._reader = reader(self._session)
        self._outbox = Outbox(transport, self._reader)
        self._quiet = False  # nothing was pushed since the last look
        self._state = READING
        self._served = False  # a request was carried out
        self._turn = 0  # requests since other tasks ran, see TURN_REQUESTS
        self._deadline = Deadline(limits, self._reader, place, self._session)

    async def run(self) -> None:
        """Serve the client until it ends, breaks the protocol, or `stop`, `expire` or its own going ends it."""
        try:
            while self._state is READING:
                data = await self._transport.receive()
                self._state = after_read(self._state)
                events = self._reader.receive_data(data) if data else self._reader.receive_end()
                if events and not self.place.seated:
                    events = await self._enter(events)
                await self._handle_all(events)
                if not data:
                    return await self._end()
                self._deliver()
                if self._outbox.unsent:
                    await self._until_answered()
                self._deadline.move(progressed=bool(events))
                if self._state is HANDLING:
                    self._state = READING
            await self._end()
            await drain(self._transport)
        except LOST:
            pass  # the client is gone
        finally:
            self.close()

    async def send_rest(self) -> None:
        """Send what the socket did not take; a task of its own, started by way of `send_later`."""
        try:
            await self._outbox.send_rest()
        except LOST:
            self.close()
        else:
            self._deadline.move(progressed=True)
            self.answered()
            self._outbox.note_progress()
            self._session.resume()

    def answered(self) -> None:
        """See receipts.Waiter."""
        self._flush()
        if self._state is not READING:
            self._close_if_done()
        if self._state is CLOSED:
            self._sign_out()

    @property
    def standing(self) -> Standing:
        """See places.Guest."""
        if self.token is not None:
            return Standing.TOKEN
        if self._served:
            return Standing.SERVED
        return Standing.REFUSED if self._reader.understood else Standing.SILENT

    @property
    def token(self) -> str | None:
        """See places.Guest."""
        return self._session.principal.token

    @property
    def is_working(self) -> bool:
        """See places.Guest."""
        return bool(self._outbox.answers) or (self._state in (HANDLING, DRAINING) and not self._outbox.unsent)

    @property
    def has_begun(self) -> bool:
        """Whether something was carried out for it, or it has begun a classic request."""
        return self._served or self._reader.classic or self.standing is Standing.TOKEN

    encoder = ENCODER
    form = FRAMES
    """See subscriptions.Subscriber."""

    @property
    def has_room(self) -> bool:
        """See subscriptions.Subscriber. Answers go first, or pushes could delay them without end."""
        return not self._outbox.unsent and self._outbox.progress is None

    def push(self, data: bytes) -> bool:
        """See subscriptions.Subscriber."""
        outbox = self._outbox
        if outbox.unsent or outbox.progress is not None:  # see has_room, which would cost a seventh of a push
            return False
        self._quiet = False
        self._send(data)
        return True

    @property
    def deadline(self) -> float:
        """See sweeper.Timed."""
        return self._deadline.at

    @property
    def follows(self) -> str | None:
        """See Session."""
        return self._session.follows

    def stop(self) -> None:
        """Read no further request; end at once if nothing is under way, else when it is answered."""
        if not self._reader.classic:  # such a client has but one request, and it has begun
            self._state = after_last(self._state)
            self._close_if_done()

    def recheck(self) -> None:
        """Check the identity, now that tokens have changed; disconnect a client that has lost its rights."""
        try:
            self._session.recheck()
        except ProtocolError as error:
            self._refuse(error)
            self.answered()

    def expire(self) -> None:
        """Close, now that the deadline has passed, and send the client the error if it can read it."""
        unsent, unfinished = self._outbox.unsent, self._reader.unfinished
        if self.is_working and not unsent:
            self._deadline.move(progressed=True)  # it is waiting for the disk, which is not its fault
            return
        if self._state is READING and not (unsent or unfinished) and self.follows is not None:
            self._ping()
            return
        error = ProtocolError("timeout", f"{self._deadline.missing} came")
        if unfinished and self._state in (READING, HANDLING):
            self._session.note_refused(error)
        else:
            self.place.reason = "it did not read what was sent" if unsent else error.text
        self.reject(error)

    def reject(self, error: ProtocolError) -> None:
        """See places.Guest: a client that has nothing under way makes room for another."""
        if self._state in (READING, HANDLING) and not (self._outbox.unsent or self._reader.classic):
            self._send(error_frame(error))
        self.close()

    def close(self) -> None:
        """Disconnect the client at once."""
        self._state = CLOSED
        self._transport.close()
        self._session.leave()
        self._sign_out()
        self._outbox.close()

    def _close_if_done(self) -> None:
        """Let a task go that listens for what will not be read any more; one that does not finishes by itself."""
        if self._state is LINGERING or (
            self._state is LAST_READ and self._outbox.is_empty and (self._session.ended or not self._reader.unfinished)
        ):
            self.close()

    async def _enter(self, events: list[ReaderEvent]) -> list[ReaderEvent]:
        """Ask for a place, with the token that the first event may show; returns the events that are left to handle."""
        first, *_ = events
        if isinstance(first, Identify):
            await self._identify(first.token)
            events = events[1:]
        try:
            if not self._session.ended:
                self.place.seat(self)
        except ProtocolError as error:
            self._outbox.answers.clear()
            self._session.note_refused(error)
            self._refuse(error)
            return []
        return events

    async def _handle_all(self, events: list[ReaderEvent]) -> None:
        """Carry out requests in their order. Answers leave before the task waits or others run."""
        self._turn = 0
        for event in events:
            if self._session.ended:
                return
            waiting = self._handle(event)
            if waiting is not None:
                self._deliver()
                await waiting
            elif self._turn >= TURN_REQUESTS:
                self._turn = 0
                self._deliver()
                await trio.lowlevel.checkpoint()
            if len(self._outbox.answers) >= self._limits.max_unanswered:
                await self._until(lambda: len(self._outbox.answers) < self._limits.max_unanswered)

    def _handle(self, event: ReaderEvent) -> Awaitable[None] | None:
        """Carry out a request at once, or return what to await for it."""
        try:
            return self._carry_out(event)
        except (Refused, ProtocolError) as error:
            self._refuse(error)
            return self._room()

    def _carry_out(self, event: ReaderEvent) -> Awaitable[None] | None:
        if not isinstance(event, NOT_QUERIES):
            return self._query(event)
        self._turn += HEAVY_REQUESTS
        match event:
            case Post():
                self._post(event)
            case ClassicUpload(text):
                self._post(Post(text))
            case ClassicDownload():
                self._download()
            case ClientReport():
                self._served |= self._session.report(event)
            case Ping():
                self._answer(self._session.ping(event))
            case Identify(token):
                return self._identify(token)
            case TtweetError():
                self._refuse(self._session.refuse(event))
        return self._room()

    async def _identify(self, token: str) -> None:
        try:
            self._outbox.add(await self._session.identify(token))
        except ProtocolError as error:
            self._refuse(error)

    def _post(self, request: Post) -> None:
        self._outbox.add_receipt(self._session.post(request, self))
        self._served = True

    def _download(self) -> None:
        """Carry out the only request of a classic client."""
        self._state = after_last(self._state)
        self._session.admit(Last())
        self._outbox.add_last_text(self._service.last())
        self._served = True

    def _refuse(self, error: TtweetError) -> None:
        """Answer with an error. After one of the protocol nothing more is carried out or answered."""
        self._outbox.add_error(error)
        if isinstance(error, ProtocolError):
            self._state = after_last(self._state)

    def _room(self) -> Awaitable[None] | None:
        """Await these before the next request: each may have put a line into the journal."""
        return None if self._service.inbox.has_room else self._service.inbox.room()

    def _query(self, request: OrderedRequest) -> Awaitable[None] | None:
        if self._outbox.receipts or self._outbox.unsent:
            return self._query_after_posts(request)
        if type(request) in dispatch.AT_ONCE:
            self._answer(dispatch.answer(self._session, request))
        elif (kept := dispatch.kept(self._session, request)) is not None:
            self._answer(kept)
        else:
            return self._answer_when_found(dispatch.answer_from_file(self._session, request))
        return None

    async def _query_after_posts(self, request: OrderedRequest) -> None:
        """Wait for the client's own posts: it sees those that it sent before its query."""
        await self._until_answered()
        if not self._session.ended and (waiting := self._handle(request)) is not None:
            await waiting

    async def _answer_when_found(self, found: Awaitable[Answer]) -> None:
        try:
            answer: Answer | Refused | StoreError = await found
        except (Refused, StoreError) as error:
            answer = error
        if not self._session.ended:  # else it has lost its token meanwhile, and has got the error
            self._refuse(answer) if isinstance(answer, TtweetError) else self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        self._turn += 1 + self._outbox.add(answer) // 1024
        self._served = True

    def _deliver(self) -> None:
        """Send what is answered, and only then resume pushes: none may overtake the answer to its follow."""
        if self._outbox.has_answers:  # receipts alone leave once they are decided
            self._flush()
        self._session.resume()

    def _sign_out(self) -> None:
        """Free the name; once the connection has ended, when what it posted is decided: it belongs to this login."""
        if not (self._state is CLOSED and self._outbox.is_undecided):
            self._session.sign_out()

    def _ping(self) -> None:
        """Send a keep-alive to a follower that got nothing for a while, which also finds a dead link."""
        self._deadline.wait_for_keep_alive()
        if self._quiet:
            self._send(ENCODER.keep_alive)
        self._quiet = True

    async def _until_answered(self) -> None:
        await self._until(lambda: self._outbox.is_empty)

    async def _until(self, ready: Callable[[], bool]) -> None:
        self._flush()
        await self._outbox.until(ready)
        self._session.resume()

    async def _end(self) -> None:
        """End the server's side once all is answered; a client that does not read is given up in time."""
        self._state = after_last(self._state)
        await self._until_answered()
        self._session.unfollow()  # nothing may be sent behind the end, nor while TLS still sends it
        if self._state is DRAINING:
            self._state = LINGERING
        self._deadline.linger()
        await self._transport.send_end()

    def _flush(self) -> None:
        if not self._outbox.flush():
            self._wait_for_socket()

    def _send(self, data: bytes) -> None:
        if not self._outbox.send(data):
            self._wait_for_socket()

    def _wait_for_socket(self) -> None:
        """Give a client that does not take what is sent some time, or close if it has gone."""
        if self._outbox.unsent:
            self._deadline.wait_for_socket()
            self._send_later(self)
        else:
            self.close()
