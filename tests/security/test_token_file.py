"""The file of tokens: changed by any process, whole at any time, without secrets."""

import fcntl
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, output_of
from tests.support.sqlite_files import opened, post
from ttweet.model.errors import OpenError, Refused
from ttweet.model.tweets import MAX_NAME_CHARACTERS
from ttweet.security import token_file
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS
from ttweet.security.token_file import TokenFile
from ttweet.security.tokens import MAX_TOKENS, Token, hash_of


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tweets.db")


def test_without_a_file_there_are_no_tokens_and_to_look_makes_none(file: TokenFile) -> None:
    assert file.fingerprint() is None
    assert file.read() == []
    assert not file.path.exists()


def test_a_token_is_kept_without_its_secret_for_its_owner_alone(file: TokenFile) -> None:
    token, secret = file.add("ci", frozenset({POST}), expires=2**45)
    assert file.read() == [token]
    assert token == Token(1, "ci", hash_of(secret), frozenset({POST}), token.created, 2**45)
    assert secret not in file.path.read_text()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["tweets.db.tokens"]


def test_tokens_below_a_folder_in_which_any_user_may_replace_files_are_neither_read_nor_made(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "folder" / "tweets.db")
    file.db.parent.mkdir()
    file.add("ann", frozenset({POST}))
    tmp_path.chmod(0o777)
    with pytest.raises(OpenError, match=f"can replace the files in {tmp_path}; run: chmod o-w {tmp_path}"):
        file.read()
    with pytest.raises(OpenError, match="can replace the files"):
        file.add("bob", frozenset({POST}))


@pytest.mark.parametrize("name", ["Ann", "\u0430nn", "\uff41\uff4e\uff4e", "\u1d00\u0274\u0274"])
def test_a_token_s_name_looks_like_that_of_no_other_token(file: TokenFile, name: str) -> None:
    file.add("ann", frozenset({POST}))
    with pytest.raises(Refused, match="looks like 'ann', which has a token") as refused:
        file.add(name, frozenset({POST}))
    assert refused.value.code == "name_taken"
    file.revoke("ann")
    file.add(name, frozenset({POST}))
    assert file.read()[-1].name == name


def test_each_change_shows_in_the_fingerprint(file: TokenFile) -> None:
    seen = [file.fingerprint()]
    token, _ = file.add("ci", frozenset({POST}))
    seen.append(file.fingerprint())
    file.note_uses({token.hash: 5})
    seen.append(file.fingerprint())
    file.revoke("ci")
    seen.append(file.fingerprint())
    assert len(set(seen)) == 4


def test_a_file_that_was_written_over_with_its_old_size_and_time_shows_in_the_fingerprint(file: TokenFile) -> None:
    file.add("ci", frozenset({POST}))
    seen, before = file.fingerprint(), file.path.stat()
    file.path.write_bytes(file.path.read_bytes())
    os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.fingerprint() != seen


def test_tokens_of_the_same_number_outlive_a_change(file: TokenFile, tmp_path: Path) -> None:
    other = TokenFile(tmp_path / "other.db")
    for one, name in ((file, "ci"), (other, "matt")):
        one.add(name, frozenset({POST}))
    file.path.write_bytes(file.path.read_bytes() + other.path.read_bytes())
    file.add("mia", frozenset({READ}))
    file.revoke("matt")
    assert [token.name for token in file.read() if token.revoked is None] == ["ci", "mia"]


def test_a_revoked_token_stays_in_sight_until_its_name_gets_another(file: TokenFile) -> None:
    first, _ = file.add("ci", frozenset({POST}))
    file.add("matt", frozenset({READ}))
    with pytest.raises(Refused, match="ci already has a token; revoke it first"):
        file.add("ci", frozenset({READ}))
    file.revoke("ci")
    (revoked, _) = file.read()
    assert revoked.state(revoked.created) == "revoked"
    second, _ = file.add("ci", frozenset({ADMIN}))
    assert [token.name for token in file.read()] == ["matt", "ci"]
    assert second.id > first.id
    assert second.hash != first.hash


def test_that_there_was_an_admin_stays_known_whatever_its_name_gets(file: TokenFile) -> None:
    first, _ = file.add("bob", frozenset({ADMIN}))
    file.revoke("bob")
    for _ in range(2):
        file.add("bob", frozenset({READ}))
        with pytest.raises(Refused, match="bob already has a token"):
            file.add("bob", frozenset({READ}))
        kept, bob = file.read()
        assert (kept.id, kept.state(kept.created), bob.rights) == (first.id, "revoked", frozenset({READ}))
        file.revoke("bob")
        with pytest.raises(Refused, match="the token of bob was already revoked"):
            file.revoke("bob")
    second, _ = file.add("bob", frozenset({ADMIN}))
    assert [token.id for token in file.read()] == [first.id, second.id]
    file.revoke("bob")
    third, _ = file.add("bob", frozenset({READ}))
    assert [token.id for token in file.read()] == [first.id, third.id]


