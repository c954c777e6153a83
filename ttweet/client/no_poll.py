"""The poll object of `select` where a system has none: on Windows, which waits for sockets alone."""

import select
import time

READ = 1  # POLLIN
WRITE = 4  # POLLOUT


class SelectPoll:
    """As select.poll, by select.select."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, descriptor: int, events: int) -> None:
        """Wait for READ or WRITE, or both, of a socket too."""
        self._events[descriptor] = events

    def poll(self, timeout_ms: float | None = None) -> list[tuple[int, int]]:
        """Return the sockets that have their events, or an error."""
        timeout_s = None if timeout_ms is None else timeout_ms / 1000
        if not self._events and timeout_s is not None:
            time.sleep(timeout_s)  # Windows rejects a wait for nothing
            return []
        readers = [descriptor for descriptor, events in self._events.items() if events & READ]
        writers = [descriptor for descriptor, events in self._events.items() if events & WRITE]
        found = select.select(readers, writers, writers, timeout_s)  # Windows reports a failed connect as an exception
        ready = {descriptor for part in found for descriptor in part}
        return [(descriptor, events) for descriptor, events in self._events.items() if descriptor in ready]
