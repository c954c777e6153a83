"""The clients that have a rate limit, and the others, which do not notice it."""

from pathlib import Path

import pytest

from tests.support.memory_store import MemoryStore
from tests.support.serving import serving
from ttweet.model.errors import SlowDown
from ttweet.protocol.codecs import JSON
from ttweet.protocol.reader import RequestReader
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import READ, Principal
from ttweet.security.token_file import TokenFile
from ttweet.server.config import NO_RATES, Rates
from ttweet.server.net.throttle import Quota, Throttle
from ttweet.server.tcp.reader import reader_for

TWO = Rates(Rate(1, "h", burst=2), loopback=True)
NOBODY = Principal(None, frozenset())
TWICE = [("p", ""), ("p", "")]


def is_limited(rates: Rates, host: str) -> bool:
    return Throttle(rates).quota((host, 1), lambda: NOBODY) is not None


def test_a_client_that_is_not_limited_gets_no_gauge_and_pays_nothing() -> None:
    limited = Rates(Rate(1, "s", burst=1))
    assert is_limited(limited, "203.0.113.7")
    assert not is_limited(limited, "127.0.0.1")
    assert is_limited(limited._replace(loopback=True), "127.0.0.1")
    assert is_limited(limited, "memory")
    assert not is_limited(NO_RATES, "203.0.113.7")
    assert type(reader_for(None, JSON)) is RequestReader


async def test_requests_beyond_the_rate_are_refused_in_their_place_and_the_connection_continues() -> None:
    async with serving(rates=TWO) as here:
        caller = await here.call()
        await caller.send(("u", "one"), ("p", ""), ("u", "two"), ("?", ""))
        answers = await caller.answers(4)
        assert [kind for kind, _ in answers] == ["ok", "ok", "err", "err"]
        assert answers[2][1] == {
            "code": "slow_down",
            "text": "too many requests: the limit is 1/h after 2 at once; retry in 3600 s",
            "wait": 3600,
        }
        assert (await caller.ask("d", ""))[1]["code"] == "slow_down"
    assert [tweet.text for tweet in here.store.tweets] == ["one"]
    assert not [line for line in here.lines if "COULD NOT BE PROCESSED" in line]


@pytest.mark.parametrize(
    ("asked", "times"),
    [
        *[(one, 20) for one in ('["p",""]', '["d",""]', '["u","x"]', '["w",""]', '["c",""]')],
        *[(one, 10) for one in ('["t","x"]', '["g","ann"]', '["g",{"by":"ann","login":true}]', '["s",""]')],
        *[(one, 5) for one in ('["l",""]', '["i",""]')],
        ('["x",1]', 1),
    ],
)
async def test_a_request_that_takes_the_server_long_counts_as_several(asked: str, times: int) -> None:
    quota = Throttle(Rates(Rate(1, "h", burst=20))).quota(("203.0.113.7", 1), lambda: NOBODY)
    events = reader_for(quota, JSON).receive_data(f"{asked}\n".encode() * (times + 1))
    assert [isinstance(event, SlowDown) for event in events] == [False] * times + [True]


async def test_requests_behind_a_refused_one_are_refused_without_a_look_at_their_bucket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    throttle, takes = Throttle(Rates(Rate(1, "h", burst=2))), 0
    quota = throttle.quota(("203.0.113.7", 1), lambda: NOBODY)
    assert quota is not None
    assert throttle.limiter is not None
    take = quota.take

    def counted(self: Quota, cost: int = 1) -> SlowDown | None:
        nonlocal takes
        takes += 1
        return take(cost)

    monkeypatch.setattr(Quota, "take", counted)
    reader = reader_for(quota, JSON)
    events = reader.receive_data(b'["p",""]\n' * 100 + b'["r","x"]\n' * 100 + b'["l",""]\n' * 100)
    assert [isinstance(event, SlowDown) for event in events] == [False] * 2 + [True] * 198
    assert [event.wait_s for event in (events[2], events[-1]) if isinstance(event, SlowDown)] == [3600, 7200]
    assert throttle.limiter.refused == 298
    assert takes == 4


