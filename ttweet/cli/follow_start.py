"""Where `follow` begins: the id that --last or --since stands for."""

import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from ttweet.cli import shell
from ttweet.cli.options import refuse_conflict
from ttweet.cli.source import check_query, check_since, find_in_pages, in_pages, tell_unknown_fields
from ttweet.client.cursor import Cursor, FollowListener
from ttweet.client.sync_client import Client
from ttweet.client.waiting import pause
from ttweet.model.errors import ConnectError
from ttweet.model.tweets import Tweet
from ttweet.protocol import calls


class Start(NamedTuple):
    """The tweets to follow, and where to begin: after an id, with the last so many, or at a time."""

    tags: Sequence[str]
    asked: str | None
    by: str | None
    after: int | None
    last: int | None
    since: str | None

    @property
    def query(self) -> str:
        """The query that the server compares tweets with; empty for none."""
        author = [] if self.by is None else [f"by:{self.by}"]
        return " ".join([*author, *([] if self.asked is None else [self.asked])])

    def check(self) -> None:
        """Raise UsageError when there are two places to begin at, or no such time or query."""
        if self.asked is not None:
            check_query(self.asked)
            if shell.on_terminal(sys.stderr):
                tell_unknown_fields(self.asked)  # as no tweet may ever come
        refuse_conflict({"--after": self.after, "--last": self.last, "--since": self.since})
        if self.since is not None:
            check_since(self.since)

    def find(self, client: Client, news: FollowListener, deadline: float, *, needed: bool, all_: bool) -> int | None:
        """Return the id to begin after. Without a place given: 0 with `all_`, the newest if `needed`, else None."""
        if self.last is not None:
            return when_reachable(lambda: before_last(client, self), news, deadline)
        if self.since is not None:
            return when_reachable(lambda: before_time(client, self.since or ""), news, deadline)
        if self.after is not None or all_:
            return self.after or 0
        return when_reachable(lambda: newest(client), news, deadline) if needed else None


def when_reachable(ask: Callable[[], int], news: FollowListener, deadline: float) -> int:
    """Ask, again and again while the listener waits for the server, or the server's name cannot be looked up."""
    pauses = Cursor([], None, news)
    while True:
        try:
            return ask()
        except ConnectError as error:
            if time.monotonic() >= deadline:
                raise
            pause(pauses.pause_s(error), deadline)


def newest(client: Client) -> int:
    """Return the newest id: a follower of all new tweets begins after it."""
    cursor = client.call(*calls.follow()).cursor
    client.close()
    return cursor


def before_time(client: Client, since: str) -> int:
    """Return the newest id before a time, as a query has it; 0 if there is none."""
    found = client.find(f'until:"{since}"', limit=1)
    while not found.tweets and found.searched_to:
        found = client.find(f'until:"{since}"', limit=1, before=found.searched_to)
    return found.tweets[0].id if found.tweets else 0


def before_last(client: Client, start: Start) -> int:
    """Return the id after which the last so many tweets stand."""
    amount = start.last or 1
    if not start.tags:
        return _before_last_found(client, start.query, amount) if start.query else _before_last_of_all(client, amount)
    ids = sorted({tweet.id for tag in start.tags for tweet in _of_tag(client, tag, start.query, amount)})
    return ids[-amount] - 1 if len(ids) >= amount else 0


def _before_last_found(client: Client, query: str, amount: int) -> int:
    """Return the id before the last tweets that a query finds, or that to which it has searched in its time."""
    found = find_in_pages(client, query, amount)
    if len(found.tweets) == amount:
        return found.tweets[-1].id - 1
    return 0 if found.searched_to is None else found.searched_to - 1


def _before_last_of_all(client: Client, amount: int) -> int:
    """Return the id before the last tweets, going back over deletions, which have ids too."""
    end = newest(client)
    start = max(0, end - amount)
    while len(deletions := client.deletions_after(start)) > end - start - amount and start:
        start = max(0, 2 * start - end)
    ids = (one for one in range(end, start, -1) if one not in deletions)
    return next(islice(ids, amount - 1, None), 1) - 1


def _of_tag(client: Client, tag: str, query: str, amount: int) -> list[Tweet]:
    if query:
        return find_in_pages(client, f"tag:{tag} {query}", amount).tweets
    return in_pages(lambda limit, before: client.tweets_of_tag(tag, limit=limit, before=before), amount).tweets
