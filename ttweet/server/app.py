"""The composition root: what the server is made of, in which order it starts, and in which it stops.

The tree of tasks is read from the inside out when it stops: no new clients, clients finish what is under way, the
journal drains, the log's copies are completed, the file is closed. Knows no command line.
"""

import gc
import logging
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

import trio

from ttweet import __version__
from ttweet.broker.fanout import FanOut
from ttweet.broker.journal import MAX_WAITING, Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.retention import Retention
from ttweet.broker.service import Service
from ttweet.broker.worker import Worker
from ttweet.model import reports
from ttweet.model.addresses import is_local
from ttweet.model.errors import DatabaseError, OpenError, StoreError
from ttweet.model.keep import Keep
from ttweet.model.reports import Report
from ttweet.model.times import now_ms
from ttweet.security import exposure
from ttweet.security.authenticator import Authenticator
from ttweet.security.certificates import Certificates
from ttweet.security.exposure import UnsafeError
from ttweet.security.rights import RIGHTS, listed
from ttweet.security.token_file import TokenFile
from ttweet.server.config import Config
from ttweet.server.hangup import outlive_hangups
from ttweet.server.log_copies import Destination, LogCopy, SampleFile, Terminal, TerminalHandler, write_alone
from ttweet.server.net.listeners import Address, ListenError, listen_at, resolve
from ttweet.server.net.places import anteroom_size
from ttweet.server.signals import Signals, heed
from ttweet.server.stats import Stats
from ttweet.server.tcp.connection import encode_push
from ttweet.server.tcp.server import Server
from ttweet.storage.sqlite.connections import MAX_WAL_BYTES, belongs_to
from ttweet.storage.sqlite.writer import SqliteStore

log = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 64  # for the database, Sample.txt, listeners, the event loop, and those to be turned away
FINAL_COPY_S = 2.0  # for the copies of the log at the end; then one that is stuck is given up


def run(config: Config) -> int:
    """Serve until a signal comes. Returns the exit code: 0 stopped in order, 1 could not start or had to stop.

    Raises UnsafeError, before anything is touched, for a server that would be open to others unasked, and DatabaseError
    for a file that the caller should name differently.
    """
    outlive_hangups()
    logging.basicConfig(level=logging.INFO, handlers=[TerminalHandler(sys.stderr.fileno())] if sys.stderr else [])
    try:
        _keep_apart(config.report_file, config.db)
        try:
            addresses = resolve(config.hosts, config.port)
        except ListenError as exc:
            return _without_address(config, exc)
        _refuse_unsafe(config, addresses)
        certificates = _certificates(config)
        if not config.db.exists() and not _could_listen(config, addresses):
            return 1
        with closing(SqliteStore.open(config.db, log_limit=config.log_limit, at=now_ms())) as store:
            return _run_with_store(config, store, addresses, certificates)
    except (UnsafeError, DatabaseError):
        raise
    except (OpenError, StoreError) as exc:
        log.error("%s", exc)
        return 1


def _refuse_unsafe(config: Config, addresses: list[Address]) -> None:
    """Raise UnsafeError for addresses on which such a server must not listen, OpenError for a bad file of tokens."""
    now = now_ms()
    tokens = any(token.state(now) == "live" for token in TokenFile(config.db).read())
    tls = config.tls_cert is not None
    ips = [address.ip for address in addresses]
    missing = exposure.missing(ips, tokens=tokens, tls=tls, anonymous=config.anonymous, no_tls=config.no_tls)
    if missing:
        raise UnsafeError(missing, dict.fromkeys(one.host for one in addresses if not is_local(one.ip)))


def _keep_apart(report_file: Path | None, db: Path) -> None:
    """Refuse a report file that is the database, or one of the files beside it: it is emptied at the start."""
    if report_file is not None and belongs_to(report_file, db):
        raise OpenError("denied", f"{report_file} belongs to the database; name another file with --report-file")


def _certificates(config: Config) -> Certificates | None:
    if config.tls_cert is None or config.tls_key is None:
        return None
    return Certificates(config.tls_cert, config.tls_key, config.tls_client_ca)


def _run_with_store(
    config: Config, store: SqliteStore, addresses: list[Address], certificates: Certificates | None
) -> int:
    try:
        listeners = listen_at(addresses, config.port)
    except ListenError as exc:
        return _fail_to_start(config, exc, store)
    errors: list[StoreError] = []
    try:
        trio.run(partial(serve, config, store, listeners, certificates))
    except* StoreError as group:
        errors += _leaves(group)
    if errors:
        log.error("stopped, since the file must not be written to any more: %s", errors[0])
        return 1
    store.end_session("stopped", at=now_ms())
    return 0


