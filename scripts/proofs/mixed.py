"""All at once: kills, stops, power cuts, connections that are reset, clients that stand still with answers unread."""

from __future__ import annotations

import random
import socket
import time
from contextlib import ExitStack, suppress

from proofs.caller import end_with_reset, frame
from proofs.disk import LOSSES, Disk, recorded, restore
from proofs.figure import Result
from proofs.powercut import live, take_note
from proofs.scene import scene
from proofs.stage import Stage
from proofs.standing import standing_still
from proofs.talk import Target, Visitor

MAX_LIFE_S = 0.8
ENDS = ("kill", "stop", "cut")
STALLED = 20  # connections whose answers are not read, at a time
STOPPED = 3  # clients that are stopped, beside each server that lives long enough
PAUSE_S = 0.02  # between two disturbances
HALF_A_FRAME = b'["u","never to be'
QUESTIONS = frame("d", "") * 2000  # more than the buffers of a socket take answers for


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """End servers in all ways in turn, each at least once, while others disturb; then check."""
    traced, trace = recorded(stage)
    disk, ends, wrong = Disk(), dict.fromkeys(ENDS, 0), 0
    with scene(traced, seed) as here:
        disturber = Disturber(here.target, random.Random(seed))
        here.add(disturber)
        for _ in here.lives(scale):
            for how in here.chance.sample(ENDS, len(ENDS)):
                code = live(here, here.chance.uniform(0.05, MAX_LIFE_S), in_order=how == "stop")
                wrong += how == "stop" and code != 0
                take_note(disk, trace, stage.data)
                if how == "cut":
                    restore(stage.data, durable := disk.after(here.chance.choice(LOSSES), here.chance))
                    disk = Disk(durable)
                ends[how] += 1
        passed = here.last_life(stage)
    here.check()
    beside = " ".join(f"{how}s={times}" for how, times in ends.items())
    beside += f" wrong={wrong} stood_still={disturber.stood_still}"
    passed = passed and not wrong and disturber.stood_still > 0
    return here.result("lost", "dup", "order", "stale", beside=beside, passed=passed)


class Disturber(Visitor):
    """Connects, says half of something or asks without reading, and goes with a reset; others stand still beside it."""

    def __init__(self, target: Target, chance: random.Random) -> None:
        super().__init__("disturber", target)
        self._chance = chance
        self.stood_still = 0

    def visit(self, port: int) -> None:
        """Disturb one server to its end."""
        with ExitStack() as stack:
            self.stood_still += stack.enter_context(standing_still(port, STOPPED))
            unread: list[socket.socket] = []
            while not self._target.stopped:
                unread.append(stack.enter_context(_disturbing(port, self._chance)))
                while len(unread) > STALLED:
                    _reset(unread.pop(self._chance.randrange(len(unread))))
                time.sleep(PAUSE_S)


def _disturbing(port: int, chance: random.Random) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), 1.0)
    one.setblocking(False)
    with suppress(OSError):
        one.send(HALF_A_FRAME if chance.random() < 0.5 else QUESTIONS)
    return one


def _reset(one: socket.socket) -> None:
    end_with_reset(one)
    one.close()
