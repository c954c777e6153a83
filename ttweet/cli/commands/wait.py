"""The command `wait`: until a tweet comes."""

from ttweet.cli import live, shell
from ttweet.cli.open_client import open_client
from ttweet.cli.options import After, Ca, ContainedText, Json, LiveServer, LiveTags, Timeout
from ttweet.cli.source import checked_body, checked_content


def wait(
    *tags: LiveTags,
    text: ContainedText = None,
    after: After = None,
    timeout: Timeout = None,
    server: LiveServer = None,
    ca: Ca = None,
    json: Json = False,
) -> int:
    """Wait for a tweet and show it."""
    bodies = [checked_body(tag) for tag in tags]
    wanted = checked_content(text or "")
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
