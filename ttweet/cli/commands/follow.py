"""The command `follow`: tweets as they come."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import following, live, settings, shell
from ttweet.cli.consumer import open_consumer
from ttweet.cli.follow_start import Start
from ttweet.cli.open_client import open_client
from ttweet.cli.options import (
    AMOUNT,
    RARE,
    After,
    As,
    By,
    Ca,
    ContainedText,
    Json,
    LiveServer,
    LiveTags,
    Timeout,
    refuse_conflict,
)
from ttweet.cli.source import checked_body, checked_content

Last = Annotated[int | None, AMOUNT, Parameter(name="--last", metavar="N", help="Begin with the last N tweets.")]
Find = Annotated[
    str | None,
    Parameter(
        name="--find", metavar="QUERY", allow_leading_hyphen=True, help="Only tweets that this query finds, see find."
    ),
]
Since = Annotated[
    str | None,
    Parameter(name="--since", metavar="TIME", help="Begin 2h or 7d ago, or on 2026-01-31 (UTC)."),
]
UntilNow = Annotated[bool, Parameter(name="--until-now", negative="", help="Show the stored tweets and exit.")]
Retry = Annotated[bool, RARE, Parameter(name="--retry", negative="", help="Wait for a server that is not there yet.")]
ConsumerName = Annotated[
    str | None,
    RARE,
    Parameter(name="--consumer", metavar="NAME", help="Keep the position under this name; begin there next time."),
]
Exec = Annotated[
    str | None,
    Parameter(name="--exec", metavar="COMMAND", help="Run this in a shell for each tweet, and show none."),
]
Attempts = Annotated[
    int | None, RARE, AMOUNT, Parameter(name="--attempts", metavar="N", help="Run a failing command up to N times.")
]
Format = Annotated[
    str | None, RARE, Parameter(name="--format", metavar="FORM", help="Form of a line, such as '{time} {by} {text}'.")
]
Count = Annotated[int | None, AMOUNT, Parameter(metavar="N", help="Stop after N tweets.")]


def follow(
    *tags: LiveTags,
    find: Find = None,
    after: After = None,
    last: Last = None,
    since: Since = None,
    until_now: UntilNow = False,
    by: Annotated[By, RARE] = None,
    text: Annotated[ContainedText, RARE] = None,
    exec_: Exec = None,
    attempts: Attempts = None,
    format_: Format = None,
    consumer: ConsumerName = None,
    retry: Retry = False,
    count: Count = None,
    timeout: Annotated[Timeout, RARE] = None,
    as_name: Annotated[As, RARE] = None,
    server: LiveServer = None,
    ca: Annotated[Ca, RARE] = None,
    json: Json = False,
) -> int:
    """Show tweets as they come."""
    start = Start([checked_body(tag) for tag in tags], find, by, after, last, since)
    if tags and find is not None:
        raise shell.UsageError(f"conflicting options: {tags[0]} and --find; put the tag into the query")
    start.check()
    refuse_conflict({"--last": last, "--text": text})
    refuse_conflict({"--format": format_, "--json": json})
    refuse_conflict({"--format": format_, "--exec": exec_})
    if attempts is not None and exec_ is None:
        raise shell.UsageError("missing option: --exec COMMAND, which --attempts needs")
    handle = following.handler(live.Display(json=json, template=format_), exec_, attempts or 1, json=json)
    given = {"--find": find, "--by": by, "--text": text, "--exec": exec_, "--attempts": attempts, "--format": format_}
    given |= {"--consumer": consumer, "--as": as_name, "--server": server, "--ca": ca}
    resumed = _resumed(start.tags, given, {"--until-now": until_now, "--retry": retry, "--json": json})
    job = following.Job(checked_content(text or ""), handle, exec_ is not None, count, resumed)
    with ExitStack() as stack:
        deadline = stack.enter_context(live.time_limit(timeout))
        client = stack.enter_context(open_client(server, as_name, ca=ca, deadline=deadline))
        position = None if consumer is None else stack.enter_context(open_consumer(consumer, client.address))
        live.leave_with_reader()
        if position is not None and position.after is not None:
            start = start._replace(after=position.after, last=None, since=None)
        rewound = None if position is None else position.save
        news = live.News(partial(live.show_deletion, json=json), waits_for_server=retry, rewound=rewound)
        # the name is for the connection that follows
        other = stack.enter_context(open_client(server, ca=ca, deadline=deadline))
        first = start.find(other, news, deadline, needed=position is not None, all_=until_now)
        if position is not None and first is not None:
            position.save(first)
        follower = client.follow(*start.tags, query=start.query, after=first, live=not until_now, listener=news)
        return following.carry_out(job, follower, position)


def _resumed(tags: Sequence[str], options: Mapping[str, object], switches: Mapping[str, bool]) -> str:
    """Return the command line that does the same again, without the place to begin at."""
    flags = [name for name, is_set in switches.items() if is_set]
    return settings.command_line("follow", *tags, *settings.options_given(options), *flags)
