"""The manual of the commands that look after the file: see cli_pages."""

from ttweet.cli_pages import Page

_EXAMPLES = "[bold]Examples[/]"
_EXIT_CODES = "[bold]Exit codes[/]"
_ENVIRONMENT = """[bold]Environment[/]
  TTWEET_DB      the database file, else tweets.db"""

BACKUP = Page(
    usage=r"ttweet backup FILE \[--db FILE] \[--force]",
    text="""Copy the database, beside the running server or without one.

The copy holds every tweet that was acknowledged before it began. It is written beside FILE, looked over from end to
end, put on the disk, and only then called FILE; so FILE is whole or not there. To restore it, stop the server, put a
copy of FILE in the place of the database, and remove the old -wal and -shm files beside it.""",
    below=f"""{_EXAMPLES}
  ttweet backup "tweets-$(date +%F).db"
  ttweet backup nightly.db --force --db /srv/tweets.db

{_EXIT_CODES}
  0  copied, whole, and on the disk
  1  the file cannot be read, or the copy not written
  2  the command line is wrong, or FILE is there
  4  no such database

{_ENVIRONMENT}""",
)
