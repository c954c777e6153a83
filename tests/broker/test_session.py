"""Sessions of clients: rights and names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.support.memory_store import MemoryStore
from tests.support.serving import counted
from ttweet.broker.fanout import FanOut
from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.search import Search
from ttweet.broker.service import Service
from ttweet.broker.session import Backend, Session
from ttweet.broker.subscriptions import READING, WAITING
from ttweet.broker.worker import Worker
from ttweet.model.answers import Following, Identity, SignedIn
from ttweet.model.errors import ProtocolError, Refused
from ttweet.model.requests import Follow
from ttweet.protocol.pushes import FrameEncoder
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import POST, READ, RIGHTS
from ttweet.security.token_file import TokenFile


@asynccontextmanager
async def backends() -> AsyncIterator[Backend]:
    store = MemoryStore()
    with Worker("reader") as worker:
        journal = Journal(store)
        scheduler = ReadScheduler(journal.uploads, worker, journal.trouble)
        service = Service(journal, store, scheduler, counted(journal), Search(journal, store, scheduler))
        yield Backend(service, FanOut(journal.head, store, scheduler), Authenticator())
        await trio.lowlevel.checkpoint()


class PushKeeper:
    """Keeps what is pushed."""

    encoder = FrameEncoder()
    has_room = True

    def __init__(self) -> None:
        self.pushed: list[bytes] = []

    def push(self, data: bytes) -> bool:
        self.pushed.append(data)
        return True

    def close(self) -> None:
        raise AssertionError("nothing fails here")


def session_of(backend: Backend, authenticator: Authenticator | None = None, address: str = "192.0.2.1") -> Session:
    return Session(backend._replace(authenticator=authenticator or backend.authenticator), (address, 1), PushKeeper())


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tweets.db")


async def test_a_post_carries_the_name_that_its_session_has_taken() -> None:
    async with backends() as backend:
        session = session_of(backend)
        assert session.sign_in("matt") == SignedIn("matt", 0)
        session.sign_in("mia")
        assert (session.author, backend.service.online.names) == ("mia", ["mia"])
        session.sign_out()
        session.sign_out()
        assert not session.author
        assert backend.service.online.names == []


async def test_a_token_s_name_is_the_author_and_no_other_can_be_taken(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({READ, POST}))
    async with backends() as backend:
        session = session_of(backend, Authenticator(file=file))
        assert await session.identify(secret) == Identity("ci", (READ, POST))
        assert (session.author, backend.service.online.names) == ("ci", [])
        with pytest.raises(Refused, match="your token is for ci") as refused:
            session.sign_in("matt")
        assert refused.value.code == "forbidden"
        session.sign_in("ci")
        assert (session.author, backend.service.online.names) == ("ci", ["ci"])
        session.sign_out()
        assert (session.author, backend.service.online.names) == ("ci", [])


async def test_a_token_that_several_use_is_online_once_and_the_author_of_all(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with backends() as backend:
        authenticator = Authenticator(file=file)
        first, second = session_of(backend, authenticator), session_of(backend, authenticator)
        await first.identify(secret)
        await second.identify(secret)
        first.sign_in("ci")
        with pytest.raises(Refused, match="is online"):
            second.sign_in("ci")
        second.sign_out()
        assert (second.author, backend.service.online.names) == ("ci", ["ci"])


async def test_a_token_that_gets_another_name_frees_the_one_it_had(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with backends() as backend:
        authenticator = Authenticator(file=file)
        session = session_of(backend, authenticator)
        await session.identify(secret)
        session.sign_in("ci")
        file.path.write_text(file.path.read_text().replace('"ci"', '"robot"'))
        await authenticator.refresh()
        session.recheck()
        assert (session.author, backend.service.online.names) == ("robot", [])


async def test_no_other_client_takes_the_name_of_a_token(file: TokenFile) -> None:
    file.add("ci", frozenset({POST}))
    async with backends() as backend:
        with pytest.raises(Refused, match="ci, or one that looks like it, belongs to a token") as refused:
            session_of(backend, Authenticator(file=file)).sign_in("ci")
        assert refused.value.code == "name_taken"


async def test_no_other_client_takes_a_name_that_looks_like_that_of_a_token(file: TokenFile) -> None:
    file.add("ann", frozenset({POST}))
    async with backends() as backend:
        session = session_of(backend, Authenticator(file=file))
        for name in ("Ann", "\u0430nn", "A\u039d\u039d", "\u1d00\u0274\u0274"):
            with pytest.raises(Refused, match="looks like it"):
                session.sign_in(name)
        assert session.sign_in("anna").name == "anna"


async def test_no_client_takes_a_name_that_looks_like_one_online(file: TokenFile) -> None:
    async with backends() as backend:
        first, second = session_of(backend), session_of(backend)
        first.sign_in("carla")
        second.sign_in("bob")
        with pytest.raises(Refused, match=r"name taken: 'carla', which looks like '\\u0441arla', is online"):
            second.sign_in("\u0441arla")
        assert backend.service.online.names == ["carla", "bob"]
        first.sign_out()
        second.sign_in("\u0441arla")
        assert (second.author, backend.service.online.names) == ("\u0441arla", ["\u0441arla"])


async def test_a_client_may_change_the_looks_of_its_own_name() -> None:
    async with backends() as backend:
        session, other = session_of(backend), session_of(backend)
        for name in ("ann", "Ann", "ann", "ann"):
            session.sign_in(name)
            assert (session.author, backend.service.online.names) == (name, [name])
        session.sign_out()
        other.sign_in("ANN")
        assert backend.service.online.names == ["ANN"]


async def test_a_client_that_looks_like_a_new_token_loses_the_name(file: TokenFile) -> None:
    async with backends() as backend:
        authenticator = Authenticator(file=file)
        session = session_of(backend, authenticator)
        session.sign_in("C\u0456")
        file.add("ci", frozenset({POST}))
        await authenticator.refresh()
        session.recheck()
        assert (session.author, backend.service.online.names) == (None, [])


async def test_a_client_that_is_online_under_the_name_of_a_new_token_loses_the_name(file: TokenFile) -> None:
    async with backends() as backend:
        authenticator = Authenticator(file=file)
        session = session_of(backend, authenticator)
        session.sign_in("ci")
        _, secret = file.add("ci", frozenset(RIGHTS))
        holder = session_of(backend, authenticator)
        await holder.identify(secret)
        session.recheck()
        assert not session.author
        assert session.principal.rights == {READ, POST}  # since there is an administrator now
        assert backend.service.online.names == []


async def test_a_dismissed_client_stays_anonymous_whatever_becomes_of_tokens(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with backends() as backend:
        authenticator = Authenticator(file=file)
        session = session_of(backend, authenticator)
        await session.identify(secret)
        session.recheck()
        session.end()
        session.recheck()
        assert session.ended
        assert not session.principal.rights


async def test_a_revoked_token_is_found_at_the_next_check(file: TokenFile) -> None:
    _, secret = file.add("ci", frozenset({POST}))
    async with backends() as backend:
        authenticator = Authenticator(file=file)
        session = session_of(backend, authenticator)
        await session.identify(secret)
        file.revoke("ci")
        with pytest.raises(ProtocolError, match="unknown token"):
            await authenticator.identify("wrong", "192.0.2.2")  # which makes the authenticator look at the file
        with pytest.raises(ProtocolError, match="the token of ci was revoked"):
            session.recheck()


async def test_a_session_reports_its_tags_until_it_unfollows_or_follows_other_ones() -> None:
    async with backends() as backend:
        session = session_of(backend)
        session.unfollow()
        assert session.follow(Follow()) == Following(0)
        assert session.follows == WAITING
        session.resume()
        assert session.follows == READING
        with pytest.raises(Refused, match="invalid tag"):
            session.follow(Follow(("a b",)))
        with pytest.raises(Refused, match="only excludes"):
            session.follow(Follow(query="-a"))
        assert session.follows == READING
        session.follow(Follow(("a",), query="b"))
        assert session.follows == WAITING
        session.unfollow()
        assert session.follows is None


async def test_a_client_that_was_ended_follows_nothing() -> None:
    async with backends() as backend:
        session = session_of(backend)
        session.follow(Follow())
        session.end()
        assert session.follows is None


async def test_a_client_that_has_left_follows_nothing() -> None:
    async with backends() as backend:
        session = session_of(backend)
        session.follow(Follow())
        session.leave()
        assert session.follows is None
        with pytest.raises(trio.ClosedResourceError):
            session.follow(Follow())


async def test_a_follower_without_room_is_not_resumed() -> None:
    async with backends() as backend:
        client = PushKeeper()
        session = Session(backend, ("192.0.2.1", 1), client)
        session.follow(Follow())
        client.has_room = False
        session.resume()
        assert session.follows == WAITING


async def test_a_follower_that_begins_before_what_is_kept_learns_up_to_where_it_goes() -> None:
    async with backends() as backend:
        backend.fanout.pruned(7)
        assert session_of(backend).follow(Follow()) == Following(0, 7)
