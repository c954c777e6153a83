import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.guard import GUARD_S
from tests.support.peers import listens, peer, says
from tests.support.processes import Server, running_server
from ttweet.client import lines, sync_client
from ttweet.client.sync_client import Client
from ttweet.model import tweets
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol import frames
from ttweet.protocol.replies import Stored

DONE = b'["ok",null]\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client("127.0.0.1", server.port) as client:
        yield client


# Requests and answers


def test_a_posted_tweet_is_last_and_found_by_its_tags(client: Client) -> None:
    stored = client.post("Sushi #寿司 #Tokyo", tags=["beside"])
    assert stored.tags == ["寿司", "Tokyo", "beside"]
    assert repr(stored) == f"Stored(id={stored.id}, at={stored.at}, tags={stored.tags})"
    tweet = client.last()
    assert tweet == tweets.Tweet(stored.id, stored.at, None, "Sushi #寿司 #Tokyo", ("寿司", "Tokyo", "beside"))
    assert client.last_text() == "Sushi #寿司 #Tokyo"
    for tag in ("tokyo", "#TOKYO", "beside", "寿司"):
        assert client.tweets_of_tag(tag).tweets[0] == tweet


def test_a_tweet_is_read_by_its_id_and_a_deleted_one_is_a_tombstone(client: Client) -> None:
    stored = client.post("for a moment")
    assert client.tweet(stored.id) == client.last()
    client.delete(stored.id)
    assert client.tweet(stored.id) == tweets.Tombstone(stored.id, stored.at)
    assert client.tweet(client.post("").id) is None
    with pytest.raises(Refused, match="no tweet has the id 99999") as refused:
        client.tweet(99999)
    assert refused.value.code == "no_tweet"


def test_tags_may_stand_in_place_of_those_in_the_text(client: Client) -> None:
    assert client.post("see #this", tags=["that"], scan=False).tags == ["that"]


def test_an_empty_post_resets_the_last_message(client: Client) -> None:
    client.post("")
    assert client.last() is None
    assert client.last_text() == ""


def test_a_name_or_a_tag_that_the_server_does_not_know_is_a_query_and_no_upload(client: Client, server: Server) -> None:
    unknown = "\U000e1234"
    assert client.tweets_by(unknown).tweets == []
    assert client.tweets_of_tag(unknown).tweets == []
    with Client("127.0.0.1", server.port) as follower:  # a connection of its own: pushes come between answers
        assert follower.request("s", {"tags": [unknown]})["from"] >= 0
    for data in ({"text": "x", "tags": [unknown]}, {"text": f"#{unknown}", "scan": True, "tags": ["a b"]}):
        with pytest.raises(Refused, match="invalid tag"):
            client.request("u", data)
    assert client.post(f"#{unknown}").tags == []


def test_the_same_key_stores_once(client: Client) -> None:
    first = client.post("with a key", key="client-1")
    assert client.post("with a key", key="client-1").id == first.id


def test_tweets_of_a_tag_come_in_pages(client: Client) -> None:
    ids = [client.post(f"page {number} #paged").id for number in range(5)]
    newest = client.tweets_of_tag("paged", limit=3)
    assert [tweet.id for tweet in newest.tweets] == ids[:1:-1]
    assert newest.more
    oldest = client.tweets_of_tag("paged", limit=3, before=newest.tweets[-1].id)
    assert [tweet.id for tweet in oldest.tweets] == ids[1::-1]
    assert not oldest.more


def test_the_list_of_tags_counts(client: Client) -> None:
    for _ in range(3):
        stored = client.post("#Counted and #77")
    listed = {summary.tag: summary for summary in client.list_tags(limit=200, numbers=True).tags}
    counted = listed["Counted"]
    assert (counted.count, counted.newest, len(counted.days), sum(counted.days)) == (3, stored.at, 14, 3)
    assert "77" in listed
    assert "77" not in {summary.tag for summary in client.list_tags(limit=200).tags}
    assert client.list_tags(limit=1).more


def test_a_ping_is_answered(client: Client) -> None:
    client.ping()


