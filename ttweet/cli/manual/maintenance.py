"""The manual of the commands that look after a server and its file: see cli_pages."""

from ttweet.cli.manual.messages import HelpPage

_EXAMPLES = "[bold]Examples[/]"
_EXIT_CODES = "[bold]Exit codes[/]"
_ENVIRONMENT = """[bold]Environment[/]
  TTWEET_DB      the database file, else tweets.db"""

STATS = HelpPage(
    usage=r"ttweet stats \[--server HOST:PORT] \[--json]",
    text="""Show how a server is doing.

What it has counted since it started: connections, followers, uploads, deletions and commits, what was refused and why;
how much waits, how large the file is, and the limits that are in force. On a server that others reach it takes a token
with the right admin. In a pipe the columns are parted by tabs: name, value.""",
    below=f"""{_EXAMPLES}
  ttweet stats
  ttweet stats --server 127.0.0.1:13001 --json | jq .tweets

{_EXIT_CODES}
  0  shown
  2  the command line, a certificate or a token is wrong
  3  no server there, or it went away unanswered
  5  refused: you have no right to

[bold]Environment[/]
  TTWEET_SERVER  HOST:PORT of the server; else 127.0.0.1:13001
  TTWEET_CA      whom to trust: speak TLS, as by --ca
  TTWEET_TOKEN   the token to show""",
)

BACKUP = HelpPage(
    usage=r"ttweet backup FILE \[--db FILE] \[--force]",
    text="""Copy the database, beside the running server or without one.

The copy holds every tweet that was acknowledged before it began. It is written beside FILE, looked over from end to
end, put on the disk, and only then called FILE; so FILE is whole or not there. To restore it, stop the server, put a
copy of FILE in the place of the database, and remove the old -wal and -shm files beside it. Tokens are not in it:
tweets.db.tokens is a file of its own.""",
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

EXPORT = HelpPage(
    usage=r"ttweet export \[FILE] \[--db FILE] \[--force] \[--salvage]",
    text="""Write all tweets as lines of JSON.

One tweet a line, the oldest first: id, at (milliseconds since 1970 UTC), by, text, tags. Without FILE to stdout. It
works beside the running server. The report log and the keys are not in it; ttweet backup copies those too.

With --salvage it gets out of a damaged file what can be read, and tells which ids have gone; ttweet import makes a new
file of it.""",
    below=f"""{_EXAMPLES}
  ttweet export tweets.jsonl
  ttweet export | jq -r .text
  ttweet export | gzip > tweets.jsonl.gz
  ttweet export --salvage saved.jsonl --db damaged.db

{_EXIT_CODES}
  0  written, and a FILE is on the disk
  1  the file cannot be read, not all of it with
     --salvage, or FILE not written
  2  the command line is wrong, or FILE is there
  4  no such database

{_ENVIRONMENT}""",
)

IMPORT = HelpPage(
    usage=r"ttweet import FILE \[--db FILE]",
    text="""Put exported tweets into a database that no server holds.

They keep their ids, times and authors. Those that are there already are passed over, so a second run after a stop of
any kind brings in what is missing and nothing twice. New tweets go behind the newest one only: an id is a place to go
on from for whoever follows.""",
    below=f"""{_EXAMPLES}
  ttweet import tweets.jsonl --db new.db
  zcat tweets.jsonl.gz | ttweet import - --db new.db

{_EXIT_CODES}
    0  all of them are on the disk
    1  the file cannot be read or written, or a server holds it
    2  the command line is wrong
    4  there is no such FILE
    5  a line is no tweet, or its id belongs to another
  130  Ctrl-C; the same command goes on

{_ENVIRONMENT}""",
)

PRUNE = HelpPage(
    usage=r"ttweet prune --keep TIME | --keep-last N \[--dry-run] \[--db FILE]",
    text="""Remove the oldest tweets for good, from a file that no server holds.

What is older than TIME goes, or all but the last N; with them tags that no other tweet has, and report lines as old.
Ids are never used again. It goes in small steps, so it can be stopped, and the same command goes on. Followers
that come back from before the oldest tweet are told what is gone. With --dry-run it only counts, also beside a server;
ttweet serve takes --keep and --keep-last too, and removes while it runs.""",
    below=f"""{_EXAMPLES}
  ttweet prune --keep 90d --dry-run
  ttweet prune --keep-last 100000 --db team.db

{_EXIT_CODES}
    0  removed, or nothing was old enough
    1  the file cannot be written, or a server holds it
    2  the command line is wrong
    4  no such file
  130  Ctrl-C; the same command goes on

{_ENVIRONMENT}""",
)

CHECK = HelpPage(
    usage=r"ttweet check \[FILE] \[--db FILE] \[--json] \[--repair]",
    text="""Look a database over, and say what to do.

Reads all of it, beside the running server or without one: its pages and indexes, its schema, each tweet, the report
log, and whether the counts of tags are what the tweets say. Nothing is written to it.

With --repair it rebuilds indexes from their tables, if nothing else is damaged and no server holds the file. It first
copies the file and its -wal to FILE.before-repair, byte for byte. If that does not help, the file stays as it was.""",
    below=f"""{_EXAMPLES}
  ttweet check
  ttweet check nightly.db && rm older.db
  ttweet check --db /srv/tweets.db
  ttweet check --json | jq .
  ttweet check --repair /srv/tweets.db

{_EXIT_CODES}
  0  whole
  1  something is wrong with it, or it cannot be read
  2  the command line is wrong
  4  no such database

{_ENVIRONMENT}""",
)
