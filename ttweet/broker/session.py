"""A client's session: its rights, the name that it has taken, and what it follows.

Every connection has one, whichever edge it came to. Knows no bytes and no sockets.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import NamedTuple

import trio

from ttweet.broker.fanout import FanOut
from ttweet.broker.receipts import Receipt, Waiter
from ttweet.broker.service import Service
from ttweet.broker.subscriptions import Subscriber, Subscription, wanted
from ttweet.model import events, reports, tweets
from ttweet.model.addresses import network_of
from ttweet.model.answers import Done, Following, Identity, Shared, SignedIn
from ttweet.model.errors import ProtocolError, Refused, StoreError, TtweetError
from ttweet.model.events import Event, Peer
from ttweet.model.query import parse
from ttweet.model.reports import Report
from ttweet.model.requests import ClientReport, Follow, Ping, Post, Request
from ttweet.model.times import now_ms
from ttweet.model.tweets import Deletion, TagPage
from ttweet.security import permissions, tokens
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import READ, RIGHTS, Principal

_NOBODY = Principal(None, frozenset())


class Backend(NamedTuple):
    """The parts behind all edges, which the sessions of their clients share."""

    service: Service
    fanout: FanOut
    authenticator: Authenticator

    async def run(self, recheck: Callable[[], Awaitable[None]]) -> None:
        """Push to the clients that are behind, and look after tokens, until cancelled.

        `recheck` has the sessions of all edges rechecked, after tokens have changed.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.fanout.run)
            nursery.start_soon(self.authenticator.run, recheck)


