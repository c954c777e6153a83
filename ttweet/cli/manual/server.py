"""The help pages of the commands for a server and its users, and of the program itself."""

from ttweet.cli import shell
from ttweet.cli.manual import page
from ttweet.cli.manual.page import CLIENT, DB, EXAMPLES, HelpPage

_CLUSTER = """  TTWEET_CLUSTER
                 the URL, without --cluster
  TTWEET_CLUSTER_CA
                 trusted certificates (PEM), for etcds://
  TTWEET_CLUSTER_CERT
                 a certificate of your own, for etcds://
  TTWEET_CLUSTER_KEY
                 the key of that certificate
  TTWEET_CLUSTER_USER
                 a user of etcd
  TTWEET_CLUSTER_PASSWORD
                 the password of the user
  TTWEET_CLUSTER_PASSWORD_FILE
                 a file with the password, instead"""
_ALL_CODES = "\n".join([f"{code:>5}  {meaning}" for code, meaning in shell.EXIT_CODES.items()])

ROOT = HelpPage(
    name="ttweet",
    usage=r"""ttweet COMMAND \[OPTIONS]
       ttweet -u HOST PORT MESSAGE
       ttweet -d HOST PORT""",
    summary="""A tiny self-hosted Twitter for shells: short messages with #hashtags.

[bold]Start here[/]
  ttweet serve
  ttweet post "Lunch in ten minutes #team\"""",
    details="""Data goes to stdout, messages go to stderr. When a command that posts exits with 0, its tweet is on the
server's disk. `ttweet -u` and `ttweet -d` are the commands of the first ttweet: post a message, show the last one.""",
    examples=f"""{EXAMPLES}
  ttweet -u 127.0.0.1 13001 "Lunch in ten minutes #team"
  ttweet -d 127.0.0.1 13001""",
    exit_codes=_ALL_CODES,
    environment=f"""{CLIENT}
{DB}
  NO_COLOR       disables colour
  COLUMNS        columns of the terminal; 0 is unknown
  LINES          lines of the terminal; 0 is unknown
  TTWEET_DEBUG   1: show a traceback with an internal error""",
    below_short="""See `ttweet COMMAND --help` for options, `ttweet --help-all` for exit codes.""",
)

COMPLETION = HelpPage(
    name="ttweet --install-completion",
    usage=r"ttweet --install-completion \[--shell SHELL] \[-o FILE \[--force]]",
    summary="Install completion of commands, tags and names.",
    details="""The command writes a completion script where your shell looks for it, and prints its name. For bash and
zsh it also adds a line to .bashrc or .zshrc that loads the script; in zsh it calls compinit if nothing else has. Then
it starts a new shell and checks that it completes ttweet. With -o it only writes the script to FILE.

ZDOTDIR, XDG_DATA_HOME and XDG_CONFIG_HOME are used as the shell uses them.""",
    examples=f"""{EXAMPLES}
  ttweet --install-completion
  ttweet --install-completion --shell zsh
  ttweet --install-completion --shell fish -o ttweet.fish""",
    exit_codes="""  0  installed, and a new shell completes ttweet
  1  a file cannot be written, or a new shell does not
     complete ttweet
  2  the shell is unknown, or there is no home folder""",
)

SERVE = HelpPage(
    name="ttweet serve",
    usage=r"ttweet serve \[PORT] \[OPTIONS]",
    summary="Run a server until Ctrl-C.",
    details="""The server prints where it listens, then what happens. It keeps all tweets in one SQLite file unless you
set --keep or --keep-last. Other programs can read the file while the server is running. Ctrl-C or SIGTERM stops the
server when its clients have finished; a second signal stops it at once. SIGHUP reloads tokens, certificate and report
file.

With --cluster, several servers share their tweets; see docs/cluster.md. A cluster may begin with the tweets of a
database: add --begin.

By default only programs on this machine can connect, and they may do everything. To serve other machines, set --host,
add a token with `ttweet token add NAME`, and give a certificate. To serve them without a token, set --anonymous read or
write; without TLS, set --no-tls.""",
    examples=f"""{EXAMPLES}
  ttweet serve
  ttweet serve 13001 --db team.db --keep 90d""",
    exit_codes="""  0  stopped; every acknowledged tweet is stored
  1  the server could not start, or had to stop
  2  invalid command line, or no token or TLS where needed""",
    environment=DB,
)

