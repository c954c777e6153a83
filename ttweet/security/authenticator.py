"""The identity of a client, by the token that it shows, or anonymous.

The tokens are in memory, all of them. A thread checks their file at intervals, and an unknown token has it
checked at once: a new token works immediately. The file's content is taken over in one step of trio's thread, so a
token that is revoked while a client shows it is never accepted afterwards.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from math import ceil

import trio

from ttweet.model.addresses import network_of
from ttweet.model.errors import OpenError, ProtocolError, TokenError
from ttweet.model.lookalikes import looks_of
from ttweet.model.times import Clock, now_ms
from ttweet.security import tokens
from ttweet.security.rights import ADMIN, RIGHTS, Principal
from ttweet.security.token_file import Fingerprint, TokenFile
from ttweet.security.tokens import Token

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.5  # between checks of the tokens' file: a revoked token works for this long
LAST_NOTE_S = 0.5  # to write when tokens were last used, when the server stops; a stuck disk does not delay the stop
MAX_WRONG = 5  # wrong tokens in a row from one address before it has to wait
WRONG_PAUSE_S = 10.0  # for each further wrong token of an address: 360 attempts an hour of 2^256
MAX_ADDRESSES = 1_024  # addresses of wrong tokens in memory; then the oldest are forgotten


class Authenticator:
    """Authenticates clients by their tokens. Without a file there are no tokens."""

    def __init__(
        self,
        anonymous: frozenset[str] = frozenset(RIGHTS),
        file: TokenFile | None = None,
        *,
        clock: Clock = now_ms,
    ) -> None:
        """`anonymous` is what may be done without a token; ADMIN is not part of it once an admin has a token.

        Raises OpenError when the file cannot be read.
        """
        self._rights = anonymous
        self._file = file
        self._now_ms = clock
        self._known: dict[str, Token] = {}  # by hash
        self._looks: frozenset[str] = frozenset()  # of the names
        self._live: dict[str, Principal] = {}  # of the tokens that are good, by hash
        self._used: dict[str, int] = {}  # when, by hash
        self._uses: dict[str, int] = {}  # of these, what is not in the file yet
        self._wrong = WrongTokens()
        self._reading = trio.Lock()
        self._troubles: set[str] = set()  # that last, and were reported
        self._changed = False  # since `run` has told of it
        self.anonymous = Principal(None, anonymous)
        """The principal of clients without a token."""
        self._seen: Fingerprint | None = file.fingerprint() if file is not None else None
        self._take_over(file.read() if file is not None else [])

    async def identify(self, secret: str, address: str) -> Principal:
        """Return the principal of a token. Raises ProtocolError: `token`, or `slow_down` after too many wrong ones."""
        token = self._find(secret)
        if token is None:
            self._wrong.count(address)
            await self._look()
            token = self._find(secret)
            if token is not None:
                self._wrong.take_back(address)
        if token is None:
            raise TokenError("unknown token; ask the operator of the server for another")
        if (state := token.state(self._now_ms())) != "live":
            raise TokenError(f"the token of {token.name} {_ENDED[state]}", token.name)
        self._note_use(token)
        return token.who

    def current(self, principal: Principal) -> Principal:
        """Return the principal with the rights that its token has now.

        Raises ProtocolError `token` when the token is no longer good.
        """
        if principal.token is None:
            return self.anonymous
        if (now := self._live.get(principal.token)) is None:
            raise TokenError(f"the token of {principal.name} was revoked or has expired", principal.name)
        return now

    @property
    def has_tokens(self) -> bool:
        """Whether there is a token that lets a client in."""
        return bool(self._live)

    def reserves(self, name: str) -> bool:
        """Whether a name is that of a token or looks like it, so that no other client may post under it."""
        return not looks_of(name).isdisjoint(self._looks)

    async def run(self, on_change: Callable[[], Awaitable[None]]) -> None:
        """Look after the tokens until cancelled, and tell when some have come, gone or expired.

        The last uses are written before it returns, if the disk is ready within LAST_NOTE_S.
        """
        if self._file is not None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, on_change)
                nursery.start_soon(self._keep_noting)

    async def refresh(self) -> None:
        """See what has become of the tokens, by their file and by the time alone."""
        await self._look()
        self._settle()

    async def reload(self) -> None:
        """Read the tokens' file again, whether or not it seems to have changed, and tell of what is wrong with it."""
        self._seen = _UNREAD
        self._troubles.clear()
        await self.refresh()

    async def note_uses(self) -> None:
        """Note in the file which tokens were used. Uses that cannot be written are kept for the next time."""
        uses = self._uses.copy()
        if uses and self._file is not None:
            try:
                await trio.to_thread.run_sync(partial(self._file.note_uses, uses), abandon_on_cancel=True)
            except OpenError as error:
                self._tell(_LATER, error)
            else:
                self._uses = {hash_: at for hash_, at in self._uses.items() if uses.get(hash_) != at}
                self._troubles.discard(_LATER)

    async def _watch(self, on_change: Callable[[], Awaitable[None]]) -> None:
        while True:
            await trio.sleep(POLL_INTERVAL_S)
            await self.refresh()
            if self._changed:
                self._changed = False
                await on_change()

    async def _keep_noting(self) -> None:
        """In a task of its own: a disk that is slow to write must not delay the search for revoked tokens."""
        try:
            while True:
                await trio.sleep(POLL_INTERVAL_S)
                await self.note_uses()
        finally:
            with trio.move_on_after(LAST_NOTE_S, shield=True):
                await self.note_uses()

    def _find(self, secret: str) -> Token | None:
        return self._known.get(tokens.hash_of(secret))

    async def _look(self) -> None:
        """Take over what the file has become. One that cannot be read changes nothing, and the log says so."""
        if self._file is None:
            return
        async with self._reading:
            try:
                await self._read(self._file)
            except OpenError as error:
                self._tell(_STAY, error)
            else:
                self._troubles.discard(_STAY)

    async def _read(self, file: TokenFile) -> None:
        seen = await trio.to_thread.run_sync(file.fingerprint, abandon_on_cancel=True)
        if seen != self._seen:
            found = await trio.to_thread.run_sync(file.read, abandon_on_cancel=True)
            self._seen = seen
            self._take_over(found)

    def _take_over(self, found: list[Token]) -> None:
        self._known = {token.hash: token for token in found}
        self._looks = frozenset().union(*[looks_of(token.name) for token in found])
        self._used = {token.hash: max(token.used or 0, self._used.get(token.hash, 0)) for token in found}
        if any(ADMIN in token.rights for token in found):
            self._rights -= {ADMIN}
        self.anonymous = Principal(None, self._rights)
        self._changed = True
        self._settle()

    def _settle(self) -> None:
        """See which tokens are good by now."""
        now = self._now_ms()
        live = {token.hash: token.who for token in self._known.values() if token.state(now) == "live"}
        self._changed |= live != self._live
        self._live = live

    def _note_use(self, token: Token) -> None:
        now = self._now_ms()
        if abs(now - self._used[token.hash]) >= tokens.USE_PAUSE_MS:  # abs: the clock may have been put back
            self._used[token.hash] = self._uses[token.hash] = now

    def _tell(self, trouble: str, error: OpenError) -> None:
        if trouble not in self._troubles:
            log.warning("%s: %s", trouble, error)
        self._troubles.add(trouble)


