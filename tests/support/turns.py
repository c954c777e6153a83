"""How much is done in one turn of a task, between two of its checkpoints: counted, so that no clock decides."""

import trio


class Turns(trio.abc.Instrument):
    """Counts the notes: in `each` turn that had one."""

    def __init__(self) -> None:
        self.each: list[int] = []
        self._begun = False

    @property
    def all(self) -> int:
        return sum(self.each)

    @property
    def most(self) -> int:
        return max(self.each, default=0)

    def note(self) -> None:
        if not self._begun:
            self._begun = True
            self.each.append(0)
        self.each[-1] += 1

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._begun = False
