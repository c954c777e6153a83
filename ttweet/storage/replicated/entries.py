"""The entries of a replicated log, and their bytes: a batch of drafts, a deletion, or the end of old tweets.

An entry says what to do, and nothing that depends on the file of one server: no ids and no report lines. Texts, names
and tags are taken as they are. Pure functions.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from ttweet.model.errors import StoreError
from ttweet.model.hashtags import key
from ttweet.model.keying import OURS, Keying
from ttweet.model.tweets import Draft

VERSION = 1  # of an entry; a server stops at one of a newer version
MAX_BATCH_BYTES = 256 * 1024  # of the drafts in an entry; etcd takes requests of 1.5 MiB, a third of it for base64


class Batch(msgspec.Struct, frozen=True, array_like=True, tag="batch"):
    """Drafts, and when (ms) they were appended."""

    at: int
    drafts: list[Draft]
    keying: Keying = OURS


class Removal(msgspec.Struct, frozen=True, array_like=True, tag="delete"):
    """The id of a tweet to delete, and when (ms)."""

    at: int
    tweet: int


class Pruning(msgspec.Struct, frozen=True, array_like=True, tag="prune"):
    """The id below which tweets are to be removed."""

    before: int


Change = Batch | Removal | Pruning


class Claim(NamedTuple):
    """The checksum that the writer of an entry had at the position up to which it had applied the log."""

    position: int
    checksum: int


class LogEntry(NamedTuple):
    """A change, and the claim of the server that wrote it."""

    claim: Claim
    change: Change


_ENCODER = msgspec.json.Encoder(enc_hook=dict)  # of mappings other than a dict
_ENVELOPE = msgspec.json.Decoder(tuple[int, msgspec.Raw])
_ENTRY = msgspec.json.Decoder(LogEntry)


def encode(entry: LogEntry) -> bytes:
    """Return the bytes of an entry."""
    return _ENCODER.encode((VERSION, entry))


def decode(data: bytes) -> LogEntry:
    """Return the entry of these bytes, its tags keyed as this server keys them.

    Raises StoreError `internal` for one of a newer version, and for bytes that are no entry.
    """
    try:
        version, body = _ENVELOPE.decode(data)
        if version > VERSION:
            raise StoreError("internal", "the cluster has entries of a newer ttweet; update this server")
        entry = _ENTRY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise StoreError("internal", f"the log of the cluster is damaged: {exc}") from exc
    return entry._replace(change=_keyed(entry.change))


def parts(drafts: Sequence[Draft]) -> Iterator[Sequence[Draft]]:
    """Yield the drafts in their order, in parts of MAX_BATCH_BYTES at most; a single draft is always a part."""
    if len(drafts) == 1 or len(_ENCODER.encode(drafts)) <= MAX_BATCH_BYTES:
        yield drafts
    else:
        half = len(drafts) // 2
        yield from parts(drafts[:half])
        yield from parts(drafts[half:])


def _keyed(change: Change) -> Change:
    """Key the tags of a batch again if another Python keyed them: the index of a file has the keys of its server."""
    if not isinstance(change, Batch) or change.keying == OURS:
        return change
    drafts = [draft._replace(tags={key(tag): tag for tag in draft.tags.values()}) for draft in change.drafts]
    return Batch(change.at, drafts)
