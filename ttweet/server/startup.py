"""The checks before a server starts, its first messages, and the error of one that cannot start.

Knows no tasks: all of it runs before the event loop, or in one step of it.
"""

import logging
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ttweet import __version__, system
from ttweet.broker.inbox import MAX_WAITING
from ttweet.model import events, reports
from ttweet.model.addresses import is_local
from ttweet.model.errors import OpenError
from ttweet.model.events import Event
from ttweet.model.netloc import netloc
from ttweet.model.remedies import OTHER_REPORT_FILE
from ttweet.model.reports import Report
from ttweet.model.times import now_ms
from ttweet.security import exposure
from ttweet.security.certificates import Certificates
from ttweet.security.exposure import UnsafeError
from ttweet.security.token_file import TokenFile
from ttweet.server import systemd
from ttweet.server.config import Config, LineStyle
from ttweet.server.destinations import Destination, StderrDestination, write_alone
from ttweet.server.entrances import Entrance, check_ports, listen
from ttweet.server.event_lines import JsonLines, Lines, TextLines
from ttweet.server.net.listeners import Address, ListenError
from ttweet.server.net.places import anteroom_size
from ttweet.server.sample_file import SampleFile
from ttweet.server.terminal import EventTerminal
from ttweet.storage.sqlite.connections import MAX_WAL_BYTES
from ttweet.storage.sqlite.lock_file import belongs_to
from ttweet.storage.sqlite.writer import SqliteStore

log = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 64  # for the database, Sample.txt, listeners, the event loop and rejected clients


def refuse_unsafe(config: Config, addresses: list[Address], *, activated: bool) -> None:
    """Raise UnsafeError for addresses on which such a server must not listen, OpenError for a bad file of tokens.

    `activated` says whether they are those of passed sockets.
    """
    now = now_ms()
    tokens = any(token.state(now) == "live" for token in TokenFile(config.db).read())
    tls = config.tls is not None
    ips = [address.ip for address in addresses]
    missing = exposure.missing(
        ips,
        tokens=tokens,
        tls=tls,
        anonymous=config.anonymous,
        no_tls=config.no_tls,
        proxied=bool(config.http_proxies),
    )
    if missing:
        reached = [one.host for one in addresses if not is_local(one.ip)]
        raise UnsafeError(missing, dict.fromkeys(reached or ["the proxy"]), activated=activated)


def take_passed(config: Config) -> tuple[Config, list[socket.socket]]:
    """Return the sockets that systemd passes to the server, and the config with their addresses as the hosts.

    Without any, the config stays as it is. Raises OpenError for sockets that do not fit the config.
    """
    passed = systemd.passed_sockets()
    if not passed:
        return config, passed
    check_ports(config, passed)
    return replace(config, hosts=tuple(dict.fromkeys([one.getsockname()[0] for one in passed]))), passed


def keep_apart(report_file: Path | None, db: Path) -> None:
    """Refuse a report file that is the database, or one of the files beside it: it is emptied at the start."""
    if report_file is not None and belongs_to(report_file, db):
        raise OpenError("denied", f"{report_file} belongs to the database", OTHER_REPORT_FILE)


def certificates_of(config: Config) -> Certificates | None:
    """Read the certificates of a server that speaks TLS. Raises OpenError."""
    return None if config.tls is None else Certificates(*config.tls)


def could_listen(config: Config, addresses: list[Address], passed: Sequence[socket.socket]) -> bool:
    """Return whether a server can listen, and log why not: without a port it needs no database."""
    try:
        entrances = listen(config, addresses, passed)
    except ListenError as exc:
        tell_start_failed(config, exc)
        return False
    for entrance in entrances:
        for listener in entrance.listeners:
            listener.close()
    return True


def fail_to_start(config: Config, exc: ListenError, store: SqliteStore) -> int:
    """Tell that a server cannot listen, also in its log. Returns the exit code."""
    store.append([], [tell_start_failed(config, exc)], at=now_ms())
    store.end_session("failed", at=now_ms())
    return 1


def tell_start_failed(config: Config, exc: ListenError) -> Report:
    """Log why a server cannot start, and write its report line to all destinations; returns it for the database."""
    log.error("%s", exc.strerror)
    report = reports.start_failed(exc.host)
    for destination in report_destinations(config):
        write_alone(report.line, destination)
    return report


