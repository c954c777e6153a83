"""The names of a cluster in memory, which several servers share. A switch takes the engine away."""

from ttweet.broker.online import Login, SharedNames
from ttweet.storage.replicated.log import NoQuorum


class Registry:
    """The names that all servers see. Without `quorum` none is given away."""

    def __init__(self) -> None:
        self.holders: dict[str, tuple[str, Login]] = {}
        self.quorum = True

    def at(self, origin: str) -> "MemoryNames":
        """Return the names as a run of a server sees them."""
        return MemoryNames(self, origin)


class MemoryNames:
    """See SharedNames."""

    def __init__(self, registry: Registry, origin: str) -> None:
        self._registry = registry
        self._origin = origin
        self.lost: frozenset[str] = frozenset()

    @property
    def elsewhere(self) -> dict[str, int]:
        logins = [login for origin, login in self._registry.holders.values() if origin != self._origin]
        return {login.name: login.newest for login in logins}

    async def take(self, login: Login, instead_of: str | None) -> str | None:
        if not self._registry.quorum:
            raise NoQuorum
        for look in login.looks:
            origin, other = self._registry.holders.get(look, (self._origin, login))
            if (origin, other.name) not in [(self._origin, login.name), (self._origin, instead_of)]:
                return other.name
        self.free(instead_of or "")
        self._registry.holders.update(dict.fromkeys(login.looks, (self._origin, login)))
        return None

    def free(self, name: str) -> None:
        holders = self._registry.holders
        for look in [look for look, (origin, login) in holders.items() if (origin, login.name) == (self._origin, name)]:
            del holders[look]


_NAMES: type[SharedNames] = MemoryNames
