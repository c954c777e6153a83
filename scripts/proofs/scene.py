"""A scene: clients and followers at work with one server after the other, what they saw, and what was wrong with it."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from server_process import LIMIT_S, Broken, ServerProcess

from proofs import load
from proofs.caller import ANSWER_S, PlainCaller
from proofs.checker import check
from proofs.figure import Result
from proofs.findings import Findings, Kind
from proofs.followers import EventFollower, RecordingFollower
from proofs.history import History, Upload, now
from proofs.stage import Stage, until
from proofs.talk import Target, Visitor

CLIENTS = 6
FOLLOWED = ((), ("PROOF",))
"""The subscriptions, with one follower each: every tweet, and one tag that many of them carry."""
HTTP = ("--http", "0")
"""The options of a server that followers reach by HTTP too."""
LONG_S = 60.0  # of a proof that runs for a time, at scale 1
WORK_S = 0.3  # of the last server: its log is copied every 0.2 s


@dataclass(slots=True)
class Scene:
    """A proof under way: its folder, its random choices, the clients and their records, and the findings."""

    stage: Stage
    chance: random.Random
    history: History
    findings: Findings = field(default_factory=Findings)
    target: Target = field(default_factory=Target)
    working: list[Visitor] = field(default_factory=list)
    following: list[RecordingFollower] = field(default_factory=list)

    @property
    def everybody(self) -> list[Visitor]:
        """The clients that work and those that follow."""
        return [*self.working, *self.following]

    @contextmanager
    def server(self, stage: Stage | None = None) -> Iterator[ServerProcess]:
        """A server of the scene's stage, or of another, where all clients go until the block ends."""
        with (stage or self.stage).server() as server:
            if HTTP[0] in self.stage.options:
                self.target.http_port = server.http_port
            self.target.move(server.port)
            yield server
        self.target.move(None)

    def lives(self, scale: float) -> Iterator[None]:
        """Once for each life of a server; beyond the time, for a while, until a client has worked in one."""
        end = time.monotonic() + LONG_S * scale
        while (at := time.monotonic()) < end or (not self.history.acknowledged and at < end + LIMIT_S):
            yield

    def acknowledges(self, wanted: int, limit_s: float = 30.0) -> bool:
        """Whether so many more uploads are acknowledged before the time is over."""
        wanted += self.history.acknowledged
        return until(lambda: self.history.acknowledged >= wanted, limit_s)

    def last_life(self, stage: Stage | None = None) -> bool:
        """Let clients work with one more server. Returns whether it ended in order, and others had served before."""
        served = self.history.acknowledged > 0
        with self.server(stage) as server:
            return self.finish(server) == 0 and served

    def finish(self, server: ServerProcess) -> int:
        """Let the clients work and end; when all followers, and one that comes late, have all, stop the server.

        All followers want the last tweet, and have all that they will ever get when they have it. One without news for
        as long as an answer may take has lost some: the check fails. Returns the server's exit code.
        """
        self._wait_for_work()
        self.follow()
        until(lambda: all(one.follows == server.port for one in self.following), ANSWER_S)
        self.target.stop()
        for client in self.working:
            client.join(2 * ANSWER_S)
        last = self._post_last(server)
        self.history.awaited = {(one.number, one.keys): one.newest_wanted(self.history) for one in self.following}
        while not self._all_have(last) and self._get_on():
            pass
        return server.stop()

    def check(self, left: Sequence[bytes] = ()) -> None:
        """Compare what was seen with the file and the copy of the log that a server has left which ended in order."""
        self.findings.include(check(self.history, self.stage.db, sample=self.stage.sample, ended=True, left=left))

    def result(self, *kinds: Kind, beside: str, passed: bool) -> Result:
        """Return the figure."""
        return Result(self.findings, kinds, self.history, beside, passed=passed)

    def add(self, *visitors: Visitor) -> None:
        """Let more of them work until the end."""
        self.working += visitors
        for one in visitors:
            one.start()

    def follow(self, *tags: str) -> None:
        """Let one more follow these tags, or all tweets when there are none."""
        self.following.append(RecordingFollower(len(self.following), tags, self.target, self.history))
        self.following[-1].start()

    def follow_by_http(self, *tags: str) -> None:
        """Let one more follow these tags by HTTP, or all tweets when there are none."""
        self.following.append(EventFollower(len(self.following), tags, self.target, self.history))
        self.following[-1].start()
        self.history.followers += 1

    def _wait_for_work(self) -> None:
        """Return after WORK_S, and when clients were served once more and followers were pushed something.

        Less would show nothing, however slow the machine is.
        """
        time.sleep(WORK_S)
        self.acknowledges(load.MAX_WINDOW)
        until(lambda: self.history.shows_something, ANSWER_S)

    def _post_last(self, server: ServerProcess) -> int | None:
        """Post what all followers want. Returns its id; None for a server that does not store it."""
        tags = tuple({key for one in self.following for key in one.keys})
        upload = Upload(0, f"the last one {secrets.token_hex(4)}", tags, None, now())
        self.history.uploads.append(upload)
        with suppress(OSError), PlainCaller(server.port) as one:
            load.note(upload, *one.request("u", {"text": upload.text, "tags": tags}))
        return upload.id

    def _all_have(self, last: int | None) -> bool:
        awaited = self.history.awaited
        return all(one.cursor >= (last or awaited[one.number, one.keys]) for one in self.following)

    def _get_on(self) -> bool:
        """Whether any follower gets something more within the time of an answer."""
        before = [one.cursor for one in self.following]
        return until(lambda: [one.cursor for one in self.following] != before, ANSWER_S)


@contextmanager
def scene(
    stage: Stage,
    seed: int | str,
    clients: int = CLIENTS,
    *,
    history: History | None = None,
    followed: Sequence[tuple[str, ...]] = FOLLOWED,
) -> Iterator[Scene]:
    """So many clients at work until the block ends, and followers. A failure of any of them is raised here."""
    here = Scene(stage, random.Random(seed), history or History())
    here.add(*load.clients(here.target, here.history, here.chance, clients))
    for tags in followed:
        here.follow(*tags)
    here.history.followers = len(followed)
    try:
        yield here
    finally:
        here.target.stop()
        for one in here.everybody:
            one.join(2 * ANSWER_S)
    for one in here.everybody:
        if one.failure is not None:
            raise one.failure
        if one.is_alive():
            raise Broken(f"client {one.name} still waits, though its server has gone")
