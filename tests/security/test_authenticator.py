"""Authentication over connections: tokens that are made, revoked and expire while a server runs."""

import fcntl
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio.testing

from tests.server.tcp.test_connection_deadlines import SlowReader
from tests.support.guard import GUARD_S
from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.posters import BUSY
from tests.support.serving import Caller, Serving, serving
from ttweet.model.errors import OpenError, ProtocolError, Refused, StoreError
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS
from ttweet.security.token_file import Fingerprint, TokenFile
from ttweet.security.tokens import USE_PAUSE_MS
from ttweet.server.config import Limits

NOBODY: frozenset[str] = frozenset()
ALL = frozenset(RIGHTS)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tweets.db")


class WallClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


async def come_in(here: Serving, secret: str) -> Caller:
    caller = await here.call()
    assert (await caller.ask("a", secret))[0] == "ok"
    return caller


def code(answer: tuple[str, Any]) -> str:
    return answer[1]["code"] if answer[0] == "err" else answer[0]


async def test_a_token_gives_its_rights_and_its_name(file: TokenFile) -> None:
    store = MemoryStore()
    _, secret = file.add("ci", frozenset({POST}))
    async with serving(store, authenticator=Authenticator(NOBODY, file)) as here:
        caller = await here.call()
        await caller.send(("a", secret), ("u", "built"), ("d", ""))
        who, stored, last = await caller.answers(3)
    assert who == ("ok", {"name": "ci", "can": ["post"]})
    assert (code(stored), code(last)) == ("ok", "forbidden")
    assert [tweet.by for tweet in store.tweets] == ["ci"]


@pytest.mark.parametrize("wrong", ["", "ttw_wrong", "x" * 10_000, 7, None, ["a"]])
async def test_a_wrong_token_is_reported_once_and_nothing_that_came_with_it_is_done(
    file: TokenFile, wrong: object
) -> None:
    store = MemoryStore()
    file.add("ci", frozenset({POST}))
    async with serving(store, authenticator=Authenticator(ALL, file)) as here:
        caller = await here.call()
        await caller.send(("a", wrong), ("u", "no"), ("x", ""), ("d", ""))
        said = await caller.rest()
    assert said.count(b"\n") == 1
    assert b'"code":"token"' in said
    assert not store.tweets


async def test_a_token_that_was_just_made_is_good_at_once(file: TokenFile) -> None:
    async with serving(authenticator=Authenticator(NOBODY, file)) as here:
        _, secret = file.add("ci", frozenset({READ}))
        await come_in(here, secret)


async def test_a_token_that_was_revoked_ends_its_connections_and_no_other(file: TokenFile) -> None:
    _, lost = file.add("laptop", ALL)
    _, kept = file.add("desk", ALL)
    async with serving(authenticator=Authenticator(NOBODY, file)) as here:
        idle, following = await come_in(here, lost), await come_in(here, lost)
        other = await come_in(here, kept)
        await following.ask("s", "")
        await following.answer()  # it is live
        file.revoke("laptop")
        for ended in (idle, following):
            assert b'"the token of laptop was revoked or has expired"' in await ended.rest()
        assert code(await other.ask("u", "still here")) == "ok"
        again = await here.call()
        assert code(await again.ask("a", lost)) == "token"


async def test_a_revoked_token_ends_its_connection_in_the_middle_of_a_frame(file: TokenFile) -> None:
    _, secret = file.add("laptop", ALL)
    patient = Limits(frame_s=10 * GUARD_S)
    async with serving(authenticator=Authenticator(NOBODY, file), limits=patient) as here:
        caller = await come_in(here, secret)
        await caller.stream.send_all(b'["u","never')
        await trio.testing.wait_all_tasks_blocked()
        file.revoke("laptop")
        assert b'"code":"token"' in await caller.rest()
    assert not here.store.tweets


async def test_posts_under_way_of_a_revoked_token_are_stored_and_answered_and_no_later_ones(file: TokenFile) -> None:
    store = HeldStore()
    _, secret = file.add("laptop", ALL)
    authenticator = Authenticator(NOBODY, file)
    async with serving(store, authenticator=authenticator) as here:
        caller = await come_in(here, secret)
        store.hold()
        await caller.send(("u", "under way"), ("d", ""), ("s", ""), ("u", "too late"))
        await store.wait_held()
        file.revoke("laptop")
        await authenticator.refresh()
        await here.places.recheck()
        store.release()
        said = (await caller.rest()).splitlines()
    assert [b'"ok"' in line for line in said] == [True, False]
    assert b'"code":"token"' in said[1]
    assert [tweet.text for tweet in store.tweets] == ["under way"]


