"""The work of `follow`: show each tweet or run a command for it, then save the position of a consumer."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from ttweet.cli import live, shell
from ttweet.cli.consumer import Consumer
from ttweet.cli.interrupts import uninterrupted
from ttweet.cli.tweet_command import execute
from ttweet.client.follower import Follower
from ttweet.model.tweets import Tweet

Handle = Callable[[Tweet], str | None]
"""Handles a tweet and returns what went wrong."""


class Job(NamedTuple):
    """The tweets to handle, by a string in their text, and how; `resumed` is the command that does it again."""

    contains: str
    handle: Handle
    executes: bool
    most: int | None
    resumed: str


def handler(display: live.Display, command: str | None, attempts: int, *, json: bool) -> Handle:
    """Return the function that shows a tweet or runs a command for it."""

    def handle(tweet: Tweet) -> str | None:
        if command is None or json:
            display.show(tweet)
        return None if command is None else execute(command, tweet, attempts=attempts)

    return handle


def carry_out(job: Job, follower: Follower, position: Consumer | None) -> int:
    """Handle tweets until there are enough, the time is up, or Ctrl-C, after which the command to resume is shown."""
    current: Tweet | None = None  # one whose handling was interrupted is to come again
    finishing = nullcontext if job.executes else uninterrupted  # a command gets Ctrl-C itself
    handled = 0
    try:
        for current in follower:
            with finishing():
                if job.contains in current.text:
                    wrong = job.handle(current)
                    if wrong is not None and position is not None:
                        return _give_up(wrong, position)
                    _finish(current, wrong, position)
                    handled += 1
                current = None
            if handled == job.most:
                return shell.DONE
    except KeyboardInterrupt:
        after = follower.after if current is None else current.id - 1
        place = "" if position is not None or after is None else f" --after {after}"
        shell.hint(f"to resume here: {job.resumed}{place}")
        return shell.INTERRUPTED
    finally:
        follower.close()
    return shell.DONE if follower.ended else shell.TIMED_OUT


def _finish(tweet: Tweet, wrong: str | None, position: Consumer | None) -> None:
    if wrong is not None:
        shell.complain(f"{wrong}; continuing")
    if position is not None:
        position.save(tweet.id)


def _give_up(wrong: str, position: Consumer) -> int:
    """Leave the position before a tweet, so that it comes again."""
    shell.complain(f"{wrong}; stopped before it, after tweet {position.after}; to try it again, repeat the command")
    return shell.FAILED
