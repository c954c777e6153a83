"""How much is done in one turn of a task, between two of its checkpoints: counted, so that no clock decides."""

import trio


class Turns(trio.abc.Instrument):
    """`most` is the highest number of notes in one turn, `all` the number of notes."""

    def __init__(self) -> None:
        self.most = self.all = self._now = 0

    def note(self) -> None:
        self.all += 1
        self._now += 1
        self.most = max(self.most, self._now)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._now = 0