def report_destinations(config: Config) -> list[Destination]:
    """Where the report lines go beside the table of the database."""
    found: list[Destination] = []
    shows_reports = config.line_style.format == "classic" and not config.quiet
    if shows_reports and sys.stderr:  # None when the starting program has closed it
        found.append(StderrDestination(sys.stderr.fileno()))
    if config.report_file is not None:
        found.append(SampleFile(config.report_file, max_bytes=2 * config.log_limit))
    return found


def event_lines(style: LineStyle) -> Lines:
    """Return the formatter of a terminal that shows events."""
    return TextLines(style) if style.format == "text" else JsonLines(ascii_only=style.columns is not None)


def event_terminal(config: Config) -> EventTerminal | None:
    """Return the terminal that shows events, or None when none is to show them."""
    if sys.stderr is None or config.quiet or config.line_style.format == "classic":
        return None
    return EventTerminal(sys.stderr.fileno(), event_lines(config.line_style))


def allowed_clients(wanted: int) -> int:
    """As many clients as there can be file descriptors for; at most as many as wanted."""
    needed = wanted + anteroom_size(wanted) + SPARE_DESCRIPTORS
    descriptors = system.raise_descriptor_limit(needed)
    if descriptors == needed:
        return wanted
    room = descriptors - SPARE_DESCRIPTORS
    allowed = max(1, room - anteroom_size(room))
    log.warning(
        "at most %d clients instead of %d: the limit of file descriptors is %d; raise it (ulimit -Hn)",
        allowed,
        wanted,
        descriptors,
    )
    return allowed


def announce(
    config: Config, store: SqliteStore, entrances: Sequence[Entrance], certificates: Certificates | None
) -> None:
    """Tell on the terminal what is served, and where."""
    log.info("%s, %s", __version__, store.engine)
    log.info("%s", _held(config.db, store))
    if config.keep:
        log.info("retention: %s", config.keep)
    if config.find and not store.can_index_words:
        log.warning("this SQLite has no FTS5: find reads tweet by tweet, for half a second at most")
    for entrance in entrances:
        for listener in entrance.listeners:
            host, port = listener.getsockname()[:2]
            event = Event(events.LISTENING, address=host, port=port)
            where = _url(entrance.scheme, config) + netloc(host, port)
            log.info("listening on %s", where, extra={"event": event})
    if certificates is not None:
        log.info("TLS: %s", certificates)
        warn_of_expiry(certificates)


def _url(scheme: str, config: Config) -> str:
    """Return the beginning of a URL, for an edge that has them."""
    return f"{scheme}{'s' if config.tls else ''}://" if scheme else ""


def _held(db: Path, store: SqliteStore) -> str:
    """Describe the tweets of a file by their oldest and newest id, since counting would read every tweet."""
    newest = store.position().last
    if newest is None:
        return f"{db} holds no tweets"
    [oldest] = store.tweets_after(0, 1)
    return f"the oldest tweet in {db} is {oldest.id}, the newest is {newest.id}"


def warn_of_expiry(certificates: Certificates) -> None:
    """Tell when clients will refuse the certificate."""
    ends = certificates.valid_until
    if ends is not None and ends < time.time():
        log.warning("the certificate %s has expired: clients refuse it", certificates.cert)


def limits_in_force(config: Config, max_clients: int) -> dict[str, object]:
    """Return the limits as they are in force, by the names that docs/limits.md has for them.

    Those of HTTP begin with `http_`.
    """
    return {
        "max_clients": max_clients,
        **asdict(config.limits),
        "max_waiting": MAX_WAITING,
        "log_limit": config.log_limit,
        "keep_s": config.keep.age_s,
        "keep_last": config.keep.last,
        "max_wal_bytes": MAX_WAL_BYTES,
        "grace_s": config.grace_s,
        **({} if config.http is None and config.metrics is None else _limits_of_http()),
    }


def _limits_of_http() -> dict[str, object]:
    from ttweet.server.http import connection, parser  # which a server without HTTP does not load

    return {
        "http_max_head_bytes": parser.MAX_HEAD_BYTES,
        "http_max_body_bytes": parser.MAX_BODY_BYTES,
        "http_keep_alive_s": connection.KEEP_ALIVE_S,
    }
