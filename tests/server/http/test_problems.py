"""Every error has a status."""

from http import HTTPStatus

from ttweet.model.errors import WIRE_CODES
from ttweet.server.http.problems import STATUSES


def test_every_code_of_a_server_has_a_status() -> None:
    assert STATUSES.keys() == WIRE_CODES.keys()
    assert all(HTTPStatus(status) >= 400 for status in STATUSES.values())