class Session:
    """One client, anonymous until it shows a token. Its pushes go to `subscriber`.

    Each request comes in by a method of this class, or by `dispatch`. They refuse what the client may not do,
    count what was refused and tell of it, so an edge has only to answer. `forbidden` holds the kinds of requests that
    it may not make, `author` the name it posts under.
    """

    __slots__ = (
        "_authenticator",
        "_fanout",
        "_least",
        "_most",
        "_online",
        "_peer",
        "_signing_in",
        "_subscriber",
        "author",
        "ended",
        "forbidden",
        "principal",
        "service",
        "subscription",
    )

    def __init__(
        self, backend: Backend, peer: Peer, subscriber: Subscriber, *, strangers: frozenset[str] | None = None
    ) -> None:
        """`strangers`: the most that a client without a token may do here; None: as much as anywhere."""
        self.service, self._fanout, self._authenticator = backend
        self._most = strangers
        self._peer = peer
        self._subscriber: Subscriber | None = subscriber
        self.subscription: Subscription | None = None
        self._online: str | None = None
        self._signing_in = False  # and has not left meanwhile
        self._least: int | None = None
        """The tweet that its lists of tags must count; None: the newest that there is at the next one."""
        self.ended = False
        """Whether the client is on its way out: no request more is carried out or answered."""
        self.author: str | None = None
        self._become(self._authenticator.anonymous)

    # Rights and refusals

    def admit(self, request: Request) -> None:
        """Raise Refused or ProtocolError for a request that this client may not make."""
        self.admit_kind(type(request))

    def admit_kind(self, kind: type[Request]) -> None:
        """Raise Refused or ProtocolError for a kind of requests that this client may not make."""
        if kind in self.forbidden:
            error = permissions.refusal(kind, self.principal)
            self.note_refused(error)
            raise error

    def refuse(self, error: TtweetError) -> TtweetError:
        """Note an error that stands in place of a request, and return the one to answer with.

        A client without any right gets that error, whatever it has sent.
        """
        if type(error) in self.forbidden:
            error = permissions.refusal(type(error), self.principal)
        self.note_refused(error)
        return error

    def note_refused(self, error: TtweetError) -> None:
        """Count a request of this client that was refused, and tell of it in the report log. A ProtocolError ends it.

        A failure of the store is no fault of the client, and gets no line.
        """
        if not self.ended:
            self.service.note_refused(error.code, self._line_of(error))
            if isinstance(error, ProtocolError):
                self.end()

    def _line_of(self, error: TtweetError) -> Report | None:
        if isinstance(error, StoreError):
            return None
        if isinstance(error, Refused) and not self.principal.rights:
            return None  # or a client without any right would fill the log over one connection
        if error.code == "slow_down":
            self._show(events.LIMITED)
            return None  # or a client that is too fast would fill the log
        if error.code == "tls":
            return reports.not_secured(self._peer, "the client uses TLS, this port does not")
        identity, why = error.identity or self.principal.name, tokens.masked(error.public_text)
        return reports.input_refused(self._peer, error.code, identity, name=self.author, why=why)

    def _show(self, kind: str, **values: object) -> None:
        self.service.show(Event(kind, self._peer, self.author, **values))

    # Posts, deletions and reports

    def post(self, request: Post, waiter: Waiter) -> Receipt:
        """Queue a tweet of this author; see Service.post. Raises Refused, ProtocolError."""
        if Post in self.forbidden:
            self.admit(request)
        text, tags, scan, key = request
        self._least = None
        try:
            receipt = self.service.post(text, waiter, tags=tags, scan=scan, key=key, by=self.author)
        except Refused as error:
            self.note_refused(error)
            raise
        receipt.peer = self._peer
        return receipt

    def report(self, request: ClientReport) -> bool:
        """Put a line into the report log, or drop it without the right to; returns which. Raises ProtocolError.

        No client waits for an answer to it.
        """
        if ClientReport in self.forbidden and self.principal.rights:
            return False
        self.admit(request)
        self.service.report(reports.from_client(request.text))
        return True

    def ping(self, request: Ping) -> Done:
        """Return the answer to a ping. Raises ProtocolError."""
        self.admit(request)
        return Done()

    async def delete(self, tweet: int) -> Deletion:
        """Delete a tweet in the name of this author, or else of its address; see Service.delete. Raises Refused."""
        deletion = await self.service.delete(tweet, self.author or f"{self._peer}")
        self._show(events.DELETED, id=tweet)
        return deletion

    async def list_tags(self, limit: int, numbers: bool) -> Shared[TagPage]:
        """Return the most used tags; see Service.list_tags.

        They count all that this client has posted, or was pushed.
        """
        return await self.service.list_tags(limit, numbers, least=self._least_counted())

    def kept_tags(self, limit: int, numbers: bool) -> Shared[TagPage] | None:
        """Return what `list_tags` returns if memory has it."""
        return self.service.kept_tags(limit, numbers, least=self._least_counted())

    def _least_counted(self) -> int:
        """Return the tweet that this client's lists of tags must count."""
        if self._least is None or self.subscription is not None:
            self._least = self.service.newest
        return self._least

    # Following

    @property
    def follows(self) -> str | None:
        """How its subscription is doing, one of the states of `subscriptions`; None without one."""
        return None if self.subscription is None else self.subscription.state

    def follow(self, request: Follow) -> Following:
        """Follow tweets, instead of those that it follows, once `resume` is called.

        Raises Refused `bad_tag` or `bad_query`, and ClosedResourceError after `leave`.
        """
        if self._subscriber is None:
            raise trio.ClosedResourceError
        tags, after, deletions, query = request
        asked = wanted(tags, parse(query, now_ms()) if query else None)
        fanout = self._fanout
        subscription = fanout.follow(self._subscriber, asked, after, self.subscription, deletions=deletions)
        self.subscription = subscription
        self._show(events.FOLLOWED, tags=list(tags), query=query or None)
        return Following(
            subscription.cursor, fanout.pruned_up_to if subscription.cursor < fanout.pruned_up_to else None
        )

    def follow_at_once(self, request: Follow) -> Following | None:
        """Follow as `follow` does, unless another server has given the id `after` and it is not here yet."""
        horizon = self.service.horizon
        return None if horizon is not None and horizon.lacks(request.after) else self.follow(request)

    async def follow_when_there(self, request: Follow) -> Following:
        """Follow as `follow` does, once the id `after` is here. Also raises Refused `behind`."""
        if self.service.horizon is not None:
            await self.service.horizon.reach(request.after)
        return self.follow(request)

    def unfollow(self) -> None:
        """Follow nothing any more."""
        if self.subscription is not None:
            self._fanout.end(self.subscription)
            self.subscription = None
            self._show(events.UNFOLLOWED)

    def resume(self) -> None:
        """Resume pushes if the subscriber has room for them."""
        if self.subscription is not None and self.subscription.subscriber.has_room:
            self._fanout.resume(self.subscription)

    def leave(self) -> None:
        """Follow nothing any more, and forget the subscriber, which has gone: it may hold this session itself."""
        self.unfollow()
        self._subscriber = None

    # Identity

    @property
    def client(self) -> Hashable:
        """The token, or the network of the address: all connections of one client have it in common."""
        return self.principal.token or network_of(self._peer[0])

    async def identify(self, secret: str) -> Identity:
        """Be the principal that the token names. Raises ProtocolError."""
        await self.authenticate(secret)
        self._show(events.IDENTIFIED)
        rights = self.principal.rights
        return Identity(self.principal.name, tuple([right for right in RIGHTS if right in rights]))

    async def authenticate(self, secret: str) -> None:
        """Be the principal that the token names, without an event that says so. Raises ProtocolError."""
        try:
            self._become(await self._authenticator.identify(secret, self._peer[0]))
        except ProtocolError as error:
            self.note_refused(error)
            raise

    def sign_in(self, name: str) -> SignedIn:
        """Take a name, in place of the one that is taken. Raises Refused."""
        name = self._allowed(name)
        return self._signed_in(self.service.sign_in(name, instead_of=self._online))

    def sign_in_at_once(self, name: str) -> SignedIn | None:
        """Sign in as `sign_in` does, unless other servers have names online, too."""
        return None if self.service.online.is_shared else self.sign_in(name)

    async def sign_in_everywhere(self, name: str) -> SignedIn:
        """Take a name in the whole cluster, in place of the one that is taken. Raises Refused and StoreError."""
        name = self._allowed(name)
        self._signing_in = True
        try:
            return self._signed_in(await self.service.sign_in_everywhere(name, instead_of=self._online))
        finally:
            has_left, self._signing_in = not self._signing_in, False
            if has_left:
                self.sign_out()

    def _allowed(self, name: str) -> str:
        """Return a name that this client may take, in its normal form. Raises Refused."""
        name = tweets.checked_name(name)
        own = self.principal.name
        if own not in (None, name):
            raise Refused(
                "forbidden", f"name not allowed: your token is for {own}; sign in as {own}, or without the token"
            )
        if own is None and self._authenticator.reserves(name):
            raise Refused(
                "name_taken",
                f"name taken: {name}, or one that looks like it, belongs to a token; choose another, or use that token",
            )
        return name

    def _signed_in(self, signed_in: SignedIn) -> SignedIn:
        self._online = self.author = signed_in.name
        self._show(events.SIGNED_IN)
        return signed_in

    def sign_out(self) -> None:
        """Free the name, if one is taken. One that the client is about to take is freed then."""
        if self._signing_in:
            self._signing_in = False
        elif self._online is not None:
            self._show(events.SIGNED_OUT)
            self.service.online.free(self._online)
            self._online = None
            self.author = self.principal.name

    def recheck(self) -> None:
        """Identify the client again after tokens have changed, or names of the cluster.

        Raises ProtocolError when the token is no longer good, or no longer lets a client follow that does, and when
        another server has given the client's name to another one.
        """
        if self.ended:
            return
        try:
            self._recheck()
        except ProtocolError as error:
            self.note_refused(error)
            raise

    def _recheck(self) -> None:
        if self.service.online.is_lost(self._online):
            raise ProtocolError("name_taken", f"{self._online} is online at another server, since this one was cut off")
        principal = self._authenticator.current(self.principal)
        if self._online not in (None, principal.name) and (
            principal.name != self.principal.name or self._authenticator.reserves(str(self._online))
        ):
            self.sign_out()
        self._become(principal)
        if self.subscription is not None and READ not in principal.rights:
            raise ProtocolError("forbidden", f"the token of {principal.name} no longer has the right to read")

    def end(self) -> None:
        """End the session: it has no identity, follows nothing and gets no answer."""
        self.ended = True
        self.unfollow()
        self._become(_NOBODY)

    def _become(self, principal: Principal) -> None:
        if self._most is not None and principal.token is None:
            principal = principal._replace(rights=principal.rights & self._most)
        self.principal = principal
        self.forbidden = permissions.forbidden(principal.rights)
        self.author = principal.name or self._online