@pytest.mark.parametrize("error", [None, BUSY, Refused("bad_tag", "no tag")])
async def test_a_client_that_loses_the_token_while_a_query_is_looked_up_gets_no_answer_to_it(
    file: TokenFile, error: Refused | StoreError | None
) -> None:
    store = SlowReader(error)
    _, secret = file.add("laptop", ALL)
    authenticator = Authenticator(NOBODY, file)
    async with serving(store, authenticator=authenticator) as here:
        caller = await come_in(here, secret)
        await caller.send(("t", "a"))
        await trio.testing.wait_all_tasks_blocked()
        file.revoke("laptop")
        await authenticator.refresh()
        await here.places.recheck()
        store.authenticator.set()
        said = await caller.rest()
    assert said.count(b"\n") == 1
    assert b'"code":"token"' in said


def replace_with(file: TokenFile, name: str, rights: frozenset[str]) -> str:
    """Put a file with one token, whose number is 1 too, in the file's place in one step; returns its secret."""
    other = TokenFile(file.path.with_name("other.db"))
    _, secret = other.add(name, rights)
    other.path.replace(file.path)
    return secret


@pytest.mark.parametrize("name", ["alice", "bob"])
@pytest.mark.parametrize("rights", [NOBODY, {READ}, {POST}, {ADMIN}, ALL])
async def test_a_token_of_a_file_that_was_replaced_ends_whatever_name_number_and_rights_the_next_has(
    name: str, rights: frozenset[str], file: TokenFile
) -> None:
    _, leaked = file.add("alice", ALL)
    authenticator = Authenticator(NOBODY, file)
    async with serving(authenticator=authenticator) as here:
        caller = await come_in(here, leaked)
        fresh = replace_with(file, name, frozenset(rights))
        await authenticator.refresh()
        await here.places.recheck()
        assert b'"the token of alice was revoked or has expired"' in await caller.rest()
        assert (await authenticator.identify(fresh, "192.0.2.1")).rights == rights


async def test_a_use_is_noted_for_no_other_token_of_the_same_number(file: TokenFile) -> None:
    _, leaked = file.add("alice", ALL)
    authenticator = Authenticator(NOBODY, file)
    await authenticator.identify(leaked, "192.0.2.1")
    fresh = replace_with(file, "alice", ALL)
    await authenticator.note_uses()
    assert [token.used for token in file.read()] == [None]
    await authenticator.refresh()
    await authenticator.identify(fresh, "192.0.2.1")
    await authenticator.note_uses()
    assert [token.used is None for token in file.read()] == [False]


def edit(file: TokenFile, **fields: object) -> None:
    """Change the file's one token, as an editor would."""
    changed = file.read()[0].as_json() | fields
    file.path.write_text(json.dumps(changed) + "\n")


async def test_a_token_has_the_rights_and_the_name_that_its_file_gives_it_by_now(file: TokenFile) -> None:
    store = MemoryStore()
    _, secret = file.add("alice", ALL)
    authenticator = Authenticator(NOBODY, file)
    async with serving(store, authenticator=authenticator) as here:
        caller = await come_in(here, secret)
        edit(file, name="bob", rights=[POST])
        await authenticator.refresh()
        await here.places.recheck()
        assert code(await caller.ask("u", "by bob")) == "ok"
        assert code(await caller.ask("d", "")) == code(await caller.ask("x", 1)) == "forbidden"
    assert [tweet.by for tweet in store.tweets] == ["bob"]


async def test_a_follower_whose_token_may_read_no_more_gets_an_error_and_goes(file: TokenFile) -> None:
    _, secret = file.add("alice", ALL)
    async with serving(authenticator=Authenticator(NOBODY, file)) as here:
        caller = await come_in(here, secret)
        await caller.ask("s", "")
        await caller.answer()  # it is live
        edit(file, rights=[POST])
        assert b'"the token of alice no longer has the right to read"' in await caller.rest()


async def test_a_token_expires_while_it_is_used(file: TokenFile) -> None:
    clock = WallClock()
    _, secret = file.add("guest", ALL, expires=clock.now + 60_000)
    async with serving(authenticator=Authenticator(NOBODY, file, clock=clock)) as here:
        caller = await come_in(here, secret)
        clock.now += 60_000
        assert b'"code":"token"' in await caller.rest()
        again = await here.call()
        assert await again.ask("a", secret) == ("err", {"code": "token", "text": "the token of guest has expired"})


async def test_the_anonymous_are_no_administrators_once_there_is_one(file: TokenFile) -> None:
    assert Authenticator(ALL, file).anonymous.rights == ALL
    file.add("ci", frozenset({POST}))
    assert Authenticator(ALL, file).anonymous.rights == ALL
    file.add("root", frozenset({ADMIN}))
    assert Authenticator(ALL, file).anonymous.rights == {READ, POST}
    file.revoke("root")
    assert Authenticator(ALL, file).anonymous.rights == {READ, POST}  # no client gets one by that
    file.add("root", frozenset({READ}))
    assert Authenticator(ALL, file).anonymous.rights == {READ, POST}  # nor by this


