"""The store in SQLite: opening and refusing files, faults of the disk, keys, tags and report lines over many starts."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.memory_store import MemoryStore
from ttweet import sqlite_file, sqlite_store, sqlite_tags
from ttweet.errors import OpenError, StoreError
from ttweet.reports import Report, message_received
from ttweet.sqlite_reader import SqliteReader
from ttweet.sqlite_store import SqliteStore
from ttweet.store import Reader, Store
from ttweet.tweets import Draft, Tweet, draft

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS
NOBODY = 65534
MANY_LINES = 1_000_000
ONE_PAGE_WAL = 32 + 24 + 4096  # its header, then a page with a header of its own


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tweets.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with opened(path) as store:
        yield store


@contextmanager
def opened(path: Path, *, log_limit: int = MANY_LINES, at: int = NOW) -> Iterator[SqliteStore]:
    """A store that is closed at the end, its session not ended: as if the server had crashed."""
    with closing(SqliteStore.open(path, log_limit=log_limit, at=at)) as store:
        yield store


def post(store: Store, *texts: str, at: int = NOW, key: str | None = None) -> list[Tweet]:
    return store.append([draft(text, key=key) for text in texts], [], at=at)


def lines(*texts: str) -> list[Report]:
    return [message_received(text) for text in texts]


def texts(reader: Reader) -> list[str]:
    return [tweet.text for tweet in reader.read_after(0, 1_000_000)]


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement, over a connection of its own, as anybody's sqlite3 shell would have them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


def refused(path: Path) -> OpenError:
    """What both a server and a reader say of the file."""
    with pytest.raises(OpenError) as serving:
        SqliteStore.open(path, log_limit=1, at=NOW)
    with pytest.raises(OpenError) as reading:
        SqliteReader(path)
    assert serving.value.text == reading.value.text
    return serving.value


@contextmanager
def limited_file_size(limit: int) -> Iterator[None]:
    """Let the kernel refuse to write beyond the limit, which SQLite sees as an I/O error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def limited_pages(connection: sqlite3.Connection, spare: int) -> Iterator[None]:
    """Let the file grow by some pages and no more: SQLite calls that a full disk."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + spare}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1073741823")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a user without rights may look into; the test's own folder is closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def as_nobody() -> Iterator[None]:
    """Let the rights of files count, which they do not for root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def without_rights(folder: Path, *, files: int = 0o444) -> Iterator[None]:
    """Run as somebody who may look into the folder, and do with its files what the mode says."""
    for file in folder.iterdir():
        file.chmod(files)
    folder.chmod(0o555)
    with as_nobody():
        yield
    folder.chmod(0o755)


# Opening


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_all_files_are_for_their_owner_alone(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with opened(path) as store:
            post(store, "a")
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    lock = 0o600 & ~umask  # nothing secret is in it, and nobody but its owner may open it
    assert modes == {"tweets.db": 0o600, "tweets.db-wal": 0o600, "tweets.db-shm": 0o600, "tweets.db.lock": lock}


def test_a_file_is_opened_in_the_safest_mode(store: SqliteStore) -> None:
    seen = {name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in sqlite_file._SETTINGS}
    assert (seen["journal_mode"], seen["synchronous"], seen["foreign_keys"], seen["trusted_schema"]) == ("wal", 2, 1, 0)
    assert seen == sqlite_file._SETTINGS


def test_a_mode_that_sqlite_does_not_take_keeps_the_server_from_starting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sqlite_file._SETTINGS, "synchronous", 9)
    with pytest.raises(OpenError, match="does not take synchronous = 9") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "denied"


def test_the_engine_is_named(store: SqliteStore) -> None:
    assert store.engine == f"SQLite {sqlite3.sqlite_version}"


def test_a_path_may_have_any_characters(tmp_path: Path) -> None:
    for name in ["what? #1 & 100%.db", ":memory:", "file:x.db?mode=memory", os.fsdecode(b"\xff.db")]:
        with opened(tmp_path / name) as store:
            post(store, name.encode("ascii", "replace").decode())
            with closing(SqliteReader(tmp_path / name)) as reader:
                assert reader.count() == 1
        assert (tmp_path / name).stat().st_size > 0


