"""One token for all connections of a user of etcd, with a real etcd whose users have passwords."""

from typing import Any

import pytest
import trio

from tests.support.etcd import HEADER, Answer, gateway, of, status
from tests.support.guard import GUARD_S
from ttweet.cluster.address import ClusterAddress
from ttweet.cluster.etcd_log import opened
from ttweet.cluster.local_etcd import EtcdNode
from ttweet.cluster.messages import (
    AUTHENTICATE,
    INVALID_TOKEN,
    RANGE,
    STATUS,
    EmptyResponse,
    GatewayError,
    RangeResponse,
    decode_watched,
    encode,
)
from ttweet.cluster.node_connection import NodeConnection, open_connection
from ttweet.cluster.nodes import Caller, Nodes
from ttweet.cluster.session import Session
from ttweet.cluster.settings import Credentials
from ttweet.model.errors import StoreError

USER = Credentials("root", "r")


@pytest.fixture
def address(node: EtcdNode) -> ClusterAddress:
    """The address of a cluster in an etcd that wants a password."""

    async def add_user() -> None:
        with await open_connection(node.client, None) as connection:
            for path, request in [
                ("user/add", {"name": "root", "password": "r"}),
                ("user/grant", {"user": "root", "role": "root"}),
                ("enable", {}),
            ]:
                await connection.call(f"/v3/auth/{path}", request, EmptyResponse, within_s=GUARD_S)

    trio.run(add_user)
    return of(node.client)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all calls to etcd."""
    paths = list[str]()
    call = NodeConnection.call

    async def noting(self: NodeConnection, path: str, *arguments: Any, **options: Any) -> Any:
        paths.append(path)
        return await call(self, path, *arguments, **options)

    monkeypatch.setattr(NodeConnection, "call", noting)
    return paths


def test_a_log_is_reached_with_a_password_and_not_without(address: ClusterAddress) -> None:
    with opened(address, credentials=USER) as log:
        log.begin(b"")
        log.append(1, b"one")
        assert len(log.read(0, wait_s=GUARD_S)) == 1
    refused = pytest.raises(StoreError, match=r"etcd refuses the record: .*authentication failed")
    with opened(address, credentials=Credentials("root", "wrong")) as log, refused:
        log.append(1, b"one")


def test_the_connections_of_a_log_share_a_token_until_etcd_rejects_it(
    address: ClusterAddress, asked: list[str]
) -> None:
    with opened(address, credentials=USER) as log:
        log.begin(b"")
        first = log.append(1, b"one")
        assert len(log.read(0, wait_s=GUARD_S)) == 1
        assert asked.count(STATUS) >= 3, "the connections of the writer and of the watch"
        assert asked.count(AUTHENTICATE) == 1
        _set_password(address)
        second = log.append(2, b"two")
        assert [record.data for record in log.read(first, wait_s=GUARD_S)] == [b"two"]
        with opened(address, credentials=USER) as other:
            other.append(1, b"three")
        assert [record.data for record in log.read(second, wait_s=GUARD_S)] == [b"three"]
    assert asked.count(AUTHENTICATE) == 4, "the log's two, that of the password, and the other log's"


def _set_password(address: ClusterAddress) -> None:
    """Set the same password again, after which etcd rejects all tokens that it gave for it."""

    async def set_password() -> None:
        with await open_connection(address.nodes[0], None) as connection:
            await Session(USER).authorize(connection)
            await connection.call("/v3/auth/user/changepw", USER._asdict(), EmptyResponse, within_s=GUARD_S)

    trio.run(set_password)


@pytest.mark.parametrize("reason", INVALID_TOKEN)
def test_a_watch_ends_with_an_error_that_names_the_token(reason: str) -> None:
    result = HEADER | {"created": True, "canceled": True, "cancel_reason": f"rpc error: desc = etcdserver: {reason}"}
    with pytest.raises(GatewayError) as ended:
        decode_watched(encode({"result": result}))
    assert ended.value.is_invalid_token


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (16, "etcdserver: invalid auth token"),
        (3, "etcdserver: revision of auth store is old"),  # a JWT, after any change of users or roles
    ],
)
async def test_a_token_that_etcd_rejects_is_asked_for_once_more(code: int, text: str) -> None:
    tokens, asked = ["first", "second"], list[str]()

    def answers(path: str, _: Any) -> Answer:
        asked.append(path)
        if path == STATUS:
            return status("3.4.23")
        if path == AUTHENTICATE:
            return 200, HEADER | {"token": tokens[asked.count(AUTHENTICATE) - 1]}
        return (200, HEADER) if asked.count(RANGE) > 1 else (400, {"code": code, "message": text})

    with gateway(answers) as node:
        caller = Caller(Nodes(of(node), session=Session(USER)))
        await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)
        caller.drop()
    assert asked.count(AUTHENTICATE) == 2
