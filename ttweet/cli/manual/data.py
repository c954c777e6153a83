"""The help pages of the commands for the database file."""

from ttweet.cli.manual.page import DB, EXAMPLES, HelpPage

BACKUP = HelpPage(
    name="ttweet backup",
    usage=r"ttweet backup FILE \[--db FILE] \[--force]",
    summary="Copy the database, even while a server is running.",
    details="""The copy has every tweet that was acknowledged before the command started. FILE gets its name only when
the copy is complete, checked, and on the disk. To restore it, stop the server, replace the database with a copy of
FILE, and remove the old tweets.db-wal and tweets.db-shm. Tokens are in tweets.db.tokens, which is not copied.""",
    examples=f"""{EXAMPLES}
  ttweet backup "tweets-$(date +%F).db"
  ttweet backup nightly.db --force --db /srv/tweets.db""",
    exit_codes="""  0  copied, checked, and on the disk
  1  the database cannot be read, or FILE not written
  2  invalid command line, or FILE exists
  4  no such database""",
    environment=DB,
)

CHECK = HelpPage(
    name="ttweet check",
    usage=r"ttweet check \[FILE] \[--db FILE] \[--json] \[--repair]",
    summary="Check a database for damage.",
    details="""The command reads the whole file, whether a server is running or not: pages, indexes, schema, tweets,
report log, the counts of the tags, and the index of words. It reports what is wrong and what to do, and changes
nothing.

With --repair it rebuilds damaged indexes of a database that is not in use, if nothing else is damaged. It first copies
the file and its write-ahead log to FILE.before-repair. If the repair fails, the file stays as it was.""",
    examples=f"""{EXAMPLES}
  ttweet check
  ttweet check nightly.db && rm older.db
  ttweet check --repair /srv/tweets.db""",
    exit_codes="""  0  the database is intact
  1  it is damaged, or cannot be read
  2  invalid command line
  4  no such database""",
    environment=DB,
)

EXPORT = HelpPage(
    name="ttweet export",
    usage=r"ttweet export \[FILE] \[--db FILE] \[--force] \[--salvage | --origin]",
    summary="Write all tweets as lines of JSON.",
    details="""Each line is a tweet, the oldest first: id, at (milliseconds since 1970 UTC), by, text, tags. A server
may be running. The report log and the idempotency keys are not exported; `ttweet backup` copies them too.

With --salvage the command writes what can be read of a damaged file, and reports which ids are missing. Then make a new
database with `ttweet import`. With --origin the first line names the database, for `ttweet import --merge`.""",
    examples=f"""{EXAMPLES}
  ttweet export tweets.jsonl
  ttweet export | gzip > tweets.jsonl.gz
  ttweet export --salvage saved.jsonl --db damaged.db
  ttweet export --origin laptop.jsonl""",
    exit_codes="""  0  written, and FILE is on the disk
  1  the database cannot be read, with --salvage: not all
     of it, or FILE cannot be written
  2  invalid command line, or FILE exists
  4  no such database""",
    environment=DB,
)

IMPORT = HelpPage(
    name="ttweet import",
    usage=r"ttweet import FILE \[--db FILE] \[--merge]",
    summary="Add exported tweets to a database that is not in use.",
    details="""Tweets keep their ids, times and authors. Tweets that the database already has are skipped, so you can
repeat an interrupted import. New tweets must have higher ids than the newest tweet in the database, as followers resume
by id.

With --merge the tweets of another database get new ids after the newest. Write its export with `ttweet export
--origin`. Repeat both commands to add tweets that are new since then, and to delete tweets that were deleted there.""",
    examples=f"""{EXAMPLES}
  ttweet import tweets.jsonl --db new.db
  zcat tweets.jsonl.gz | ttweet import - --db new.db
  ttweet import laptop.jsonl --merge""",
    exit_codes="""    0  all tweets are on the disk
    1  a file cannot be read or written, or a server uses
       the database
    2  invalid command line
    4  no such FILE
    5  a line is not a tweet, or its id is already used
  130  Ctrl-C; repeat the command to resume""",
    environment=DB,
)

PRUNE = HelpPage(
    name="ttweet prune",
    usage=r"ttweet prune --keep TIME | --keep-last N \[--dry-run] \[--db FILE]",
    summary="Remove the oldest tweets from a database that is not in use.",
    details="""The command removes tweets older than TIME, or all but the last N. It also removes tags that no other
tweet has, and report lines of the same age. Ids are never used again. Ctrl-C stops the command between two steps;
repeat it to resume. With --dry-run the command only counts, and a server may be running. To remove tweets while a
server is running, start it with --keep or --keep-last.""",
    examples=f"""{EXAMPLES}
  ttweet prune --keep 90d --dry-run
  ttweet prune --keep-last 100000 --db team.db""",
    exit_codes="""    0  removed, or no tweet was old enough
    1  the file cannot be written, or a server uses it
    2  invalid command line
    4  no such file
  130  Ctrl-C; repeat the command to resume""",
    environment=DB,
)
