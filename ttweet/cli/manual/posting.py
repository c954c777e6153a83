"""The help pages of the commands that post and delete tweets."""

from ttweet.cli.manual.page import CLIENT, EXAMPLES, NAME, POSTING, STATE, HelpPage

POST = HelpPage(
    name="ttweet post",
    usage=r"ttweet post \[OPTIONS] \[MESSAGE | - | --lines]",
    summary="Post a message and print its id.",
    details="""A message has at most 150 characters. The id is printed when the message is on the server's disk. An
empty message, or one of spaces only, is refused, as it often comes from an unset variable. With --empty it is posted
and resets the last message. A longer message is refused. With --cut its beginning is posted, up to a word. With --split
all of it is posted, in several tweets. Both keep the tags of the whole message.

With --lines, each line of stdin is a message. Many are sent at a time, and the ids come in the order of the lines. A
refused line is reported with its number. With --key too, you can repeat the command: each line is stored once.

With --spool, a message that cannot be delivered is kept on this machine, and the exit code is 3. The next `ttweet post`
or `ttweet run` with --spool sends it first. Without a message, `ttweet post --spool` posts only what is waiting.""",
    examples=f"""{EXAMPLES}
  ttweet post "Lunch in ten minutes #team"
  ttweet post --lines --key import-1 < messages.txt""",
    exit_codes="""  0  stored, on the server's disk
  1  the server failed
  2  invalid command line, certificate or token
  3  no server there, or the connection was lost;
     with --spool: kept
  5  refused; with --lines: some lines were refused""",
    environment=f"{CLIENT}\n{POSTING}\n{STATE}",
)

RUN = HelpPage(
    name="ttweet run",
    usage=r"""ttweet run \[--tag TAG] \[OPTIONS] -- COMMAND ...
       ttweet run \[--tag TAG] \[OPTIONS] --pid PID""",
    summary="Run a command and post how it ended.",
    details="""The tweet says ok, or failed with the exit code, then the command's name and how long it took: ok
backup.sh 4m12s. The exit code is that of COMMAND, even if the tweet cannot be posted; then stderr says so. With --spool
the tweet is kept, and the next command with --spool posts it.

With --on-failure, only a failed run is posted. With --longer-than, only a run that took so long is posted. With both,
a run must have failed and taken so long. With --pid the command waits for a running process. Its exit code is unknown,
so the tweet says ended, then the name and how long it ran.

With --tail the last lines of the output are posted too, each in a tweet of its own, cut to fit. COMMAND then writes to
pipes, not to a terminal. So it may show no colours, and lines of stdout and stderr may come in another order.""",
    examples=f"""{EXAMPLES}
  ttweet run -- make
  ttweet run --tag nightly --spool -- backup.sh /home
  ttweet run --longer-than 60s --on-failure --tail 3 -- make""",
    exit_codes="""    2  invalid command line, certificate or token,
       or COMMAND exited with 2
  125  COMMAND could not be started, for lack of
       resources, or its exit code is unknown
  126  COMMAND cannot be executed
  127  COMMAND was not found
       otherwise the exit code of COMMAND""",
    environment=f"{CLIENT}\n{POSTING}\n{STATE}",
)

_SESSION = """[bold]Commands of a session[/]
  /follow TAG...    show only new tweets with these tags
  /follow           show all new tweets
  /unfollow TAG...  stop following these tags
  /find QUERY       find tweets, as ttweet find does
  /tags, /who       list the tags, the names online
  /help, /quit      show the commands, end the session"""

CHAT = HelpPage(
    name="ttweet chat",
    usage=r"""ttweet chat NAME \[OPTIONS]
       ttweet chat HOST PORT NAME""",
    summary="Post and read at the keyboard, under a name.",
    details="""Each line that you type is posted. New tweets appear above the line that you are typing. When the
connection is lost, the session reconnects and shows what you missed. The tab key completes commands, #tags and @names.
Ctrl-C discards the line, and ends the session when the line is empty. From a pipe each line is posted, too.

With --course, the session has the commands and the exact output of the networking course that ttweet comes from.""",
    examples=f"""{_SESSION}

{EXAMPLES}
  ttweet chat matt
  ttweet chat matt --server 127.0.0.1:13001""",
    exit_codes="""  0  the session has ended
  2  invalid address, port or name
  3  no server there; with --course: connection lost
  5  refused, such as a name that is already online
     from a pipe: the code of the last line that failed""",
    environment=f"{CLIENT}\n{NAME}\n{STATE}",
    below_short=f"""{_SESSION}

{EXAMPLES}
  ttweet chat matt

See `ttweet chat --help-all` for all options, exit codes and environment.""",
)

DELETE = HelpPage(
    name="ttweet delete",
    usage=r"ttweet delete ID \[ID ...] \[--server HOST:PORT | --db FILE]",
    summary="Delete tweets for good.",
    details="""The text, the tags and the author of the tweet are removed, the text also from the report log. Tags
that no other tweet has are removed too. The id is never used again. Followers are notified. Deleting a tweet again
changes nothing. A server requires the right `admin`. With --db, tweets are deleted in a database that is not in use.

The id of each deleted tweet is printed.""",
    examples=f"""{EXAMPLES}
  ttweet delete 42
  ttweet delete 42 43 --server 127.0.0.1:13001
  ttweet delete 42 --db tweets.db""",
    exit_codes="""  0  deleted, now or earlier
  1  the server failed, or the file cannot be written
  2  invalid command line, certificate or token
  3  no server there, or the connection was lost
  4  one of the ids is not that of a tweet, or no such file
  5  refused: the right admin is missing""",
    environment=CLIENT,
)
