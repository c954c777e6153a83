"""The composition root: what the server is made of, in which order it starts, and in which it stops.

The tree of tasks is read from the inside out when it stops: no new clients, clients finish what is under way, the
journal drains, the log's copies are completed, the file is closed. Knows no command line.
"""

from __future__ import annotations

import gc
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import trio

from ttweet.broker.fanout import FanOut
from ttweet.broker.journal import Journal
from ttweet.broker.maintenance import Maintenance
from ttweet.broker.online import Online
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.retention import Retention
from ttweet.broker.search import Search
from ttweet.broker.service import Service
from ttweet.broker.session import Backend
from ttweet.broker.watcher import UNWATCHED
from ttweet.broker.worker import Worker
from ttweet.model import reports
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.keep import Keep
from ttweet.model.times import now_ms
from ttweet.security import exposure
from ttweet.security.authenticator import Authenticator
from ttweet.security.certificates import Certificates
from ttweet.security.token_file import TokenFile
from ttweet.server import systemd
from ttweet.server.config import Config, EdgeSettings
from ttweet.server.entrances import Edge, Entrance, listen
from ttweet.server.first_steps import announce_first_steps
from ttweet.server.hangup import outlive_hangups
from ttweet.server.log_copies import LogCopy
from ttweet.server.net.admission import Admission
from ttweet.server.net.listeners import Address, ListenError, resolve
from ttweet.server.net.places import Places
from ttweet.server.net.throttle import Throttle
from ttweet.server.signals import Signals, heed
from ttweet.server.startup import (
    allowed_clients,
    announce,
    certificates_of,
    could_listen,
    event_lines,
    event_terminal,
    fail_to_start,
    keep_apart,
    limits_in_force,
    refuse_unsafe,
    report_destinations,
    take_passed,
    tell_start_failed,
    warn_of_expiry,
)
from ttweet.server.stats import StatsCollector
from ttweet.server.terminal import EventTerminal, show_messages_as
from ttweet.server.terminal_handler import TerminalHandler
from ttweet.storage.sqlite.writer import SqliteStore

if TYPE_CHECKING:
    from ttweet.server.membership import Membership

log = logging.getLogger(__name__)

FINAL_COPY_S = 2.0  # for the last copies of the log when the server stops
SWITCH_INTERVAL_S = 0.001  # that a busy thread keeps the interpreter; Python's 5 ms would delay every statement


def run(config: Config) -> int:
    """Serve until a signal comes. Returns the exit code: 0 stopped in order, 1 could not start or had to stop.

    Raises UnsafeError, before anything is touched, for a server that would be open to others unasked, and OpenError or
    StoreError for a database, a certificate or a file of tokens that does not serve.
    """
    outlive_hangups()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    logging.basicConfig(level=logging.INFO, handlers=[TerminalHandler(sys.stderr.fileno())] if sys.stderr else [])
    if config.line_style.format == "json":
        show_messages_as(event_lines(config.line_style))
    keep_apart(config.report_file, config.db)
    config, passed = take_passed(config)
    try:
        addresses = resolve(config.hosts, config.port)
    except ListenError as exc:
        tell_start_failed(config, exc)  # without a database: it would be opened, and upgraded, for this line alone
        return 1
    refuse_unsafe(config, addresses, activated=bool(passed))
    certificates = certificates_of(config)
    if not config.db.exists() and not could_listen(config, addresses, passed):
        return 1
    if config.cluster is not None:
        from ttweet.server.membership import joined  # which a server alone does not load

        with joined(config, config.cluster) as membership:
            return _run_with_store(config, membership.store, addresses, certificates, passed, membership)
    with closing(SqliteStore.open(config.db, log_limit=config.log_limit, at=now_ms(), find=config.find)) as store:
        return _run_with_store(config, store, addresses, certificates, passed)