def _leaves(group: ExceptionGroup[StoreError]) -> list[StoreError]:
    leaves: list[StoreError] = []
    for exc in group.exceptions:
        leaves += _leaves(exc) if isinstance(exc, ExceptionGroup) else [exc]
    return leaves


async def serve(
    config: Config, store: SqliteStore, listeners: list[socket.socket], certificates: Certificates | None = None
) -> None:
    """Serve clients until a signal stops the server, then stop in order; see `signals`.

    With certificates all clients speak TLS.

    Raises a group with a StoreError when the store must not be written to any more.
    """
    journal = Journal(store)
    with ExitStack() as resources:
        for listener in listeners:
            resources.enter_context(listener)
        heeding = resources.enter_context(ExitStack())
        signals = heeding.enter_context(heed())
        worker = resources.enter_context(Worker("reader"))
        reader = resources.enter_context(closing(store.reader()))
        max_clients = _allowed_clients(config.max_clients)
        service = Service(journal, reader, ReadScheduler(journal.uploads, worker))
        fanout = FanOut(journal, reader, ReadScheduler(journal.uploads, worker), encode_push)  # with a line of its own
        addresses = [listener.getsockname()[0] for listener in listeners]
        authenticator = Authenticator(exposure.anonymous_rights(addresses, config.anonymous), TokenFile(config.db))
        server = Server(
            service,
            fanout,
            authenticator,
            max_clients=max_clients,
            limits=config.limits,
            rates=config.rates,
            certificates=certificates,
        )
        retention = _retention(config.keep, journal, store, resources)
        service.collect = Stats(service, journal, server, _limits(config, max_clients), retention=retention).collect
        copies = [LogCopy(to, store.reader(), session=store.session) for to in _destinations(config)]
        async with trio.open_nursery() as copying:
            for copy in copies:
                copying.start_soon(copy.run, journal)
            async with trio.open_nursery() as writing:
                writing.start_soon(journal.run)
                for host in dict.fromkeys(config.hosts):
                    journal.report(reports.server_started(host))
                _announce(config, store, listeners, certificates)
                _announce_rights(authenticator.anonymous.rights)
                stop = _until_stop(heeding, signals, partial(_reload, copies, authenticator, certificates))
                helpers = [server.run] if retention is None else [server.run, retention.run]
                await _serve_clients(server, helpers, listeners, stop, grace_s=config.grace_s)
                journal.report(reports.server_stopped())
                journal.close()
            for copy in copies:
                copy.finish()
            copying.cancel_scope.deadline = trio.current_time() + FINAL_COPY_S


def _retention(keep: Keep, journal: Journal, store: SqliteStore, resources: ExitStack) -> Retention | None:
    """What removes old tweets, with a thread and a reader of its own; None when all are kept."""
    if not keep:
        return None
    worker = resources.enter_context(Worker("retention"))
    return Retention(keep, journal, resources.enter_context(closing(store.reader())), worker)


async def _serve_clients(
    server: Server,
    helpers: Sequence[Callable[[], Awaitable[None]]],
    listeners: list[socket.socket],
    stop: Awaitable[None],
    *,
    grace_s: float,
) -> None:
    async with trio.open_nursery() as looking_after:
        for helper in helpers:
            looking_after.start_soon(helper)
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                for listener in listeners:
                    accepting.start_soon(server.accept, listener, connections)
                _settle_memory()
                await stop
                accepting.cancel_scope.cancel()
            for listener in listeners:
                listener.close()
            server.stop()
            connections.cancel_scope.deadline = trio.current_time() + grace_s
        looking_after.cancel_scope.cancel()


async def _until_stop(heeding: ExitStack, signals: Signals, reload: Callable[[], Awaitable[None]]) -> None:
    """Heed signals up to the one that stops the server, and none after it."""
    with heeding:
        await signals.until_stop(reload)


async def _reload(copies: Sequence[LogCopy], authenticator: Authenticator, certificates: Certificates | None) -> None:
    """Reopen the report file, and read tokens and certificates again. Connected clients keep their certificate."""
    log.info("SIGHUP: reopening the report file, reading the tokens again")
    for copy in copies:
        copy.reopen()
    await authenticator.reload()
    if certificates is not None:
        _reload_certificates(certificates)