def test_a_refused_request_leaves_the_connection_open() -> None:
    with peer(says(b'["err",{"code":"bad_tag","text":"no"}]\n', DONE)) as client:
        with pytest.raises(Refused, match=r"^no$") as refused:
            client.request("t", "-")
        assert refused.value.code == "bad_tag"
        client.ping()


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("x" * 151, {}, "too_long"),
        ("x" * 20_000, {}, "too_long"),
        ("nul \0", {}, "bad_text"),
        ("\udcff", {}, "bad_text"),
        ("x", {"tags": ["a b"]}, "bad_tag"),
        ("x", {"tags": ["t" * 2000] * 40}, "bad_tag"),
        ("x", {"key": ""}, "bad_key"),
        ("x", {"key": "k" * 20_000}, "bad_key"),
    ],
)
def test_an_impossible_tweet_is_refused_and_costs_no_connection(
    client: Client, text: str, options: dict[str, str], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        client.post(text, **options)  # type: ignore[arg-type]
    assert refused.value.code == code
    client.ping()


def test_a_frame_is_never_too_long_for_the_server() -> None:
    longest_tags = ["\U0001d7d8" * 150] * 32  # digits of four bytes each: all that one tweet may carry
    with pytest.raises(Refused, match=f"use at most {frames.MAX_FRAME_BYTES}$"), Client("x", 1) as client:
        client.post("x", tags=longest_tags)


# Many at a time


def test_many_posts_are_answered_in_order(client: Client) -> None:
    texts = [f"many {number} #many" for number in range(500)]
    texts[7] = "y" * 151
    texts[300] = "z" * 20_000
    outcomes = list(client.post_many(texts))
    assert len(outcomes) == 500
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Refused)] == [7, 300]
    ids = [outcome.id for outcome in outcomes if isinstance(outcome, Stored)]
    assert ids == list(range(ids[0], ids[0] + 498))
    assert client.last_text() == "many 499 #many"


def test_many_posts_with_keys_store_once(client: Client) -> None:
    keys = [f"many-{number}" for number in range(100)]
    first, again = ([cast(Stored, one).id for one in client.post_many(keys, keys=keys, tags=["k"])] for _ in "12")
    assert first == again
    assert len(client.tweets_of_tag("k", limit=200).tweets) == 100


@pytest.mark.parametrize("keys", [[], ["k1"], ["k1", None]])
def test_fewer_keys_than_texts_are_an_error_before_anything_is_sent(keys: list[str | None]) -> None:
    with pytest.raises(ValueError, match=rf"^too few keys: {len(keys)} for 3 texts; give one for each"):
        Client("127.0.0.1", 1).post_many(["a", "b", "c"], keys=keys)


def test_keys_that_run_out_on_the_way_are_an_error(client: Client) -> None:
    outcomes = client.post_many(map(str, range(3)), keys=iter(["k1"]), in_flight=1)
    assert isinstance(next(outcomes), Stored)
    with pytest.raises(ValueError, match=r"^too few keys: 1 for 2 texts or more"):
        next(outcomes)
    client.ping()


@pytest.mark.parametrize("in_flight", [1, 2, 64])
def test_no_more_are_unanswered_than_the_window_holds(in_flight: int) -> None:
    unanswered, most = 0, 0

    class Wire:
        def send(self, data: bytes) -> None:
            nonlocal unanswered, most
            unanswered += data.count(b"\n")
            most = max(most, unanswered)

        def receive(self) -> bytes:
            nonlocal unanswered
            unanswered -= 1
            return b'["ok",{"id":1,"at":2,"tags":[]}]\n'

        def close(self) -> None:
            raise AssertionError("nothing went wrong")

    client = Client("x", 1)
    client._take = lambda: Wire()  # type: ignore[method-assign,assignment,return-value]
    assert len(list(client.post_many(map(str, range(1000)), in_flight=in_flight))) == 1000
    assert most == in_flight


def test_many_posts_that_are_given_up_leave_no_answer_behind(client: Client) -> None:
    outcomes = client.post_many(f"left {number}" for number in range(200))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]  # it is a generator
    assert client.post("after #it").tags == ["it"]  # which of them is the last is open: they may yet be stored


