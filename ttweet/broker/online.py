"""The names that are online: each is free until a client takes it, and no two that are online look alike.

In a cluster this holds for all its servers together, and those of others are known as of a moment ago.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ttweet.model.errors import Refused
from ttweet.model.lookalikes import looks_of


class Login(NamedTuple):
    """A name, what it looks like, and the newest id when it came online."""

    name: str
    looks: frozenset[str]
    newest: int


class SharedNames(Protocol):
    """The names that are online at any server of a cluster. A name of a server that has ended becomes free."""

    @property
    def elsewhere(self) -> Mapping[str, int]:
        """The names at other servers in the order of their logins, with the newest id then; a moment old."""
        ...

    @property
    def lost(self) -> frozenset[str]:
        """The names at this server that another one has given away while this one was cut off."""
        ...

    async def take(self, login: Login, instead_of: str | None) -> str | None:
        """Put a name of this server online everywhere in place of another; return the name that is in the way, if any.

        Raises StoreError `no_quorum`; then the other name stays online.
        """
        ...

    def free(self, name: str) -> None:
        """Free a name of this server as soon as possible."""
        ...


class Online:
    """The names of one server, with those of its cluster if it has one."""

    def __init__(self, shared: SharedNames | None = None) -> None:
        self._shared = shared
        self._logins: dict[str, Login] = {}  # in their order
        self._looks: dict[str, str] = {}  # what they look like, with the name

    @property
    def is_shared(self) -> bool:
        """Whether other servers have names online, too."""
        return self._shared is not None

    @property
    def names(self) -> list[str]:
        """All names that are online, in the order of their logins."""
        return [*self._newest_at_login()]

    def since(self, name: str) -> int | None:
        """Return the newest id when a name came online; None if it is not."""
        return self._newest_at_login().get(name)

    def _newest_at_login(self) -> dict[str, int]:
        own = {login.name: login.newest for login in self._logins.values()}
        if self._shared is None or not self._shared.elsewhere:
            return own
        return dict(sorted({**self._shared.elsewhere, **own}.items(), key=lambda login: login[1]))

    def is_lost(self, name: str | None) -> bool:
        """Whether a name that is online here belongs to a client of another server meanwhile."""
        return self._shared is not None and name in self._shared.lost

    def take(self, name: str, newest: int, *, instead_of: str | None) -> Login:
        """Put a name online, in place of another of the same client's. Raises Refused; then the other stays online."""
        login = Login(name, looks_of(name), newest)
        others = {self._looks[look] for look in login.looks & self._looks.keys()} - {instead_of}
        if others:
            raise _taken(name, min(others))
        if instead_of is not None:
            self._remove(instead_of)
        self._put(login)
        return login

    async def take_everywhere(self, name: str, newest: int, *, instead_of: str | None) -> None:
        """Do as `take` in the whole cluster. Also raises StoreError. The client must not leave meanwhile."""
        assert self._shared is not None
        before = self._logins.get(instead_of or "")
        login = self.take(name, newest, instead_of=instead_of)
        try:
            if (other := await self._shared.take(login, instead_of)) is not None:
                raise _taken(name, other)
        except BaseException:
            self._remove(name)
            if before is not None:
                self._put(before)
            raise

    def free(self, name: str) -> None:
        """Free a name that is online."""
        self._remove(name)
        if self._shared is not None:
            self._shared.free(name)

    def _put(self, login: Login) -> None:
        self._logins[login.name] = login
        self._looks.update(dict.fromkeys(login.looks, login.name))

    def _remove(self, name: str) -> None:
        for look in self._logins.pop(name).looks:
            del self._looks[look]


def _taken(name: str, other: str) -> Refused:
    who = name if name == other else f"{other!a}, which looks like {name!a},"
    return Refused("name_taken", f"name taken: {who} is online; choose another name, or retry later")
