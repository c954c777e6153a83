"""The manual: what `--help` says of each command beside its options. Text alone, so that the parser starts quickly.

A page is in rich's markup. Lines of examples and tables stay below 58 columns, for they are not to be wrapped.
"""

from typing import NamedTuple

from ttweet.cli import shell


class HelpPage(NamedTuple):
    """One command's page: its synopsis, what it does (a sentence, then the rest), and what stands below the options."""

    usage: str
    text: str
    below: str

    @property
    def help(self) -> str:
        """The text with each paragraph on one line, to be wrapped at the terminal's width."""
        return "\n\n".join([" ".join(paragraph.split()) for paragraph in self.text.split("\n\n")])


_ENVIRONMENT = "[bold]Environment[/]"
_EXAMPLES = "[bold]Examples[/]"
_DB = "  TTWEET_DB      the database file, else tweets.db"
_SERVER = "  TTWEET_SERVER  HOST:PORT of the server"
_CA = """  TTWEET_CA      whom to trust: speak TLS, as by --ca
  TTWEET_TOKEN   the token to show, if the server wants one"""
_SPOOL = """  XDG_STATE_HOME
                 where the spool is, else ~/.local/state"""
_EXIT_CODES = "[bold]Exit codes[/]"
_ALL_CODES = "\n".join([f"{code:>5}  {meaning}" for code, meaning in shell.EXIT_CODES.items()])

ROOT = HelpPage(
    usage=r"""ttweet COMMAND \[OPTIONS]
       ttweet -u HOST PORT MESSAGE
       ttweet -d HOST PORT""",
    text="""A tiny self-hosted Twitter for shells: post short messages, find them by #hashtag.

Data goes to stdout, talk to stderr. An upload that exits with 0 is on the server's disk.""",
    below=rf"""{_EXAMPLES}
  ttweet serve 13001 --db tweets.db
  ttweet -u 127.0.0.1 13001 "Lunch in ten minutes #team"
  ttweet -d 127.0.0.1 13001
  ttweet tags team

{_EXIT_CODES}
{_ALL_CODES}

{_ENVIRONMENT}
{_SERVER}
{_CA}
{_DB}
  NO_COLOR       no colour, even on a terminal""",
)

COMPLETION = HelpPage(
    usage=r"ttweet --install-completion \[--shell SHELL]",
    text="""Install completion of commands and options for your shell.

Writes a script where your shell looks for it and prints its name. bash and zsh also get a line in .bashrc or .zshrc
that loads the script; in zsh it calls compinit if nothing else has. Then a new shell is started and asked whether it
completes ttweet. With -o the script is written to FILE, and nothing else happens.

ZDOTDIR, XDG_DATA_HOME and XDG_CONFIG_HOME count as they do for the shell.""",
    below=f"""{_EXAMPLES}
  ttweet --install-completion
  ttweet --install-completion --shell zsh
  ttweet --install-completion --shell fish -o ttweet.fish

{_EXIT_CODES}
  0  installed, and a new shell completes ttweet
  1  a file cannot be written, or a new shell does not
     complete ttweet
  2  the shell is not known, or there is no home folder""",
)

SERVE = HelpPage(
    usage=r"ttweet serve PORT \[--db FILE] \[OPTIONS]",
    text="""Run a server until Ctrl-C.

It says where it listens and what it holds, then prints the report lines as they happen. Tweets are kept in one
SQLite file, all of them unless you say otherwise; sqlite3, sqlite-utils and Datasette may read it meanwhile. Ctrl-C or
SIGTERM lets the clients finish and stops; a second signal stops at once. Both protocols, the framed one and that of
the first ttweet, share the port.

It listens on this machine alone, and whoever is on it may do all. Where others can reach it, with --host, it takes at
least one token (ttweet token add) and TLS, or has to be told to do without: --anonymous read or write, --no-tls.""",
    below=f"""{_EXAMPLES}
  ttweet serve 13001
  ttweet serve 13001 --db team.db --quiet
  ttweet serve 13001 --keep 90d
  ttweet serve 13001 --host :: --tls-cert chain.pem
      --tls-key key.pem
  ttweet serve 0 --no-report-file
  ttweet serve 13001 --tls-cert cert.pem --tls-key key.pem

{_EXIT_CODES}
  0  stopped in order; every acknowledged tweet is stored
  1  could not start, or had to stop
  2  the command line, a certificate or a token is wrong

{_ENVIRONMENT}
{_DB}""",
)

