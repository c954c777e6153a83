"""The states of a connection, and what makes it change them.

| state | bytes come | they end | no more is to be read | `stop` | `expire`, when no receipt waits |
| --- | --- | --- | --- | --- | --- |
| READING | HANDLING | DRAINING | LAST_READ | CLOSED, or LAST_READ with half a frame | a keep-alive, or CLOSED |
| HANDLING | | | DRAINING | DRAINING | CLOSED if answers are not taken |
| LAST_READ | DRAINING | DRAINING | | CLOSED, or the same with half a frame | CLOSED |
| DRAINING | | | | | CLOSED if answers are not taken |
| LINGERING | | CLOSED | | CLOSED | CLOSED |

HANDLING becomes READING, and DRAINING becomes LINGERING, when all is carried out and answered. No more is to be read
after an error of the protocol, after the download of the classic protocol, and when a token is no longer good. A lost
connection is CLOSED from any state.
"""

from enum import Enum


class State(Enum):
    """The state of a connection; see the table of this module."""

    READING = "it waits for bytes"
    HANDLING = "what was read is carried out"
    LAST_READ = "it waits for the rest of a frame, and reads no more after that"
    DRAINING = "nothing more is read; what was read is carried out and answered"
    LINGERING = "all is answered and our end sent; what still comes is thrown away"
    CLOSED = "the client is gone; its uploads may still be on their way to the disk"


READING, HANDLING, LAST_READ, DRAINING, LINGERING, CLOSED = State


def after_read(state: State) -> State:
    """Return the state after bytes or their end have come."""
    if state is READING:
        return HANDLING
    return DRAINING if state is LAST_READ else state


def after_last(state: State) -> State:
    """Return the state when no more is to be read."""
    if state is READING:
        return LAST_READ
    return DRAINING if state is HANDLING else state
