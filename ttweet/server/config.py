"""The settings of a server, as values. Knows no trio, no engine and no command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ttweet import defaults
from ttweet.model.keep import KEEP_ALL, Keep
from ttweet.security.rate_limit import Rate
from ttweet.server.answered_requests import AnsweredRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from ttweet.cluster.settings import ClusterSettings
    from ttweet.security.certificates import Certificates


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of each client. Times are seconds."""

    max_unanswered: int = 64  # uploads of one client in progress: enough to hide the disk's latency
    first_byte_s: float = 10.0  # for the first byte: a person with nc needs some seconds, a silent scanner must go
    frame_s: float = 10.0  # for a whole frame: a client cannot hold a connection with a byte a second
    send_s: float = 10.0  # for all answers to be sent: disconnect clients that stop reading
    ping_s: float = 15.0  # between checks of idle followers: each gets a line every 30 s at least
    idle_s: float = 900.0  # between requests; NAT tables forget after five to fifteen minutes


class LineStyle(NamedTuple):
    """How the server's terminal shows lines: `format` is one of `classic`, `text` and `json`.

    `columns` tells how wide the terminal is now, for lines that must not wrap; a pipe, with None, gets them whole.
    """

    format: str = "text"
    colour: bool = False
    columns: Callable[[], int] | None = None


DEFAULT_STYLE = LineStyle()


class Rates(NamedTuple):
    """The rate of each address and token, None for no limit, and whether this machine's own are held to it too."""

    rate: Rate | None = None
    loopback: bool = False


DEFAULT_RATE = Rate(defaults.REQUESTS_PER_S, "s", defaults.BURST)
DEFAULT_RATES = Rates(DEFAULT_RATE)
"""The rate of a server that others may reach."""

NO_RATES = Rates()
"""No client has a limit."""


class TlsFiles(NamedTuple):
    """The PEM files of a server that speaks TLS: there is no certificate without its key."""

    cert: Path
    key: Path
    client_ca: Path | None = None
    """The authority of the certificates that clients must show; None: they need none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """The settings of one edge. How many clients there may be, and how fast, holds for all edges together."""

    limits: Limits = field(default_factory=Limits)
    certificates: Certificates | None = None  # plain connections without it
    http_requests: AnsweredRequests = field(default_factory=AnsweredRequests)  # of all edges
    proxies: tuple[str, ...] = ()  # addresses of proxies that are trusted to name the clients of HTTP
    strangers: frozenset[str] | None = None  # the most that HTTP allows without a token; None: as much as elsewhere
    names: tuple[str, ...] = ()  # by which users of HTTP know the server, beside its addresses and localhost


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of a server."""

    port: int
    hosts: tuple[str, ...] = (defaults.HOST,)
    db: Path = Path(defaults.DB)
    report_file: Path | None = Path(defaults.REPORT_FILE)
    max_clients: int = defaults.MAX_CLIENTS
    grace_s: float = defaults.GRACE_S
    log_limit: int = defaults.LOG_LIMIT
    keep: Keep = KEEP_ALL  # all tweets, unless their user says otherwise
    find: bool = True  # whether there is an index of words
    quiet: bool = False  # no lines of events or reports
    line_style: LineStyle = DEFAULT_STYLE
    tls: TlsFiles | None = None  # plain connections without it
    anonymous: str | None = None  # a key of exposure.ANONYMOUS; None: all on this machine's own addresses, else nothing
    no_tls: bool = False  # whether others than this machine are to be served without TLS
    http: int | None = None  # the port for HTTP; None: no HTTP
    metrics: int | None = None  # the port for metrics alone, by HTTP; None: none
    http_proxies: tuple[str, ...] = ()  # see EdgeSettings.proxies
    http_names: tuple[str, ...] = ()  # see EdgeSettings.names
    limits: Limits = field(default_factory=Limits)
    rates: Rates = DEFAULT_RATES
    cluster: ClusterSettings | None = None  # a server alone without it
