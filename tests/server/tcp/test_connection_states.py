"""The states of a connection: the table of `state`, cell by cell."""

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.serving import Caller, Serving, serving
from ttweet.server.tcp.connection import Connection
from ttweet.server.tcp.state import CLOSED, DRAINING, HANDLING, LAST_READ, LINGERING, READING, State

PING = b'["p",""]\n'
HALF = PING[:4]
REST = PING[4:]
HELD = b'["u","held"]\n["d",""]\n'  # the query waits for the upload


async def reach(state: State, here: Serving, half: bytes = b"") -> tuple[Connection, Caller]:
    """A connection in that state, with half a frame if given; uploads are held."""
    caller = await here.call()
    assert (await caller.ask("p", ""))[0] == "ok"
    (connection,) = here.connections
    if state in (HANDLING, DRAINING):
        here.store.hold()
        await caller.stream.send_all(HELD + half)
        await here.store.wait_held()
    elif state is LAST_READ:
        await caller.stream.send_all(HALF)
        await trio.testing.wait_all_tasks_blocked()
        connection.stop()
    elif state is LINGERING:
        await caller.stream.send_all(b"nonsense\n")
        assert b"bad_frame" in await caller.rest()
    elif half:
        await caller.stream.send_all(half)
    await trio.testing.wait_all_tasks_blocked()
    if state is DRAINING:
        connection.stop()
    return connection, caller


async def act(what: str, connection: Connection, caller: Caller, here: Serving) -> None:
    if what == "bytes":
        await caller.stream.send_all(HELD)
        await trio.testing.wait_all_tasks_blocked()
    elif what == "rest and held":
        here.store.hold()
        await caller.stream.send_all(REST + HELD)
        await here.store.wait_held()
    elif what == "end":
        await caller.stream.send_eof()
    elif what == "reset":
        await caller.reset()
    elif what == "release":
        here.store.release()
        while connection._outbox.is_undecided:  # the first commit may be that of report lines alone
            await here.journal.wait_commit(here.journal.commits)
    else:
        getattr(connection, what)()
    await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("before", "half", "what", "after"),
    [
        (READING, False, "end", CLOSED),
        (READING, False, "stop", CLOSED),
        (READING, True, "stop", LAST_READ),
        (READING, False, "expire", CLOSED),
        (READING, True, "expire", CLOSED),
        (READING, False, "reset", CLOSED),
        (HANDLING, False, "bytes", HANDLING),
        (HANDLING, False, "release", READING),
        (HANDLING, False, "stop", DRAINING),
        (HANDLING, False, "expire", HANDLING),
        (LAST_READ, True, "rest and held", DRAINING),
        (LAST_READ, True, "end", CLOSED),
        (LAST_READ, True, "stop", LAST_READ),
        (LAST_READ, True, "expire", CLOSED),
        (LAST_READ, True, "reset", CLOSED),
        (DRAINING, False, "bytes", DRAINING),
        (DRAINING, False, "release", LINGERING),
        (DRAINING, False, "stop", DRAINING),
        (DRAINING, False, "expire", DRAINING),
        (LINGERING, False, "bytes", LINGERING),
        (LINGERING, False, "end", CLOSED),
        (LINGERING, False, "stop", CLOSED),
        (LINGERING, False, "expire", CLOSED),
        (LINGERING, False, "reset", CLOSED),
        (CLOSED, False, "stop", CLOSED),
        (CLOSED, False, "expire", CLOSED),
    ],
    ids=lambda value: value.name if isinstance(value, State) else str(value),
)
async def test_a_connection_changes_its_state_as_the_table_says(
    before: State, half: bool, what: str, after: State
) -> None:
    store = HeldStore()
    async with serving(store) as here:
        connection, caller = await reach(before, here, HALF if half else b"")
        if before is CLOSED:
            connection.close()
        assert connection._state is before
        try:
            await act(what, connection, caller, here)
            assert connection._state is after
        finally:
            store.release()


async def test_a_connection_that_was_closed_before_its_task_began_is_served_nothing() -> None:
    async with serving() as here:
        caller = here.call_in_memory()
        await here.places.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert await caller.rest() == b""
        assert here.places.taken == 0


async def test_answers_that_are_not_taken_are_given_up_though_an_upload_waits_behind_them() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = here.call_in_memory(lockstep=True)
        (connection,) = here.connections
        store.hold()
        await caller.send(("p", ""), ("u", "held"))
        await store.wait_held()
        connection.expire()
        store.release()
        assert connection._state is CLOSED
