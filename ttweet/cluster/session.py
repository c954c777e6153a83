"""A user's session with etcd: one token for all connections to its nodes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from ttweet.cluster.messages import AUTHENTICATE, AuthenticateResponse

if TYPE_CHECKING:
    from ttweet.cluster.node_connection import NodeConnection
    from ttweet.cluster.settings import Credentials


class Session:
    """Keeps the token of a user, for connections of one loop.

    Every node takes a token that one of them gave, since etcd's log has it. A node no longer takes one that it has not
    seen for five minutes, or that is older than its last snapshot when it starts, or than a change of the password.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._turn = trio.Lock()
        self._token = ""

    async def authorize(self, connection: NodeConnection) -> None:
        """Give a connection the token, which it asks for if there is none. Raises GatewayError and NodeError."""
        async with self._turn:
            if not self._token:
                answer = await connection.call(AUTHENTICATE, self._credentials._asdict(), AuthenticateResponse)
                self._token = answer.token
            connection.authorize(self._token, partial(self._forget, self._token))

    def _forget(self, token: str) -> None:
        if token == self._token:
            self._token = ""


def session_of(credentials: Credentials | None) -> Session | None:
    """Return a session of a user, if there is one."""
    return None if credentials is None else Session(credentials)