def test_no_file_is_made_for_a_token_that_is_not_there(file: TokenFile) -> None:
    with pytest.raises(Refused, match=r"no token has the name 'bob': .* has no valid tokens"):
        file.revoke("bob")
    file.note_uses({"00ff": 1})
    assert not file.path.exists()


def test_only_what_is_there_can_be_revoked(file: TokenFile) -> None:
    with pytest.raises(Refused, match=r"no token has the name 'ci': .* has no valid tokens"):
        file.revoke("ci")
    file.add("matt", frozenset({READ}))
    with pytest.raises(Refused, match="no token has the name 'ci'; the names are matt"):
        file.revoke("ci")
    file.revoke("matt")
    with pytest.raises(Refused, match="the token of matt was already revoked"):
        file.revoke("matt")


def test_uses_are_noted_by_hash_and_of_no_other_token(file: TokenFile) -> None:
    old, _ = file.add("ci", frozenset({POST}))
    file.revoke("ci")
    new, _ = file.add("ci", frozenset({POST}))
    file.note_uses({old.hash: 1_000})
    assert file.read()[0].used is None
    file.note_uses({new.hash: 2_000, "another": 1})
    assert file.read()[0].used == 2_000


class Removed(TokenFile):
    """A file that is removed, or replaced by another, as soon as it has been read to be changed."""

    other: TokenFile | None = None

    def read(self) -> list[Token]:
        found = super().read()
        if self.other is None:
            self.path.unlink()
        else:
            self.other.path.replace(self.path)
        return found


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.add("mia", frozenset({POST})),
        lambda file: file.revoke("ci"),
        lambda file: file.note_uses({"00ff": 1}),
    ],
)
def test_tokens_of_a_file_that_is_removed_while_it_is_changed_do_not_come_back(
    change: Callable[[TokenFile], object], replaced: bool, file: TokenFile, tmp_path: Path
) -> None:
    file.add("ci", frozenset({POST}))
    removed = Removed(file.db)
    if replaced:
        removed.other = TokenFile(tmp_path / "other.db")
        removed.other.add("new", frozenset({POST}))
    with pytest.raises(OpenError, match="was removed or replaced while it was changed; try again"):
        change(removed)
    assert [token.name for token in file.read()] == ["new"] * replaced


def test_the_number_of_tokens_is_limited(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_file, "MAX_TOKENS", 1)
    file.add("one", frozenset({POST}))
    with pytest.raises(Refused, match="too many tokens: 1 is the limit; use the name of a revoked token again"):
        file.add("two", frozenset({POST}))
    file.revoke("one")
    file.add("one", frozenset({POST}))


def add_some(db: Path, name: str) -> None:
    for number in range(5):
        TokenFile(db).add(f"{name}{number}", frozenset({POST}))


def test_processes_that_add_tokens_together_lose_none(file: TokenFile) -> None:
    db = file.path.with_name("tweets.db")
    spawn = multiprocessing.get_context("spawn")
    adders = [spawn.Process(target=add_some, args=(db, name)) for name in "abc"]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join(LIMIT_S)
    found = file.read()
    assert len(found) == 15
    assert [token.id for token in found] == list(range(1, 16))


