"""The entry point: the two classic shapes at once, everything else by way of the command line's parser.

Not a second parser: two exact shapes whose meaning leaves no doubt, so that importing the parser (80 ms) can be
saved. Both ways call the same functions.
"""

from __future__ import annotations

import gc
import sys

from ttweet import shell


def main() -> int:
    """Carry out the command line and return the exit code."""
    try:
        return _main(sys.argv[1:])
    except KeyboardInterrupt:
        return shell.INTERRUPTED


def _main(arguments: list[str]) -> int:
    match arguments:
        case ["-u" | "--upload", host, port, message] if _is_exact(host, port):
            return _run_classic("upload", host, port, message)
        case ["-d" | "--download", host, port] if _is_exact(host, port):
            return _run_classic("download", host, port)
    from ttweet import cli

    return cli.main(arguments)


def _is_exact(host: str, port: str) -> bool:
    return port.isascii() and port.isdigit() and host[:1] != "-"


def _run_classic(verb: str, *arguments: str) -> int:
    """Run one verb without the garbage collector: a process that is over in 30 ms leaves it nothing but delay."""
    gc.disable()
    from ttweet import classic

    code = shell.run(classic.VERBS[verb], *arguments)
    gc.freeze()  # spares the interpreter's end a look at everything
    return code


if __name__ == "__main__":
    sys.exit(main())
