"""All at once: kills, stops, power cuts, connections that are reset, clients that stand still with answers unread."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from contextlib import suppress

from proofs.checker import check
from proofs.disk import LOSSES, Disk, recorded, restore
from proofs.figure import Result
from proofs.history import History
from proofs.load import clients, wait_for_work
from proofs.powercut import live, take_note
from proofs.stage import Stage
from proofs.talk import Target, frame

MAX_LIFE_S = 0.8
STALLED = 20  # clients that stand still at a time
PAUSE_S = 0.02  # between two disturbances
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
HALF_A_FRAME = b'["u","never to be'
QUESTIONS = frame("d", "") * 2000  # more than the buffers of a socket take answers for


def prove(stage: Stage, *, seconds: float, seed: int) -> Result:
    """End servers in all ways in turn while others disturb; then check."""
    chance, history = random.Random(seed), History()
    traced, trace = recorded(stage)
    disk, ends = Disk(), {"kill": 0, "stop": 0, "cut": 0}
    end = time.monotonic() + seconds
    with clients(history, chance) as target:
        disturber = threading.Thread(target=_disturb, args=(target, random.Random(seed)))
        disturber.start()
        while time.monotonic() < end:
            how = chance.choice(list(ends))
            live(traced, target, chance.uniform(0.05, MAX_LIFE_S), in_order=how == "stop")
            take_note(disk, trace, stage.data)
            if how == "cut":
                restore(stage.data, durable := disk.after(chance.choice(LOSSES), chance))
                disk = Disk(durable)
            ends[how] += 1
        with stage.server() as server:
            target.set(server.port)
            wait_for_work(history)
            target.set(None, stopped=True)
            code = server.stop()
        disturber.join()
    findings = check(history, stage.db, sample=stage.sample, ended=True)
    beside = " ".join(f"{how}s={times}" for how, times in ends.items())
    return Result(findings, ("lost", "dup", "order", "stale"), history, beside, passed=code == 0)


def _disturb(target: Target, chance: random.Random) -> None:
    """Connect, say half of something or ask without reading, and go with a reset, until the target is stopped."""
    standing: list[socket.socket] = []
    while not target.stopped:
        with suppress(OSError):
            standing.append(_disturbing(target.port, chance))
        while len(standing) > STALLED:
            _reset(standing.pop(chance.randrange(len(standing))))
        time.sleep(PAUSE_S)
    for one in standing:
        one.close()


def _disturbing(port: int | None, chance: random.Random) -> socket.socket:
    if port is None:
        raise ConnectionError("no server now")
    one = socket.create_connection(("127.0.0.1", port), 1.0)
    one.setblocking(False)
    with suppress(OSError):
        one.send(HALF_A_FRAME if chance.random() < 0.5 else QUESTIONS)
    return one


def _reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    one.close()
