"""`ttweet import` as people use it: from pipes, interrupted, again, merged, and while a server is running."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.commands.conftest import MANY
from tests.support.in_process import complains, run
from tests.support.processes import TTWEET, environment, running_server
from ttweet.cli import shell
from ttweet.cli.commands import import_
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.tweets import Tweet
from ttweet.storage.jsonl import MAX_LINE_BYTES, encode, encode_origin
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.fixture
def taking_ctrl_c() -> Iterator[None]:
    """Let the programs of a test take SIGINT, which a script that runs the tests in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("taking_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_second_run_after_a_stop_adds_the_rest_and_nothing_twice(
    exported: Path, tmp_path: Path, number: signal.Signals
) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    command = [*TTWEET, "import", "-", "--db", "new.db"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(lines[: MANY // 2]))
        process.stdin.flush()
        while not imported(tmp_path / "new.db"):
            assert process.poll() is None
        process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == (shell.INTERRUPTED if number == signal.SIGINT else -number)
    if number == signal.SIGINT:
        assert "tweets imported; repeat the command to resume" in said
    before = imported(tmp_path / "new.db")
    assert 0 < before < MANY - 1
    assert complains("import", str(exported), "--db", str(tmp_path / "new.db")) == (shell.DONE, "")
    assert run("export", "--db", "new.db", cwd=tmp_path).stdout.encode() == exported.read_bytes()


def imported(path: Path) -> int:
    try:
        with closing(SqliteReader(path)) as reader:
            return reader.count()
    except OpenError:  # it is not made yet
        return 0


def test_a_server_in_the_way_is_named_and_export_works_beside_it(exported: Path, tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        run("post", "one #a", "--server", server.address)
        code, text = complains("import", str(exported), "--db", str(server.db))
        stop = f"stop that server: kill {server.process.pid}"
        assert (code, text.partition("; ")[2]) == (shell.FAILED, f"{stop}, or choose another file with --db")
        assert f"{server.db} is in use by the server with process id {server.process.pid};" in text
        assert '"text":"one #a","tags":["a"]}\n' in run("export", "--db", str(server.db)).stdout


def test_a_bad_line_is_reported_with_what_was_done(exported: Path, tmp_path: Path) -> None:
    good = exported.read_bytes().splitlines(keepends=True)[:3]
    done = run("import", "-", stdin=b"".join([*good, b"hello\n"]), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (shell.REFUSED, "")
    assert done.stderr.startswith("ttweet: line 4: invalid JSON: ")
    assert done.stderr.endswith("; so far: 3 tweets imported\n")
    done = run("import", "-", stdin=b"".join([*good, b"{}\n"]), cwd=tmp_path)
    assert done.stderr.endswith(
        "missing field: id, at, by, text, tags; repair or remove that line, and repeat the import; "
        "so far: 0 tweets imported, 3 already there\n"
    )


def test_a_full_disk_is_reported_with_what_was_done_and_the_same_command_continues(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, open_store = tmp_path / "new.db", import_._open_store

    def open_with_little_room(db: Path) -> SqliteStore:
        store = open_store(db)
        store._connection.execute("PRAGMA max_page_count = 200")  # SQLite calls that a full disk
        return store

    monkeypatch.setattr(import_, "_open_store", open_with_little_room)
    with pytest.raises(StoreError) as error:
        import_.import_(str(exported), db=new)
    monkeypatch.undo()
    assert error.value.code == "full"
    assert re.search(r"the disk of the database is full; .*; so far: [1-9][\d,]+ tweets imported$", error.value.text)
    assert import_.import_(str(exported), db=new) == shell.DONE
    assert run("export", "--db", str(new)).stdout == exported.read_text()


def test_a_folder_that_is_not_there_is_no_place_for_a_database(exported: Path, tmp_path: Path) -> None:
    place = tmp_path / "no" / "x.db"
    code, text = complains("import", str(exported), "--db", str(place))
    assert (code, text.partition("; ")[2]) == (
        shell.FAILED,
        f"make its folder: mkdir -p {place.parent}, or choose another file",
    )


@pytest.mark.parametrize("data", [b"hello\n", b"{}\n", b"\n\x80\n", b"x" * (MAX_LINE_BYTES + 1)])
def test_a_file_that_is_no_export_makes_no_database(tmp_path: Path, data: bytes) -> None:
    done = run("import", "-", stdin=data, cwd=tmp_path)
    assert (done.returncode, done.stderr.startswith("ttweet: line ")) == (shell.REFUSED, True), done
    assert done.stderr.endswith("; choose a file from ttweet export\n")
    assert list(tmp_path.iterdir()) == []


def test_a_merge_adds_what_is_new_of_a_named_export_each_time(tmp_path: Path) -> None:
    for name in ("laptop", "team"):
        line = encode(Tweet(1, 1000, None, f"from {name}", ()))
        assert run("import", "-", "--db", f"{name}.db", cwd=tmp_path, stdin=line).returncode == shell.DONE
    run("export", "laptop.jsonl", "--origin", "--db", "laptop.db", cwd=tmp_path)
    for _ in range(2):
        assert run("import", "laptop.jsonl", "--merge", "--db", "team.db", cwd=tmp_path).returncode == shell.DONE
    assert '"id":2,"at":1000,"by":null,"text":"from laptop"' in run("export", "--db", "team.db", cwd=tmp_path).stdout
    run("delete", "1", "--db", "laptop.db", cwd=tmp_path)
    named = run("export", "--origin", "--db", "laptop.db", cwd=tmp_path).stdout
    assert run("import", "-", "--merge", "--db", "team.db", cwd=tmp_path, stdin=named.encode()).returncode == shell.DONE
    assert "from laptop" not in run("export", "--db", "team.db", cwd=tmp_path).stdout


def test_a_merge_of_an_export_without_a_name_or_of_the_database_itself_is_refused(tmp_path: Path) -> None:
    run("import", "-", "--db", "a.db", cwd=tmp_path, stdin=encode(Tweet(1, 1000, None, "one", ())))
    for option, said in (
        ([], "the export does not name its database; export it again with: ttweet export --origin FILE"),
        (["--origin"], "the export is of this database; import it without --merge"),
    ):
        export = run("export", *option, "--db", "a.db", cwd=tmp_path).stdout.encode()
        done = run("import", "-", "--merge", "--db", "a.db", cwd=tmp_path, stdin=export)
        assert (done.returncode, done.stdout) == (shell.REFUSED, "")
        assert said in done.stderr


def test_a_server_keeps_a_merge_out(tmp_path: Path) -> None:
    run("import", "-", "--db", "a.db", cwd=tmp_path, stdin=encode(Tweet(1, 1000, None, "one", ())))
    run("export", "a.jsonl", "--origin", "--db", "a.db", cwd=tmp_path)
    with running_server(tmp_path, "--no-report-file") as server:
        code, text = complains("import", str(tmp_path / "a.jsonl"), "--merge", "--db", str(server.db))
    assert code == shell.FAILED
    assert f"{server.db} is in use by the server with process id " in text


def test_a_new_database_takes_the_name_of_the_export_that_it_is_made_from(tmp_path: Path) -> None:
    run("import", "-", "--db", "a.db", cwd=tmp_path, stdin=encode(Tweet(1, 1000, None, "one", ())))
    named = run("export", "--origin", "--db", "a.db", cwd=tmp_path).stdout
    run("import", "-", "--db", "b.db", cwd=tmp_path, stdin=named.encode())
    assert run("export", "--origin", "--db", "b.db", cwd=tmp_path).stdout == named
    run("import", "-", "--db", "b.db", cwd=tmp_path, stdin=encode_origin("0" * 16))  # it is not new any more
    assert run("export", "--origin", "--db", "b.db", cwd=tmp_path).stdout == named