POST = HelpPage(
    usage=r"""ttweet post \[OPTIONS] \[MESSAGE | -]
       ttweet post \[OPTIONS] --lines""",
    text="""Post a message and print its id.

The message has at most 150 characters; the #hashtags in it are what finds it. A message of nothing but spaces is
refused, since it would come from an unset variable or a quiet command; --empty posts it, and resets the last message.
The id is printed when the message is on the server's disk.

With --lines every line of stdin is a message, many are on their way at a time, ids come out in the order of the lines,
and what is refused is told with the number of its line. With --key too, a second run of the same input stores only
what the first one did not.

With --spool a message that cannot be delivered is kept on this machine, exit code 3, and the next command with --spool
posts it first, once. Without a message it posts what waits, and nothing else.""",
    below=f"""{_EXAMPLES}
  ttweet post "Lunch in ten minutes #team"
  ttweet post --tag nightly "backup took 4m12s"
  date | ttweet post -
  ttweet post --lines --key import-1 < messages.txt
  ttweet post --spool "the gate is open #farm"
  ttweet post -- "-5 degrees this morning"

{_EXIT_CODES}
  0  stored, on the server's disk
  1  the server could not do it
  2  the command line, a certificate or a token is wrong
  3  no server there, or it went away unanswered;
     with --spool: kept
  5  refused, or with --lines some of it was

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}
{_SPOOL}""",
)

FOLLOW = HelpPage(
    usage=r"ttweet follow \[TAG ...] \[--from ID | --last N] \[OPTIONS]",
    text="""Show tweets as they come.

With TAG only those that have one of the tags. First comes history, if --from or --last ask for some, then what is new;
nothing is missed in between and nothing comes twice. When the connection breaks it says so, tries again until the
server is back, and goes on after the last tweet that it has shown. Ctrl-C stops it and shows the command that goes on
from there.

With --exec a shell runs COMMAND for each tweet, one after another. The tweet is in its environment: TTWEET_ID,
TTWEET_TEXT, TTWEET_BY, TTWEET_TAGS (parted by blanks), and on its stdin as JSON. One that fails is reported. A text
may begin with a hyphen: put -- before it, or a command takes it for an option.

In a pipe the columns are parted by tabs: id, time, author, text. That a tweet was deleted is said on stderr, or with
--json by an object that has no text: {"deleted":42}.""",
    below=f"""{_EXAMPLES}
  ttweet follow python rust
  ttweet follow --last 10
  ttweet follow nightly --json | jq .text
  ttweet follow deploy --exec 'notify-send -- "$TTWEET_TEXT"'
  ttweet follow --from 9201 --count 5 --timeout 1h

{_EXIT_CODES}
    0  as many tweets as --count wants
    2  the command line, a certificate or a token is wrong
    3  no server there at the start
    5  refused: the name is taken, for instance
  124  the time of --timeout is up
  130  Ctrl-C

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}""",
)

WAIT = HelpPage(
    usage=r"ttweet wait \[TAG ...] \[--text STR] \[--from ID] \[--timeout TIME]",
    text="""Wait for a tweet and show it.

It ends with the first tweet that has one of the tags and contains STR in its text. Only a tweet that comes from now on
counts, or with --from any after that id: a script that takes an id before it sets something off misses no answer. When
the connection breaks it tries again until the server is back.""",
    below=f"""{_EXAMPLES}
  ttweet wait deploy --text "done" --timeout 10m
  id=$(ttweet post "run the tests, please #ci")
  ttweet wait ci --text passed --from "$id"

{_EXIT_CODES}
    0  it has come
    2  the command line, a certificate or a token is wrong
    3  no server there at the start
    5  refused: you have no right to
  124  the time of --timeout is up
  130  Ctrl-C

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}""",
)

RUN = HelpPage(
    usage=r"ttweet run \[--tag TAG] \[OPTIONS] -- COMMAND ...",
    text="""Run a command, post how it ended, and end as it did.

The tweet says ok or failed with the exit code, the command's name, and how long it took: ok backup.sh 4m12s. When it
cannot be posted stderr says so; the exit code is that of the command in any case. With --spool it is kept then, and
the next command with --spool posts it.""",
    below=f"""{_EXAMPLES}
  ttweet run -- make
  ttweet run --tag nightly --spool -- backup.sh /home

{_EXIT_CODES}
    2  the command line, a certificate or a token
       is wrong, or COMMAND's own
  125  no process for COMMAND, or its exit code is unknown
  126  COMMAND cannot be executed
  127  there is no COMMAND
       otherwise that of COMMAND

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}
{_SPOOL}""",
)

CHAT = HelpPage(
    usage=r"ttweet chat HOST PORT NAME",
    text="""Hold a session at the keyboard under a name.

It speaks the language of the networking course that ttweet comes from; each word goes to stdout. Tweets that you have
subscribed to appear when they come. From a pipe it reads one command a line.""",
    below=f"""[bold]Commands of a session[/]
  tweet "MESSAGE" #a#b  post with these tags
  subscribe #a          3 tags at most; #ALL is all tweets
  unsubscribe #a        #ALL drops all subscriptions
  timeline              what was received since the login
  getusers              who is online
  gettweets NAME        tweets since that name's login
  exit

{_EXAMPLES}
  ttweet chat 127.0.0.1 13001 matt

{_EXIT_CODES}
  0  the session has ended
  2  the address, the port or the name cannot be right
  3  no server there, or it went away
  5  the name is online already

{_ENVIRONMENT}
{_CA}""",
)

