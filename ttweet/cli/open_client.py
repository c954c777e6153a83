"""The client of the server that a command line names. Quick to import."""

from __future__ import annotations

from collections.abc import Callable

from ttweet.cli import settings, shell
from ttweet.client.sync_client import Client
from ttweet.client.waiting import FOREVER

OpenAs = Callable[[str | None], Client]
"""Returns a client of the server that a command line names, signed in under a name or under none."""


def open_client(
    server: str | None, name: str | None = None, *, ca: str | None = None, deadline: float = FOREVER
) -> Client:
    """Return a client of the server that the option or the environment names, else of the default.

    Raises SetupError.
    """
    if server is not None:
        settings.keep_to_server(server)
    if name is not None:
        shell.checked_text(name, "the name")
    client = Client(server, name=name, ca=ca, on_wait=shell.wait_teller())
    client.deadline = deadline
    return client
