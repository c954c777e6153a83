"""The common part of the commands that wait for tweets: showing tweets, time-outs, reports of the connection."""

import os
import select
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ttweet.cli import output, shell
from ttweet.cli.options import seconds
from ttweet.client.cursor import FollowListener
from ttweet.client.waiting import FOREVER
from ttweet.model.errors import ConnectError, ResolverError, SetupError, SlowDown, TtweetError
from ttweet.model.tweets import Tweet, as_json


class News(FollowListener):
    """Says on stderr that the connection is lost, once however many attempts fail, and what came of it."""

    def __init__(self, deleted: Callable[[int], None] | None = None) -> None:
        self._lost = False
        self._tell_wait = shell.wait_teller()
        self._deleted = deleted
        self.wants_deletions = deleted is not None

    def on_deleted(self, tweet: int) -> None:
        """See FollowListener."""
        if self._deleted is not None:
            self._deleted(tweet)

    def on_pruned(self, up_to: int) -> None:
        """See FollowListener."""
        shell.complain(f"tweets up to {up_to} were removed; continuing after them")

    def on_rewound(self, after: int, newest: int) -> None:
        """See FollowListener."""
        shell.complain(
            f"no tweet {after}: the newest is {newest}, so a backup was restored or this is another server; "
            "continuing with new tweets"
        )

    def on_disconnected(self, error: TtweetError, pause_s: float) -> None:
        """See FollowListener."""
        if isinstance(error, SlowDown):
            self._tell_wait(int(pause_s))
        elif not self._lost:
            what = "" if isinstance(error, ResolverError) else "connection lost: "
            shell.complain(f"{what}{shell.sentence(error)}; retrying until it is back")
            self._lost = True

    def on_caught_up(self, count: int) -> None:
        """See FollowListener. A mere wait has already been reported."""
        if self._lost:
            shell.hint(f"reconnected; caught up on {shell.amount(count, 'tweet')}")
        self._lost = False
        self._tell_wait = shell.wait_teller()


def show(tweet: Tweet, *, json: bool) -> None:
    """One tweet on stdout, at once: a line for a person, columns in a pipe, or an object."""
    if json:
        output.write_json(as_json(tweet))
    else:
        output.write_tweet(tweet)


def show_deletion(tweet: int, *, json: bool) -> None:
    """Show that a tweet was deleted: an object among those of tweets, or a line for a person."""
    if json:
        output.write_json({"deleted": tweet})
    else:
        shell.hint(f"tweet {tweet} was deleted")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait for the end of the block: what is half shown is neither shown nor not. A second one does not."""
    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, _: object) -> None:
        came.append(number)
        signal.signal(signal.SIGINT, before)

    if before is signal.default_int_handler:  # and not ignored, as a shell has it in the background
        signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


@contextmanager
def time_limit(timeout: str | None) -> Iterator[float]:
    """Yield the time of time.monotonic() at which --timeout is up; an error because of it becomes TimeUp."""
    limit_s = seconds(timeout, "--timeout")
    deadline = FOREVER if limit_s is None else time.monotonic() + limit_s
    try:
        yield deadline
    except SetupError:
        raise
    except ConnectError as error:
        if time.monotonic() < deadline:
            raise
        raise shell.TimeUp(f"--timeout {timeout} has passed: {shell.sentence(error)}") from error


def leave_with_reader() -> None:
    """End this process when the reader of its pipe ends, and not only at the next tweet, as writing to it would.

    Where the system has no room for a thread it ends at the next tweet.
    """
    if sys.stdout is None:
        return
    mode = os.fstat(sys.stdout.fileno()).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        with suppress(RuntimeError):
            threading.Thread(target=_leave, args=(sys.stdout.fileno(),), daemon=True).start()


def _leave(pipe: int) -> None:
    poll = select.poll()
    poll.register(pipe, 0)  # poll reports errors in any case
    poll.poll()
    os._exit(shell.PIPE_CLOSED)
