"""Bugs in what a server of a cluster takes from the log, and in what it says of it."""

# ruff: noqa: SLF001 - bugs are put into private parts

from __future__ import annotations

from typing import Any

from proofs.mutants.bug import mutant


@mutant("cluster-kill9", "differ")
def time_of_each_server() -> None:
    """A tweet has the time at which the server applies it."""
    from ttweet.model.times import now_ms
    from ttweet.storage.replicated import replay
    from ttweet.storage.replicated.entries import Batch

    append = replay.Replay._append
    replay.Replay._append = lambda self, batch, local: append(self, Batch(now_ms(), batch.drafts), local)


@mutant("cluster-quorum", "forged")
def unknown_told_as_no_quorum() -> None:
    """A post that may be stored is refused as one that is not."""
    from ttweet.cluster import engine
    from ttweet.storage.replicated.log import NoQuorum

    engine.Undecided = NoQuorum


@mutant("cluster-model", "differ")
def keys_by_what_is_purged() -> None:
    """A key is valid until it is purged, at whatever time that is."""
    from ttweet.storage.sqlite import key_table

    key_table.KEY_LIFETIME_MS = 10**15


@mutant("cluster-model", "differ")
def pruned_tweets_by_the_file() -> None:
    """A tweet below the pruned id can be deleted in a file that still has it."""
    from ttweet.model.errors import Refused
    from ttweet.storage.replicated import replay
    from ttweet.storage.sqlite.removal import find_deletable

    def find(self: Any, tweet: int) -> Any:
        try:
            return find_deletable(self._entries.connection, tweet)
        except Refused:
            return None

    replay.Replay._find = find
