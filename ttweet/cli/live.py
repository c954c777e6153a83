"""The common part of the commands that wait for tweets: showing tweets, time-outs, reports of the connection."""

import os
import select
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date

from ttweet.cli import output, shell, tweet_format
from ttweet.cli.options import seconds
from ttweet.client.cursor import FollowListener
from ttweet.client.waiting import FOREVER
from ttweet.model import times
from ttweet.model.errors import ConnectError, ResolverError, SetupError, SlowDown, TtweetError
from ttweet.model.tweets import Tweet, as_json


class News(FollowListener):
    """Reports that the connection is lost, once, and that it is back: by default on stderr."""

    def __init__(
        self,
        deleted: Callable[[int], None] | None = None,
        *,
        waits_for_server: bool = False,
        rewound: Callable[[int], None] | None = None,
        complain: Callable[[str], None] = shell.complain,
        hint: Callable[[str], None] = shell.hint,
    ) -> None:
        self._lost = False
        self._complain, self._hint = complain, hint
        self.waits_for_server = waits_for_server
        self._tell_wait = shell.wait_teller()
        self._deleted = deleted
        self._rewound = rewound
        self.wants_deletions = deleted is not None

    def on_deleted(self, tweet: int) -> None:
        """See FollowListener."""
        if self._deleted is not None:
            self._deleted(tweet)

    def on_pruned(self, up_to: int) -> None:
        """See FollowListener."""
        self._complain(f"tweets up to {up_to} were removed; continuing after them")

    def on_rewound(self, after: int, newest: int) -> None:
        """See FollowListener."""
        self._complain(
            f"no tweet {after}: the newest is {newest}, so a backup was restored or this is another server; "
            f"continuing after tweet {newest}"
        )
        if self._rewound is not None:
            self._rewound(newest)

    def on_disconnected(self, error: TtweetError, pause_s: float) -> None:
        """See FollowListener."""
        if isinstance(error, SlowDown):
            self._tell_wait(int(pause_s))
        elif not self._lost:
            self._complain(f"{self._said(error)}; retrying until the server answers")
            self._lost = True

    def _said(self, error: TtweetError) -> str:
        if self.waits_for_server and error.code == "unreachable":
            return error.text.partition(";")[0]  # without the advice to start a server
        return f"{'' if isinstance(error, ResolverError) else 'connection lost: '}{shell.sentence(error)}"

    def on_caught_up(self, count: int) -> None:
        """See FollowListener. A mere wait has already been reported."""
        if self._lost:
            self._hint(f"reconnected; caught up on {shell.amount(count, 'tweet')}" if count else "reconnected")
        self._lost = False
        self._tell_wait = shell.wait_teller()


def show(tweet: Tweet, *, json: bool) -> None:
    """One tweet on stdout, at once: a line for a person, columns in a pipe, or an object."""
    if json:
        output.write_json(as_json(tweet))
    else:
        output.write_tweet(tweet)


class Display:
    """Shows tweets one after another; on a terminal a heading tells when the day changes."""

    def __init__(self, *, json: bool, template: str | None = None) -> None:
        self._json = json
        self._line = None if template is None else tweet_format.parse(template)
        self._day = date.today()

    def show(self, tweet: Tweet) -> None:
        """Show a tweet, flushed."""
        if self._line is not None:
            output.write_line(self._line(tweet))
            return
        if not self._json and shell.on_terminal(sys.stdout):
            self._head(times.local(tweet.at).date())
        show(tweet, json=self._json)

    def _head(self, day: date) -> None:
        if day != self._day:
            shell.write(f"\x1b[1m{day:%A %d %B %Y}\x1b[0m" if shell.has_colour(sys.stdout) else f"{day:%A %d %B %Y}")
        self._day = day


def show_deletion(tweet: int, *, json: bool) -> None:
    """Show that a tweet was deleted: an object among those of tweets, or a line for a person."""
    if json:
        output.write_json({"deleted": tweet})
    else:
        shell.hint(f"tweet {tweet} was deleted")


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

    Where the system has no room for a thread, or cannot wait for a pipe, it ends at the next tweet.
    """
    if sys.stdout is None or not hasattr(select, "poll"):
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
