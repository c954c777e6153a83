"""Who a client is: rights and names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.support.memory_store import MemoryStore
from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.service import Service
from ttweet.broker.session import Session
from ttweet.broker.worker import Worker
from ttweet.model.errors import ProtocolError, Refused
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import POST, READ, RIGHTS
from ttweet.security.token_file import TokenFile


@asynccontextmanager
async def services() -> AsyncIterator[Service]:
    store = MemoryStore()
    with Worker("reader") as worker:
        journal = Journal(store)
        yield Service(journal, store, ReadScheduler(journal.uploads, worker))
        await trio.lowlevel.checkpoint()


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tweets.db")


async def test_what_is_posted_carries_the_name_that_was_taken() -> None:
    async with services() as service:
        session = Session(service, Authenticator())
        assert session.log_in("matt") == {"name": "matt", "after": 0}
        session.log_in("mia")
        assert (session.author, service.online) == ("mia", ["mia"])
        session.log_out()
        session.log_out()
        assert not session.author
        assert service.online == []


async def test_a_token_s_name_is_the_author_and_no_other_can_be_taken(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({READ, POST}))
    async with services() as service:
        session = Session(service, Authenticator(file=file))
        assert await session.identify(secret, "192.0.2.1") == {"name": "ci", "can": ["read", "post"]}
        assert (session.author, service.online) == ("ci", [])
        with pytest.raises(Refused, match="token is that of ci") as refused:
            session.log_in("matt")
        assert refused.value.code == "forbidden"
        session.log_in("ci")
        assert (session.author, service.online) == ("ci", ["ci"])
        session.log_out()
        assert (session.author, service.online) == ("ci", [])


async def test_a_token_that_several_use_is_online_once_and_the_author_of_all(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with services() as service:
        authenticator = Authenticator(file=file)
        first, second = Session(service, authenticator), Session(service, authenticator)
        await first.identify(secret, "192.0.2.1")
        await second.identify(secret, "192.0.2.2")
        first.log_in("ci")
        with pytest.raises(Refused, match="online already"):
            second.log_in("ci")
        second.log_out()
        assert (second.author, service.online) == ("ci", ["ci"])


async def test_a_token_that_gets_another_name_frees_the_one_it_had(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with services() as service:
        authenticator = Authenticator(file=file)
        session = Session(service, authenticator)
        await session.identify(secret, "192.0.2.1")
        session.log_in("ci")
        file.path.write_text(file.path.read_text().replace('"ci"', '"robot"'))
        await authenticator.look_after()
        session.check()
        assert (session.author, service.online) == ("robot", [])


async def test_nobody_else_takes_the_name_of_a_token(file: TokenFile) -> None:
    file.add("ci", frozenset({POST}))
    async with services() as service:
        with pytest.raises(Refused, match="ci is the name of a token") as refused:
            Session(service, Authenticator(file=file)).log_in("ci")
        assert refused.value.code == "name_taken"


async def test_nobody_else_takes_a_name_that_looks_like_that_of_a_token(file: TokenFile) -> None:
    file.add("ann", frozenset({POST}))
    async with services() as service:
        session = Session(service, Authenticator(file=file))
        for name in ("Ann", "\u0430nn", "A\u039d\u039d", "\u1d00\u0274\u0274"):
            with pytest.raises(Refused, match="looks like it"):
                session.log_in(name)
        assert session.log_in("anna")["name"] == "anna"


async def test_nobody_takes_a_name_that_looks_like_one_online(file: TokenFile) -> None:
    async with services() as service:
        first, second = Session(service, Authenticator()), Session(service, Authenticator())
        first.log_in("carla")
        second.log_in("bob")
        with pytest.raises(Refused, match=r"'carla', which looks like '\\u0441arla', is online already"):
            second.log_in("\u0441arla")
        assert service.online == ["carla", "bob"]
        first.log_out()
        second.log_in("\u0441arla")
        assert (second.author, service.online) == ("\u0441arla", ["\u0441arla"])


async def test_a_client_may_change_the_looks_of_its_own_name() -> None:
    async with services() as service:
        session, other = Session(service, Authenticator()), Session(service, Authenticator())
        for name in ("ann", "Ann", "ann", "ann"):
            session.log_in(name)
            assert (session.author, service.online) == (name, [name])
        session.log_out()
        other.log_in("ANN")
        assert service.online == ["ANN"]


async def test_whoever_looks_like_a_new_token_loses_the_name(file: TokenFile) -> None:
    async with services() as service:
        authenticator = Authenticator(file=file)
        session = Session(service, authenticator)
        session.log_in("C\u0456")
        file.add("ci", frozenset({POST}))
        await authenticator.look_after()
        session.check()
        assert (session.author, service.online) == (None, [])


async def test_whoever_is_online_under_the_name_of_a_new_token_loses_the_name(file: TokenFile) -> None:
    async with services() as service:
        authenticator = Authenticator(file=file)
        session = Session(service, authenticator)
        session.log_in("ci")
        _, secret = file.add("ci", frozenset(RIGHTS))
        holder = Session(service, authenticator)
        await holder.identify(secret, "192.0.2.1")
        session.check()
        assert not session.author
        assert session.who.rights == {READ, POST}  # since there is an administrator now
        assert service.online == []


async def test_who_was_dismissed_stays_nobody_whatever_becomes_of_tokens(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with services() as service:
        authenticator = Authenticator(file=file)
        session = Session(service, authenticator)
        await session.identify(secret, "192.0.2.1")
        session.check()
        session.dismiss()
        session.check()
        assert session.ended
        assert not session.who.rights


async def test_a_revoked_token_is_found_at_the_next_check(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with services() as service:
        authenticator = Authenticator(file=file)
        session = Session(service, authenticator)
        await session.identify(secret, "192.0.2.1")
        file.revoke("ci")
        with pytest.raises(ProtocolError, match="no such token"):
            await authenticator.identify("wrong", "192.0.2.2")  # which makes the authenticator look at the file
        with pytest.raises(ProtocolError, match="the token of ci was revoked"):
            session.check()