DELETE = HelpPage(
    usage=r"ttweet delete ID \[ID ...] \[--server HOST:PORT | --db FILE]",
    text="""Delete tweets, and print the id of each that is.

The text goes, with its tags and its author; so do the tags that no other tweet has, and what the report log repeats of
the text. The id stays and is never used again, and followers are told that it is deleted. To delete it again changes
nothing. It takes the right to administer the server; a file that no server holds is given with --db.""",
    below=f"""{_EXAMPLES}
  ttweet delete 42
  ttweet delete 42 43 --server 127.0.0.1:13001
  ttweet delete 42 --db tweets.db

{_EXIT_CODES}
  0  deleted, now or before
  1  the server or the file could not do it
  2  the command line, a certificate or a token is wrong
  3  no server there, or it went away unanswered
  4  one of the ids is that of no tweet, or there is no file
  5  refused: the right is missing

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}""",
)

LAST = HelpPage(
    usage=r"ttweet last \[--db FILE | --server HOST:PORT] \[--json]",
    text="""Show the last message.

Asks a server. Reads a database file when --db or TTWEET_DB names one, or when no server is named, none is listening on
127.0.0.1:13001 and there is a tweets.db in the working folder.
In a pipe it is the text alone.""",
    below=f"""{_EXAMPLES}
  ttweet last
  ttweet last --server 127.0.0.1:13001 --json

{_EXIT_CODES}
  0  shown
  1  the file cannot be read
  2  the command line, a certificate or a token is wrong
  3  no server there
  4  no message, or no such file
  5  the server refused: you have no right to

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}
{_DB}""",
)

TAGS = HelpPage(
    usage=r"ttweet tags \[TAG] \[OPTIONS]",
    text="""List the tags, or show the tweets of one.

Without TAG: the most used tags, how many tweets each has, how long ago the newest came, and the last 14 days. With TAG:
its tweets, the newest last. #python, python and PYTHON are one tag; quote the # in a shell.

Asks a server. Reads a database file when --db or TTWEET_DB names one, or when no server is named, none is listening on
127.0.0.1:13001 and there is a tweets.db in the working folder.
In a pipe the columns are parted by tabs: tag, tweets, newest; or id, time, author, text.""",
    below=f"""{_EXAMPLES}
  ttweet tags
  ttweet tags python --limit 100
  ttweet tags '#3251' --json
  ttweet tags --numbers --server 127.0.0.1:13001

{_EXIT_CODES}
  0  shown
  1  the file cannot be read
  2  the command line, a certificate or a token is wrong
  3  no server there
  4  no such file, no such tag, or no tags at all
  5  the server refused: you have no right to

{_ENVIRONMENT}
{_SERVER}; else 127.0.0.1:13001
{_CA}
{_DB}""",
)

LOG = HelpPage(
    usage=r"ttweet log \[--session N|all] \[OPTIONS]",
    text="""Show the report log.

Every line that the server and its clients have reported: who came and went, what was received, what was refused. It
reads the database file, beside a running server or without one. In a pipe the columns are parted by tabs: session,
time, line.""",
    below=f"""{_EXAMPLES}
  ttweet log
  ttweet log --session all --category error
  ttweet log --session 3 --export session-3.txt

{_EXIT_CODES}
  0  shown
  1  the file cannot be read
  2  the command line is wrong, or there is no such session
  4  no such file, or no such lines

{_ENVIRONMENT}
{_DB}""",
)

TOKEN = HelpPage(
    usage=r"""ttweet token add NAME \[--can RIGHTS] \[--expires TIME] \[--db FILE]
       ttweet token list \[--db FILE] \[--json]
       ttweet token revoke NAME \[--db FILE]""",
    text="""Make, list and revoke tokens.

A token lets a client do what its rights say: read, post, admin. Its name is the author of what it posts, and nobody
else can take that name. add prints it once; what is kept, in a file beside the database, is a hash.

A server that runs takes a new token at once and ends the connections of a revoked one within a second. Clients take
theirs from TTWEET_TOKEN, or from the file that TTWEET_TOKEN_FILE names, which nobody else may be able to read.""",
    below=f"""{_EXAMPLES}
  ttweet token add laptop
  ttweet token add backup --can post --expires 90d
  ttweet token list
  ttweet token revoke laptop

{_EXIT_CODES}
  0  done
  1  the file of tokens cannot be read or written
  2  the command line is wrong
  4  no such token, or none at all
  5  there is a token of that name

{_ENVIRONMENT}
{_DB}""",
)
