"""Bugs in what a client can make the server spend, and in whom the server trusts."""

# ruff: noqa: SLF001 - bugs are put into private parts

from __future__ import annotations

import unicodedata
from typing import Any

from proofs.mutants.bug import mutant


@mutant("sieges", "forged", siege="tokens_replaced")
def id_is_identity() -> None:
    """A token is known by its number, which another has after it, and its rights are those it had."""
    from ttweet.security import authenticator, rights, tokens

    settle, current = authenticator.Authenticator._settle, authenticator.Authenticator.current

    def settle_by_id(self: Any) -> None:
        settle(self)
        self._live = {str(token.id): token.who for token in self._known.values() if token.hash in self._live}

    def current_by_id(self: Any, who: Any) -> Any:
        return who if who.token in self._live else current(self, who)

    tokens.Token.who = property(lambda self: rights.Principal(self.name, self.rights, str(self.id)))
    authenticator.Authenticator._settle = settle_by_id
    authenticator.Authenticator.current = current_by_id


@mutant("loopsteps", "stale")
def normalize_first() -> None:
    """A name is normalized before its length is looked at."""
    from ttweet.model import budget

    refuse = budget.refuse_beyond

    def late(max_bytes: int, text: str, **limits: Any) -> None:
        refuse(max_bytes, unicodedata.normalize("NFC", text), **limits)

    budget.refuse_beyond = late


@mutant("sieges", "forged", siege="refused_crowd")
def understood_is_served() -> None:
    """A client whose requests were all refused counts as one that was served."""
    from ttweet.server.net.places import Standing
    from ttweet.server.tcp.connection import Connection

    standing = Connection.standing

    def flattered(self: Any) -> Standing:
        found = standing.fget(self)
        return Standing.SERVED if found is Standing.REFUSED else found

    Connection.standing = property(flattered)


@mutant("sieges", "forged", siege="swelling_tags")
def swelling_tags_pass() -> None:
    """The longer form of a folded tag is not checked."""
    from ttweet.model import hashtags

    hashtags.outgrows = lambda _: False


@mutant("sieges", "forged", siege="long_lines")
def limits_in_lines() -> None:
    """The report log is limited in lines, however long they are."""
    from ttweet.storage.sqlite import log_table

    log_table._size = lambda reports: log_table.ROW_BYTES * len(reports)


@mutant("sieges", "forged", siege="dear_queries")
def every_request_is_one() -> None:
    """Every request counts the same in the rate, whatever it takes of the server."""
    from ttweet.security import permissions

    permissions.COSTS.clear()


@mutant("sieges", "forged", siege="dear_queries")
def no_answer_is_kept() -> None:
    """The list of tags is looked up for each client that asks."""
    from ttweet.broker import kept_answers

    kept_answers.KeptAnswers.current = lambda *_, **__: None


@mutant("sieges", "forged", siege="new_keys")
def keys_without_end() -> None:
    """A TLS client may change its key as often as it likes."""
    from ttweet.server.net import tls_records

    tls_records.RecordAllowance.is_exceeded = property(lambda _: False)


@mutant("sieges", "forged", siege="endless_hellos")
def hellos_without_end() -> None:
    """The length of a handshake is not checked."""
    from ttweet.server.net import tls

    tls.MAX_HANDSHAKE_BYTES = 1 << 30


@mutant("sieges", "forged", siege="unread_pages")
def encrypted_ahead() -> None:
    """All that waits for a TLS client is encrypted at once, so it is there twice."""
    from ttweet.server.net import tls

    def send_now(self: Any, data: bytes) -> int:
        if self._rest or self._sending.locked():
            return 0
        self._encrypt(data)
        encrypted = self._outgoing.read()
        self._rest = encrypted[self._plain.send_now(encrypted) :]
        self._ahead = len(data) if self._rest else 0
        return 0 if self._rest else len(data)

    tls.TlsTransport.send_now = send_now


@mutant("sieges", "forged", siege="unread_pages")
def page_in_one_step() -> None:
    """A follower that is behind gets all that is in memory as one page, in one step of the loop."""
    from ttweet.broker import pages

    def whole(cls: Any, frames: Any, end: int, pruned_up_to: int) -> Any:
        return cls(b"".join([entry.frame for entry in frames]), end, pruned_up_to)

    pages.FramePage.of = classmethod(whole)


@mutant("loopsteps", "stale")
def index_by_tweets() -> None:
    """Tags are indexed by the number of their tweets, however much the tags of each weigh."""
    from ttweet.storage.sqlite import tag_index

    tag_index.CHUNK_WEIGHT = 1 << 40


@mutant("sieges", "forged", siege="heavy_crowd")
def first_come_first_served() -> None:
    """The oldest drafts are taken first, however few a light client waits with."""
    from ttweet.broker import inbox

    inbox._lightest = lambda _: set()
