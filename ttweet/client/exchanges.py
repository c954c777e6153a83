"""Exchanges between a client and a server, without sockets: one call, or steps. Both clients carry them out.

Quick to import.
"""

from __future__ import annotations

from functools import partial

from ttweet.client import link_errors
from ttweet.protocol import calls, frames, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeVar

    from ttweet.model.answers import Following
    from ttweet.model.errors import ConnectError
    from ttweet.model.pushes import Push
    from ttweet.protocol.calls import Call
    from ttweet.protocol.replies import Stored

    T = TypeVar("T")
    Step = bytes | float | None  # send bytes, pause for seconds, or RECEIVE a line
    Steps = Generator[Step, Any, T]
    Explain = Callable[[ConnectError], ConnectError]
    Begin = Callable[[], Steps[T]]  # again for each attempt
    Exchange = tuple[Call[T] | Begin[T], Explain, bool]
    """A call or its steps, the error for a missing answer, and whether it may be carried out twice."""

RECEIVE = None  # the step that is resumed with the server's next line


def ask(call: Call[T]) -> Exchange[T]:
    """Send the frame of a call and read its answer. Carried out twice it does the same."""
    return call, _unchanged, True


def ask_once(call: Call[T]) -> Exchange[T]:
    """Ask as `ask` does what may do something else the second time."""
    return call, _unchanged, False


def upload(call: Call[Stored], key: str | None) -> Exchange[Stored]:
    """Ask as `ask` does. Without an answer, say whether a retry is safe."""
    return call, partial(link_errors.of_upload, key=key), key is not None


def tell(frame: bytes) -> Exchange[None]:
    """Send a frame that the server does not answer."""
    return partial(_told, frame), _unchanged, False


def greet(greetings: list[bytes]) -> Steps[None]:
    """Send the first requests of a connection, each when the one before is answered."""
    for frame in greetings:
        yield frame
        replies.data_of((yield RECEIVE))


def deletions_after(after: int) -> Exchange[set[int]]:
    """Follow a tag that no tweet has, so that only deletions arrive, until the server has no more of them."""
    return partial(_deletions_after, after), _unchanged, True


def _unchanged(error: ConnectError) -> ConnectError:
    return error


def _asked(call: Call[T]) -> Steps[T]:
    frame, read = call
    yield frame
    return read(replies.data_of((yield RECEIVE)))


def _told(frame: bytes) -> Steps[None]:
    yield frame


def _deletions_after(after: int) -> Steps[set[int]]:
    import secrets

    from ttweet.model.pushes import CaughtUp
    from ttweet.model.tweets import Deletion

    yield from _asked(calls.follow([secrets.token_hex(16)], after, deletions=True))
    found: set[int] = set()
    while type(push := _push((yield RECEIVE))) is not CaughtUp:
        found.update([push.id] if type(push) is Deletion else [])
    frame, done = calls.unfollow()
    yield frame
    while not replies.is_reply(line := (yield RECEIVE)):
        pass  # a push that was on its way
    done(replies.data_of(line))
    return found


def _push(line: bytes) -> Push | Following:
    from ttweet.protocol import pushes

    return pushes.decode(frames.loads(line))
