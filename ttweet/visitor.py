"""Who a client is to the server: what it may do, the name that it has taken, and the author of what it posts.

Knows no bytes and no sockets.
"""

from ttweet import access, permissions, tweets
from ttweet.access import Who
from ttweet.errors import Refused
from ttweet.service import Service


class Visitor:
    """One client. `forbidden` holds the kinds of requests that it may not make, `author` the name it posts under."""

    __slots__ = ("_online", "_service", "author", "forbidden", "who")

    def __init__(self, service: Service, who: Who = access.ANYBODY) -> None:
        self._service = service
        self._online: str | None = None
        self.become(who)

    def become(self, who: Who) -> None:
        """From now on this is who asks."""
        self.who = who
        self.forbidden = permissions.forbidden(who.rights)
        self.author = who.name or self._online

    def log_in(self, name: str) -> dict[str, object]:
        """Take a name, in place of the one that is taken; returns what is answered. Raises Refused."""
        if self.who.name not in (None, tweets.checked_name(name)):
            raise Refused("forbidden", f"the token is that of {self.who.name}: no other name can be taken with it")
        name, newest = self._service.log_in(name)
        self.log_out()
        self._online = self.author = name
        return {"name": name, "after": newest}

    def log_out(self) -> None:
        """Free the name, if one is taken."""
        if self._online is not None:
            self._service.log_out(self._online)
            self._online = None
            self.author = self.who.name
