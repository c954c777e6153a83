"""The entry point: exact shapes at once, everything else by way of the command line's parser.

Not a second parser: shapes whose meaning leaves no doubt, so that importing the parser (80 ms) can be saved. Both ways
call the same functions. `cli.shapes` has the shapes of the commands; the two of the first ttweet are here.
"""

from __future__ import annotations

import gc
import sys

from ttweet import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130  # as shell.INTERRUPTED, which may not be loaded yet
NOT_ON_WINDOWS = (
    "a server cannot run on Windows, which lacks POSIX locks and signals; run it in WSL: wsl ttweet serve; "
    "from Windows, use its pages in a browser (--http 8080), or curl"
)


def main() -> int:
    """Carry out the command line and return the exit code.

    Without the garbage collector as long as modules are imported, and at the end: what they make stays, and looking
    through it takes a sixth of a short command's time.
    """
    gc.disable()
    try:
        return _run()
    except KeyboardInterrupt:  # before the command or after it
        return INTERRUPTED
    finally:
        gc.freeze()


def _run() -> int:
    if sys.getfilesystemencoding() != "utf-8":
        from ttweet.cli import utf8  # most locales are UTF-8

        utf8.ensure()
    from ttweet.cli import shell  # not above, where Ctrl-C would end in a traceback

    return shell.run(_main, sys.argv[1:])


def _main(arguments: list[str]) -> int:
    match arguments:
        case ["-u" | "--upload", host, port, message] if _is_exact(host, port):
            from ttweet.cli import classic

            return classic.upload(host, port, message)
        case ["-d" | "--download", host, port] if _is_exact(host, port):
            from ttweet.cli import classic

            return classic.download(host, port)
        case ["--complete", line]:
            from ttweet.cli import line_completion

            return line_completion.complete(line)
        case ["--version" | "version"]:
            return _write(f"ttweet {__version__}\n")
        case [] | [*_, "--help" | "-h"] | ["help", *_] if (page := _ready_page(arguments)) is not None:
            return _write(page)
        case ["serve", *_]:
            _refuse_to_serve_on_windows()
            from ttweet.server.hangup import outlive_hangups

            outlive_hangups()  # before the parser is loaded, as a reload may come at once
        case [option, *_] if option.partition("=")[0] == "--profile":
            from ttweet.cli import settings

            return _main(settings.choose_profile(arguments))
        case [name, *rest]:
            from ttweet.cli import settings

            settings.apply(arguments)
            if (carry_out := _exact_command(name, rest)) is not None:
                return carry_out()
    from ttweet.cli import main as cli

    return cli.main(arguments)


def _ready_page(arguments: list[str]) -> str | None:
    from ttweet.cli import ready_pages

    return ready_pages.page(arguments)


def _write(text: str) -> int:
    if sys.stdout is not None:
        sys.stdout.write(text)
    return 0


def _refuse_to_serve_on_windows() -> None:
    from ttweet import system

    if not system.runs_servers():
        from ttweet.model.errors import OpenError

        raise OpenError("denied", NOT_ON_WINDOWS)


def _exact_command(name: str, rest: list[str]) -> Callable[[], int] | None:
    from ttweet.cli import shapes

    return shapes.command(name, rest)


def _is_exact(host: str, port: str) -> bool:
    return port.isascii() and port.isdigit() and host[:1] != "-"


if __name__ == "__main__":
    sys.exit(main())
