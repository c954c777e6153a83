"""The command `follow`: tweets as they come."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import child_process, live, output, shell
from ttweet.cli.options import AMOUNT, RARE, After, As, Ca, Json, LiveServer, LiveTags, Timeout
from ttweet.cli.source import checked_body, checked_query, find_in_pages, in_pages, open_client
from ttweet.cli.spawn import SHELL
from ttweet.client.cursor import Cursor, FollowListener
from ttweet.client.follower import Follower
from ttweet.client.sync_client import Client
from ttweet.client.waiting import pause
from ttweet.model.errors import ResolverError
from ttweet.model.tweets import Tweet, as_json
from ttweet.protocol import calls

Last = Annotated[int | None, AMOUNT, Parameter(name="--last", metavar="N", help="Begin with the last N tweets.")]
Find = Annotated[
    str | None,
    Parameter(
        name="--find", metavar="QUERY", allow_leading_hyphen=True, help="Only tweets that this query finds, see find."
    ),
]
Exec = Annotated[
    str | None,
    Parameter(name="--exec", metavar="COMMAND", help="Run this in a shell for each tweet, instead of showing it."),
]
Count = Annotated[int | None, AMOUNT, Parameter(metavar="N", help="Stop after N tweets.")]

Handle = Callable[[Tweet], None]
Finishing = Callable[[], AbstractContextManager[None]]


def follow(
    *tags: LiveTags,
    find: Find = None,
    after: After = None,
    last: Last = None,
    exec_: Exec = None,
    count: Count = None,
    timeout: Timeout = None,
    as_name: Annotated[As, RARE] = None,
    server: LiveServer = None,
    ca: Ca = None,
    json: Json = False,
) -> int:
    """Show tweets as they come."""
    if after is not None and last is not None:
        raise shell.UsageError("conflicting options: --from and --last; give one of them")
    if tags and find is not None:
        raise shell.UsageError(f"conflicting options: {tags[0]} and --find; put the tag into the query")
    if find is not None:
        checked_query(find)
    bodies = [checked_body(tag) for tag in tags]
    options = {"--find": find, "--exec": exec_, "--as": as_name, "--server": server, "--ca": ca}
    resumed = _resumed(bodies, options, json=json)
    news = live.News(partial(live.show_deletion, json=json))
    with live.time_limit(timeout) as deadline, open_client(server, as_name, ca=ca, deadline=deadline) as client:
        live.leave_with_reader()
        if last is not None:
            with open_client(server, ca=ca, deadline=deadline) as other:  # the name is for the connection that follows
                after = _when_looked_up(partial(_before_last, other, last, bodies, find), news, deadline)
        follower = client.follow(*bodies, query=find or "", after=after, listener=news)
        finishing = live.uninterrupted if exec_ is None else nullcontext  # a command gets Ctrl-C itself
        return _follow(follower, _handle(exec_, json=json), finishing, count, resumed)


def _follow(follower: Follower, handle: Handle, finishing: Finishing, count: int | None, resumed: str) -> int:
    """Handle tweets until there are enough, the time is up, or Ctrl-C, after which the command to resume is shown."""
    current: Tweet | None = None  # one whose handling was interrupted is to come again
    handled = 0
    try:
        for current in follower:
            with finishing():
                handle(current)
                current = None
            handled += 1
            if handled == count:
                return shell.DONE
    except KeyboardInterrupt:
        after = follower.after if current is None else current.id - 1
        shell.hint(f"to resume here: {resumed}{'' if after is None else f' --from {after}'}")
        return shell.INTERRUPTED
    finally:
        follower.close()
    return shell.TIMED_OUT


def _handle(command: str | None, *, json: bool) -> Handle:
    def show(tweet: Tweet) -> None:
        live.show(tweet, json=json)

    def execute(tweet: Tweet) -> None:
        if json:
            show(tweet)
        _execute(command or "", tweet)

    return show if command is None else execute


def _execute(command: str, tweet: Tweet) -> None:
    """Run a command, which learns of the tweet by its environment and stdin: no text comes near a command line."""
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
        end = child_process.run([SHELL, "-c", command], environment=os.environ | about, stdin=line)
    except OSError as exc:
        shell.complain(f"--exec could not start for tweet {tweet.id}: {exc.strerror}; continuing")
        return
    if end.signal is not None:
        signal.raise_signal(end.signal)  # it was for this program too
    if end.code != 0:
        code = "an unknown exit code" if end.code is None else f"exit code {end.code}"
        shell.complain(f"--exec failed for tweet {tweet.id}: {code}; continuing")


def _when_looked_up(ask: Callable[[], int], news: FollowListener, deadline: float) -> int:
    """Ask, again and again while the server's name cannot be looked up."""
    pauses = Cursor([], None, news)
    while True:
        try:
            return ask()
        except ResolverError as error:
            if time.monotonic() >= deadline:
                raise
            pause(pauses.pause_s(error), deadline)


def _before_last(client: Client, amount: int, tags: Sequence[str], query: str | None) -> int:
    """Return the id after which the last so many tweets stand."""
    if query:
        return _before_last_found(client, amount, query)
    if not tags:
        return _before_last_of_all(client, amount)
    ids = sorted({tweet.id for tag in tags for tweet in _of_tag(client, tag, amount)})
    return ids[-amount] - 1 if len(ids) >= amount else 0


def _before_last_found(client: Client, amount: int, query: str) -> int:
    """Return the id before the last tweets that a query finds, or that to which it has searched in its time."""
    found = find_in_pages(client, query, amount)
    if len(found.tweets) == amount:
        return found.tweets[-1].id - 1
    return 0 if found.searched_to is None else found.searched_to - 1


def _before_last_of_all(client: Client, amount: int) -> int:
    """Return the id before the last tweets, going back over deletions, which have ids too."""
    newest = _newest(client)
    start = max(0, newest - amount)
    while len(deletions := client.deletions_after(start)) > newest - start - amount and start:
        start = max(0, 2 * start - newest)
    ids = (one for one in range(newest, start, -1) if one not in deletions)
    return next(islice(ids, amount - 1, None), 1) - 1


def _newest(client: Client) -> int:
    """Return the newest id: a follower of all new tweets begins after it."""
    newest = client.call(*calls.follow()).cursor
    client.close()
    return newest


def _of_tag(client: Client, tag: str, amount: int) -> list[Tweet]:
    return in_pages(lambda limit, before: client.tweets_of_tag(tag, limit=limit, before=before), amount).tweets


def _resumed(tags: Sequence[str], options: dict[str, str | None], *, json: bool) -> str:
    """Return the command line that does the same again, without the place to begin at."""
    given = [word for name, value in options.items() if value is not None for word in (name, value)]
    return shlex.join(["ttweet", "follow", *tags, *given, *(["--json"] if json else [])])
