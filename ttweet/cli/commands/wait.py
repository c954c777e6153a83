"""The command `wait`: until a tweet comes."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import live, shell
from ttweet.cli.options import After, Ca, Json, LiveServer, LiveTags, Timeout
from ttweet.cli.source import checked_body, open_client
from ttweet.model import tweets
from ttweet.model.errors import Refused

Text = Annotated[str | None, Parameter(name="--text", metavar="STR", help="Only a tweet whose text contains STR.")]


def wait(
    *tags: LiveTags,
    text: Text = None,
    after: After = None,
    timeout: Timeout = None,
    server: LiveServer = None,
    ca: Ca = None,
    json: Json = False,
) -> int:
    """Wait for a tweet and show it."""
    bodies = [checked_body(tag) for tag in tags]
    wanted = _wanted(text or "")
    live.leave_with_reader()
    with (
        live.time_limit(timeout) as deadline,
        open_client(server, ca=ca, deadline=deadline) as client,
        client.follow(*bodies, after=after, listener=live.News()) as follower,
    ):
        for tweet in follower:
            if wanted in tweet.text:
                live.show(tweet, json=json)
                return shell.DONE
    shell.complain(f"no matching tweet: --timeout {timeout} has passed")
    return shell.TIMED_OUT


def _wanted(text: str) -> str:
    """Return the normal form of what a tweet's text may contain. Raises UsageError for what no tweet has room for."""
    try:
        return tweets.checked_text(shell.checked_text(text, "--text"))
    except Refused as refused:
        raise shell.UsageError(f"--text: {refused.text}") from refused
