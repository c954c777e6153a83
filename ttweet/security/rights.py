"""Rights, and the principals that have them: the rights of a connection are decided once, with its principal.

Which right a request needs is in `permissions`. Knows no requests, no tokens' secrets and no connections.
"""

from typing import NamedTuple

READ = "read"  # tweets, tags, names, and what is new
POST = "post"  # tweets, under a name or without one
ADMIN = "admin"  # what changes or shows the server itself
RIGHTS = (READ, POST, ADMIN)


class Principal(NamedTuple):
    """The identity of a connection. The name is a token's, and then the author of all its tweets.

    `token` is the hash of the token's secret: names and numbers are given again, a hash is not.
    """

    name: str | None
    rights: frozenset[str]
    token: str | None = None


def listed(rights: frozenset[str]) -> str:
    """Rights as people write them, in their one order: `read,post`."""
    return ",".join([right for right in RIGHTS if right in rights])
