"""The conditions for a server that other machines can reach, and the rights of its anonymous clients.

Pure rules; the caller looks up the facts.
"""

from collections.abc import Iterable

from ttweet.model.addresses import is_local
from ttweet.model.errors import OpenError
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS

ANONYMOUS: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "read": frozenset({READ}),
    "write": frozenset({READ, POST}),
}
"""The values of `--anonymous`, for clients without a token."""

TOKEN = "token"  # noqa: S105
TLS = "tls"


class UnsafeError(OpenError):
    """The server would be open to others without an explicit option.

    `missing` is of TOKEN and TLS, `hosts` are those of the server that others can reach, and `activated` says whether
    the sockets of another program name them.
    """

    def __init__(self, missing: list[str], hosts: Iterable[str], *, activated: bool = False) -> None:
        super().__init__("unsafe", f"other machines can reach this server; it has no {' and no '.join(missing)}")
        self.missing = missing
        self.hosts = list(hosts)
        self.activated = activated


def missing(
    addresses: Iterable[str], *, tokens: bool, tls: bool, anonymous: str | None, no_tls: bool, proxied: bool = False
) -> list[str]:
    """Return the missing protections for these addresses, in the order of the remedies; none: the server may start.

    `tokens` says whether there is a live one, `tls` whether TLS is spoken; `anonymous` (a key of ANONYMOUS) and
    `no_tls` are what was asked for. This machine's own addresses want neither, unless a proxy lets others in
    (`proxied`): then they want a token, and the proxy has the certificate.
    """
    known = tokens or bool(ANONYMOUS[anonymous or "none"])
    if are_local(addresses):
        return [TOKEN] if proxied and not known else []
    return [what for what, there in ((TOKEN, known), (TLS, tls or no_tls)) if not there]


def anonymous_rights(addresses: Iterable[str], anonymous: str | None) -> frozenset[str]:
    """Return the rights of clients without a token on these addresses."""
    local = are_local(addresses)
    if anonymous is None:
        return frozenset(RIGHTS) if local else frozenset()
    rights = ANONYMOUS[anonymous]
    return rights | {ADMIN} if local and POST in rights else rights


def rights_of_strangers(anonymous: str | None) -> frozenset[str]:
    """Return the rights of clients without a token that may come from anywhere."""
    return ANONYMOUS[anonymous or "none"]


def are_local(addresses: Iterable[str]) -> bool:
    """Whether only this machine reaches the addresses; false without addresses."""
    known = [is_local(address) for address in addresses]
    return bool(known) and all(known)