def _run_with_store(
    config: Config,
    store: SqliteStore,
    addresses: list[Address],
    certificates: Certificates | None,
    passed: Sequence[socket.socket] = (),
    membership: Membership | None = None,
) -> int:
    try:
        entrances = listen(config, addresses, passed)
    except ListenError as exc:
        return fail_to_start(config, exc, store)
    errors: list[StoreError] = []
    try:
        trio.run(partial(serve, config, store, entrances, certificates, membership))
    except* StoreError as group:
        errors += _leaves(group)
    if errors:
        log.error("stopped: the database must not be written to any more: %s", errors[0])
        return 1
    store.end_session("stopped", at=now_ms())
    return 0


def _leaves(group: ExceptionGroup[StoreError]) -> list[StoreError]:
    leaves: list[StoreError] = []
    for exc in group.exceptions:
        leaves += _leaves(exc) if isinstance(exc, ExceptionGroup) else [exc]
    return leaves


async def serve(
    config: Config,
    store: SqliteStore,
    entrances: Sequence[Entrance],
    certificates: Certificates | None = None,
    membership: Membership | None = None,
) -> None:
    """Serve clients until a signal stops the server, then stop in order; see `signals`.

    Raises a group with a StoreError when the store must not be written to any more.
    """
    listeners = [listener for entrance in entrances for listener in entrance.listeners]
    with ExitStack() as resources:
        for listener in listeners:
            resources.enter_context(listener)
        heeding = resources.enter_context(ExitStack())
        signals = heeding.enter_context(heed())
        parts = _assembled(config, store, entrances, certificates, membership, resources)
        journal, terminal = parts.journal, parts.terminal
        async with trio.open_nursery() as copying:
            for copy in parts.copies:
                copying.start_soon(copy.run, journal)
            if terminal is not None:
                copying.start_soon(terminal.run)
            async with trio.open_nursery() as writing:
                writing.start_soon(journal.run)
                for name in dict.fromkeys(config.hosts):
                    journal.report(reports.server_started(name))
                if membership is not None:
                    await membership.keep_up(journal, parts.stats, listeners[0])
                announce(config, store, entrances, certificates)
                announce_first_steps(config, listeners[0], parts.backend.authenticator.anonymous.rights)
                systemd.notify(systemd.READY)
                stop = _until_stop(heeding, signals, partial(_reload, parts, certificates))
                helpers = _helpers(parts, membership)
                await _serve_clients(parts.edges, parts.admission.places, helpers, stop, grace_s=config.grace_s)
                journal.report(reports.server_stopped())
                journal.close()
            for copy in parts.copies:
                copy.finish()
            if terminal is not None:
                terminal.finish()
            copying.cancel_scope.deadline = trio.current_time() + FINAL_COPY_S


class _Parts(NamedTuple):
    """The parts of a server, made and not started."""

    terminal: EventTerminal | None
    journal: Journal
    retention: Retention | None
    admission: Admission
    stats: StatsCollector
    backend: Backend
    edges: list[tuple[Edge, list[socket.socket]]]
    copies: list[LogCopy]


def _assembled(
    config: Config,
    store: SqliteStore,
    entrances: Sequence[Entrance],
    certificates: Certificates | None,
    membership: Membership | None,
    resources: ExitStack,
) -> _Parts:
    """Make the parts. Their threads and readers end with the resources."""
    terminal = event_terminal(config)
    replica, names = (None, None) if membership is None else (membership.store, membership.names)
    journal = Journal(store, watcher=terminal or UNWATCHED, replica=replica)
    worker = resources.enter_context(Worker("reader"))
    reader = resources.enter_context(closing(store.reader()))
    max_clients = allowed_clients(config.max_clients)
    retention = _retention(config.keep, journal, store, resources)
    admission = Admission(Places(max_clients, journal.report), Throttle(config.rates))
    stats = StatsCollector(journal, admission, limits_in_force(config, max_clients), retention=retention)
    scheduler = partial(ReadScheduler, journal.uploads, worker, journal.trouble)  # each with a line of its own
    service = Service(journal, reader, scheduler(), stats, _search(journal, store, resources), Online(names))
    addresses = [listener.getsockname()[0] for entrance in entrances for listener in entrance.listeners]
    authenticator = Authenticator(exposure.anonymous_rights(addresses, config.anonymous), TokenFile(config.db))
    backend = Backend(service, FanOut(journal.head, reader, scheduler()), authenticator)
    settings = _edge_settings(config, certificates)
    edges = [(entrance.make(backend, admission, settings), entrance.listeners) for entrance in entrances]
    copies = [LogCopy(to, store.reader(), session=store.session) for to in report_destinations(config)]
    return _Parts(terminal, journal, retention, admission, stats, backend, edges, copies)