class WrongTokens:
    """Counts wrong tokens by address, in bounded memory. Those of one address cost no other address anything."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._paid: OrderedDict[str, float] = OrderedDict()  # until when each address has used up its tries

    def count(self, address: str) -> None:
        """Let a try pass. Raises ProtocolError `slow_down` when there were too many, and does not count that one."""
        key, now = network_of(address), self._monotonic()
        paid = max(self._paid.get(key, now), now)
        wait_s = paid - now - (MAX_WRONG - 1) * WRONG_PAUSE_S
        if wait_s > 0:
            raise ProtocolError(
                "slow_down", f"too many wrong tokens from this address; retry in {ceil(wait_s)} seconds"
            )
        self._paid[key] = paid + WRONG_PAUSE_S
        self._paid.move_to_end(key)
        if len(self._paid) > MAX_ADDRESSES:
            self._paid.popitem(last=False)

    def take_back(self, address: str) -> None:
        """Take back the last try, which was right after all."""
        key = network_of(address)
        if key in self._paid:
            self._paid[key] -= WRONG_PAUSE_S


_UNREAD = (-1, -1, -1, -1, -1)  # a fingerprint that no file has
_ENDED = {"revoked": "was revoked", "expired": "has expired"}
_STAY = "the tokens stay unchanged"
_LATER = "the times of their last use are saved later"
