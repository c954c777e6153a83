"""An edge beside that of TCP, to show what one needs: requests come as values, answers and pushes leave as lines."""

from typing import Any

import trio

from ttweet.broker import dispatch
from ttweet.broker.receipts import Receipt
from ttweet.broker.session import Host, Session
from ttweet.broker.subscriptions import LIVE
from ttweet.model.answers import Done
from ttweet.model.errors import ProtocolError, StoreError, TtweetError
from ttweet.model.requests import Identify, Ping, Post, Query
from ttweet.model.tweets import Deletion, Tombstone, Tweet
from ttweet.security import permissions
from ttweet.server.config import NO_RATES, Rates
from ttweet.server.net.throttle import Throttle

Asked = Query | Post | Ping | Identify


def line(kind: str, **fields: object) -> bytes:
    """A line of the edge's encoding."""
    return " ".join([kind, *[f"{name}={value!r}" for name, value in fields.items()]]).encode() + b"\n"


def encode(answer: Any) -> bytes:
    """An answer, or an error."""
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


class Client:
    """The edge's side of one client, which gets its answers from `ask`, and its pushes into `pushed`."""

    def __init__(self, edge: "MemoryEdge", address: str) -> None:
        peer = address, 1
        self.session = Session(edge.host, peer, self)
        self._gauge = edge.throttle.gauge(peer, lambda: self.session.principal)
        self._decided = trio.Event()
        self.encoder = edge.encoder
        self.has_room = True
        self.pushed: list[bytes] = []
        self.is_open = True

    async def ask(self, request: Asked) -> bytes:
        """The answer to a request."""
        try:
            answer = await self._carry_out(request)
        except TtweetError as error:
            self._note(error)
            answer = error
        self.session.resume()
        return encode(answer)

    def push(self, data: bytes) -> None:
        """See subscriptions.Subscriber."""
        self.pushed += data.splitlines(keepends=True)

    def answered(self) -> None:
        """See receipts.Waiter."""
        self._decided.set()

    def close(self) -> None:
        """See subscriptions.Subscriber."""
        self.is_open = False
        self.session.leave()
        self.session.sign_out()

    async def _carry_out(self, request: Asked) -> Any:
        self._check(request)
        match request:
            case Identify(token):
                return await self.session.identify(token)
            case Post():
                return await self._outcome(self.session.post(request, self))
            case Ping():
                return Done()
            case _:
                return await dispatch.answer(self.session, request)

    def _check(self, request: Asked) -> None:
        """Raise what is answered to a request that comes too early, or that this client may not make."""
        if self._gauge is not None and not isinstance(request, Identify) and (too_early := self._gauge.take()):
            raise too_early
        if type(request) in self.session.forbidden:
            refusal = permissions.refusal(request, self.session.principal)
            assert refusal is not None, "only report lines are dropped without a word"
            raise refusal

    def _note(self, error: TtweetError) -> None:
        if not isinstance(error, StoreError):
            self.session.service.refusals[error.code] += 1
        if isinstance(error, ProtocolError):
            self.session.end()

    async def _outcome(self, receipt: Receipt) -> Tweet | Tombstone | TtweetError | None:
        while receipt.outcome is None:
            self._decided = trio.Event()
            await self._decided.wait()
        return receipt.outcome


class MemoryEdge:
    """All clients of the edge; see stats.Edge."""

    turned_away = 0

    def __init__(self, host: Host, rates: Rates = NO_RATES) -> None:
        self.host = host
        self.throttle = Throttle(rates)
        self.encoder = Lines()
        self.limiter = self.throttle.limiter
        self._clients: list[Client] = []

    def connect(self, address: str = "192.0.2.1") -> Client:
        """A client that comes from an address."""
        self._clients.append(Client(self, address))
        return self._clients[-1]

    def keep_alive(self) -> None:
        """Tell all followers that their connection lives; an edge with a clock does so now and then."""
        for client in self._open():
            if client.session.follows:
                client.push(self.encoder.keep_alive)

    def recheck(self) -> None:
        """See who everybody is, now that tokens have changed."""
        for client in self._open():
            try:
                client.session.recheck()
            except ProtocolError as error:
                client.push(encode(error))
                client.close()

    @property
    def clients(self) -> int:
        """See stats.Edge."""
        return len(self._open())

    @property
    def accepted(self) -> int:
        """See stats.Edge."""
        return len(self._clients)

    @property
    def followers(self) -> tuple[int, int]:
        """See stats.Edge."""
        states = [client.session.follows for client in self._open() if client.session.follows]
        return states.count(LIVE), len(states) - states.count(LIVE)

    def _open(self) -> list[Client]:
        return [client for client in self._clients if client.is_open]
