"""Calls go from node to node, also when the time for a call is shorter than that for a node."""

import socket
from typing import Any

import pytest

from tests.support.etcd import HEADER, Answer, gateway, of, status
from tests.support.guard import GUARD_S
from ttweet.cluster.address import Node
from ttweet.cluster.messages import RANGE, STATUS, RangeResponse
from ttweet.cluster.nodes import Caller, Nodes, UnansweredError


def _answer(path: str, _: Any) -> Answer:
    return status("3.4.23") if path == STATUS else (200, HEADER)


async def test_after_a_call_without_an_answer_the_next_call_takes_the_next_node() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, gateway(_answer) as other:
        caller = Caller(Nodes(of(Node(*silent.getsockname()), other)))
        with pytest.raises(UnansweredError):
            await caller.call(RANGE, {}, RangeResponse, within_s=0.05)
        await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)
        caller.drop()
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
