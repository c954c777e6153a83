"""Bugs in how the server looks after its files."""

# ruff: noqa: SLF001 - bugs are put into private parts

from __future__ import annotations

from typing import Any

from proofs.mutants.bug import mutant


@mutant("unlinked", "lost")
def names_not_compared() -> None:
    """The server does not look whether its files still have their names."""
    from ttweet.storage.sqlite import identity

    identity.FileIdentity.is_kept = lambda _: True


@mutant("unlinked", "lost")
def goes_on_displaced() -> None:
    """The server rescues what there is and then acknowledges what comes after."""
    from ttweet.model import errors
    from ttweet.storage.sqlite import database_file

    keep = database_file.DatabaseFile.keep

    def careless(self: Any, code: str) -> bool:
        try:
            return keep(self, code)
        except errors.Displaced:
            self._unsure = False
            return False

    database_file.DatabaseFile.keep = careless


@mutant("unlinked", "lost")
def no_rescued_copy() -> None:
    """The server reports a copy, and writes none."""
    from ttweet.storage.sqlite import rescue

    rescue.copy_out = lambda *_, **__: 0


@mutant("unlinked", "lost", "corrupt")
def rescued_without_its_log() -> None:
    """The copy is that of the database file, without what is still in its write-ahead log."""
    import shutil

    from ttweet.storage.sqlite import rescue

    copy_beside = rescue._copy_beside

    def copy(files: Any, connection: Any) -> Any:
        database = rescue.system.descriptor_of(files.opened(""))
        rescue.copy_out = lambda _connection, _source, target, **_: shutil.copyfile(database, target)
        return copy_beside(files, connection)

    rescue._copy_beside = copy


@mutant("unlinked", "corrupt")
def log_left_beside_another() -> None:
    """The write-ahead log keeps its name beside a database that took the place of the server's."""
    from ttweet.storage.sqlite import rescue

    rescue._disown_log = lambda _: None


@mutant("unlinked", "lost", "stale", "corrupt", "order", "bar")
def readers_not_opened_again() -> None:
    """The writer opens the file again, and the readers continue with the old files."""
    from ttweet.storage.sqlite import database_file

    database_file.is_open_here = lambda _: False
    reader = database_file.DatabaseFile.reader

    def forgotten(self: Any) -> Any:
        opened = reader(self)
        self._readers.clear()
        return opened

    database_file.DatabaseFile.reader = forgotten
