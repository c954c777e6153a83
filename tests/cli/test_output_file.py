"""Every command that writes a file: the same rule for one that exists, and a fix in each error."""

from pathlib import Path

import pytest

from tests.support.in_process import complains, run
from tests.support.sqlite_files import NOW, opened, post
from ttweet.cli import shell
from ttweet.model.reports import server_started

COMMANDS = {
    "backup": ["backup", "FILE", "--db", "DB"],
    "export": ["export", "FILE", "--db", "DB"],
    "log": ["log", "--export", "FILE", "--db", "DB"],
    "tags": ["tags", "cs", "--svg", "FILE", "--db", "DB"],
    "completion": ["--install-completion", "--shell", "bash", "-o", "FILE"],
}


@pytest.fixture
def db(path: Path) -> Path:
    """A database with one tweet and one report line, which the commands read."""
    with opened(path) as store:
        post(store, "Hello #cs")
        store.append([], [server_started("127.0.0.1")], at=NOW)
    return path


def _writes(command: str, db: Path, target: Path, *more: str) -> tuple[int, str]:
    paths = {"FILE": str(target), "DB": str(db)}
    done = run(*[paths.get(word, word) for word in COMMANDS[command]], *more)
    return done.returncode, done.stderr.removesuffix("\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_exists_is_replaced_only_with_force(command: str, db: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept"
    target.write_text("kept")
    refused = (shell.USAGE, f"ttweet: file exists: {target}; choose another file, or add --force to replace it")
    assert _writes(command, db, target) == refused
    assert target.read_text() == "kept"
    assert _writes(command, db, target, "--force")[0] == shell.DONE
    assert target.read_bytes() != b"kept"


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["export"], "ttweet export"),
        (["export", "-"], "ttweet export"),
        (["log"], "--export"),
        (["log", "--export", "-"], "--export"),
        (["tags", "cs", "--plot"], "--svg"),
        (["tags", "cs", "--svg", "-"], "--svg"),
        (["--install-completion"], "-o"),
        (["--install-completion", "-o", "-"], "-o"),
    ],
)
def test_force_without_a_file_is_refused(arguments: list[str], option: str) -> None:
    said = f"ttweet: invalid option: --force belongs to {option} FILE"
    assert complains(*arguments, "--force") == (shell.USAGE, said)


@pytest.mark.parametrize(
    ("command", "start"), [("export", "{"), ("log", "SERVER ALERT"), ("tags", "<svg "), ("completion", "#")]
)
def test_a_file_named_by_a_hyphen_is_stdout(command: str, start: str, db: Path, tmp_path: Path) -> None:
    words = {"FILE": "-", "DB": str(db)}
    done = run(*[words.get(word, word) for word in COMMANDS[command]], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (shell.DONE, "")
    assert done.stdout.startswith(start)
    assert not list(tmp_path.glob("-*"))


@pytest.mark.parametrize("command", ["export", "log", "tags"])
def test_a_text_never_replaces_a_database(command: str, db: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(db.read_bytes())
    refused = (shell.USAGE, f"ttweet: {other} is a database; choose another file")
    assert _writes(command, db, other, "--force") == refused
    assert other.read_bytes() == db.read_bytes()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_in_the_place_of_the_file_is_named_with_a_fix(command: str, db: Path, tmp_path: Path) -> None:
    code, said = _writes(command, db, tmp_path)
    assert (code, said.startswith(f"ttweet: {tmp_path}: "), "; choose another file" in said) == (
        shell.FAILED,
        True,
        True,
    )
