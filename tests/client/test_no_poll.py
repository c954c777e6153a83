import select
import socket
import time

from ttweet.client import no_poll, waiting
from ttweet.client.no_poll import SelectPoll


def test_the_numbers_of_events_are_those_of_poll() -> None:
    assert (no_poll.READ, no_poll.WRITE) == (waiting.READ, waiting.WRITE) == (select.POLLIN, select.POLLOUT)


def test_it_finds_the_sockets_that_have_their_events() -> None:
    near, far = socket.socketpair()
    with near, far:
        poll = SelectPoll()
        poll.register(near.fileno(), no_poll.READ)
        assert poll.poll(0) == []
        far.send(b"x")
        assert poll.poll() == [(near.fileno(), no_poll.READ)]
        poll.register(near.fileno(), no_poll.READ | no_poll.WRITE)
        assert poll.poll(1000) == [(near.fileno(), no_poll.READ | no_poll.WRITE)]


def test_a_wait_for_nothing_lets_time_pass() -> None:
    before = time.monotonic()
    assert SelectPoll().poll(10) == []
    assert time.monotonic() - before >= 0.009
