"""Who a client is: rights and names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.memory_store import MemoryStore
from ttweet.access import ANYBODY, POST, READ, Who
from ttweet.errors import Refused
from ttweet.journal import Journal
from ttweet.service import Service
from ttweet.visitor import Visitor
from ttweet.worker import Worker

CI = Who("ci", frozenset({READ, POST}), 1)


@asynccontextmanager
async def services() -> AsyncIterator[Service]:
    store = MemoryStore()
    with Worker("reader") as worker:
        yield Service(Journal(store), store, worker)
        await trio.lowlevel.checkpoint()


async def test_what_is_posted_carries_the_name_that_was_taken() -> None:
    async with services() as service:
        visitor = Visitor(service, ANYBODY)
        assert visitor.log_in("matt") == {"name": "matt", "after": 0}
        visitor.log_in("mia")
        assert (visitor.author, service.online) == ("mia", ["mia"])
        visitor.log_out()
        visitor.log_out()
        assert (visitor.author, service.online) == (None, [])


async def test_a_token_s_name_is_the_author_and_no_other_can_be_taken() -> None:
    async with services() as service:
        visitor = Visitor(service, CI)
        assert (visitor.author, service.online) == ("ci", [])
        with pytest.raises(Refused, match="token is that of ci") as refused:
            visitor.log_in("matt")
        assert refused.value.code == "forbidden"
        visitor.log_in("ci")
        assert (visitor.author, service.online) == ("ci", ["ci"])
        visitor.log_out()
        assert (visitor.author, service.online) == ("ci", [])


async def test_a_token_that_several_use_is_online_once_and_the_author_of_all() -> None:
    async with services() as service:
        first, second = Visitor(service, CI), Visitor(service, CI)
        first.log_in("ci")
        with pytest.raises(Refused, match="online already"):
            second.log_in("ci")
        second.log_out()
        assert (second.author, service.online) == ("ci", ["ci"])