async def test_a_file_that_cannot_be_read_any_more_changes_nothing(
    file: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    _, secret = file.add("ci", ALL)
    authenticator = Authenticator(NOBODY, file)
    file.path.write_text("{\n")
    for _ in range(2):
        with pytest.raises(ProtocolError):
            await authenticator.identify("wrong", "192.0.2.1")
    assert (await authenticator.identify(secret, "192.0.2.1")).name == "ci"
    assert [record.message[:26] for record in caplog.records] == ["the tokens stay unchanged:"]
    with pytest.raises(OpenError):
        Authenticator(NOBODY, file)


async def test_a_file_that_is_gone_ends_its_tokens_and_makes_no_client_administrator(file: TokenFile) -> None:
    token, _ = file.add("root", ALL)
    authenticator = Authenticator(ALL, file)
    file.path.unlink()
    with pytest.raises(ProtocolError):
        await authenticator.identify("wrong", "192.0.2.1")
    with pytest.raises(ProtocolError):
        authenticator.current(token.who)
    assert authenticator.anonymous.rights == {READ, POST}


async def test_uses_are_noted_in_the_file_once_a_minute(file: TokenFile) -> None:
    clock = WallClock()
    _, secret = file.add("ci", ALL)
    authenticator = Authenticator(NOBODY, file, clock=clock)
    assert file.read()[0].used is None
    noted = []
    for later_ms in (0, 1_000, USE_PAUSE_MS - 1_000):
        clock.now += later_ms
        await authenticator.identify(secret, "192.0.2.1")
        await authenticator.note_uses()
        noted.append(file.read()[0].used)
    begun = clock.now - USE_PAUSE_MS
    assert noted == [begun, begun, begun + USE_PAUSE_MS]


async def test_a_use_after_the_clock_was_put_back_is_noted(file: TokenFile) -> None:
    clock = WallClock()
    _, secret = file.add("ci", ALL)
    authenticator = Authenticator(NOBODY, file, clock=clock)
    for later_ms in (0, -USE_PAUSE_MS):
        clock.now += later_ms
        await authenticator.identify(secret, "192.0.2.1")
        await authenticator.note_uses()
    assert file.read()[0].used == clock.now


async def test_a_use_that_cannot_be_noted_now_is_noted_later_with_one_warning(
    file: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    _, secret = file.add("ci", ALL)
    authenticator = Authenticator(NOBODY, file)
    await authenticator.identify(secret, "192.0.2.1")
    with file.path.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        for _ in range(2):
            await authenticator.note_uses()
            await authenticator.refresh()
    assert file.read()[0].used is None
    await authenticator.note_uses()
    assert file.read()[0].used is not None
    assert [record.message[:41] for record in caplog.records] == ["the times of their last use are saved lat"]


class SlowFile(TokenFile):
    """A file on a disk that does not answer, for one of its methods, until the block of `hanging` is left."""

    def __init__(self, db: Path, slow: str) -> None:
        super().__init__(db)
        self._slow = slow
        self._answers = threading.Event()
        self._answers.set()
        self._asked = threading.Event()

    async def asked(self) -> None:
        """Wait until a task waits for the disk."""
        await trio.to_thread.run_sync(self._asked.wait)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self._answers.clear()
        try:
            yield
        finally:
            self._answers.set()

    def fingerprint(self) -> Fingerprint | None:
        self._answer("fingerprint")
        return super().fingerprint()

    def note_uses(self, uses: Mapping[str, int]) -> None:
        self._answer("note_uses")
        super().note_uses(uses)

    def _answer(self, name: str) -> None:
        if name == self._slow and not self._answers.is_set():
            self._asked.set()
            assert self._answers.wait(GUARD_S)


async def test_a_note_that_takes_long_delays_no_revocation(tmp_path: Path) -> None:
    file = SlowFile(tmp_path / "tweets.db", "note_uses")
    _, secret = file.add("laptop", ALL)
    async with serving(authenticator=Authenticator(NOBODY, file)) as here:
        with file.hanging():
            caller = await come_in(here, secret)
            await file.asked()
            file.revoke("laptop")
            assert b'"code":"token"' in await caller.rest()


async def test_a_use_just_before_the_stop_is_noted(file: TokenFile) -> None:
    _, secret = file.add("ci", ALL)
    authenticator = Authenticator(NOBODY, file)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(authenticator.run, trio.lowlevel.checkpoint)
        await trio.testing.wait_all_tasks_blocked()
        await authenticator.identify(secret, "192.0.2.1")
        nursery.cancel_scope.cancel()
    assert [token.used is None for token in file.read()] == [False]


@pytest.mark.parametrize("slow", ["fingerprint", "note_uses"])
async def test_a_disk_that_does_not_answer_does_not_keep_the_server_from_stopping(slow: str, tmp_path: Path) -> None:
    file = SlowFile(tmp_path / "tweets.db", slow)
    _, secret = file.add("ci", ALL)
    authenticator = Authenticator(NOBODY, file)
    await authenticator.identify(secret, "192.0.2.1")
    with file.hanging():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(authenticator.run, trio.lowlevel.checkpoint)
            await file.asked()
            nursery.cancel_scope.cancel()
