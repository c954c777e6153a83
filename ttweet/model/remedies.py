"""Remedies for some errors, in words that hold for every program. The command line adds its commands to them.

Without imports, since most commands meet none of these errors.
"""

START = "start one"
START_THERE = "start one there"
STOP = "stop that server"
TRUST = "get its certificate file from the operator and set TTWEET_CA to it"
WITHOUT_TLS = "if the operator says that it has no TLS, unset TTWEET_CA"
REVOKE = "revoke it first"
CHECK = "a check lists them"
REBUILD_INDEXES = "rebuild its indexes from the tables, with no server running"
SAVE_WHAT_IS_LEFT = "replace it with a backup, and remove its -wal and -shm files; or save what is left"
READ_EACH_PAGE = "replace it with a backup, or let SQLite read each page by itself"
NEW_FILE = "make a new database from its tweets"
IMPORT_ELSEWHERE = "import into a new file"
OTHER_REPORT_FILE = "choose another file for the report lines"
IS_UTF_16 = "is UTF-16, as PowerShell's > writes it; convert it: iconv -f UTF-16 -t UTF-8"
