"""The entries of a replicated log and their bytes: every entry comes back, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.errors import StoreError
from ttweet.model.keying import Keying
from ttweet.model.tweets import Draft, draft
from ttweet.storage.replicated.entries import (
    MAX_BATCH_BYTES,
    Batch,
    Claim,
    LogEntry,
    Pruning,
    Removal,
    decode,
    encode,
    parts,
)

CLAIM = Claim(7, 2**32 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(0, 2**53)
DRAFTS = st.builds(Draft, TEXTS, st.dictionaries(TEXTS, TEXTS), st.none() | TEXTS, st.none() | TEXTS)
CHANGES = st.one_of(
    st.builds(Batch, NUMBERS, st.lists(DRAFTS)), st.builds(Removal, NUMBERS, NUMBERS), st.builds(Pruning, NUMBERS)
)


def decoded(data: bytes) -> LogEntry | None:
    """Return the entry of these bytes; None if they are refused as the contract of `decode` says."""
    try:
        return decode(data)
    except StoreError:
        return None


@given(st.builds(LogEntry, st.builds(Claim, NUMBERS, NUMBERS), CHANGES))
def test_every_entry_comes_back_from_its_bytes(entry: LogEntry) -> None:
    assert decode(encode(entry)) == entry


@given(st.binary())
def test_any_bytes_are_an_entry_or_an_error_of_the_store(data: bytes) -> None:
    entry = decoded(data)
    assert entry is None or decode(encode(entry)) == entry


@given(st.data())
def test_an_entry_with_a_changed_byte_is_an_entry_or_an_error_of_the_store(data: st.DataObject) -> None:
    whole = bytearray(encode(LogEntry(CLAIM, Batch(1, [draft("a #tag", by="ann", key="k")]))))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    entry = decoded(bytes(whole))
    assert entry is None or decode(encode(entry)) == entry


def test_the_bytes_of_an_entry_stay_readable_for_people_and_for_older_servers() -> None:
    entry = LogEntry(CLAIM, Batch(5, [Draft("hi #Tag", {"tag": "Tag"}, "ann", "k"), draft("b")], Keying(2, "15.0.0")))
    assert encode(entry) == (
        b'[1,[[7,4294967295],["batch",5,[["hi #Tag",{"tag":"Tag"},"ann","k"],["b",{},null,null]],[2,"15.0.0"]]]]'
    )
    assert encode(LogEntry(CLAIM, Removal(5, 3))) == b'[1,[[7,4294967295],["delete",5,3]]]'
    assert encode(LogEntry(CLAIM, Pruning(3))) == b'[1,[[7,4294967295],["prune",3]]]'


@pytest.mark.parametrize("data", [b'[2,[[7,1],["batch",5,[],[2,"15.0.0"]]]]', b'[9,{"new":"form"}]'])
def test_an_entry_of_a_newer_version_says_which_server_to_update(data: bytes) -> None:
    with pytest.raises(StoreError, match="entries of a newer ttweet; update this server"):
        decode(data)


@pytest.mark.parametrize("data", [b"", b"[1]", b'[1,[[7,1],["other",5]]]', b'[1,[[7,1],["delete",5,"3"]]]', b"\xff"])
def test_bytes_that_are_no_entry_are_damage(data: bytes) -> None:
    with pytest.raises(StoreError, match="the log of the cluster is damaged"):
        decode(data)


def test_tags_that_another_python_has_keyed_are_keyed_again() -> None:
    entry = LogEntry(CLAIM, Batch(5, [Draft("#Tag", {"older key": "Tag"})], Keying(1, "9.0.0")))
    assert decode(encode(entry)).change == Batch(5, [draft("#Tag")])


def test_many_drafts_are_divided_into_parts_that_fit_into_an_entry() -> None:
    drafts = [draft(f"{number} " + "語" * 140) for number in range(1_000)]
    divided = [*parts(drafts)]
    assert [one for part in divided for one in part] == drafts
    assert len(divided) > 1
    assert all(len(encode(LogEntry(CLAIM, Batch(1, [*part])))) < MAX_BATCH_BYTES + 100 for part in divided)


def test_a_few_drafts_are_one_part() -> None:
    drafts = [draft("a"), draft("b")]
    assert [*parts(drafts)] == [drafts]
