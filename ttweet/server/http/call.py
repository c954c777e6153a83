"""One request until its answer: the session of its client, and its requests to the broker. Knows no sockets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus

import trio

from ttweet import __version__
from ttweet.broker import dispatch
from ttweet.broker.session import Session
from ttweet.model import requests
from ttweet.model.answers import Answer
from ttweet.model.durations import DAY_MS
from ttweet.model.errors import TtweetError
from ttweet.model.requests import OrderedRequest, Post
from ttweet.model.times import now_ms
from ttweet.model.tweets import Tombstone, Tweet
from ttweet.server.answered_requests import AnsweredRequests
from ttweet.server.http.request import SAFE, HttpRequest
from ttweet.server.http.response import Headers, Response, Stream

_KEPT_VERSIONS = 64  # 1 MiB at most: what clients ask for again while nothing is new, a fifteenth of a 304


class Decision:
    """Waits for the outcome of one post; see receipts.Waiter."""

    __slots__ = ("made",)

    def __init__(self) -> None:
        self.made = trio.Event()

    def answered(self) -> None:
        """See Waiter."""
        self.made.set()


class Call:
    """A request, the session of the client that makes it, and what its path says.

    `form` is the suffix of the path, or the one that the client accepts; `values` are the parts of the path that vary.
    """

    __slots__ = (
        "_newest",
        "_version",
        "answered",
        "changes_by_itself",
        "form",
        "is_secure",
        "noted",
        "request",
        "session",
        "values",
    )

    def __init__(
        self,
        request: HttpRequest,
        session: Session,
        found: tuple[str, Mapping[str, str]],
        answered: AnsweredRequests,
        *,
        is_secure: bool,
    ) -> None:
        """`answered` are the requests of all clients until now."""
        self.request = request
        self.session = session
        self.form, self.values = found
        self.answered = answered
        self.is_secure = is_secure
        """Whether the client uses TLS."""
        self.noted: TtweetError | None = None
        """The error that the session, or the journal, has counted already."""
        self.changes_by_itself = False
        """Whether the answer may change while `version` stays the same."""
        self._newest: int | None = None
        self._version = ""

    async def authenticate(self) -> None:
        """Be the principal of the token that the request shows, if it shows one. Raises ProtocolError."""
        if (secret := self.request.token) is not None:
            await self.authenticate_as(secret)

    async def authenticate_as(self, secret: str) -> None:
        """Be the principal of a token. Raises ProtocolError."""
        with self._noting():
            await self.session.authenticate(secret)

    def admit(self, kind: type[requests.Request]) -> None:
        """Raise Refused or ProtocolError for a kind of requests that this client may not make."""
        with self._noting():
            self.session.admit_kind(kind)

    async def ask(self, request: OrderedRequest) -> Answer:
        """Return the answer to a request. Raises ProtocolError, Refused and StoreError."""
        with self._noting():
            return await dispatch.ask(self.session, request)

    async def post(self, post: Post) -> Tweet | Tombstone:
        """Store a tweet and return it, once it is on the disk. Raises Refused, ProtocolError and StoreError."""
        inbox = self.session.service.inbox
        if not inbox.has_room:
            await inbox.room()
        with self._noting():
            decision = Decision()
            receipt = self.session.post(post, decision)
            await decision.made.wait()
            outcome = receipt.outcome
            assert outcome is not None
            if isinstance(outcome, TtweetError):
                raise outcome
            return outcome

    @property
    def newest(self) -> int:
        """The end of the log at the first look: nothing that came before it is missing in what is read later."""
        if self._newest is None:
            self._newest = self.session.service.newest
        return self._newest

    @property
    def base(self) -> str:
        """The beginning of this server's URLs, as its client names them."""
        return f"http{'s' if self.is_secure else ''}://{self.request.header('host') or 'localhost'}"

    @property
    def version(self) -> str:
        """The version of an answer: a hash of all that decides it.

        That is the release, the start of the server, the end of the log, the day, the client with its rights, and the
        request: a client that shows this version has been sent an answer to this very request. It is the version of
        the first look, before anything is read: what is read later may be newer, never older.
        """
        if not self._version:
            service, principal = self.session.service, self.session.principal
            log = service.epoch, self.newest, service.pruned_up_to, now_ms() // DAY_MS
            asked = self.request.path, self.request.query, self.form
            self._version = _hash_of(log, principal.token, principal.rights, asked)
        return self._version

    @property
    def is_known(self) -> bool:
        """Whether the client has this version already."""
        known = self.request.header("if-none-match")
        return bool(known) and not self.changes_by_itself and _opaque(self.version) in map(_opaque, known.split(","))

    @property
    def caching(self) -> Headers:
        """The headers that tell the version of an answer."""
        return ("ETag", self.version), ("Cache-Control", "no-cache"), ("Vary", VARY)

    def not_modified(self) -> Response:
        """Return the answer to a client that has this version."""
        return Response(304, headers=self.caching)

    def conditional(self, answer: Response | Stream) -> Response | Stream:
        """Return the answer to a client that needs none if there is any: `If-None-Match: *` (RFC 9110, 13.1.2)."""
        has_any = self.request.header("if-none-match").strip() == "*" and self.request.method in SAFE
        if has_any and isinstance(answer, Response) and answer.status == HTTPStatus.OK:
            return Response(304, headers=answer.headers)
        return answer

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note an error that is counted where it is raised."""
        try:
            yield
        except TtweetError as error:
            self.noted = error
            raise


def _opaque(tag: str) -> str:
    """Return an entity tag without its mark of a weak one, which does not count here (RFC 9110, 13.1.2)."""
    return tag.strip().removeprefix("W/")


@lru_cache(_KEPT_VERSIONS)
def _hash_of(log: object, token: str | None, rights: frozenset[str], asked: object) -> str:
    state = repr((__version__, log, token, sorted(rights), asked))
    return f'W/"{sha256(state.encode()).hexdigest()[:32]}"'


VARY = "Accept, Authorization, Cookie"
