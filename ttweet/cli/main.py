"""The command line: which words there are, and what is said when they make no sense.

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
from ttweet.cli.manual import maintenance, messages
from ttweet.cli.usage_errors import sentence

COMMANDS = {
    "serve": ("ttweet.cli.commands.serve:serve", messages.SERVE),
    "post": ("ttweet.cli.commands.post:post", messages.POST),
    "follow": ("ttweet.cli.commands.follow:follow", messages.FOLLOW),
    "wait": ("ttweet.cli.commands.wait:wait", messages.WAIT),
    "run": ("ttweet.cli.commands.run:run", messages.RUN),
    "chat": ("ttweet.cli.commands.chat:chat", messages.CHAT),
    "delete": ("ttweet.cli.commands.delete:delete", messages.DELETE),
    "prune": ("ttweet.cli.commands.prune:prune", maintenance.PRUNE),
    "last": ("ttweet.cli.commands.read:last", messages.LAST),
    "tags": ("ttweet.cli.commands.read:tags", messages.TAGS),
    "log": ("ttweet.cli.commands.log:log", messages.LOG),
    "stats": ("ttweet.cli.commands.stats:stats", maintenance.STATS),
    "token": ("ttweet.cli.commands.token:token", messages.TOKEN),
    "backup": ("ttweet.cli.commands.backup:backup", maintenance.BACKUP),
    "check": ("ttweet.cli.commands.check:check", maintenance.CHECK),
    "export": ("ttweet.cli.commands.export:export", maintenance.EXPORT),
    "import": ("ttweet.cli.commands.export:import_", maintenance.IMPORT),
}

Upload = Annotated[
    bool, Parameter(name=["--upload", "-u"], negative="", help="Post MESSAGE; exactly one argument, so quote it.")
]
Download = Annotated[bool, Parameter(name=["--download", "-d"], negative="", help="Show the last message.")]
Arguments = Annotated[str, Parameter(show=False)]


def main(arguments: Sequence[str]) -> int:
    """Carry out the arguments of a command line and return the exit code."""
    return shell.run(_main, arguments)


def _main(arguments: Sequence[str]) -> int:
    try:
        command, bound, _ = make_app().parse_args(arguments)
    except CycloptsError as error:
        raise shell.UsageError(sentence(error)) from error
    gc.enable()  # the imports are done, see __main__
    code = command(*bound.args, **bound.kwargs)
    return code if isinstance(code, int) else shell.DONE


def make_app() -> App:
    """The parser of all commands, whose functions return exit codes. It raises CycloptsError."""
    app = App(
        name="ttweet",
        version=f"ttweet {__version__}",
        group_commands=Group("Commands", sort_key=1),
        group_arguments=Group("Arguments", sort_key=2),
        group_parameters=Group("Options", sort_key=3),
        default_parameter=Parameter(show_env_var=False, show_choices=False),
        help_format="rich",
        help_formatter=_Lazy("Manual"),  # type: ignore[arg-type]  # it is one by way of __getattr__
        console=_Lazy("PageConsole"),  # type: ignore[arg-type]
        print_error=False,
        exit_on_error=False,
        usage=messages.ROOT.usage,
        help=messages.ROOT.help,
        help_epilogue=messages.ROOT.below,
    )
    for position, (name, (path, page)) in enumerate(COMMANDS.items()):
        app.command(path, name=name, sort_key=position, **_shown(page))
    path = "ttweet.cli.completion:install_completion"
    app.command(path, name="--install-completion", group="Options", **_shown(messages.COMPLETION))
    for flag in ("--help", "--version"):
        app[flag].group = ("Options",)
    app.default(run_classic)
    return app


def _shown(page: messages.HelpPage) -> dict[str, Any]:
    """What cyclopts prints of a command, whose version would be Markdown otherwise."""
    return {"usage": page.usage, "help": page.help, "help_epilogue": page.below, "version_format": "rich"}


def run_classic(*arguments: Arguments, upload: Upload = False, download: Download = False) -> int:
    """Upload a message or download the last one, as the first ttweet did. Raises UsageError, ConnectError, Refused."""
    match upload, download, arguments:
        case True, False, (host, port, message):
            return classic.upload(host, port, message)
        case False, True, (host, port):
            return classic.download(host, port)
        case False, False, () | ("help",):
            return _help()
        case False, False, ("help", name, *_) if name in COMMANDS:
            return _help(name)
    raise shell.UsageError(_what_is_wrong(arguments, upload=upload, download=download))


def _help(*command: str) -> int:
    make_app().help_print(command)
    return shell.DONE


class _Lazy:
    """An object of cli.help, which is imported together with rich when a page is shown."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _object(self) -> Any:
        from ttweet.cli import help as pages

        return getattr(pages, self._name)()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._object, name)

    def __call__(self, *args: Any) -> None:
        self._object(*args)


def _what_is_wrong(arguments: Sequence[str], *, upload: bool, download: bool) -> str:
    if upload and download:
        return "-u uploads and -d downloads; give one of them"
    if not (upload or download):
        return _no_command(arguments[1] if arguments[0] == "help" else arguments[0])
    arguments = _parted(arguments)
    if download:
        return f"-d takes a host and a port: {_example('-d', arguments)}"
    words = arguments[2:]
    quoted = shlex.quote(" ".join(words)) if words else "'text'"
    if len(words) <= 1:
        return f"-u takes a host, a port and a message: {_example('-u', arguments)} {quoted}"
    return f"{len(words)} messages, one is posted at a time; quote it: {_example('-u', arguments)} {quoted}"


def _parted(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments with HOST:PORT, as other commands' --server has it, in two; an IPv6 address alone stays whole."""
    first = re.fullmatch(r"(\[.*\]|[^:]+):([0-9]+)", arguments[0]) if arguments else None
    return [*first.groups(), *arguments[1:]] if first else arguments


def _example(option: str, arguments: Sequence[str]) -> str:
    host, port = (*arguments[:2], *(defaults.HOST, str(defaults.PORT))[len(arguments) :])
    return f"ttweet {option} {shlex.join([host, port])}"


def _no_command(name: str) -> str:
    close = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    suggestion = f"did you mean ttweet {close[0]}?" if close else f"there are: {', '.join(COMMANDS)}; see ttweet --help"
    return f"no command {name!a}; {suggestion}"
