"""The command of `follow --exec`, which a shell runs for each tweet."""

import os
import signal
import sys

from ttweet.cli import child_process, output, spawn
from ttweet.client.cursor import FIRST_PAUSE_S, LONGEST_PAUSE_S
from ttweet.client.waiting import pause
from ttweet.model.tweets import Tweet, as_json

_WHY: dict[int | None, str] = {126: ", the command is not executable", 127: ", the command was not found"}
"""The exit codes of a shell that cannot run a command."""


def execute(command: str, tweet: Tweet, *, attempts: int = 1) -> str | None:
    """Run a command until it succeeds, at most so many times, and return what went wrong in the end.

    It learns of the tweet by its environment and stdin: no text comes near a command line.
    """
    wrong = _attempt(command, tweet)
    for done in range(1, attempts):
        if wrong is None:
            break
        pause(min(FIRST_PAUSE_S * 2.0 ** min(done - 1, 16), LONGEST_PAUSE_S))
        wrong = _attempt(command, tweet)
    return wrong


def _attempt(command: str, tweet: Tweet) -> str | None:
    if sys.stdout is not None:
        sys.stdout.flush()
    about = {
        "TTWEET_ID": str(tweet.id),
        "TTWEET_TEXT": tweet.text,
        "TTWEET_BY": tweet.by or "",
        "TTWEET_TAGS": " ".join(tweet.tags),
    }
    line = f"{output.json_line(as_json(tweet))}\n".encode()
    try:
        end = child_process.run([spawn.SHELL, "-c", command], environment=os.environ | about, stdin=line)
    except OSError as exc:
        remedy = spawn.MAKE_ROOM if exc.errno in spawn.NO_PROCESS else f"check {spawn.SHELL}"
        return f"--exec could not start for tweet {tweet.id}: {exc.strerror}; {remedy}"
    if end.signal is not None:
        signal.raise_signal(end.signal)  # it was for this program too
    if end.code == 0:
        return None
    code = "an unknown exit code" if end.code is None else f"exit code {end.code}"
    return f"--exec failed for tweet {tweet.id}: {code}{_WHY.get(end.code, '')}"
