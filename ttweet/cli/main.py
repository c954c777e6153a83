"""The command line: the commands, and the messages for a line that names none.

Each command's module is imported when it is called for, so `ttweet --help` loads neither trio nor sqlite-utils.
"""

import gc
import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Group, Parameter

from ttweet import __version__, defaults
from ttweet.cli import classic, shell
from ttweet.cli.manual import data, posting, reading, server
from ttweet.cli.manual.page import PROGRAM_OPTIONS, HelpPage
from ttweet.cli.other_programs import OTHER_NAMES, command_instead
from ttweet.cli.usage_errors import ALIKE, PROFILE_FIRST, sentence

GROUPS = {
    "Server": {
        "serve": ("ttweet.cli.commands.serve:serve", server.SERVE),
        "token": ("ttweet.cli.commands.token:token", server.TOKEN),
        "stats": ("ttweet.cli.commands.stats:stats", server.STATS),
        "log": ("ttweet.cli.commands.log:log", server.LOG),
        "cluster": ("ttweet.cli.commands.cluster:cluster", server.CLUSTER),
        "config": ("ttweet.cli.commands.config:config", server.CONFIG),
    },
    "Posting": {
        "post": ("ttweet.cli.commands.post:post", posting.POST),
        "run": ("ttweet.cli.commands.run:run", posting.RUN),
        "chat": ("ttweet.cli.commands.chat:chat", posting.CHAT),
        "delete": ("ttweet.cli.commands.delete:delete", posting.DELETE),
    },
    "Reading": {
        "last": ("ttweet.cli.commands.last:last", reading.LAST),
        "find": ("ttweet.cli.commands.find:find", reading.FIND),
        "show": ("ttweet.cli.commands.show:show", reading.SHOW),
        "tags": ("ttweet.cli.commands.tags:tags", reading.TAGS),
        "follow": ("ttweet.cli.commands.follow:follow", reading.FOLLOW),
        "wait": ("ttweet.cli.commands.wait:wait", reading.WAIT),
    },
    "Data": {
        "backup": ("ttweet.cli.commands.backup:backup", data.BACKUP),
        "check": ("ttweet.cli.commands.check:check", data.CHECK),
        "export": ("ttweet.cli.commands.export:export", data.EXPORT),
        "import": ("ttweet.cli.commands.import_:import_", data.IMPORT),
        "prune": ("ttweet.cli.commands.prune:prune", data.PRUNE),
    },
}
COMMANDS = {name: entry for commands in GROUPS.values() for name, entry in commands.items()}

_HELP_FLAGS = ["--help", "-h", "--help-all"]
_WORDS = ("", "help", "version")  # they stand for options
ALIASES = {"list": "find", "ls": "find", "search": "find"}
_OPTIONS = Group(PROGRAM_OPTIONS, sort_key=len(GROUPS) + 1)
Upload = Annotated[
    bool,
    Parameter(name=["--upload", "-u"], negative="", group=_OPTIONS, help="Post MESSAGE; quote it."),
]
Download = Annotated[
    bool, Parameter(name=["--download", "-d"], negative="", group=_OPTIONS, help="Show the last message.")
]
Profile = Annotated[
    str | None,
    Parameter(
        name="--profile", metavar="NAME", group=_OPTIONS, help="Use a profile of the config file; give it first."
    ),
]
Arguments = Annotated[str, Parameter(show=False)]


def main(arguments: Sequence[str]) -> int:
    """Carry out the arguments of a command line and return the exit code."""
    return shell.run(_main, arguments)


def _main(arguments: Sequence[str]) -> int:
    try:
        command, bound, _ = make_app(full="--help-all" in arguments).parse_args(_understood(arguments))
    except CycloptsError as error:
        raise shell.UsageError(sentence(error)) from error
    gc.enable()  # the imports are done, see __main__
    code = command(*bound.args, **bound.kwargs)
    return code if isinstance(code, int) else shell.DONE