def test_a_lock_on_a_file_that_was_replaced_meanwhile_is_taken_again(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.add("one", frozenset({POST}))
    flock = fcntl.flock

    def flock_late(fd: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        file.add("two", frozenset({POST}))  # another process was quicker
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    file.add("three", frozenset({POST}))
    assert [token.name for token in file.read()] == ["one", "two", "three"]


def test_a_task_that_has_time_does_not_wait_for_the_process_that_has_the_file(file: TokenFile) -> None:
    token, _ = file.add("ci", frozenset({POST}))
    with file.path.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(OpenError, match="another process locks") as refused:
            file.note_uses({token.hash: 1})
        assert refused.value.code == "locked"
        assert file.read() == [token]
    file.note_uses({token.hash: 2})
    assert file.read()[0].used == 2


def test_two_names_of_a_database_have_one_file(tmp_path: Path) -> None:
    (tmp_path / "other.db").symlink_to("tweets.db")
    assert TokenFile(tmp_path / "other.db").path == TokenFile(tmp_path / "tweets.db").path


@pytest.mark.parametrize("line", ["{", "[]", "1", '{"id":1}', json.dumps({"id": 1, "rights": ["root"]}), "[" * 9999])
def test_a_line_that_is_no_token_is_refused_with_its_number(file: TokenFile, line: str) -> None:
    file.add("ci", frozenset({POST}))
    with file.path.open("a") as out:
        out.write(line + "\n")
    for use in (file.read, lambda: file.add("matt", frozenset({READ}))):
        with pytest.raises(OpenError, match=r"line 2 of .* is not a token") as refused:
            use()
        assert refused.value.code == "damaged"


def filled(path: Path, amount: int) -> None:
    path.write_bytes(b"\n" * amount)
    path.chmod(0o600)


def test_a_file_that_is_larger_than_all_tokens_is_refused_before_it_is_read(file: TokenFile) -> None:
    filled(file.path, token_file.MAX_BYTES)
    assert file.read() == []
    filled(file.path, token_file.MAX_BYTES + 1)
    for use in (file.read, lambda: file.add("matt", frozenset({READ}))):
        with pytest.raises(OpenError, match=r"has more than 500 KiB") as refused:
            use()
        assert refused.value.code == "damaged"
    os.truncate(file.path, 1 << 40)  # a file with a hole, which no memory has room for
    with pytest.raises(OpenError, match=r"has more than 500 KiB"):
        file.read()


def test_as_many_tokens_as_there_may_be_fit_however_long_they_are() -> None:
    longest = Token(
        MAX_TOKENS, "\N{GOTHIC LETTER AHSA}" * MAX_NAME_CHARACTERS, "f" * 64, frozenset(RIGHTS), *[2**53] * 4
    )
    line = json.dumps(longest.as_json(), ensure_ascii=False) + "\n"
    assert len(line.encode()) * (MAX_TOKENS + 1) <= token_file.MAX_BYTES


def test_white_space_of_an_editor_is_no_part_of_a_token(file: TokenFile) -> None:
    """A byte order mark, the line ends of Windows, and empty lines, as they are left where a line was removed."""
    file.add("ci", frozenset({POST}))
    written = file.path.read_bytes()
    file.path.write_bytes(b"\xef\xbb\xbf" + written.replace(b"\n", b"\r\n") + b"\r\n\n")
    assert [token.name for token in file.read()] == ["ci"]
    file.add("matt", frozenset({READ}))
    assert [token.name for token in file.read()] == ["ci", "matt"]


def test_a_file_that_others_may_write_to_is_refused(file: TokenFile) -> None:
    file.add("ci", frozenset({POST}))
    file.path.chmod(0o660)
    with pytest.raises(OpenError, match="make it yours, with mode 0600"):
        file.read()


def test_a_symbolic_link_is_not_followed(file: TokenFile) -> None:
    file.path.symlink_to(file.path.with_name("precious"))
    for use in (file.read, lambda: file.add("ci", frozenset({POST}))):
        with pytest.raises(OpenError, match="cannot be read or written"):
            use()
    assert not file.path.with_name("precious").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_folder_in_the_token_files_place_is_refused_without_waiting(
    make: Callable[[Path], None], file: TokenFile
) -> None:
    make(file.path)
    assert file.fingerprint() is not None
    for use in (file.read, lambda: file.add("ci", frozenset({POST})), lambda: file.note_uses({"00ff": 1})):
        with pytest.raises(OpenError, match="cannot be read or written") as refused:
            use()
        assert refused.value.code == "denied"


def test_the_database_by_the_name_of_the_file_is_not_opened_so_that_its_locks_stay(path: Path) -> None:
    shell = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT * FROM tweets'); c.close()"
    with opened(path) as store:
        post(store, "one")
        tokens = TokenFile(path)
        tokens.path.hardlink_to(path)
        with pytest.raises(OpenError, match=r"has another name \(a hard link\)"):
            tokens.read()
        output_of(shell)
        assert path.with_name("tweets.db-wal").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match="No such file or directory"):
        TokenFile(tmp_path / "nowhere" / "tweets.db").add("ci", frozenset({POST}))


def test_a_change_that_fails_leaves_all_as_it_was(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.add("ci", frozenset({POST}))
    before = file.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OpenError, match="No space left"):
        file.revoke("ci")
    assert file.path.read_bytes() == before
    assert [path.name for path in file.path.parent.iterdir()] == ["tweets.db.tokens"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_token_file_that_root_makes_belongs_to_the_owner_of_the_database(file: TokenFile) -> None:
    os.chown(file.path.parent, 10_001, 10_001)
    file.add("ci", frozenset({POST}))
    assert (file.path.stat().st_uid, file.path.stat().st_gid) == (10_001, 10_001)
    file.db.touch()
    os.chown(file.db, 10_002, 10_003)
    file.revoke("ci")
    assert (file.path.stat().st_uid, file.path.stat().st_gid) == (10_002, 10_003)
    with pytest.raises(OpenError, match="belongs to another user"):
        file.read()  # neither the folder's, nor root's
    os.chown(file.path.parent, 10_002, 10_002)
    assert [token.name for token in file.read()] == ["ci"]
