"""The command `chat`: a session at the keyboard."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli.chat import repl
from ttweet.cli.chat.screen import Screen
from ttweet.cli.options import RARE, As, Ca

Word = Annotated[str | None, Parameter(allow_leading_hyphen=True)]  # the course has its own words for what is wrong
Host = Annotated[Word, Parameter(name="HOST", help="The server's address or host name.")]
Port = Annotated[Word, Parameter(name="PORT", help="The server's port, 1024 or above.")]
Name = Annotated[Word, Parameter(name="NAME", help="Your name: 1 to 32 letters and digits.")]
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
    """Hold a session at the keyboard."""
    given = [word for word in (host, port, name, *others, as_name) if word is not None]
    return repl.run(given, Screen(), ca)