def _search(journal: Journal, store: SqliteStore, resources: ExitStack) -> Search:
    worker = resources.enter_context(Worker("search"))
    reader = resources.enter_context(closing(store.reader()))
    return Search(journal, reader, ReadScheduler(journal.uploads, worker, journal.trouble))


def _edge_settings(config: Config, certificates: Certificates | None) -> EdgeSettings:
    return EdgeSettings(
        limits=config.limits,
        certificates=certificates,
        proxies=config.http_proxies,
        strangers=exposure.rights_of_strangers(config.anonymous) if config.http_proxies else None,
        names=(*config.hosts, *config.http_names),
    )


def _retention(keep: Keep, journal: Journal, store: SqliteStore, resources: ExitStack) -> Retention | None:
    """Make the task that removes old tweets, with a thread and a reader of its own; None when all are kept."""
    if not keep:
        return None
    worker = resources.enter_context(Worker("retention"))
    return Retention(keep, journal, resources.enter_context(closing(store.reader())), worker)


def _helpers(parts: _Parts, membership: Membership | None) -> list[Callable[[], Awaitable[None]]]:
    """Return the tasks that run beside the clients, and end after them."""
    recheck = parts.admission.places.recheck
    helpers: list[Callable[[], Awaitable[None]]] = [partial(parts.backend.run, recheck)]
    if membership is not None:
        helpers.append(partial(membership.names.run, recheck))
    helpers.append(Maintenance(parts.journal).run)
    return helpers if parts.retention is None else [*helpers, parts.retention.run]


async def _serve_clients(
    edges: Sequence[tuple[Edge, list[socket.socket]]],
    places: Places,
    helpers: Sequence[Callable[[], Awaitable[None]]],
    stop: Awaitable[None],
    *,
    grace_s: float,
) -> None:
    async with trio.open_nursery() as looking_after:
        for helper in [*helpers, places.run, *[edge.run for edge, _ in edges]]:
            looking_after.start_soon(helper)
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                for edge, listeners in edges:
                    for listener in listeners:
                        accepting.start_soon(edge.accept, listener, connections)
                _settle_memory()
                await stop
                accepting.cancel_scope.cancel()
            for _, listeners in edges:
                for listener in listeners:
                    listener.close()
            await places.stop()
            connections.cancel_scope.deadline = trio.current_time() + grace_s
        looking_after.cancel_scope.cancel()


async def _until_stop(heeding: ExitStack, signals: Signals, reload: Callable[[], Awaitable[None]]) -> None:
    """Heed signals up to the one that stops the server, and none after it."""
    with heeding:
        await signals.until_stop(reload)
    systemd.notify(systemd.STOPPING)


async def _reload(parts: _Parts, certificates: Certificates | None) -> None:
    """Reopen the report file, and read tokens and certificates again. Connected clients keep their certificate."""
    log.info("SIGHUP: reopening the report file, reloading the tokens")
    for copy in parts.copies:
        copy.reopen()
    await parts.backend.authenticator.reload()
    if certificates is not None:
        _reload_certificates(certificates)


def _reload_certificates(certificates: Certificates) -> None:
    try:
        certificates.reload()
    except OpenError as exc:
        log.error("%s; keeping the certificate in use", exc)
    else:
        log.info("reloaded: %s", certificates)
        warn_of_expiry(certificates)


def _settle_memory() -> None:
    """Take what the start has made out of the collector's sight: there is less to look through under load."""
    gc.collect()
    gc.freeze()
