"""The command `chat`: a session at the keyboard."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import settings, shell
from ttweet.cli.author import given_name
from ttweet.cli.chat.course import CourseSession
from ttweet.cli.chat.screen import Aids, Screen
from ttweet.cli.options import RARE, SERVER, As, Ca, check_name
from ttweet.client.sync_client import Client

# with hyphens, or a name such as -x would be an unknown option
Words = Annotated[str, Parameter(name="NAME", allow_leading_hyphen=True, help="Your name: 1 to 32 letters and digits.")]
Course = Annotated[
    bool, Parameter(name="--course", negative="", help="Use the networking course's commands and output.")
]
Server = Annotated[str | None, SERVER, Parameter(help="The server of the session.")]


def chat(
    *words: Words,
    course: Course = False,
    as_name: Annotated[As, RARE] = None,
    server: Server = None,
    ca: Annotated[Ca, RARE] = None,
) -> int:
    """Hold a session at the keyboard. Raises UsageError, ConnectError, Refused."""
    port = None
    match words:
        case (host, digits, *_) if server is None and len(words) + (as_name is not None) == 3:
            server, port = host, shell.checked_port(digits)
            name = as_name or words[2]
        case () if as_name := given_name(as_name):
            name = as_name
        case (name,) if as_name is None:
            pass
        case _:
            raise shell.UsageError(
                "invalid command line: chat takes your NAME, or HOST PORT NAME; run: ttweet chat ann"
            )
    check_name(str, name)
    if server is not None:
        settings.keep_to_server(server)
    if course:
        return CourseSession(server, port, name, Screen(), ca).run()
    return _session(server, port, name, ca)


def _session(server: str | None, port: int | None, name: str, ca: str | None) -> int:
    from ttweet.cli.chat.completer import Completer
    from ttweet.cli.chat.history import open_history
    from ttweet.cli.chat.session import ChatSession

    aids = Aids(open_history, Completer(Client(server, port, ca=ca)))
    return ChatSession(Client(server, port, name=name, ca=ca), Screen(aids)).run()
