"""The command `chat`: a session at the keyboard."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.cli.chat import repl
from ttweet.cli.chat.screen import Screen
from ttweet.cli.options import RARE, As, Ca, check_name

Word = Annotated[str | None, Parameter(allow_leading_hyphen=True)]  # or a name such as -x would be an unknown option
Host = Annotated[Word, Parameter(name="HOST", help="The server's address or host name.")]
Port = Annotated[Word, Parameter(name="PORT", help="The server's port.")]
Name = Annotated[Word, Parameter(name="NAME", validator=check_name, help="Your name: 1 to 32 letters and digits.")]
RareName = Annotated[As, RARE]
RareCa = Annotated[Ca, RARE]
Others = Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]


def chat(
    host: Host = None,
    port: Port = None,
    name: Name = None,
    /,
    *others: Others,
    as_name: Annotated[As, RARE] = None,
    ca: Annotated[Ca, RARE] = None,
) -> int:
    """Hold a session at the keyboard. Raises UsageError, ConnectError, Refused."""
    given = [word for word in (host, port, name, *others, as_name) if word is not None]
    if len(given) != 3:
        raise shell.UsageError("invalid command line: chat takes HOST PORT NAME; run: ttweet chat 127.0.0.1 13001 ann")
    return repl.ChatSession(given[0], shell.checked_port(given[1]), given[2], Screen(), ca).run()
