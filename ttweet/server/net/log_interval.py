"""Warnings that a client can trigger again and again, and that are therefore logged at intervals."""

import trio

WARN_AGAIN_S = 60.0  # between warnings of one kind: one a minute says as much as ten a second


class LogInterval:
    """Tells when a kind of trouble may be logged again."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}  # when each kind of trouble was logged last

    def is_over(self, kind: str) -> bool:
        """Whether that kind of trouble should be logged now; it is taken to be, if so."""
        now = trio.current_time()
        if now - self._logged.get(kind, float("-inf")) < WARN_AGAIN_S:
            return False
        self._logged[kind] = now
        return True
