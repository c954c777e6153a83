"""Names and options of other programs, and what does the same here: for errors that lead to the right command."""

import shlex

_NAMES = {
    "backup": "copy save snapshot",
    "chat": "connect join login online session shell talk users who",
    "check": "doctor fsck validate verify",
    "config": "env profile profiles settings whoami",
    "delete": "del remove rm",
    "export": "dump",
    "find": "count feed grep head history home query read recent timeline",
    "follow": "consume listen monitor poll stream sub subscribe tail watch",
    "import": "load restore",
    "last": "latest newest",
    "post": "add create echo message msg new notify produce pub publish say send toot tweet write",
    "prune": "clean gc purge vacuum",
    "run": "done exec noti time",
    "serve": "daemon restart server start up",
    "show": "cat get view",
    "stats": "health info metrics ping status top",
    "tags": "channels hashtags keys topics trends",
    "token": "auth",
    "--install-completion": "completion completions",
}
OTHER_NAMES = {name: command for command, names in _NAMES.items() for name in names.split()}
"""The commands that do what other programs of this kind call by these names."""

_SEVERAL = "for several tweets: ttweet find --limit N"
_FILE = "to post a file: ttweet post - < FILE"
_NEW_TWEETS = "to see tweets as they come: ttweet follow"
_NOT_NEEDED = "omit it, as follow waits for new tweets"
_LAST = "did you mean --last?"

_OPTIONS = {
    "": dict.fromkeys(["-v", "-V"], "did you mean --version?"),
    "find": {
        **dict.fromkeys(["--author", "--from", "--user"], "put it into the query: from:NAME"),
        **dict.fromkeys(["-t", "--tag", "--label"], "put it into the query: tag:TAG"),
        "--after": "to see tweets after an id: ttweet follow --after ID --until-now",
        "--until": "put it into the query: until:TIME",
        **dict.fromkeys(["-S", "--search", "--text"], "put the text into the query"),
        **dict.fromkeys(["-l", "-L"], "did you mean --limit?"),
    },
    "follow": {
        **dict.fromkeys(["-f", "--follow"], _NOT_NEEDED),
        **dict.fromkeys(["-n", "--limit"], _LAST),
        **dict.fromkeys(["--all", "--from-beginning"], "to begin with the first tweet: --after 0"),
        "-C": "did you mean --count?",
        "-W": "did you mean --timeout?",
    },
    "delete": dict.fromkeys(["-y", "--yes"], "omit it, as delete does not ask"),
    "last": dict.fromkeys(["-n", "--count", "--last", "--limit"], _SEVERAL),
    "log": dict.fromkeys(["-f", "--follow"], _NEW_TWEETS),
    "post": {"-f": _FILE, "--file": _FILE, "--topic": "did you mean --tag?"},
    "wait": {"-W": "did you mean --timeout?"},
    "serve": dict.fromkeys(["-b", "--address", "--bind", "--listen"], "did you mean --host?"),
}
"""For each command, options of other programs and what to do instead; under "" those without a command."""

OF_COMMANDS = {
    "--as": " NAME",
    "--ca": " FILE",
    "--db": " FILE",
    "--json": "",
    "--limit": " N",
    "--quiet": "",
    "--server": " HOST:PORT",
    "--tag": " TAG",
    "-j": "",
    "-n": " N",
    "-q": "",
    "-s": " HOST:PORT",
    "-t": " TAG",
}
"""Options that other programs take before a command, and the values that they have."""

OF_OTHERS = {"-m": "MESSAGE", "--body": "MESSAGE", "-p": "PORT", "-t": "TAG", "--topic": "TAG"}
"""Options of other programs for values that are arguments here."""


def option_instead(command: str, seen: str) -> str | None:
    """Return what to do instead of giving a command an option; None if no other program is known for it."""
    return _OPTIONS.get(command, {}).get(seen)


def command_instead(name: str) -> str | None:
    """Return what to do instead of giving a command's name: it is the name in other programs, or a message."""
    if command := OTHER_NAMES.get(name.lower()):  # redis-cli has SUBSCRIBE
        return f"did you mean ttweet {command}?"
    if " " in name.strip() or name.startswith("#"):
        return f"to post it: ttweet post {shlex.quote(name)}"
    if name.startswith("@") and name[1:].isalnum():
        return f"to see an author's tweets: ttweet find from:{name[1:]}"
    return None
