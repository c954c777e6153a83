"""Remedies for some errors, in words that hold for every program. The command line adds its commands to them.

Quick to import, since most commands meet none of these errors.
"""

import errno

WITH_KEY = "retry with the same key"
WITHOUT_KEY = "look before you post it again"
START = "start one"
START_THERE = "start one there"
STOP = "stop that server"
TRUST = "get its certificate file from the operator and set TTWEET_CA to it"
WITHOUT_TLS = "if its operator uses no TLS, unset TTWEET_CA"
REVOKE = "revoke it first"
CHECK = "a check lists them"
REBUILD_INDEXES = "rebuild its indexes from the tables, with no server running"
SAVE_WHAT_IS_LEFT = "replace it with a backup, and remove its -wal and -shm files; or save what is left"
READ_EACH_PAGE = "replace it with a backup, or let SQLite read each page by itself"
OTHER_DATABASE = "choose the database of the token"
NEW_FILE = "make a new database from its tweets"
IMPORT_ELSEWHERE = "import into a new file"
FROM_BACKUP = "start from a backup of another server of the cluster"
BEGIN = "begin the cluster with it, or join with another file"
NEW_CLUSTER = "begin a new cluster with the newest file"
OTHER_REPORT_FILE = "choose another file for the report lines"
REPAIR_LINE = "repair or remove that line, and repeat the import"
IS_UTF_16 = "is UTF-16, as PowerShell's > writes it; convert it: iconv -f UTF-16 -t UTF-8"


def reason(error: OSError) -> str:
    """Return why the system refused a file and, unless the reason says it, what to do."""
    why = error.strerror or str(error)
    return why if "; " in why else f"{why}; {_of_file(error.errno)}"


def _of_file(number: int | None) -> str:
    match number:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "check the permissions of the file and of its folder"
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on the disk"
        case errno.ENOENT | errno.ENOTDIR:
            return "check the path"
        case errno.EBADF:
            return "check the redirection"
        case errno.EIO:
            return "check the disk in the log of the system"
        case _:
            return "choose another file"
