"""The command `chat`: a session at the keyboard."""

from typing import Annotated

from cyclopts import Parameter

from ttweet import course
from ttweet.cli_options import As, Ca
from ttweet.screen import Screen

Arguments = Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]


def chat(*arguments: Arguments, as_name: As = None, ca: Ca = None) -> int:
    """Hold a session at the keyboard: HOST, PORT and NAME."""
    given = arguments if as_name is None else (*arguments, as_name)
    return course.run(given, Screen(), ca)