STATS = HelpPage(
    name="ttweet stats",
    usage=r"ttweet stats \[--all | --json] \[--server HOST:PORT]",
    summary="Show the counters and the limits of a server.",
    details="""The server counts from its start: connections, followers, uploads, deletions, commits, and refused
requests by reason. It also shows the length of its queue and the size of its file, and with --all or --json the limits
in force. A server on other machines requires a token with the right `admin`. In a pipe, a tab separates name and
value.""",
    examples=f"""{EXAMPLES}
  ttweet stats
  ttweet stats --server 127.0.0.1:13001 --json | jq .tweets""",
    exit_codes="""  0  shown
  2  invalid command line, certificate or token
  3  no server there, or the connection was lost
  5  refused: the right admin is missing""",
    environment=CLIENT,
)

TOKEN = HelpPage(
    name="ttweet token",
    usage=r"""ttweet token add NAME \[--can RIGHTS] \[--expires TIME] \[--db FILE]
       ttweet token list \[--db FILE] \[--json]
       ttweet token revoke NAME \[--db FILE]""",
    summary="Add, list and revoke tokens.",
    details="""A token gives a client rights: read, post, admin. The token's name is the author of all its tweets, and
other clients cannot use that name. `ttweet token add` prints the token once; only a hash is kept, in a file beside the
database.

A running server accepts a new token at once, and disconnects the clients of a revoked token within a second. A client
takes its token from the variable TTWEET_TOKEN, or from the file that TTWEET_TOKEN_FILE names. Other users must not be
able to read that file.""",
    examples=f"""{EXAMPLES}
  ttweet token add laptop
  ttweet token add backup --can post --expires 90d
  TTWEET_TOKEN=... ttweet post "Lunch in ten minutes #team"
  ttweet token revoke laptop""",
    exit_codes="""  0  done
  1  the file of tokens cannot be read or written
  2  invalid command line
  4  no such token, or no tokens at all
  5  the name already has a token""",
    environment=DB,
)

LOG = HelpPage(
    name="ttweet log",
    usage=r"ttweet log \[--session N|all] \[OPTIONS]",
    summary="Show what happened on a server, line by line.",
    details="""The log has a line for each connection, each tweet that was received, and each request that was refused.
The command reads the database file, whether a server is running or not. In a pipe there are three columns, separated by
tabs: session, time, line.""",
    examples=f"""{EXAMPLES}
  ttweet log
  ttweet log --session all --category error
  ttweet log --session 3 --export session-3.txt""",
    exit_codes="""  0  shown
  1  the file cannot be read
  2  invalid command line, or no such session
  4  no such file, or no such lines""",
    environment=DB,
)

CLUSTER = HelpPage(
    name="ttweet cluster",
    usage=r"""ttweet cluster demo
       ttweet cluster status \[--cluster URL] \[--json]""",
    summary="Try a cluster on this machine, or show the state of one.",
    details="""A cluster is several servers that share their tweets through a log in etcd; see `ttweet serve --cluster`.

`demo` starts three nodes of etcd and three servers in a temporary folder, and prints what to try. Ctrl-C ends them all.
It needs the program etcd: apt install etcd-server.

`status` asks etcd for the servers and their newest ids, and each node for its version. AGE is the time since a server
last confirmed that it has all tweets, as the server last said. A server that was killed is listed for 10 s more. In a
pipe, tabs separate the columns.""",
    examples=f"""{EXAMPLES}
  ttweet cluster demo
  ttweet cluster status --cluster etcd://h1,h2,h3/team""",
    exit_codes="""  0  shown, or the demo has ended
  1  etcd is not installed, or the demo did not start
  2  invalid command line, certificate or URL
  3  no majority of etcd answers""",
    environment=_CLUSTER,
)
CONFIG = HelpPage(
    name="ttweet config",
    usage=r"ttweet config \[--json]",
    summary="Show which server and settings commands use, and why.",
    details="""The config file is ~/.config/ttweet/config.toml. It can set server, ca, token_file, name and tags, each a
text in quotes. A table [profiles.NAME] replaces some of them; choose it with --profile NAME before the command, or with
TTWEET_PROFILE.

An option comes before the environment, the environment before the profile, and the profile before the rest of the file.
In a pipe there are three columns, separated by tabs: key, value, source.""",
    examples=f"""{EXAMPLES}
  ttweet config
  ttweet --profile work config
  ttweet --profile work post "Lunch in ten minutes #team\"""",
    exit_codes="""  0  shown
  2  invalid command line or config file""",
    environment=f"{CLIENT}\n{page.POSTING}\n{page.CONFIG}",
)
