"""The command line adds to the library's errors the commands for their remedies."""

import re

import pytest

from ttweet.cli import shell
from ttweet.cli.advice import with_commands
from ttweet.client.link_errors import none_reached, unreachable
from ttweet.model import remedies
from ttweet.model.errors import ConnectError, OpenError, Refused, StoreError, TtweetError

DB = "/srv/my tweets.db"
ERRORS = {  # with the end of what is said of them
    OpenError("damaged", "it is", remedies.REBUILD_INDEXES, DB): ": ttweet check --repair '/srv/my tweets.db'",
    StoreError("internal", "it is damaged", remedies.SAVE_WHAT_IS_LEFT, DB): (
        ": ttweet export --salvage saved.jsonl --db '/srv/my tweets.db', then ttweet import saved.jsonl --db NEW"
    ),
    OpenError("damaged", "nothing is left", remedies.READ_EACH_PAGE, DB): (
        ": sqlite3 '/srv/my tweets.db' .recover | sqlite3 saved.db, then ttweet check saved.db"
    ),
    OpenError("altered", "x is missing", remedies.NEW_FILE, DB): (
        ": ttweet export tweets.jsonl, then ttweet import tweets.jsonl --db NEW"
    ),
    OpenError("altered", "2 more", remedies.CHECK, DB): ": ttweet check '/srv/my tweets.db'",
    Refused("bad_request", "line 3", remedies.IMPORT_ELSEWHERE): ": --db NEW",
    Refused("name_taken", "ann has a token", remedies.REVOKE, "ann"): ": ttweet token revoke ann",
    OpenError("locked", "in use", remedies.STOP, "42"): ": kill 42, or choose another file with --db",
    ConnectError("tls", "signed by none", remedies.TRUST): ", or add --ca FILE",
    ConnectError("tls", "no TLS", remedies.WITHOUT_TLS): ", omit --ca and ttweets://",
    ConnectError("unknown", "interrupted", remedies.WITH_KEY): "",
    ConnectError("unknown", "interrupted", remedies.WITHOUT_KEY): ": ttweet last, or ttweet find",
    Refused("missing", "it has no tokens", remedies.OTHER_DATABASE): " with --db",
    Refused("bad_request", "line 2", remedies.REPAIR_LINE): "",
    OpenError("altered", "it is behind", remedies.FROM_BACKUP): ": ttweet backup COPY there, then --db COPY here",
    OpenError("altered", "it has tweets", remedies.BEGIN): ": add --begin, or choose another file with --db",
    OpenError("altered", "it is ahead", remedies.NEW_CLUSTER): (
        ": ttweet export tweets.jsonl, ttweet import tweets.jsonl --db NEW, then --db NEW --begin with another name"
    ),
    OpenError("denied", "it is the database", remedies.OTHER_REPORT_FILE): " with --report-file",
    unreachable("127.0.0.1", 80, ConnectionRefusedError()): ": ttweet serve 80",
    unreachable("localhost", 80, ConnectionRefusedError()): ": ttweet serve 80",
    unreachable("::1", 80, ConnectionRefusedError()): ": ttweet serve 80 --host ::1",
    unreachable("10.0.0.7", 80, ConnectionRefusedError()): ": ttweet serve 80 --host 0.0.0.0",
}


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_the_commands_follow_the_remedy(error: TtweetError) -> None:
    assert error.text == f"{error.problem}; {error.remedy}"
    assert shell.sentence(error) == error.text + ERRORS[error]


def test_each_remedy_has_its_commands() -> None:
    known = {value for name, value in vars(remedies).items() if re.fullmatch("[A-Z_]+", name)}
    assert known == {error.remedy for error in ERRORS}


def test_of_several_servers_the_first_is_to_be_started() -> None:
    failures = [unreachable("127.0.0.1", port, ConnectionRefusedError()) for port in (80, 81)]
    assert shell.sentence(none_reached(failures)) == (
        "no server can be reached: no server is listening on 127.0.0.1:80; no server is listening on 127.0.0.1:81; "
        "start one: ttweet serve 80"
    )


def test_a_remedy_that_is_a_sentence_of_its_own_stays_as_it_is() -> None:
    assert with_commands("remove it: sqlite3 x 'DROP TRIGGER y'", DB) == "remove it: sqlite3 x 'DROP TRIGGER y'"
    assert shell.sentence(OpenError("altered", "a trigger", "remove it", DB)) == "a trigger; remove it"
