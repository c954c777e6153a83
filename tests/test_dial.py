"""How a client comes to a connection, and what is said when there is none."""

import socket

import pytest

from ttweet import dial
from ttweet.client import Client
from ttweet.errors import ConnectError


def test_nobody_is_there() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with Client("127.0.0.1", port) as client, pytest.raises(ConnectError) as raised:
            client.ping()
    assert raised.value.code == "unreachable"
    assert raised.value.text == f"nothing is listening on 127.0.0.1:{port}; start one: ttweet serve {port}"


@pytest.mark.parametrize(
    ("host", "error", "text"),
    [
        ("localhost", ConnectionRefusedError(), "nothing is listening on localhost:80; start one: ttweet serve 80"),
        ("::1", ConnectionRefusedError(), "nothing is listening on [::1]:80; start one: ttweet serve 80"),
        (
            "10.0.0.7",
            ConnectionRefusedError(),
            "nothing is listening on 10.0.0.7:80; start one there: ttweet serve 80 --host 0.0.0.0",
        ),
        ("10.0.0.7", TimeoutError(), "10.0.0.7:80 does not answer; is the address right, is there a firewall?"),
        ("nowhere", socket.gaierror(), "there is no host 'nowhere'; on this machine it is 127.0.0.1"),
        ("a" * 99, UnicodeError(), f"there is no host '{'a' * 99}'; on this machine it is 127.0.0.1"),
        ("10.0.0.7", OSError(113, "No route to host"), "cannot connect to 10.0.0.7:80: No route to host"),
    ],
)
def test_what_is_said_when_there_is_no_connection(host: str, error: OSError, text: str) -> None:
    raised = dial.unreachable(host, 80, error)
    assert (raised.code, raised.text) == ("unreachable", text)


@pytest.mark.parametrize("host", ["a..b", "é..b", "x" * 300])
def test_a_host_that_cannot_be_one_is_unreachable(host: str) -> None:
    with Client(host, 1) as client, pytest.raises(ConnectError) as raised:
        client.ping()
    assert raised.value.code == "unreachable"
