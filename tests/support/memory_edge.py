"""An edge beside that of TCP, to show what one needs: requests come as values, answers and pushes leave as lines."""

import socket
from math import inf
from typing import Any

import trio

from ttweet.broker import dispatch
from ttweet.broker.receipts import Receipt
from ttweet.broker.session import Backend, Session
from ttweet.model.answers import Shared
from ttweet.model.errors import ProtocolError, TtweetError
from ttweet.model.requests import Identify, OrderedRequest, Ping, Post
from ttweet.model.tweets import Deletion, Tombstone, Tweet
from ttweet.server.config import EdgeSettings
from ttweet.server.net import places
from ttweet.server.net.admission import Admission
from ttweet.server.net.places import FRAMES, Place, Standing

Asked = OrderedRequest | Post | Ping | Identify


def line(kind: str, **fields: object) -> bytes:
    """A line of the edge's encoding."""
    return " ".join([kind, *[f"{name}={value!r}" for name, value in fields.items()]]).encode() + b"\n"


def encode(answer: Any) -> bytes:
    """An answer, or an error."""
    if isinstance(answer, Shared):
        return encode(answer.value)
    if isinstance(answer, TtweetError):
        return line("error", code=answer.code)
    return line("none") if answer is None else line(type(answer).__name__, **answer._asdict())


class Lines:
    """Pushes in the edge's encoding; see subscriptions.Encoder."""

    keep_alive = line("keep-alive")

    def tweet(self, tweet: Tweet) -> bytes:
        return line("push", id=tweet.id, by=tweet.by, text=tweet.text)

    def deletion(self, deletion: Deletion) -> bytes:
        return line("deleted", tweet=deletion.tweet)

    def caught_up(self, cursor: int) -> bytes:
        return line("caught-up", cursor=cursor)

    def pruned(self, up_to: int) -> bytes:
        return line("pruned", up_to=up_to)


class MemoryClient:
    """The edge's side of one client, which gets its answers from `ask`, and its pushes into `pushed`.

    To the server it is one of its guests; see places.Guest. It has no deadline.
    """

    deadline = inf
    form = FRAMES

    def __init__(self, edge: "MemoryEdge", address: str) -> None:
        self.place = Place(edge.admission.places, (address, 1), trio.current_time())
        self.session = Session(edge.backend, self.place.peer, self)
        self._places = edge.admission.places
        self._gauge = edge.admission.throttle.quota(self.place.peer, lambda: self.session.principal)
        self._decided = trio.Event()
        self._served = False
        self._stopping = False
        self.is_working = False
        self.encoder = edge.encoder
        self.has_room = True
        self.pushed: list[bytes] = []
        self.is_open = True

    async def ask(self, request: Asked) -> bytes:
        """The answer to a request."""
        self.is_working = True
        try:
            answer = await self._carry_out(request)
            self._served = True
        except TtweetError as error:
            answer = error
        self.is_working = False
        self.session.resume()
        if self._stopping:
            self.close()
        return encode(answer)

    @property
    def standing(self) -> Standing:
        if self.token is not None:
            return Standing.TOKEN
        return Standing.SERVED if self._served else Standing.SILENT

    @property
    def token(self) -> str | None:
        return self.session.principal.token

    @property
    def follows(self) -> str | None:
        return self.session.follows

    def reject(self, error: ProtocolError) -> None:
        self.pushed.append(encode(error))
        self.close()

    def recheck(self) -> None:
        try:
            self.session.recheck()
        except ProtocolError as error:
            self.reject(error)

    def stop(self) -> None:
        self._stopping = True
        if not self.is_working:
            self.close()

    def expire(self) -> None:
        raise AssertionError("it has no deadline")

    def push(self, data: bytes) -> bool:
        """See subscriptions.Subscriber."""
        if not self.has_room:
            return False
        self.pushed += data.splitlines(keepends=True)
        return True

    def answered(self) -> None:
        """See receipts.Waiter."""
        self._decided.set()

    def close(self) -> None:
        """See subscriptions.Subscriber."""
        self.is_open = False
        self.session.leave()
        self.session.sign_out()
        self._places.discard(self)

    async def _carry_out(self, request: Asked) -> Any:
        held_back = self._held_back(request)
        match held_back:
            case TtweetError() as error:
                raise self.session.refuse(error)
            case Identify(token):
                return await self.session.identify(token)
            case Post():
                return await self._outcome(self.session.post(held_back, self))
            case Ping() as ping:
                return self.session.ping(ping)
            case _:
                return await dispatch.ask(self.session, held_back)

    def _held_back(self, request: Asked) -> Asked | TtweetError:
        return request if self._gauge is None else self._gauge.hold_back([request])[0]

    async def _outcome(self, receipt: Receipt) -> Tweet | Tombstone | TtweetError | None:
        while receipt.outcome is None:
            self._decided = trio.Event()
            await self._decided.wait()
        return receipt.outcome


class MemoryEdge:
    """An edge without sockets; see entrances.Edge."""

    def __init__(self, backend: Backend, admission: Admission, _: EdgeSettings) -> None:
        self.backend = backend
        self.admission = admission
        self.encoder = Lines()
        self._clients: list[MemoryClient] = []

    async def run(self) -> None:
        await trio.sleep_forever()

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        raise AssertionError("nobody listens for its clients")

    def connect(self, address: str = "192.0.2.1") -> MemoryClient:
        """A client that comes from an address. Raises ProtocolError `busy`."""
        client = MemoryClient(self, address)
        if not self.admission.places.make_room(client.place.network):
            raise places.full(self.admission.places.amount)
        self.admission.places.add(client)
        self._clients.append(client)
        return client

    def keep_alive(self) -> None:
        """Tell all followers that their connection lives; an edge with a clock does so now and then."""
        for client in self._clients:
            if client.is_open and client.follows:
                client.push(self.encoder.keep_alive)
