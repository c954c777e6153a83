"""Who a client is to the server: what it may do, the name that it has taken, and the author of what it posts.

Knows no bytes and no sockets.
"""

from ttweet.broker.service import Service
from ttweet.model import tweets
from ttweet.model.errors import ProtocolError, Refused
from ttweet.security import permissions
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import READ, RIGHTS, Principal

_NOBODY = Principal(None, frozenset())


class Session:
    """One client, anonymous until it shows a token.

    `forbidden` holds the kinds of requests that it may not make, `author` the name it posts under.
    """

    __slots__ = ("_authenticator", "_online", "_service", "author", "ended", "forbidden", "who")

    def __init__(self, service: Service, authenticator: Authenticator) -> None:
        self._service = service
        self._authenticator = authenticator
        self._online: str | None = None
        self.ended = False
        """Whether the client is on its way out: no request more is carried out or answered."""
        self.author: str | None = None
        self._become(authenticator.anonymous)

    async def identify(self, secret: str, address: str) -> dict[str, object]:
        """Be whom the token says; returns what is answered. Raises ProtocolError."""
        self._become(await self._authenticator.identify(secret, address))
        return {"name": self.who.name, "can": [right for right in RIGHTS if right in self.who.rights]}

    def check(self, *, follows: bool = False) -> None:
        """See who this is after tokens have changed.

        Raises ProtocolError when the token is no longer good, or lets nobody follow any more who does.
        """
        if self.ended:
            return
        who = self._authenticator.lasting(self.who)
        if self._online not in (None, who.name) and (
            who.name != self.who.name or self._authenticator.keeps(str(self._online))
        ):
            self.log_out()
        self._become(who)
        if follows and READ not in who.rights:
            raise ProtocolError("forbidden", f"the token of {who.name} has lost the right to read")

    def dismiss(self) -> None:
        """Be nobody from now on, to whom nothing is answered."""
        self.ended = True
        self._become(_NOBODY)

    def log_in(self, name: str) -> dict[str, object]:
        """Take a name, in place of the one that is taken; returns what is answered. Raises Refused."""
        name = tweets.checked_name(name)
        if self.who.name not in (None, name):
            raise Refused("forbidden", f"the token is that of {self.who.name}: no other name can be taken with it")
        if self.who.name is None and self._authenticator.keeps(name):
            raise Refused(
                "name_taken", f"{name} is the name of a token, or looks like it; take another name, or show the token"
            )
        name, newest = self._service.log_in(name, instead_of=self._online)
        self._online = self.author = name
        return {"name": name, "after": newest}

    def log_out(self) -> None:
        """Free the name, if one is taken."""
        if self._online is not None:
            self._service.log_out(self._online)
            self._online = None
            self.author = self.who.name

    def _become(self, who: Principal) -> None:
        self.who = who
        self.forbidden = permissions.forbidden(who.rights)
        self.author = who.name or self._online
