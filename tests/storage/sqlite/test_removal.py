"""Deleted tweets leave nothing behind but their place: over every store, and in SQLite's own tables."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sqlite_files import MANY_BYTES
from tests.support.stored import deletions_after, tweets_after, tweets_of
from ttweet.model.errors import Refused
from ttweet.model.reports import Report, from_client, message_deleted, message_received, message_shown
from ttweet.model.tweets import Deletion, Page, Tombstone, Tweet, draft
from ttweet.storage.contract import REDACT_STEP, Store
from ttweet.storage.redaction import redact
from ttweet.storage.sqlite.writer import SqliteStore

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS + 1
REPORT = message_deleted(1, "ann")


def post(store: Store, *texts: str, at: int = NOW, by: str | None = None) -> list[Tweet]:
    drafts = [draft(text, by=by) for text in texts]
    return tweets_of(store.append(drafts, [message_received(one.text) for one in drafts], at=at))


def delete(store: Store, tweet: int, *, at: int = NOW) -> Deletion:
    return store.delete(tweet, REPORT, at=at, traces=redact(store, tweet))


def tags(store: Store, now: int = NOW) -> list[tuple[str, int]]:
    return [(tag.tag, tag.count) for tag in store.list_tags(limit=100, now=now, numbers=True).tags]


def log(store: Store) -> list[str]:
    return [line.text for line in store.lines_after(0, limit=1000)]


def test_a_deleted_tweet_is_found_nowhere_and_its_place_stays(any_store: Store) -> None:
    post(any_store, "keep #a", "secret #a #b", "last", by="ann")
    assert delete(any_store, 2) == Deletion(4, NOW, 2)
    assert [tweet.id for tweet in tweets_after(any_store, 0, 9)] == [1, 3]
    assert [tweet.id for tweet in any_store.tweets_of_tag("a", limit=9).tweets] == [1]
    assert any_store.tweets_of_tag("b", limit=9) == Page([], more=False)
    assert tweets_after(any_store, 1, 9, keys=["a", "b"]) == []
    assert [tweet.id for tweet in any_store.tweets_of_author("ann", limit=9).tweets] == [3, 1]
    assert tags(any_store) == [("a", 1)]
    assert len(tweets_after(any_store, 0, 9)) == 2


def test_a_deletion_has_an_id_of_its_own_in_the_order_of_commits(any_store: Store) -> None:
    post(any_store, "a", "b")
    delete(any_store, 1)
    assert any_store.newest_id() == 3
    assert [tweet.id for tweet in post(any_store, "c")] == [4]
    delete(any_store, 2, at=NOW + 1)
    assert deletions_after(any_store, 0) == [Deletion(3, NOW, 1), Deletion(5, NOW + 1, 2)]
    assert any_store.read_after(2, 1, deletions=True).entries == [Deletion(3, NOW, 1)]
    assert deletions_after(any_store, 3) == [Deletion(5, NOW + 1, 2)]


def test_the_newest_deletions_come_first_and_go_with_their_tweets(any_store: Store) -> None:
    post(any_store, "a", "b", "c")
    assert any_store.newest_deletions(9) == []
    for tweet in (2, 1, 3):
        delete(any_store, tweet)
    assert any_store.newest_deletions(2) == [Deletion(6, NOW, 3), Deletion(5, NOW, 1)]
    assert [one.tweet for one in any_store.newest_deletions(9)] == [3, 1, 2]


def test_to_delete_again_gives_the_first_deletion_and_writes_nothing(any_store: Store) -> None:
    post(any_store, "a")
    first = delete(any_store, 1)
    lines = log(any_store)
    assert delete(any_store, 1, at=NOW + 9) == first
    assert log(any_store) == lines
    assert any_store.newest_id() == first.id


@pytest.mark.parametrize("tweet", [0, 2, 3, 2**63 - 1])
def test_an_id_that_no_tweet_has_is_refused(any_store: Store, tweet: int) -> None:
    post(any_store, "a")
    delete(any_store, 1)  # 2 is the deletion
    with pytest.raises(Refused, match=f"no tweet has the id {tweet}") as refused:
        delete(any_store, tweet)
    assert refused.value.code == "no_tweet"


def test_the_last_message_is_that_of_the_newest_tweet_that_is_left(any_store: Store) -> None:
    post(any_store, "a", "", "c")
    delete(any_store, 3)
    assert any_store.position().last == Tweet(2, NOW, None, "", ())
    delete(any_store, 2)
    last = any_store.position().last
    assert last is not None
    assert last.text == "a"
    delete(any_store, 1)
    assert any_store.position().last is None


def test_a_retry_of_a_deleted_tweet_gives_its_id_and_not_its_text(any_store: Store) -> None:
    again = draft("secret #a", key="k", by="ann")
    any_store.append([again], [], at=NOW)
    delete(any_store, 1)
    assert any_store.append([again], [], at=NOW + 5) == [Tombstone(1, NOW)]


def test_a_late_retry_leaves_no_text_in_the_report_log(any_store: Store) -> None:
    again, other, empty = draft("secret #a", key="k"), draft("other"), draft("")
    any_store.append([again], [], at=NOW)
    delete(any_store, 1)
    drafts = [other, again, empty]
    any_store.append(drafts, [message_received(one.text) for one in drafts], at=NOW + 5)
    assert log(any_store)[1:] == [
        "Message Received: other",
        "Message Received: (deleted)",
        "Message Received: Empty Message",
    ]


def test_the_report_log_has_the_client_and_the_id_of_a_deletion_and_no_longer_the_text(any_store: Store) -> None:
    post(any_store, "secret\n", "other", at=NOW)
    any_store.append([], [message_shown("secret\n"), message_shown("other")], at=NOW + 1)
    delete(any_store, 1)
    assert log(any_store) == [
        "Message Received: (deleted)",
        "Message Received: other",
        "Received Message: (deleted)",
        "Received Message: other",
        "Message Deleted: 1 By: ann",
    ]


def test_lines_that_came_after_the_search_are_blanked_too(any_store: Store) -> None:
    post(any_store, "secret")
    traces = redact(any_store, 1)
    any_store.append([], [message_shown("secret")], at=NOW)
    any_store.delete(1, REPORT, at=NOW, traces=traces)
    assert log(any_store) == ["Message Received: (deleted)", "Received Message: (deleted)", REPORT.text]


def test_a_log_of_many_lines_is_searched_and_redacted_in_steps(any_store: Store) -> None:
    post(any_store, *["other"] * 2_500, at=NOW - 1)
    post(any_store, *["secret", "other"] * 1_500)
    steps: list[Sequence[int]] = []
    redact_some = any_store.redact

    def noted(tweet: int, lines: Sequence[int]) -> None:
        steps.append(lines)
        redact_some(tweet, lines)

    any_store.redact = noted  # type: ignore[method-assign]
    delete(any_store, 2_501)
    assert len(steps) >= 3
    assert max(map(len, steps)) <= REDACT_STEP
    assert [*dict.fromkeys(log(any_store))] == ["Message Received: other"]
    lines = any_store.lines_after(0, limit=9_999)
    assert [line.text for line in lines].count("Message Received: (deleted)") == 1_500


def test_redaction_leaves_a_line_that_says_something_else_by_now(any_store: Store) -> None:
    post(any_store, "secret", "other")
    any_store.redact(1, [1, 2])
    any_store.redact(1, [1])
    any_store.redact(9, [2])
    assert log(any_store) == ["Message Received: (deleted)", "Message Received: other"]


def test_lines_from_before_a_tweet_are_another_ones_however_many_there_are(any_store: Store) -> None:
    post(any_store, *["same"] * 1_200, at=NOW - 1)
    post(any_store, "same")
    delete(any_store, 1_201)
    lines = any_store.lines_after(0, limit=9_999)
    assert [line.id for line in lines if line.text == "Message Received: (deleted)"] == [1_201]


def test_a_deletion_that_was_broken_off_takes_no_line_of_another_tweet_when_it_is_made_again(any_store: Store) -> None:
    post(any_store, "same", at=NOW - 1)
    post(any_store, "same", at=NOW)
    any_store.append([], [message_shown("same")] * 3, at=NOW)
    redact(any_store, 2)
    delete(any_store, 2)
    shown = "Received Message: (deleted)"
    assert log(any_store) == ["Message Received: same", "Message Received: (deleted)", *[shown] * 3, REPORT.text]


@pytest.mark.parametrize("line", [message_shown("寿" * 150), from_client(message_shown("寿" * 150).line)])
def test_a_line_with_the_beginning_of_the_text_is_blanked_too(any_store: Store, line: Report) -> None:
    post(any_store, "寿" * 150)
    any_store.append([], [line], at=NOW)
    delete(any_store, 1)
    assert log(any_store) == ["Message Received: (deleted)", "Received Message: (deleted)", REPORT.text]


@pytest.mark.parametrize("later", [-400 * DAY_MS, -1, 0, 1])
def test_lines_are_found_whatever_the_clock_said_when_they_were_written(any_store: Store, later: int) -> None:
    post(any_store, "secret", at=NOW - 2)
    post(any_store, "secret", at=NOW)
    any_store.append([], [message_shown("secret")], at=NOW + later)
    delete(any_store, 2)
    shown = "Received Message: (deleted)"
    assert log(any_store) == ["Message Received: secret", "Message Received: (deleted)", shown, REPORT.text]


def test_an_empty_tweet_takes_no_report_lines_with_it(any_store: Store) -> None:
    post(any_store, "", "")
    delete(any_store, 1)
    assert log(any_store) == ["Message Received: Empty Message"] * 2 + [REPORT.text]


def test_another_spelling_takes_over_when_it_becomes_the_most_frequent(any_store: Store) -> None:
    post(any_store, "#Python", "#Python", "#python")
    delete(any_store, 1)
    delete(any_store, 2)
    assert tags(any_store) == [("python", 1)]
    post(any_store, "#PYTHON", "#PYTHON")
    assert tags(any_store) == [("PYTHON", 3)]


def test_the_days_and_the_newest_of_a_tag_follow(any_store: Store) -> None:
    post(any_store, "#a", "#a", at=NOW - DAY_MS)
    post(any_store, "#a", at=NOW)
    delete(any_store, 3)
    [tag] = any_store.list_tags(limit=1, now=NOW).tags
    assert (tag.newest, tag.days[-2:]) == (NOW - DAY_MS, [2, 0])


def test_a_tag_that_went_can_come_back(any_store: Store) -> None:
    post(any_store, "#a")
    delete(any_store, 1)
    assert tags(any_store) == []
    post(any_store, "#A")
    assert tags(any_store) == [("A", 1)]


# In SQLite


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_ids_continue_after_a_deletion_when_the_file_is_opened_again(tmp_path: Path) -> None:
    with closing(SqliteStore.open(tmp_path / "t.db", log_limit=9, at=0)) as store:
        post(store, "a")
        delete(store, 1)
    with closing(SqliteStore.open(tmp_path / "t.db", log_limit=9, at=0)) as store:
        assert store.newest_id() == 2
        assert [tweet.id for tweet in post(store, "b")] == [3]


SECRET = draft("zebra #Giraffe", by="Okapi", key="narwhal")
WORDS_OF_SECRET = (b"zebra", b"giraffe", b"okapi", b"narwhal")


def found_in(path: Path) -> list[bytes]:
    content = path.read_bytes().lower()
    return [word for word in WORDS_OF_SECRET if word in content]


def delete_it(store: SqliteStore) -> None:
    delete(store, 51)


def prune_it(store: SqliteStore) -> None:
    assert store.prune(52) == 51
    store.prune_lines(NOW + 1)


@pytest.mark.parametrize("remove", [delete_it, prune_it])
def test_no_word_of_a_tweet_that_went_is_left_in_the_file_and_a_retry_still_finds_its_id(
    tmp_path: Path, remove: Callable[[SqliteStore], None]
) -> None:
    path = tmp_path / "t.db"
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=0)) as store:
        post(store, *[f"number {number} #filler" for number in range(50)])
        store.append([SECRET], [message_received(SECRET.text)], at=NOW)
        store.end_session("stopped", at=1)
        assert found_in(path) == [b"zebra", b"giraffe", b"okapi"]
        remove(store)
        store.end_session("stopped", at=2)
        assert found_in(path) == []
        assert store.append([SECRET, SECRET], [], at=NOW + 5) == [Tombstone(51, NOW)] * 2
        assert store.append([SECRET._replace(by=None)], [], at=NOW + 5)[0].id > 51


@pytest.mark.parametrize(
    ("text", "earlier"),
    [
        ("ze\u200bbra", "ze\u200bbra"),
        ("ze\xadbra\u3164", "ze\xadbra\u3164"),
        ("\u202ezebra\u2060\t", "\\u202ezebra\u2060\\t"),
        ("\U000e0041" * 150, "\U000e0041" * 150),
    ],
)
def test_a_deletion_finds_lines_of_an_earlier_ttweet_that_escaped_fewer_characters(
    tmp_path: Path, text: str, earlier: str
) -> None:
    path = tmp_path / "t.db"
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=0)) as store:
        store.append([draft(text)], [message_received("this"), message_shown("this")], at=NOW)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE log SET text = replace(text, 'this', ?)", (earlier,))
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=0)) as store:
        delete(store, 1)
    blanked = [("Message Received: (deleted)",), ("Received Message: (deleted)",)]
    assert rows(path, "SELECT text FROM log ORDER BY id LIMIT 2") == blanked


def test_report_lines_that_the_limit_removes_are_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with closing(SqliteStore.open(path, log_limit=300, at=0)) as store:
        store.append([SECRET], [message_received(SECRET.text)], at=NOW)
        store.append([], [message_shown(f"line {number}") for number in range(4)], at=NOW)
        assert [line.id for line in store.lines_after(0, limit=9)] == [2, 3, 4, 5]
        delete(store, 1)
        store.end_session("stopped", at=1)
        assert found_in(path) == []


def test_each_file_has_digests_of_its_own(tmp_path: Path) -> None:
    for name in ("a.db", "b.db"):
        with closing(SqliteStore.open(tmp_path / name, log_limit=9, at=0)) as store:
            store.append([SECRET], [], at=NOW)
    digests = [rows(tmp_path / name, "SELECT digest FROM keys") for name in ("a.db", "b.db")]
    assert digests[0] != digests[1]


WORDS = st.lists(st.sampled_from(["#a", "#A", "#b", "#B", "#1", "x"]), max_size=3).map(" ".join)
STEPS = st.lists(
    st.one_of(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 30)),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_after_any_mixture_of_posts_and_deletions_what_counts_tags_is_what_counting_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[str] | int]
) -> None:
    path = tmp_path_factory.mktemp("removal") / "t.db"
    ids: list[int] = []
    deletions: list[int] = []
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=0)) as store:
        for number, step in enumerate(steps):
            at = NOW + number * DAY_MS // 3
            if isinstance(step, list):
                ids += [tweet.id for tweet in post(store, *step, at=at)]
            else:
                _delete_any(store, step, at, ids, deletions)
        store.settle()
        assert ids == sorted(set(ids))
    check_counts(path)


def _delete_any(store: SqliteStore, tweet: int, at: int, ids: list[int], deletions: list[int]) -> None:
    newest = store.newest_id()
    try:
        deletion = delete(store, tweet, at=at)
    except Refused:
        assert tweet not in ids or tweet in deletions
    else:
        if deletion.id > newest:
            ids.append(deletion.id)
            deletions.append(deletion.id)


def check_counts(path: Path) -> None:
    """Each table that counts tags says what a count of the texts says."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for id_, at, typed in rows(path, "SELECT id, at, tags FROM tweets WHERE tags <> '' ORDER BY id"):
        for tag in typed.split(" "):
            key = next(iter(draft(f"#{tag}").tags))
            found.setdefault(key, []).append((tag, at, id_))
    counted = {key: (len(uses), uses[-1][1]) for key, uses in found.items()}
    rows_of_tags = rows(path, "SELECT key, count, newest, id, spelling, spelling_count FROM tags")
    assert {row[0]: row[1:3] for row in rows_of_tags} == counted
    for key, _, _, id_, spelling, amount in rows_of_tags:
        others = rows(path, f"SELECT spelling, count FROM spellings WHERE tag = {id_}")
        uses = [tag for tag, _, _ in found[key]]
        assert dict([*others, (spelling, amount)]) == {tag: uses.count(tag) for tag in uses}
        assert amount == max(uses.count(tag) for tag in uses)
        links = rows(path, f"SELECT tweet FROM tweet_tags WHERE tag = {id_} ORDER BY tweet")
        assert [tweet for (tweet,) in links] == [tweet for _, _, tweet in found[key]]
        days = rows(path, f"SELECT day, count FROM tag_days WHERE tag = {id_} ORDER BY day")
        each = [at // DAY_MS for _, at, _ in found[key]]
        assert days == sorted((day, each.count(day)) for day in {*each})
    strays = "SELECT count(*) FROM {} WHERE tag NOT IN (SELECT id FROM tags)"
    assert [rows(path, strays.format(name)) for name in ("tweet_tags", "spellings", "tag_days")] == [[(0,)]] * 3