def test_a_second_server_is_kept_out_and_told_who_is_in(store: SqliteStore, path: Path) -> None:
    with pytest.raises(OpenError, match=rf"held by the server with process id {os.getpid()};") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"
    assert post(store, "still writing")[0].id == 1


def test_one_file_has_one_lock_under_all_its_names(store: SqliteStore, path: Path) -> None:
    other = path.with_name("other.db")
    other.symlink_to(path)
    with pytest.raises(OpenError, match="held by the server"):
        SqliteStore.open(other, log_limit=1, at=NOW)


def test_a_closed_store_lets_the_next_server_in(path: Path) -> None:
    for number in (1, 2, 3):
        with opened(path) as store:
            assert store.session == number
    assert path.with_name("tweets.db.lock").read_text() == f"{os.getpid()}\n"


def test_a_server_that_fails_to_open_the_file_does_not_keep_the_lock(path: Path) -> None:
    with opened(path):
        pass
    sql(path, "DROP TABLE sessions")
    for _ in range(2):
        with pytest.raises(StoreError, match="no such table: sessions"):
            SqliteStore.open(path, log_limit=1, at=NOW)


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OpenError) as refusal:
        SqliteStore.open(tmp_path / "no" / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "missing"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_finds_no_file_and_says_what_to_do(path: Path) -> None:
    for content in (None, ""):
        if content is not None:
            path.write_text(content)
        with pytest.raises(OpenError, match=r"--db.*--server.*ttweet serve") as refusal:
            SqliteReader(path)
        assert refusal.value.code == "missing"


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    with opened(path) as store:
        assert post(store, "a")[0].id == 1


# Files that are refused


@pytest.mark.parametrize(
    "content", [b"x", b"hello world\n" * 1000, b"SQLite format 3\0", b"\0" * 4096], ids=["one", "text", "cut", "zeros"]
)
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path).code == "not_ours"
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    sql(path, "PRAGMA journal_mode = WAL", "CREATE TABLE tweets (id)")
    content = path.read_bytes()
    error = refused(path)
    assert (error.code, "not one of ttweet's" in error.text) == ("not_ours", True)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_what_is_no_regular_file_is_refused_without_waiting(path: Path) -> None:
    os.mkfifo(path)
    assert refused(path).code == "not_ours"
    assert refused(path.parent).code == "not_ours"


def test_a_newer_schema_is_refused_untouched(path: Path) -> None:
    with opened(path):
        pass
    sql(path, "PRAGMA user_version = 99")
    content = path.read_bytes()
    error = refused(path)
    assert error.code == "newer"
    assert f"has schema 99 and this ttweet knows {sqlite_file.SCHEMA_VERSION}" in error.text
    assert path.read_bytes() == content


def test_a_newer_schema_that_is_still_in_the_wal_is_refused(path: Path) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
        newer.commit()
        assert refused(path).code == "newer"


