"""How long a client waits for a server that tells it to slow down.

Quick to import, and imported only then. Knows no clock and no sockets: the caller waits.
"""

from __future__ import annotations

from ttweet import defaults
from ttweet.model.errors import SlowDown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class RetryBudget:
    """The rest of a budget of waiting; `tell` is called with each pause, in seconds."""

    __slots__ = ("_longest_s", "_tell", "_waited_s")

    def __init__(self, longest_s: float = defaults.RETRY_BUDGET_S, tell: Callable[[int], object] | None = None) -> None:
        self._longest_s = longest_s
        self._tell = tell
        self._waited_s = 0

    def pause_s(self, refused: SlowDown) -> int:
        """Return the seconds to wait before a retry. Raises the refusal when the sum would exceed the budget."""
        wait_s = max(refused.wait_s, 1)  # never again at once, whatever a server sends
        if self._waited_s + wait_s > self._longest_s:
            raise refused
        self._waited_s += wait_s
        if self._tell is not None:
            self._tell(wait_s)
        return wait_s

    def renew(self) -> None:
        """Restart the budget after progress."""
        self._waited_s = 0