def _reload_certificates(certificates: Certificates) -> None:
    try:
        certificates.reload()
    except OpenError as exc:
        log.error("%s; the certificate that was in use stays in use", exc)
    else:
        log.info("read again: %s", certificates)
        _warn_of_expiry(certificates)


def _warn_of_expiry(certificates: Certificates) -> None:
    ends = certificates.valid_until
    if ends is not None and ends < time.time():
        log.warning("the certificate %s has expired: clients refuse it", certificates.cert)


def _announce(
    config: Config, store: SqliteStore, listeners: list[socket.socket], certificates: Certificates | None
) -> None:
    log.info("%s, %s", __version__, store.engine)
    log.info("%s", _held(config.db, store))
    if config.keep:
        log.info("old tweets go: %s", config.keep)
    for listener in listeners:
        host, port = listener.getsockname()[:2]
        log.info("listening on %s", f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    if certificates is not None:
        log.info("clients speak TLS: %s", certificates)
        _warn_of_expiry(certificates)


def _announce_rights(anonymous: frozenset[str]) -> None:
    """Tell what clients without a token may do, where it is not everything."""
    if anonymous != frozenset(RIGHTS):
        log.info("without a token clients may: %s", listed(anonymous) or "nothing")


def _held(db: Path, store: SqliteStore) -> str:
    """What a file holds, told by ids: some in between may be missing, and to count tweets takes a look at each."""
    newest = store.last()
    if newest is None:
        return f"{db} holds no tweets"
    [oldest] = store.read_after(0, 1)
    return f"the oldest tweet in {db} is {oldest.id}, the newest is {newest.id}"


def _destinations(config: Config) -> list[Destination]:
    destinations: list[Destination] = []
    if sys.stderr and not config.quiet:  # None when whoever started us has closed it
        destinations.append(Terminal(sys.stderr.fileno()))
    if config.report_file is not None:
        destinations.append(SampleFile(config.report_file, max_lines=2 * config.log_limit))
    return destinations


def _without_address(config: Config, exc: ListenError) -> int:
    """Tell that a host has no address, also in the log of a database that is there. Returns the exit code."""
    if config.db.exists():
        with closing(SqliteStore.open(config.db, log_limit=config.log_limit, at=now_ms())) as store:
            return _fail_to_start(config, exc, store)
    _tell_start_failed(config, exc)
    return 1


def _could_listen(config: Config, addresses: list[Address]) -> bool:
    """Whether a server can listen, which is told if not: no database need be made for one that cannot."""
    try:
        listeners = listen_at(addresses, config.port)
    except ListenError as exc:
        _tell_start_failed(config, exc)
        return False
    for listener in listeners:
        listener.close()
    return True


def _fail_to_start(config: Config, exc: ListenError, store: SqliteStore) -> int:
    """Tell that a server cannot listen, also in its log. Returns the exit code."""
    store.append([], [_tell_start_failed(config, exc)], at=now_ms())
    store.end_session("failed", at=now_ms())
    return 1


def _tell_start_failed(config: Config, exc: ListenError) -> Report:
    """Say why, and write the report line that is for the log where there is one."""
    log.error("%s", exc.strerror)
    report = reports.start_failed(exc.host)
    for destination in _destinations(config):
        write_alone(report.line, destination)
    return report


def _limits(config: Config, max_clients: int) -> dict[str, object]:
    """The limits as they are in force, by the names that docs/design.md has for them."""
    return {
        "max_clients": max_clients,
        **asdict(config.limits),
        "max_waiting": MAX_WAITING,
        "log_limit": config.log_limit,
        "keep_s": config.keep.age_s,
        "keep_last": config.keep.last,
        "max_wal_bytes": MAX_WAL_BYTES,
        "grace_s": config.grace_s,
    }


def _allowed_clients(wanted: int) -> int:
    """As many clients as there can be file descriptors for; at most as many as wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + anteroom_size(wanted) + SPARE_DESCRIPTORS
    enough = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    if enough == needed:
        return wanted
    room = hard - SPARE_DESCRIPTORS
    allowed = max(1, room - anteroom_size(room))
    log.warning("%d clients at most, not %d: the limit of file descriptors is %d (ulimit -Hn)", allowed, wanted, hard)
    return allowed


def _settle_memory() -> None:
    """Take what the start has made out of the collector's sight: there is less to look through under load."""
    gc.collect()
    gc.freeze()