def test_a_file_cut_short_is_damaged(path: Path) -> None:
    with opened(path) as store:
        post(store, *["some text #tag"] * 100)
        store.end_session("stopped", at=NOW)
    os.truncate(path, path.stat().st_size // 2)
    error = refused(path)
    assert (error.code, ".recover" in error.text) == ("damaged", True)


@pytest.mark.parametrize(("offset", "value"), [(16, b"\x03\xe8"), (16, b"\0\0"), (19, b"\x09"), (100, b"\xff" * 40)])
def test_a_damaged_header_is_refused(path: Path, offset: int, value: bytes) -> None:
    with opened(path):
        pass
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(value)
    with pytest.raises(OpenError) as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "damaged"


def test_a_file_that_may_not_be_opened_is_denied(open_folder: Path) -> None:
    path = open_folder / "tweets.db"
    with opened(path):
        pass
    with without_rights(open_folder), pytest.raises(OpenError) as serving:
        SqliteStore.open(path, log_limit=1, at=NOW)
    with without_rights(open_folder, files=0), pytest.raises(OpenError) as reading:
        SqliteReader(path)
    assert serving.value.code == reading.value.code == "denied"


def test_a_clean_file_is_read_in_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    path = open_folder / "tweets.db"
    with opened(path) as store:
        post(store, "a #t")
        store.end_session("stopped", at=NOW)
    with without_rights(open_folder), closing(SqliteReader(path)) as reader:
        assert texts(reader) == ["a #t"]


def test_a_new_file_in_a_folder_that_may_not_be_written_is_denied(open_folder: Path) -> None:
    with without_rights(open_folder), pytest.raises(OpenError) as refusal:
        SqliteStore.open(open_folder / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "denied"


def test_a_file_with_a_wal_is_not_read_without_it(path: Path, open_folder: Path) -> None:
    with opened(path) as store:
        post(store, "in the WAL only")
        for name in ("tweets.db", "tweets.db-wal"):
            shutil.copy(path.with_name(name), open_folder)
    with without_rights(open_folder), pytest.raises(OpenError) as refusal:
        SqliteReader(open_folder / "tweets.db")
    assert refusal.value.code == "denied"


def test_a_folder_that_cannot_be_synced_keeps_the_server_from_starting(open_folder: Path) -> None:
    open_folder.chmod(0o333)
    with as_nobody(), pytest.raises(OpenError, match="Permission denied") as refusal:
        SqliteStore.open(open_folder / "tweets.db", log_limit=1, at=NOW)
    open_folder.chmod(0o755)
    assert refusal.value.code == "denied"


def test_a_full_disk_keeps_the_server_from_starting_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(path: Path, how: str) -> sqlite3.Connection:
        connection = _connect(path, how)
        connection.execute("PRAGMA max_page_count = 4")
        return connection

    _connect = sqlite_file._connect
    monkeypatch.setattr(sqlite_file, "_connect", connect)
    with pytest.raises(OpenError, match="the disk is full") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "full"
    monkeypatch.undo()
    with opened(path) as store:
        assert post(store, "there is room now")[0].id == 1


def test_a_lock_file_that_cannot_be_written_keeps_the_server_from_starting(path: Path) -> None:
    with limited_file_size(0), pytest.raises(OpenError, match="File too large"):
        SqliteStore.open(path, log_limit=1, at=NOW)
    with opened(path) as store:
        assert store.count() == 0


def test_another_writer_keeps_the_server_from_starting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.01)
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(OpenError, match="held by another process") as refusal:
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"


def test_a_reader_that_keeps_the_wal_from_being_written_back_is_named_as_the_reason(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.01)
    with opened(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as shell:
        post(store, "a")
        shell.execute("BEGIN")
        shell.execute("SELECT * FROM tweets").fetchall()
        post(store, "b")
        store.close = lambda: None  # type: ignore[method-assign]  # closed here, before the shell's transaction ends
        SqliteStore.close(store)
        with pytest.raises(OpenError, match=r"a reader of .* keeps its write-ahead log") as refusal:
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"


# The schema


def test_the_constants_are_those_of_the_migrations(store: SqliteStore, path: Path) -> None:
    assert sql(path, "PRAGMA application_id", "PRAGMA user_version") == [
        (sqlite_file.APPLICATION_ID,),
        (sqlite_file.SCHEMA_VERSION,),
    ]
    assert len(sql(path, "SELECT * FROM _sqlite_migrations")) == sqlite_file.SCHEMA_VERSION


def sqlite_utils(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "sqlite_utils", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_sqlite_utils_migrates_to_the_same_schema(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    with opened(ours):
        pass
    folder = sqlite_file._migrations_path().parent
    sqlite_utils("migrate", theirs, folder)
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    assert sql(ours, schema) == sql(theirs, schema)
    assert "0001_initial" not in sqlite_utils("migrate", "--list", ours, folder).partition("Pending:")[2]
    with opened(theirs) as store:
        assert post(store, "a")[0].id == 1


NEXT_STEP = """
@migrations(name="0003_next")
def next_step(db):
    db.execute("ALTER TABLE tweets ADD COLUMN more TEXT")
    db.execute("PRAGMA user_version = 3")
    db.execute("{last}")
"""


def with_next_step(folder: Path, monkeypatch: pytest.MonkeyPatch, *, last: str) -> None:
    """Let this ttweet have one migration more."""
    steps = folder / "migrations.py"
    steps.write_text(sqlite_file._migrations_path().read_text() + NEXT_STEP.format(last=last))
    monkeypatch.setattr(sqlite_file, "_migrations_path", lambda: steps)
    monkeypatch.setattr(sqlite_file, "SCHEMA_VERSION", 3)


def test_an_older_schema_is_migrated_and_keeps_its_tweets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        post(store, "a #t")
    with_next_step(path.parent, monkeypatch, last="SELECT 1")
    with opened(path) as store:
        assert texts(store) == ["a #t"]
        assert sql(path, "PRAGMA user_version", "SELECT text, more FROM tweets") == [(3,), ("a #t", None)]


def test_a_file_of_the_first_schema_is_read_as_it_is_and_gets_the_index_of_authors_from_a_server(path: Path) -> None:
    with opened(path) as store:
        store.append([draft("a", by="ann"), draft("b")], [], at=NOW)
    forget = "DELETE FROM _sqlite_migrations WHERE name = '0002_by_author'"
    sql(path, "DROP INDEX tweets_by_author", "PRAGMA user_version = 1", forget)
    with closing(SqliteReader(path)) as reader:
        assert texts(reader) == ["a", "b"]
        assert [tweet.text for tweet in reader.tweets_of_author("ann", limit=5).tweets] == ["a"]
    with opened(path) as store:
        assert [tweet.text for tweet in store.tweets_of_author("ann", limit=5).tweets] == ["a"]
    indexes = "SELECT name FROM sqlite_master WHERE name = 'tweets_by_author'"
    assert sql(path, "PRAGMA user_version", indexes) == [(2,), ("tweets_by_author",)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        post(store, "a #t")
    with monkeypatch.context() as patch:
        with_next_step(path.parent, patch, last="INSERT INTO nowhere VALUES (1)")
        with pytest.raises(OpenError, match="no such table: nowhere"):
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert sql(path, "PRAGMA user_version") == [(2,)]
    with opened(path) as store:
        assert texts(store) == ["a #t"]


def test_migrations_are_found_inside_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "ttweet"
    (package / "_migrations").mkdir(parents=True)
    monkeypatch.setattr(sqlite_file, "__file__", str(package / "sqlite_file.py"))
    assert sqlite_file._migrations_path() == tmp_path / "site-packages" / "migrations" / "migrations.py"
    (package / "_migrations" / "migrations.py").touch()
    assert sqlite_file._migrations_path() == package / "_migrations" / "migrations.py"


# Sessions, stops and crashes


def sessions(path: Path) -> list[tuple[object, ...]]:
    return sql(path, "SELECT id, started, stopped, how, first_line FROM sessions ORDER BY id")


def test_a_session_that_was_ended_leaves_nothing_to_recover(path: Path) -> None:
    with opened(path, at=NOW) as store, closing(store.reader()) as reader:
        store.append([draft("a")], lines("a"), at=NOW + 1)
        store.end_session("stopped", at=NOW + 2)
        assert path.with_name("tweets.db-wal").stat().st_size == 0
        assert texts(reader) == ["a"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["tweets.db", "tweets.db.lock"]
    assert sessions(path) == [(1, NOW, NOW + 2, "stopped", 1)]


def test_a_reader_in_the_way_does_not_keep_a_session_from_ending(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as shell, opened(path) as store:
        post(store, "a")
        shell.execute("BEGIN")
        shell.execute("SELECT * FROM tweets").fetchall()
        post(store, "b")
        store.end_session("stopped", at=NOW)
    assert sessions(path)[0][3] == "stopped"
    with opened(path) as store:
        assert texts(store) == ["a", "b"]


def test_a_session_that_was_not_ended_has_crashed(path: Path) -> None:
    with opened(path) as store:
        store.append([], lines("a", "b"), at=NOW)
    with opened(path, at=NOW + 9) as store:
        assert store.session == store.last_session() == 2
        store.end_session("failed", at=NOW + 10)
    assert sessions(path) == [(1, NOW, None, "crashed", 1), (2, NOW + 9, NOW + 10, "failed", 3)]


def test_report_lines_of_one_session_are_found_among_many(path: Path) -> None:
    for number in (1, 2, 3):
        with opened(path) as store:
            if number != 2:
                store.append([], lines(*["line"] * number), at=NOW)
    with closing(SqliteReader(path)) as reader:
        found = {number: [line.id for line in reader.log_after(0, limit=9, session=number)] for number in (1, 2, 3, 4)}
        assert found == {1: [1], 2: [], 3: [2, 3, 4], 4: []}
        assert reader.log_text_after(0, limit=9, session=3)[1] == 4
        assert [line.session for line in reader.log_after(0, limit=9)] == [1, 3, 3, 3]


POST_AND_WAIT = """
import sys
from pathlib import Path
from ttweet.sqlite_store import SqliteStore
from ttweet.tweets import draft

store = SqliteStore.open(Path(sys.argv[1]), log_limit=100, at=1)
for number in range(20):
    store.append([draft(f"{number} #crash", key=str(number))], [], at=2)
    print(number, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_server_has_acknowledged_is_there(path: Path) -> None:
    command = [sys.executable, "-c", POST_AND_WAIT, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert [server.stdout.readline() for _ in range(20)] == [f"{number}\n" for number in range(20)]
        with pytest.raises(OpenError, match=f"process id {server.pid};"):
            SqliteStore.open(path, log_limit=1, at=NOW)
        server.send_signal(signal.SIGKILL)
    assert path.with_name("tweets.db-wal").stat().st_size > 0
    with opened(path) as store:
        assert (
            path.with_name("tweets.db-wal").stat().st_size == ONE_PAGE_WAL
        )  # the new session; all else is in the file
        assert [tweet.id for tweet in store.read_after(0, 99)] == [*range(1, 21)]
        assert post(store, "again", key="7")[0].text == "7 #crash"
        assert sessions(path)[0][3] == "crashed"


def test_another_process_does_not_delete_the_wal_after_a_reader_was_closed(store: SqliteStore, path: Path) -> None:
    store.reader().close()
    post(store, "a")
    wal = path.with_name("tweets.db-wal").stat().st_ino
    shell = (
        "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM tweets').fetchone())"
    )
    assert subprocess.check_output([sys.executable, "-c", shell, path], text=True) == "1\n"
    assert path.with_name("tweets.db-wal").stat().st_ino == wal
    post(store, "b")
    assert sql(path, "SELECT count(*) FROM tweets") == [(2,)]


def test_other_programs_read_beside_the_server(store: SqliteStore, path: Path) -> None:
    post(store, "hello #world")
    assert '"text": "hello #world"' in sqlite_utils("query", path, "SELECT * FROM timeline")


# Faults of the disk


def test_a_full_disk_refuses_and_takes_tweets_again_when_there_is_room(store: SqliteStore) -> None:
    post(store, "before #a")
    with limited_pages(store._connection, spare=2):
        for _ in range(2):
            with pytest.raises(StoreError, match="the disk is full") as refusal:
                store.append([draft("x" * 120 + f" #t{n}", key=str(n)) for n in range(500)], lines("lost"), at=NOW)
            assert (refusal.value.code, refusal.value.may_pass) == ("full", True)
        assert texts(store) == ["before #a"]
        assert post(store, "a small one fits #t7")[0].id == 2
    assert post(store, "after #a #t7")[0].id == 3
    assert [(tag.tag, tag.count) for tag in store.list_tags(limit=9, now=NOW).tags] == [("a", 2), ("t7", 2)]
    assert store.log_after(0, limit=9) == []


def test_another_writer_makes_the_store_busy_for_as_long_as_it_holds_on(store: SqliteStore, path: Path) -> None:
    store._connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process") as refusal:
            post(store, "a")
        assert (refusal.value.code, refusal.value.may_pass) == ("busy", True)
        assert store.count() == 0
    assert post(store, "a")[0].id == 1


def test_an_input_output_error_at_commit_leaves_the_outcome_unknown(path: Path) -> None:
    with opened(path) as store:
        post(store, "safe")
        size = path.with_name("tweets.db-wal").stat().st_size
        with limited_file_size(size), pytest.raises(StoreError, match="disk I/O error") as refusal:
            post(store, "perhaps")
        assert (refusal.value.code, refusal.value.may_pass) == ("unknown", False)
        with pytest.raises(StoreError, match="takes no more") as after:
            post(store, "not any more")
        assert after.value.code == "internal"
        with pytest.raises(StoreError):
            store.end_session("failed", at=NOW)
    with opened(path) as store:
        assert texts(store)[0] == "safe"
        assert sessions(path)[0][3] == "crashed"


def test_a_broken_store_writes_nothing_and_takes_no_more(store: SqliteStore, path: Path) -> None:
    sql(path, "ALTER TABLE log RENAME TO gone")
    with pytest.raises(StoreError, match="no such table") as refusal:
        store.append([draft("a")], lines("a"), at=NOW)
    assert (refusal.value.code, refusal.value.may_pass) == ("internal", False)
    assert store.count() == 0
    with pytest.raises(StoreError, match="takes no more since it failed"):
        post(store, "b")
    with pytest.raises(StoreError, match="no such table") as reading:
        store.log_after(0, limit=1)
    assert reading.value.code == "internal"


def test_a_mistake_in_a_batch_is_rolled_back_and_passed_on(store: SqliteStore) -> None:
    class Mistake(Report):
        @property
        def side(self) -> str:  # type: ignore[override]
            raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        store.append([draft("a #t")], [Mistake.__new__(Mistake)], at=NOW)
    assert post(store, "b #t") == [Tweet(1, NOW, None, "b #t", ("t",))]
    assert store.list_tags(limit=1, now=NOW).tags[0].count == 1


def test_a_write_back_that_fails_at_the_end_is_told(store: SqliteStore, path: Path) -> None:
    post(store, *["some text #tag"] * 2000)
    assert sqlite_file.checkpoint(store._connection)
    post(store, *["some text #tag"] * 200)
    with limited_file_size(path.stat().st_size), pytest.raises(StoreError, match="disk I/O error"):
        store.end_session("stopped", at=NOW)
    assert sessions(path)[0][3] == "stopped"


# Keys


def test_a_key_is_remembered_over_a_restart(path: Path) -> None:
    with opened(path) as store:
        post(store, "a #t", key="k")
    with opened(path) as store:
        assert post(store, "b", key="k") == [Tweet(1, NOW, None, "a #t", ("t",))]


def test_keys_are_forgotten_after_a_week_a_bounded_number_at_a_time(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "PURGE_STEP", 3)
    store.append([draft("old", key=f"old {number}") for number in range(10)], [], at=NOW)
    later = NOW + 7 * DAY_MS
    assert post(store, "b", key="old 0", at=later)[0].id == 1  # a week to the millisecond is not too old
    counts = []
    for minute in range(1, 7):
        post(store, "tick", at=later + minute * 60_000)
        counts += sql(path, "SELECT count(*) FROM keys")
    assert counts == [(6,), (2,), (0,), (0,), (0,), (0,)]
    assert post(store, "new", key="old 0", at=later + 7 * 60_000)[0].text == "new"


def test_keys_are_forgotten_when_the_clock_was_put_back(store: SqliteStore, path: Path) -> None:
    post(store, "from the future", at=NOW + 1000 * DAY_MS)
    post(store, "old", key="old", at=NOW)
    post(store, "now", at=NOW + 8 * DAY_MS)
    assert sql(path, "SELECT * FROM keys") == []


# Tags


def test_ids_are_not_given_twice_not_even_after_a_delete_by_hand(path: Path) -> None:
    with opened(path) as store:
        store.append([draft("a"), draft("b")], lines("a", "b"), at=NOW)
    with opened(path):
        pass
    sql(path, "DELETE FROM tweets", "DELETE FROM log")
    with opened(path) as store:
        [tweet] = store.append([draft("c")], lines("c"), at=NOW)
        assert (tweet.id, store.log_after(0, limit=9)[0].id) == (3, 3)


def test_tags_beyond_the_cache_are_counted_as_well(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_tags, "MAX_CACHED", 3)
    for _ in range(2):
        with opened(path) as store:
            for first in range(0, 20, 4):
                post(store, *[f"#t{number} #all" for number in range(first, first + 6)])
                assert len(store._tags._cache) == 3
    with closing(SqliteReader(path)) as reader:
        counts = {tag.tag: tag.count for tag in reader.list_tags(limit=99, now=NOW).tags}
    one_pass = Counter(number for first in range(0, 20, 4) for number in range(first, first + 6))
    assert counts == {"all": 60} | {f"t{number}": 2 * count for number, count in one_pass.items()}


def test_a_spelling_passes_another_over_a_restart(path: Path) -> None:
    with opened(path) as store:
        post(store, "#Go", "#Go", "#GO")
    with opened(path) as store:
        post(store, "#GO")
        assert store.list_tags(limit=1, now=NOW).tags[0].tag == "Go"
        post(store, "#GO")
        assert store.list_tags(limit=1, now=NOW).tags[0].tag == "GO"
        assert sql(path, "SELECT spelling, count FROM spellings") == [("Go", 2)]
        assert sql(path, "SELECT spelling, spelling_count, count FROM tags") == [("GO", 3, 5)]


def test_a_tag_with_very_many_spellings_is_no_slower_to_count(store: SqliteStore) -> None:
    def spelled(number: int) -> str:
        return "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate("abcdefghijkl"))

    def steps(text: str) -> int:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        store._connection.set_progress_handler(step, 1)
        post(store, text)
        store._connection.set_progress_handler(None, 1)
        return count

    post(store, *[f"#{spelled(number)}" for number in range(8)])
    few = steps(f"#{spelled(4000)}")
    post(store, *[f"#{spelled(number)}" for number in range(3000)])
    assert abs(steps(f"#{spelled(4001)}") - few) < 20


# Report lines


def test_the_log_keeps_its_limit_and_its_newest_lines(path: Path) -> None:
    with opened(path, log_limit=5) as store:
        store.append([], lines(*"abc"), at=NOW)
        assert [line.id for line in store.log_after(0, limit=99)] == [1, 2, 3]
        store.append([], lines(*"defgh"), at=NOW)
        assert [line.id for line in store.log_after(0, limit=99)] == [4, 5, 6, 7, 8]
        store.append([], lines(*"abcdefgh"), at=NOW)
        assert [line.id for line in store.log_after(0, limit=99)] == [12, 13, 14, 15, 16]


def test_a_lower_limit_shortens_the_log_a_bounded_number_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "PURGE_STEP", 10)
    with opened(path) as store:
        store.append([], lines(*["line"] * 30), at=NOW)
    with opened(path, log_limit=4) as store:
        left = []
        for _ in range(4):
            post(store, "tick")
            left.append(len(store.log_after(0, limit=99)))
        assert left == [20, 10, 4, 4]
        store.append([], lines("one"), at=NOW)
        assert [line.id for line in store.log_after(0, limit=99)] == [28, 29, 30, 31]


# All of it against a model


TAGS = st.sampled_from(["#a", "#A", "#b", "#B", "#1", "#café", "#CAFÉ", "#c #d #C", ""])
DRAFTS = st.builds(
    lambda text, tag, key, by: draft(f"{text}{tag}", key=key, by=by),
    st.sampled_from(["", "hello ", "😀 "]),
    TAGS,
    st.sampled_from([None, None, "k1", "k2"]),
    st.sampled_from([None, "ann"]),
)
STEPS = st.lists(st.one_of(st.lists(DRAFTS, max_size=6), st.sampled_from(["reopen", "full"])), max_size=12)


def seen(store: Reader) -> list[object]:
    """All that a reader can ask, but which of two equally frequent spellings a tag shows."""
    listed = store.list_tags(limit=99, now=NOW, numbers=True).tags
    tags = [(tag.tag.casefold(), tag.count, tag.newest, tag.days) for tag in listed]
    pages = [store.tweets_of_tag(key, limit=limit, before=9) for key in ("a", "b", "1", "café") for limit in (2, 99)]
    return [store.count(), store.last(), store.read_after(0, 999), store.read_after(3, 2), sorted(tags), pages]


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_history_reads_as_in_the_model(steps: list[list[Draft] | str]) -> None:
    model = MemoryStore()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tweets.db"
        store = SqliteStore.open(path, log_limit=MANY_LINES, at=NOW)
        try:
            for number, step in enumerate(steps):
                if step == "reopen":
                    store.close()
                    store = SqliteStore.open(path, log_limit=MANY_LINES, at=NOW)
                elif isinstance(step, str):
                    with limited_pages(store._connection, spare=1), pytest.raises(StoreError, match="full"):
                        post(store, *[f"{'x' * 140} #a{n}" for n in range(100)])
                else:
                    assert store.append(step, [], at=NOW + number) == model.append(step, [], at=NOW + number)
            assert seen(store) == seen(model)
        finally:
            store.close()
