"""Tokens: secrets of 256 random bits that identify clients. Only their hashes are kept.

A hash of one round is enough: there are too many secrets to try, so nothing needs to be slow. Tokens are looked up by
it, and a comparison of hashes does not show how near a wrong secret was. Knows no files and no connections.
"""

import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from types import NoneType
from typing import Any, NamedTuple, Self

from ttweet.model.errors import Refused
from ttweet.security.rights import RIGHTS, Principal

SECRET_BYTES = 32  # 256 bits
MAX_TOKENS = 1_000  # in one file, which is read as a whole: 200 KiB
PREFIX = "ttw_"  # so that a scanner for secrets finds one that was published by mistake
USE_PAUSE_MS = 60_000  # between notes that a token was used; each note writes the file

_SECRET = re.compile(rf"{PREFIX}[\w-]+")


class Token(NamedTuple):
    """The stored part of a token. Times are milliseconds since 1970 UTC; None is never.

    `hash`, of the secret, says which token it is; `id` tells only the order in which the tokens of a file were made.
    """

    id: int
    name: str
    hash: str
    rights: frozenset[str]
    created: int
    expires: int | None = None
    used: int | None = None
    revoked: int | None = None

    @property
    def who(self) -> Principal:
        """The principal of a connection that has shown the secret."""
        return Principal(self.name, self.rights, self.hash)

    def state(self, now: int) -> str:
        """`live`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "live" if self.expires is None or now < self.expires else "expired"

    def as_json(self) -> dict[str, object]:
        """Return the token as plain values, its rights in their one order."""
        return self._asdict() | {"rights": [right for right in RIGHTS if right in self.rights]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the token that `as_json` told of; fields that are not known are left out.

        Raises KeyError, TypeError or ValueError when it is none.
        """
        known = {name: data[name] for name in cls._fields}
        if not all(isinstance(known[name], kinds) for name, kinds in _KINDS.items()):
            raise ValueError(f"not the fields of a token: {known}")
        rights = frozenset(known["rights"])
        if not rights <= frozenset(RIGHTS):
            raise ValueError(f"no rights: {rights}")
        return cls(**known | {"rights": rights})


_KINDS: dict[str, tuple[type, ...]] = {
    "id": (int,),
    "name": (str,),
    "hash": (str,),
    "rights": (list,),
    "created": (int,),
    "expires": (int, NoneType),
    "used": (int, NoneType),
    "revoked": (int, NoneType),
}


def new_secret() -> str:
    """Return a new secret."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Return the hash that a token is looked up by, in lower-case hexadecimal."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def masked(text: str) -> str:
    """Return a text for a log, without the secrets in it: an error may repeat a broken request that shows a token."""
    return _SECRET.sub(f"{PREFIX}***", text)


def checked_rights(text: str) -> frozenset[str]:
    """Rights as they are typed, `read,post`. Raises Refused `bad_request`."""
    rights = [right.strip() for right in text.split(",")]
    for right in rights:
        if right not in RIGHTS:
            raise Refused("bad_request", f"invalid right {right[:40]!a}: use {', '.join(RIGHTS)}")
    return frozenset(rights)
