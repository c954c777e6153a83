"""The tab key of a session for people: it completes commands, tags and names."""

import time
from collections.abc import Callable

from ttweet.cli import candidates
from ttweet.cli.chat.session import COMMANDS
from ttweet.client.sync_client import Client
from ttweet.model.errors import TtweetError

TIMEOUT_S = 0.2  # for the server to answer: a key that takes longer seems to do nothing

_TAGS = ("#", "tag:")
_NAMES = ("@", "by:", "from:")


class Completer:
    """Completes the last word of a line. It asks the server on connections of its own, without a name."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, before: str, word: str) -> list[str]:
        """Return what the word may become, given the line before it."""
        if not before and word.startswith("/"):
            return [command for command in COMMANDS if command.startswith(word)]
        mark = next((mark for mark in (*_TAGS, *_NAMES) if word.startswith(mark)), "")
        if mark in _NAMES:
            return self._offer(candidates.names, mark, word)
        if mark or before.startswith(("/follow ", "/unfollow ")):
            return self._offer(candidates.tags, mark, word)
        return []

    def _offer(self, ask: Callable[[Client], list[str]], mark: str, word: str) -> list[str]:
        self._client.deadline = time.monotonic() + TIMEOUT_S
        typed = word.removeprefix(mark).casefold()
        try:
            return [mark + found for found in ask(self._client) if found.casefold().startswith(typed)]
        except TtweetError:
            return []
        finally:
            self._client.close()
