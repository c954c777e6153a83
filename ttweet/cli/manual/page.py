"""The form of a help page. `--help` shows its short form, of 24 lines; `--help-all` shows all of it."""

from typing import NamedTuple

MORE_OPTIONS = "More options"
PROGRAM_OPTIONS = "Options of the program"
ONLY_IN_FULL = (MORE_OPTIONS, PROGRAM_OPTIONS)  # titles of groups that only `--help-all` shows

EXAMPLES = "[bold]Examples[/]"
EXIT_CODES = "[bold]Exit codes[/]"
ENVIRONMENT = "[bold]Environment[/]"

DB = "  TTWEET_DB      the database file; default: tweets.db"
CLIENT = """  TTWEET_SERVER  HOST:PORT; default: 127.0.0.1:13001
  TTWEET_CA      use TLS and trust the certificates in this
                 PEM file, or `system` for the system's
  TTWEET_CERT    the client's own certificate (PEM)
  TTWEET_KEY     the key, if not in the file of TTWEET_CERT
  TTWEET_TOKEN   the token, if the server requires one
  TTWEET_TOKEN_FILE
                 a file with the token, instead
  TTWEET_NO_TLS  1: send the token to other machines without
                 TLS"""
CONFIG = """  TTWEET_PROFILE
                 the profile if there is no --profile
  XDG_CONFIG_HOME
                 folder of ttweet/config.toml;
                 default: ~/.config"""
NAME = "  TTWEET_AS      your name if none is given"
POSTING = f"""  TTWEET_TAG     tags, separated by spaces, if there is no
                 --tag
{NAME}"""
STATE = """  XDG_STATE_HOME
                 folder of ttweet/spool, ttweet/consumers and
                 ttweet/chat_history; default: ~/.local/state"""


class HelpPage(NamedTuple):
    """One command's page, in rich's markup. Lines of examples and tables have 60 columns at most, and are not wrapped.

    A command in a sentence stands between backticks, which keeps it on one line.
    """

    name: str
    """The words that call the command."""
    usage: str
    summary: str
    """One line: the list of commands shows it too."""
    details: str
    """Paragraphs that only `--help-all` shows."""
    examples: str
    exit_codes: str
    environment: str = ""
    below_short: str = ""
    """The text of the short page below the options, if not the examples."""

    def text(self, *, full: bool) -> str:
        """Return the text above the options, each paragraph on one line, to be wrapped at the terminal's width."""
        if not full:
            return self.summary
        paragraphs = [" ".join(paragraph.split()) for paragraph in self.details.split("\n\n")]
        return "\n\n".join([self.summary, *paragraphs])

    def below(self, *, full: bool) -> str:
        """Return the text below the options."""
        if not full:
            see = f"See `{self.name} --help-all` for all options, exit codes and environment."
            return self.below_short or f"{self.examples}\n\n{see}"
        parts = [self.examples, f"{EXIT_CODES}\n{self.exit_codes}"]
        if self.environment:
            parts.append(f"{ENVIRONMENT}\n{self.environment}")
        return "\n\n".join(parts)
