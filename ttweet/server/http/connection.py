"""One client's connection: request after request, each answered before the next is read, or a stream until its end.

Each request is a session of its own, since what comes through one connection may be of several users. A connection
holds at most one request of 32 KiB, and one answer.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import trio

from ttweet.broker.session import Backend, Session
from ttweet.model import events
from ttweet.model.answers import Following
from ttweet.model.errors import ProtocolError, Refused, TtweetError
from ttweet.model.events import Event
from ttweet.server.answered_requests import AnsweredRequests
from ttweet.server.config import Limits
from ttweet.server.http.call import Call
from ttweet.server.http.forwarded import Requester, requester_of
from ttweet.server.http.outbox import HttpOutbox
from ttweet.server.http.parser import RequestParser
from ttweet.server.http.problems import Malformed, failure, last_word, problem
from ttweet.server.http.request import HttpRequest
from ttweet.server.http.response import LAST_CHUNK, ChunkEncoder, Response, Stream, encode, encode_head
from ttweet.server.http.routes import Match
from ttweet.server.http.site import Site
from ttweet.server.http.streams import EVENTS
from ttweet.server.net.places import Place, Standing
from ttweet.server.net.throttle import Throttle
from ttweet.server.net.transport import LINGER_S, LOST, Transport, drain

KEEP_ALIVE_S = 75.0  # between requests of one connection, as nginx; a client that waited longer connects again
SHOWN_PATH = 100  # characters of a path in an event
SHOWN_METHOD = 20  # characters of a method in an event


class EdgeContext(NamedTuple):
    """The parts that all connections of an edge share."""

    backend: Backend
    site: Site
    throttle: Throttle
    limits: Limits
    answered: AnsweredRequests
    is_secure: bool
    """Whether clients use TLS."""


class HttpConnection:
    """The server's side of one connected client. `run` is its task."""

    __slots__ = (
        "_began_s",
        "_client",
        "_closing",
        "_context",
        "_outbox",
        "_parser",
        "_quiet",
        "_refused",
        "_route",
        "_send_later",
        "_served",
        "_session",
        "_stream",
        "_transport",
        "_trusted",
        "deadline",
        "is_working",
        "place",
    )

    def __init__(
        self,
        transport: Transport,
        place: Place,
        context: EdgeContext,
        send_later: Callable[["HttpConnection"], None],
    ) -> None:
        self._transport = transport
        self._context = context
        self.place = place
        """See places.Guest: a client in the anteroom asks for a place with its first request."""
        self._trusted = place.peer[0] in context.site.proxies  # also when the client of a PROXY header has the place
        self._parser = RequestParser()
        self._send_later = send_later
        self._outbox = HttpOutbox(transport, self._start_sending)
        self._session = Session(self._context.backend, place.peer, self)
        self._route = ""  # of the request, by its path
        self._client = place.peer  # of the request
        self._began_s = place.received_at  # the answer to it
        self._stream: Stream | None = None
        self._quiet = False  # nothing was pushed since the last look
        self._served = self._refused = False
        self._closing = False  # no further request is read
        self.is_working = False
        """See places.Guest."""
        self.deadline = place.received_at + self._context.limits.first_byte_s
        """See sweeper.Timed."""

    async def run(self) -> None:
        """Serve the client until it ends, or `stop`, `expire` or an error ends it."""
        try:
            while not self._closing and (request := await self._next_request()) is not None:
                await self._serve(request)
                if self._parser.unfinished:  # a client that sends many at once must not keep the others waiting
                    await trio.lowlevel.checkpoint()
            await self._finish()
        except Malformed as error:
            await self._refuse_bytes(error)
        except LOST:
            pass  # the client has gone
        finally:
            self.close()

    async def send_rest(self) -> None:
        """Send what the socket did not take of pushes; a task of its own, started by way of `send_later`."""
        try:
            await self._outbox.send_rest()
        except LOST:
            self.close()
        else:
            self._wait(self._context.limits.ping_s)
            self._session.resume()
            self._close_if_sent()

    # See places.Guest

    @property
    def standing(self) -> Standing:
        """See places.Guest."""
        if self.token is not None:
            return Standing.TOKEN
        if self._served:
            return Standing.SERVED
        return Standing.REFUSED if self._refused else Standing.SILENT

    @property
    def token(self) -> str | None:
        """See places.Guest."""
        return self._session.principal.token

    @property
    def follows(self) -> str | None:
        """See places.Guest."""
        return self._session.follows

    @property
    def form(self) -> str:
        """See places.Guest."""
        return self.encoder.form

    @property
    def has_begun(self) -> bool:
        """Whether something was carried out for it."""
        return self._served

    def stop(self) -> None:
        """Read no further request; end at once if none is under way, else when it is answered."""
        self._closing = True
        if not self.is_working:
            self._end_stream()
            self.close()

    def recheck(self) -> None:
        """Check a follower's rights again after tokens have changed. A request under way was checked when it came."""
        if self._stream is not None:
            try:
                self._session.recheck()
            except ProtocolError:
                self._end_stream()
                self.close()

    def expire(self) -> None:
        """Close, now that the deadline has passed, and tell a client that has sent half a request why."""
        if self.is_working and not self._outbox.unsent:
            self._wait(self._context.limits.send_s)  # it is waiting for the disk, which is not its fault
        elif self._stream is not None and not self._outbox.unsent:
            self._keep_alive()
        elif self._parser.unfinished and not self._outbox.unsent:
            self.reject(Malformed(408, "incomplete request: its end did not come in time", "timeout"))
        else:
            self.close()

    def reject(self, error: ProtocolError) -> None:
        """See places.Guest: a client that has nothing under way makes room for another."""
        if self._stream is None and not (self._outbox.unsent or self.is_working):
            self._session.note_refused(error)
            self._outbox.push(last_word(error))
        self.close()

    def close(self) -> None:
        """Disconnect the client at once."""
        self._closing = True
        self._transport.close()
        self._session.leave()

    # See subscriptions.Subscriber

    @property
    def encoder(self) -> ChunkEncoder:
        """See Subscriber."""
        return EVENTS if self._stream is None else self._stream.encoder

    @property
    def has_room(self) -> bool:
        """See Subscriber."""
        return not self._outbox.unsent

    def push(self, data: bytes) -> bool:
        """See Subscriber. A stream that was asked to end with what is there ends with its last chunk."""
        if self._outbox.unsent:
            return False
        self._quiet = False
        sent = self._outbox.push(data)
        if data.endswith(LAST_CHUNK):
            self._session.unfollow()
        if not sent:
            self.close()
        self._close_if_sent()
        return True

    def _close_if_sent(self) -> None:
        """Close once a stream that has ended is sent."""
        if self.follows is None and not self._outbox.unsent:
            self.close()

    # Requests

    async def _next_request(self) -> HttpRequest | None:
        """Return the next request, None at the end of the connection. Raises Malformed."""
        while (request := self._parser.next_request()) is None:
            if go_on := self._parser.go_on():
                await self._outbox.send(go_on)
            begun = self._parser.unfinished
            data = await self._transport.receive()
            self._parser.receive_data(data)
            if not data:
                return None
            if not begun:
                self._wait(self._context.limits.frame_s)  # for the whole request: a byte a second does not move it
        return request

    async def _serve(self, request: HttpRequest) -> None:
        self.is_working, self._began_s = True, trio.current_time()
        requester = Requester(self.place.peer, self._context.is_secure)
        if self._trusted:
            requester = requester_of(request, requester, self._context.site.proxies)
        self._client = requester.peer
        most = self._context.site.most_without_token(request)
        self._session = Session(self._context.backend, requester.peer, self, strangers=most)
        try:
            answer = await self._answer(request, requester)
        except Exception:
            await self._answer_failure(request)
            raise  # for the edge, which logs it
        self.is_working = False
        self._wait(self._context.limits.send_s)
        if isinstance(answer, Stream):
            await self._send_stream(request, answer)
        else:
            await self._send(request, answer)

    async def _answer(self, request: HttpRequest, requester: Requester) -> Response | Stream:
        call, self._route = None, ""
        try:
            route, form, values = self._find(request, requester)
            self._route = route.path
            call = Call(request, self._session, (form, values), self._context.answered, is_secure=requester.is_secure)
            if route.asks is not None:
                await call.authenticate()
            self._admit(requester, route.cost)
            if route.asks is not None:
                call.admit(route.asks)  # before the query or the body is read
            answer = call.conditional(await route.handle(call))
            if isinstance(answer, Stream) and request.method != "HEAD":
                self._stream = answer
                answer = await self._follow(call, answer)
        except TtweetError as error:
            if call is None or call.noted is not error:
                error = self._session.refuse(error)
            self._refused, self._stream = True, None
            return self._context.site.refuse(request, error, is_secure=requester.is_secure)
        self._served = True
        return answer

    def _find(self, request: HttpRequest, requester: Requester) -> Match:
        """Find the route of a request. One without a route counts in the rate too. Raises Refused, or SlowDown."""
        try:
            return self._context.site.find(request, trusted=self._trusted)
        except Refused:
            self._count(requester, 1)
            raise

    def _admit(self, requester: Requester, cost: int) -> None:
        """Take a place, and count the request. Raises ProtocolError `busy`, or SlowDown."""
        if not self.place.seated:
            self.place.seat(self)
        if cost:
            self._count(requester, cost)

    def _count(self, requester: Requester, cost: int) -> None:
        """Count a request as `cost` of them. Raises SlowDown."""
        proxied = bool(self._context.site.proxies)
        quota = self._context.throttle.quota(requester.peer, lambda: self._session.principal, proxied=proxied)
        if quota is not None and (error := quota.take(cost)) is not None:
            raise error

    async def _answer_failure(self, request: HttpRequest) -> None:
        """Answer a request whose handler has failed, and read no further."""
        self.is_working, self._closing, self._stream = False, True, None
        with suppress(*LOST):
            self._wait(self._context.limits.send_s)
            await self._send(request, problem(failure(request.method)))
            await self._finish()

    async def _send(self, request: HttpRequest, response: Response) -> None:
        self._closing |= self._session.ended or not request.keeps_alive
        await self._outbox.send(encode(response, head_only=request.method == "HEAD", closes=self._closing))
        self._show(request, response.status)
        self._wait(self._context.limits.frame_s if self._parser.unfinished else KEEP_ALIVE_S)

    # Streams

    async def _follow(self, call: Call, stream: Stream) -> Stream:
        """Follow what a stream shows. Its first chunk tells what the client has missed for good."""
        following = await call.ask(stream.follow)
        assert isinstance(following, Following)
        if following.pruned_up_to is None:
            return stream
        return replace(stream, first=stream.first + stream.encoder.pruned(following.pruned_up_to))

    async def _send_stream(self, request: HttpRequest, stream: Stream) -> None:
        self._closing = True
        await self._outbox.send(encode_head(stream, head_only=request.method == "HEAD"))
        self._show(request, 200)
        if self._stream is not None:
            self._wait(self._context.limits.ping_s)
            self._session.resume()
            await drain(self._transport)

    def _keep_alive(self) -> None:
        """Give a follower that has got nothing for a while a keep-alive, which also finds a dead link."""
        self._wait(self._context.limits.ping_s)
        if self._quiet:
            self.push(self.encoder.keep_alive)
        self._quiet = True

    def _end_stream(self) -> None:
        if self._stream is not None and not self._outbox.unsent:
            self._outbox.push(LAST_CHUNK)

    def _start_sending(self) -> None:
        self._wait(self._context.limits.send_s)
        self._send_later(self)

    # The end

    async def _refuse_bytes(self, error: Malformed) -> None:
        """Answer what is no request, and read no further."""
        self._refused = True
        Session(self._context.backend, self.place.peer, self).note_refused(error)
        with suppress(*LOST):
            self._wait(self._context.limits.send_s)
            await self._outbox.send(last_word(error))
            await self._finish()

    async def _finish(self) -> None:
        """End the server's side, and read on for a moment, so that no reset overtakes the last answer."""
        self._wait(LINGER_S)
        await self._transport.send_end()
        await drain(self._transport)

    def _wait(self, seconds: float) -> None:
        """Give the client time."""
        self.place.received_at = now = trio.current_time()
        self.deadline = now + seconds

    def _show(self, request: HttpRequest, status: int) -> None:
        """Count an answer, and show it."""
        self._context.answered.note(self._route, status, trio.current_time() - self._began_s)
        shown = {"method": request.method[:SHOWN_METHOD], "path": request.path[:SHOWN_PATH], "status": status}
        self._context.backend.service.show(Event(events.REQUESTED, self._client, self._session.author, **shown))
