"""The help pages of the commands that read tweets."""

from ttweet.cli.manual.page import CLIENT, DB, EXAMPLES, STATE, HelpPage

_SOURCE = """The command asks a server. With --db or TTWEET_DB it reads that database file. It also reads tweets.db in
the current folder if you name no server and none is listening on 127.0.0.1:13001."""

FOLLOW = HelpPage(
    name="ttweet follow",
    usage=r"ttweet follow \[TAG ... | --find QUERY] \[--after ID | --last N | --since TIME] \[OPTIONS]",
    summary="Show tweets as they are posted.",
    details="""With TAG, only tweets with one of these tags are shown. With --find, only tweets that `ttweet find`
finds. With --after, --last or --since, history comes first, then new tweets, without a gap or a repetition. With
--until-now, the command shows the stored tweets and exits; without a place to begin, it shows all of them. When the
connection is lost, the command reconnects and resumes after the last tweet shown. Ctrl-C stops it and prints the
command that resumes from there.

With --consumer NAME, the position is kept on this machine, and the next command with that NAME begins there. It is
saved after each tweet is shown or its command has succeeded. So no tweet is missed; after a crash the last one may come
again. The options --after, --last and --since count only the first time.

With --exec a shell runs COMMAND for each tweet, one after another. The command gets the tweet as JSON on stdin, and in
TTWEET_ID, TTWEET_TEXT, TTWEET_BY and TTWEET_TAGS (separated by spaces). Put -- before the text, as a text
may begin with a hyphen. A command that fails is repeated with --attempts, then reported. With --consumer, `ttweet
follow` then stops, and begins with that tweet the next time.

--format takes {id}, {at} (UTC), {date}, {time}, {by}, {text} and {tags}.

In a pipe there are four columns, separated by tabs: id, time, author, text. Deletions are reported on stderr, or with
--json as an object without a text: {"deleted":42}.""",
    examples=f"""{EXAMPLES}
  ttweet follow --since 2h
  ttweet follow ci --exec 'notify-send -- "$TTWEET_TEXT"'""",
    exit_codes="""    0  --count tweets were shown, or all with --until-now
    1  --exec failed, with --consumer
    2  invalid command line, certificate or token
    3  no server there at the start
    5  refused, such as a name that is already online
  124  --timeout has passed
  130  Ctrl-C""",
    environment=f"{CLIENT}\n{STATE}",
)

WAIT = HelpPage(
    name="ttweet wait",
    usage=r"ttweet wait \[TAG ...] \[--text STR] \[--after ID] \[--timeout TIME]",
    summary="Wait for a tweet and show it.",
    details="""The command ends with the first tweet that has one of the tags and contains STR. Only new tweets count;
with --after, all tweets after that id count. So a script that takes an id before it starts a job misses no answer. When
the connection is lost, the command reconnects.""",
    examples=f"""{EXAMPLES}
  ttweet wait deploy --text "done" --timeout 10m
  id=$(ttweet post "run the tests, please #ci")
  ttweet wait ci --text passed --after "$id\"""",
    exit_codes="""    0  the tweet was shown
    2  invalid command line, certificate or token
    3  no server there at the start
    5  refused: the right read is missing
  124  --timeout has passed
  130  Ctrl-C""",
    environment=CLIENT,
)

LAST = HelpPage(
    name="ttweet last",
    usage=r"ttweet last \[TAG] \[--db FILE | --server HOST:PORT] \[--json]",
    summary="Show the newest tweet, of all or of a tag.",
    details=f"""{_SOURCE} In a pipe only the text is written.""",
    examples=f"""{EXAMPLES}
  ttweet last
  ttweet last deploy
  ttweet last --server 127.0.0.1:13001 --json""",
    exit_codes="""  0  shown
  1  the file cannot be read
  2  invalid command line, certificate or token
  3  no server there
  4  no message, no such tag, or no such file
  5  refused: the right read is missing""",
    environment=f"{CLIENT}\n{DB}",
)

FIND = HelpPage(
    name="ttweet find",
    usage=r"ttweet find \[QUERY] \[OPTIONS]",
    summary="Find tweets by words, tags, authors and times.",
    details=f"""The newest tweets that have all parts of QUERY are shown, the newest last; without QUERY, the newest of
all. Case and accents make no difference. `list`, `ls` and `search` are the same command.

A query may have words, "words in this order", gree* for a beginning of at least 2 characters, tag:ci or #ci, and
from:ann. since:7d and until:2026-01-31 (UTC, exclusive) bound the time. A hyphen before a word, a phrase, a tag or an
author excludes it. Everything else is text, so 10:30 and v2.4.0 are found as they are. In a shell, put the query in
single quotes.

A search takes half a second at most. When there are older tweets, the command that continues is printed on stderr;
--count continues by itself.
{_SOURCE} In a pipe there are four columns, separated by tabs: id, time, author, text.""",
    examples=f"""{EXAMPLES}
  ttweet find
  ttweet find 'tag:ci from:ann "timed out" -flaky'
  ttweet find backup --since 7d --count""",
    exit_codes="""  0  found
  1  the file cannot be read
  2  invalid command line, certificate, token or query
  3  no server there
  4  nothing found, or no such file
  5  refused: the right read is missing""",
    environment=f"{CLIENT}\n{DB}",
)

SHOW = HelpPage(
    name="ttweet show",
    usage=r"ttweet show ID \[--db FILE | --server HOST:PORT] \[--json]",
    summary="Show one tweet.",
    details=f"""{_SOURCE} In a pipe only the text is written.""",
    examples=f"""{EXAMPLES}
  ttweet show 42
  ttweet show 42 --json""",
    exit_codes="""  0  shown
  1  the file cannot be read
  2  invalid command line, certificate or token
  3  no server there
  4  no such tweet, a deleted or empty one, or no such file
  5  refused: the right read is missing""",
    environment=f"{CLIENT}\n{DB}",
)

TAGS = HelpPage(
    name="ttweet tags",
    usage=r"""ttweet tags \[TAG] \[OPTIONS]
       ttweet tags TAG ... --plot | --svg FILE \[--force] \[OPTIONS]""",
    summary="List the tags, or show the tweets of one.",
    details=f"""Without TAG the most used tags are listed: how many tweets each has, how old the newest is, and the last
14 days. With TAG its tweets are shown, the newest last. python and PYTHON are the same tag. In a shell, quote the #.

With --plot the terminal shows a chart of the tweets a day. Several tags get a chart each, on one scale. With
--svg the chart is a file for a browser, for light and dark screens. With --plot and --json, the numbers of the chart
are written. Days are those of UTC.

{_SOURCE} In a pipe the columns are separated by tabs: tag, tweets, newest; or id, time, author, text.""",
    examples=f"""{EXAMPLES}
  ttweet tags
  ttweet tags python --limit 100
  ttweet tags ci deploy --plot
  ttweet tags '#3251' --json""",
    exit_codes="""  0  shown
  1  the file cannot be read
  2  invalid command line, certificate or token
  3  no server there
  4  no such file, no such tag, or no tags at all
  5  refused: the right read is missing""",
    environment=f"{CLIENT}\n{DB}",
)
