"""The tokens of a database, in a file of their own beside it: one line of JSON a token, hashes and no secrets.

Any process may change it, with a server running or without, and none has to be asked: a change is a new file in the
place of the old one, made while a lock is held, so a reader sees the old tokens or the new ones. Knows no trio.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ttweet import system
from ttweet.descriptors import RAISE_LIMIT, SHORTAGES
from ttweet.files import is_in_place, open_own, replacing, trusted_path
from ttweet.model import lookalikes, remedies
from ttweet.model.errors import OpenError, Refused
from ttweet.model.times import now_ms
from ttweet.security import tokens
from ttweet.security.rights import ADMIN
from ttweet.security.tokens import MAX_TOKENS, Token

ENDING = ".tokens"  # beside the database's name
MAX_BYTES = MAX_TOKENS * 512  # of the tokens' file; a line has 370 bytes at most

Fingerprint = tuple[int, int, int, int, int]


class TokenFile:
    """The tokens of one database. There need not be a file as long as there are none."""

    def __init__(self, db: Path) -> None:
        self._named = db.absolute()
        self.db = Path(os.path.realpath(db))
        self.path = self.db.with_name(self.db.name + ENDING)

    def fingerprint(self) -> Fingerprint | None:
        """Return a value that differs after each change; None without a file. Raises OpenError."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self._denied(exc) from exc
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def read(self) -> list[Token]:
        """All tokens, in the order in which they were made.

        Raises OpenError: `denied` for a file that cannot be read or that others may write to, `damaged` for one that
        was not written by ttweet.
        """
        try:
            with self._opened(os.O_RDONLY) as fd, open(fd, "rb", closefd=False) as file:
                if os.fstat(fd).st_mode & 0o022:
                    raise OpenError(
                        "denied",
                        f"other users may write to {self.path}, and so add tokens; make it yours, with mode 0600",
                    )
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise self._denied(exc) from exc
        if len(data) > MAX_BYTES:
            raise OpenError(
                "damaged",
                f"{self.path} has more than {MAX_BYTES // 1024} KiB, which {MAX_TOKENS:,} tokens never take; "
                "remove lines that are not tokens, or move the file away and add new tokens",
            )
        return [self._token(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]

    def add(self, name: str, rights: frozenset[str], *, expires: int | None = None) -> tuple[Token, str]:
        """Make a token; returns it with its secret, which is not kept. Raises OpenError and Refused.

        One that was revoked makes room for another of its name, unless nothing else tells that there was an admin.
        """
        secret = tokens.new_secret()
        with self._editing(flags=os.O_RDWR | os.O_CREAT) as edited:
            known = _newest_of(name, edited)
            if known is not None and known.revoked is None:
                raise Refused("name_taken", f"{name} already has a token", remedies.REVOKE, name)
            if (other := _looking_like(name, edited)) is not None:
                raise Refused(
                    "name_taken", f"{name!a} looks like {other.name!a}, which has a token; choose another name"
                )
            newest = max([one.id for one in edited.values()], default=0)
            token = Token(newest + 1, name, tokens.hash_of(secret), rights, now_ms(), expires)
            edited[token.hash] = token
            if known is not None and not _is_only_admin(known, edited):
                del edited[known.hash]
            if len(edited) > MAX_TOKENS:
                raise Refused(
                    "full", f"too many tokens: {MAX_TOKENS:,} is the limit; use the name of a revoked token again"
                )
            return token, secret

    def revoke(self, name: str) -> Token:
        """End a token. Raises OpenError, and Refused when there is none of that name, or it has been revoked."""
        if self.fingerprint() is None:
            raise _nothing_to_revoke(name, {}, self.db)
        with self._editing() as edited:
            known = _newest_of(name, edited)
            if known is None or known.revoked is not None:
                raise _nothing_to_revoke(name, edited, self.db)
            edited[known.hash] = known._replace(revoked=now_ms())
            return edited[known.hash]

    def note_uses(self, uses: Mapping[str, int]) -> None:
        """Note when tokens, by hash, were last used.

        Raises OpenError: `locked`, at once, when another process has the file.
        """
        if self.fingerprint() is None:
            return
        with self._editing(wait=False) as edited:
            for hash_ in edited.keys() & uses.keys():
                edited[hash_] = edited[hash_]._replace(used=uses[hash_])

    @contextmanager
    def _editing(self, *, wait: bool = True, flags: int = os.O_RDWR) -> Iterator[dict[str, Token]]:
        """Yield the tokens by hash, to be changed within the block.

        The changed tokens are in the file, on the disk, after the block.
        """
        try:
            with self._locked(flags, wait=wait) as fd:
                edited = {token.hash: token for token in self.read()}
                yield edited
                self._write(edited, fd)
        except BlockingIOError as exc:
            raise OpenError("locked", f"another process locks {self.path}") from exc
        except OSError as exc:
            raise self._denied(exc) from exc

    @contextmanager
    def _locked(self, flags: int, *, wait: bool) -> Iterator[int]:
        """Keep other processes from changing the file; a lock on a replaced file would keep none."""
        while True:
            with self._opened(flags) as fd:
                system.lock(fd, wait=wait)
                if is_in_place(fd, self.path):
                    yield fd
                    return

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        """Open the file, but no pipe or link in its place: a pipe would block, a link would write elsewhere."""
        trusted_path(self._named)
        fd = open_own(self.path, flags)
        try:
            yield fd
        finally:
            os.close(fd)

    def _write(self, edited: Mapping[str, Token], read_from: int) -> None:
        """Put the tokens in the place of the file that they were read from, which no lock keeps from being removed.

        Raises OpenError when it was: its tokens have ended, and must not come back.
        """
        lines = [json.dumps(token.as_json(), ensure_ascii=False) + "\n" for token in edited.values()]
        with replacing(self.path) as part:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(lines)
                file.flush()
                system.sync(file.fileno())  # which takes longest: little time is left between the look and the rename
            if os.geteuid() == 0:  # another user's server may have to read it
                owner = (self.db if self.db.exists() else self.path.parent).stat()
                os.chown(part, owner.st_uid, owner.st_gid)
            if not is_in_place(read_from, self.path):
                raise OpenError("locked", f"{self.path} was removed or replaced while it was changed; try again")

    def _token(self, number: int, line: bytes) -> Token:
        try:
            return Token.from_json(json.loads(line))
        except (KeyError, TypeError, ValueError, RecursionError) as exc:
            raise OpenError(
                "damaged",
                f"line {number} of {self.path} is not a token; remove the line, or move the file away",
            ) from exc

    def _denied(self, exc: OSError) -> OpenError:
        remedy = RAISE_LIMIT if exc.errno in SHORTAGES else "check the file and the permissions of its folder"
        return OpenError("denied", f"{self.path} cannot be read or written: {exc.strerror}; {remedy}")


def _newest_of(name: str, known: Mapping[str, Token]) -> Token | None:
    """Return the token of a name; before it there may be one that was revoked."""
    return max([token for token in known.values() if token.name == name], default=None)


def _looking_like(name: str, known: Mapping[str, Token]) -> Token | None:
    """Return a token that has not been revoked, of another name that looks like this one."""
    looks = lookalikes.looks_of(name)
    others = [token for token in known.values() if token.revoked is None and token.name != name]
    return next((token for token in others if not looks.isdisjoint(lookalikes.looks_of(token.name))), None)


def _is_only_admin(token: Token, known: Mapping[str, Token]) -> bool:
    return [one for one in known.values() if ADMIN in one.rights] == [token]


def _nothing_to_revoke(name: str, known: Mapping[str, Token], db: Path) -> Refused:
    if _newest_of(name, known) is not None:
        return Refused("missing", f"the token of {name} was already revoked")
    nameless = f"no token has the name {name!a}"
    live = [token.name for token in known.values() if token.revoked is None]
    if live:
        return Refused("missing", f"{nameless}; the names are {', '.join(live[:10])}")
    return Refused("missing", f"{nameless}: {db} has no valid tokens", remedies.OTHER_DATABASE)