def test_one_client_serves_many_threads(client: Client) -> None:
    ids: list[int] = []

    def post(name: str) -> None:
        for number in range(20):
            ids.append(client.post(f"{name} {number}").id)
            assert client.last_text()

    threads = [threading.Thread(target=post, args=(f"thread {name}",)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 160
    assert len(client._idle) <= 8


# Errors


def test_after_many_threads_few_connections_stay_open(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_client, "MAX_IDLE", 2)
    connections = [client._take() for _ in range(5)]
    for connection in connections:
        client._put_back(connection)
    assert client._idle == connections[:2]
    client.ping()


def test_a_lost_connection_leaves_an_upload_unknown() -> None:
    def hangs_up(connection: socket.socket) -> None:
        connection.makefile("rb").readline()

    with peer(hangs_up, hangs_up, hangs_up) as client:
        with pytest.raises(
            ConnectError, match="closed the connection without an answer; the tweet may be stored"
        ) as raised:
            client.post("x")
        assert raised.value.code == "unknown"
        assert raised.value.text.endswith("look before you post it again")
        with pytest.raises(ConnectError, match=r"retry with the same key$"):
            client.post("x", key="k")
        with pytest.raises(ConnectError, match=r"closed the connection without an answer$"):
            client.last()


def test_a_missing_server_leaves_nothing_unknown() -> None:
    with Client("127.0.0.1", 1) as client, pytest.raises(ConnectError, match="start one") as raised:
        client.post("x", key="k")
    assert raised.value.code == "unreachable"


def test_a_reset_is_a_lost_connection() -> None:
    def resets(connection: socket.socket) -> None:
        connection.recv(1)  # the rest is unread, so closing is a reset

    with peer(resets) as client, pytest.raises(ConnectError, match="closed the connection"):
        client.request("t", "x" * 10_000)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with (
        peer(listens, timeout_s=0.5) as client,
        pytest.raises(ConnectError, match=r"no answer from .* within 0\.5 seconds$") as raised,
    ):
        client.ping()
    assert raised.value.code == "unknown"


def test_a_server_that_reads_nothing_is_given_up() -> None:
    done = threading.Event()

    def reads_nothing(connection: socket.socket) -> None:
        done.wait(GUARD_S)

    with peer(reads_nothing, timeout_s=0.5) as client:
        connection = client._take()
        with pytest.raises(ConnectError, match="no answer from"):
            connection.send(b"x" * 50_000_000)
        connection.close()
        done.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"[]\n",
        b"[1,2]\n",
        b'["ok"]\n',
        b'["what",{}]\n',
        b'["err",{}]\n',
        b'["err","no"]\n',
        b'["ok",{"id":1}]\n',
        b'["ok",7]\n',
        b"\xff\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_server_that_is_no_ttweet_is_reported(answer: bytes) -> None:
    with peer(says(answer)) as client, pytest.raises(ConnectError, match="is not a ttweet server") as raised:
        client.post("x", key="k")
    assert raised.value.code == "unknown"


def test_an_endless_answer_is_cut() -> None:
    def talks(connection: socket.socket) -> None:
        connection.makefile("rb").readline()
        connection.sendall(b"x" * (lines.MAX_ANSWER_BYTES + 1))

    with peer(talks) as client, pytest.raises(ConnectError, match="closed the connection"):
        client.ping()


def test_a_server_that_is_full_says_so_before_it_closes() -> None:
    def turns_away(connection: socket.socket) -> None:
        connection.sendall(b'["err",{"code":"busy","text":"the server has 1 clients already"}]\n')

    with peer(turns_away) as client, pytest.raises(Refused, match="1 clients already") as refused:
        client.ping()
    assert refused.value.code == "busy"


def test_a_client_comes_back_after_the_server_has_closed_an_idle_connection() -> None:
    closed = threading.Event()

    def answers_once(connection: socket.socket) -> None:
        says(DONE)(connection)
        connection.sendall(b'["err",{"code":"timeout","text":"idle"}]\n')
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with peer(answers_once, says(DONE)) as client:
        client.ping()
        assert closed.wait(GUARD_S)
        client.ping()


def test_a_connection_that_was_reset_while_idle_is_not_used_again() -> None:
    reset = threading.Event()

    def answers_once(connection: socket.socket) -> None:
        says(DONE)(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close is a reset
        connection.close()
        reset.set()

    with peer(answers_once, says(DONE)) as client:
        client.ping()
        assert reset.wait(GUARD_S)
        client.ping()


def test_report_lines_arrive_in_order_and_no_client_answers() -> None:
    received: list[bytes] = []

    def listens_well(connection: socket.socket) -> None:
        received.extend(connection.makefile("rb"))

    with peer(listens_well) as client:
        client.report("one", "two\nthree")
    assert received == [b'["r","one"]\n', b'["r","two\\nthree"]\n']


def test_bytes_to_a_server_that_has_gone_are_lost_without_an_error(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server, Client("127.0.0.1", server.port) as client:
        connection = client._take()
        client._idle.append(connection)
        client.ping()
        connection.shut_down()
        connection.send(b"nobody reads this")