def _understood(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the command's own name, and the words that a query of `find` excludes behind `--`.

    The parser would read `-slow` as `-s low`. Raises UsageError for one of OTHER_NAMES, and for the help of no command.
    """
    name, *rest = arguments or [""]
    if name in ("help", *_HELP_FLAGS):  # `help post` and `--help post` are `post --help`
        name, *rest = [*rest[:1], "--help" if name == "help" else name]
    name = ALIASES.get(name, name)
    has_no_page = name not in COMMANDS and not name.startswith("-") and name not in _WORDS
    if name in OTHER_NAMES or (has_no_page and set(rest) & set(_HELP_FLAGS)):
        raise shell.UsageError(_no_command(name))
    if name != "find":
        return [name, *rest] if arguments else []
    excluded = [word for word in rest if re.match(r"-(?!n[0-9]+$)[^-0-9].", word)]
    kept = [word for word in rest if word not in excluded]
    return [name, *kept, *([] if "--" in kept or not excluded else ["--"]), *excluded]


def make_app(*, full: bool = False) -> App:
    """Return the parser of all commands, whose functions return exit codes.

    Its help pages are the short ones, or `full`.

    It raises CycloptsError.
    """
    app = App(
        name="ttweet",
        version=f"ttweet {__version__}",
        help_flags=_HELP_FLAGS,
        group_arguments=Group("Arguments", sort_key=len(GROUPS)),
        group_parameters=Group("Options", sort_key=len(GROUPS) + 1),
        default_parameter=Parameter(show_env_var=False, show_choices=False),
        help_format="rich",
        help_formatter=_Lazy("Manual", full=full),  # type: ignore[arg-type]  # it is one by way of __getattr__
        console=_Lazy("PageConsole"),  # type: ignore[arg-type]
        print_error=False,
        exit_on_error=False,
        **_page(server.ROOT, full=full),
    )
    for position, (title, commands) in enumerate(GROUPS.items()):
        group = Group(title, sort_key=position)
        for place, (name, (path, page)) in enumerate(commands.items()):
            app.command(path, name=name, group=group, sort_key=place, **_shown(page, full=full))
    path = "ttweet.cli.completion:install_completion"
    app.command(path, name="--install-completion", group=_OPTIONS, **_shown(server.COMPLETION, full=full))
    app["--help"].help = "Show a short help page; --help-all shows all of it."
    app["--version"].help = "Show the version."
    for flag in ("--help", "--version"):
        app[flag].group = (_OPTIONS,)
    app.default(run_classic)
    return app


def _shown(page: HelpPage, *, full: bool) -> dict[str, Any]:
    """Return the settings of a command for cyclopts; by default it reads the version as Markdown."""
    return {**_page(page, full=full), "version_format": "rich"}


def _page(page: HelpPage, *, full: bool) -> dict[str, Any]:
    return {"usage": page.usage, "help": page.text(full=full), "help_epilogue": page.below(full=full)}


def run_classic(
    *arguments: Arguments, upload: Upload = False, download: Download = False, profile: Profile = None
) -> int:
    """Upload a message or download the last one, as the first ttweet did. Raises UsageError, ConnectError, Refused."""
    if profile is not None:
        raise shell.UsageError(PROFILE_FIRST)
    match upload, download, arguments:
        case True, False, (host, port, message):
            return classic.upload(host, port, message)
        case False, True, (host, port):
            return classic.download(host, port)
        case False, False, ():
            make_app().help_print(())
            return shell.DONE
        case False, False, ("version",):
            shell.write(f"ttweet {__version__}")
            return shell.DONE
    raise shell.UsageError(_what_is_wrong(arguments, upload=upload, download=download))


class _Lazy:
    """An object of cli.help, which is imported together with rich when a page is shown."""

    def __init__(self, name: str, **options: bool) -> None:
        self._name, self._options = name, options

    @cached_property
    def _object(self) -> Any:
        from ttweet.cli import help as pages

        return getattr(pages, self._name)(**self._options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._object, name)

    def __call__(self, *args: Any) -> None:
        self._object(*args)


def _what_is_wrong(arguments: Sequence[str], *, upload: bool, download: bool) -> str:
    if upload and download:
        return "conflicting options: -u and -d; give one of them"
    if not (upload or download):
        return _no_command(arguments[0])
    arguments = _parted(arguments)
    if download:
        return f"invalid command line: -d takes HOST PORT; run: {_example('-d', arguments)}"
    if len(arguments) == 2 and not arguments[1].isdigit():  # HOST MESSAGE
        arguments = [arguments[0], str(defaults.PORT), arguments[1]]
    words = arguments[2:]
    quoted = shlex.quote(" ".join(words)) if words else "'text'"
    if len(words) <= 1:
        return f"invalid command line: -u takes HOST PORT MESSAGE; run: {_example('-u', arguments)} {quoted}"
    return f"{len(words)} arguments for one message; quote it: {_example('-u', arguments)} {quoted}"


def _parted(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments with HOST:PORT, as other commands' --server has it, in two.

    An IPv6 address alone stays whole.
    """
    first = re.fullmatch(r"(\[.*\]|[^:]+):([0-9]+)", arguments[0]) if arguments else None
    return [*first.groups(), *arguments[1:]] if first else arguments


def _example(option: str, arguments: Sequence[str]) -> str:
    host, port = (*arguments[:2], *(defaults.HOST, str(defaults.PORT))[len(arguments) :])
    return f"ttweet {option} {shlex.join([host, port])}"


def _no_command(name: str) -> str:
    close = get_close_matches(name.lower(), [*COMMANDS, *ALIASES], n=1, cutoff=ALIKE)
    suggestion = command_instead(name) or (f"did you mean ttweet {close[0]}?" if close else "see ttweet --help")
    return f"unknown command {name!a}; {suggestion}"