async def test_all_connections_of_an_address_share_its_bucket() -> None:
    async with serving(rates=TWO) as here:
        answers = [await (await here.call()).ask("p", "") for _ in range(3)]
    assert [kind for kind, _ in answers] == ["ok", "ok", "err"]


async def test_a_token_of_a_file_that_was_replaced_spends_nothing_of_the_next_one_s(tmp_path: Path) -> None:
    file, other = TokenFile(tmp_path / "tweets.db"), TokenFile(tmp_path / "other.db")
    (_, old), (_, new) = file.add("ci", frozenset({READ})), other.add("ci", frozenset({READ}))
    authenticator = Authenticator(file=file)
    async with serving(authenticator=authenticator, rates=TWO) as here:
        caller = await here.call()
        assert [(await caller.ask(*asked))[0] for asked in [("a", old), *TWICE]] == ["ok", "ok", "ok"]
        other.path.replace(file.path)
        await authenticator.refresh()
        again = await here.call()
        assert [(await again.ask(*asked))[0] for asked in [("a", new), *TWICE, *TWICE]] == ["ok"] * 3 + ["err"] * 2


async def test_a_token_has_a_bucket_of_its_own_on_all_connections_that_show_it(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ci", frozenset({READ}))
    async with serving(authenticator=Authenticator(file=file), rates=TWO) as here:
        for _ in range(3):
            stranger = await here.call()
            await stranger.ask("p", "")
        answers = []
        for _ in range(3):
            caller = await here.call()
            assert (await caller.ask("a", secret))[0] == "ok"  # also from an address that has used up its own
            answers.append(await caller.ask("p", ""))
    assert [kind for kind, _ in answers] == ["ok", "ok", "err"]


async def test_a_report_line_too_many_is_dropped_since_no_client_reads_an_answer_to_it() -> None:
    async with serving(rates=TWO) as here:
        caller = await here.call()
        await caller.send(("r", "first"), ("r", "second"), ("r", "third"), ("p", ""))
        assert (await caller.answer())[1]["code"] == "slow_down"
    assert [line for line in here.lines if "CLIENT ALERT" in line] == [
        "CLIENT ALERT [GENERAL] first",
        "CLIENT ALERT [GENERAL] second",
    ]


async def test_an_invalid_frame_ends_the_connection_of_a_client_that_is_too_fast_as_well() -> None:
    async with serving(rates=TWO) as here:
        caller = await here.call()
        await caller.send(("p", ""), ("p", ""))
        await caller.stream.send_all(b"[nonsense\n")
        assert [kind for kind, _ in await caller.answers(2)] == ["ok", "ok"]
        assert b"bad_frame" in await caller.rest()


async def test_a_classic_client_that_is_too_fast_gets_an_empty_stream_and_stores_nothing() -> None:
    async with serving(MemoryStore(), rates=TWO) as here:
        seen = []
        for request in (b"u\nkept", b"d\n", b"u\nlost", b"d\n"):
            caller = await here.call()
            await caller.stream.send_all(request)
            await caller.stream.send_eof()
            seen.append(await caller.rest())
    assert seen == [b"", b"kept", b"", b""]
    assert [tweet.text for tweet in here.store.tweets] == ["kept"]


async def test_a_stranger_that_is_too_fast_is_disconnected_and_does_not_keep_a_place() -> None:
    async with serving(authenticator=Authenticator(frozenset()), rates=TWO) as here:
        said = []
        for _ in range(4):
            stranger = await here.call()
            await stranger.send(("p", ""))
            said.append(await stranger.rest())
    assert [one.count(b"\n") for one in said] == [1] * 4
    assert all(b'"forbidden"' in one for one in said)


async def test_after_a_wrong_token_not_even_too_many_requests_are_answered(tmp_path: Path) -> None:
    async with serving(authenticator=Authenticator(file=TokenFile(tmp_path / "tweets.db")), rates=TWO) as here:
        caller = await here.call()
        await caller.send(("a", "wrong"), *[("p", "")] * 4)
        said = await caller.rest()
    assert said.count(b"\n") == 1
    assert b'"code":"token"' in said
