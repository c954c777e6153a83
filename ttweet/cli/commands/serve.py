"""The command `serve`."""

import shlex
import signal
import sys
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ttweet import defaults, system
from ttweet.cli import shell, terminal
from ttweet.cli.options import AMOUNT, FILE, QUIET, RARE, KeepAge, KeepLast, LogLimit, refuse_conflict, whole
from ttweet.cli.source import db_path
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.keep import Keep
from ttweet.security import rate_limit
from ttweet.security.exposure import TLS, TOKEN, UnsafeError
from ttweet.server.config import DEFAULT_RATE, NO_RATES, Config, LineStyle, Rates, TlsFiles

if TYPE_CHECKING:
    from ttweet.cluster.settings import ClusterSettings

DEFAULT = Config(port=0)
STOPPING = system.signals("SIGINT", "SIGTERM", "SIGHUP")

_COUNT: dict[str, Any] = {"metavar": "N", "show_default": "{:,}".format}

Port = Annotated[int, whole(0, 65535), Parameter(name="PORT", help="The port to listen on; 0: any free port.")]
Db = Annotated[
    Path | None,
    FILE,
    Parameter(show_default=lambda _: DEFAULT.db, help="Database file, created if missing."),
]
Host = Annotated[
    list[str] | None,
    Parameter(
        negative="",
        metavar="HOST",
        show_default=lambda _: " ".join(DEFAULT.hosts),
        help="Address to listen on, or :: for all.",
    ),
]
ReportFile = Annotated[
    Path | None,
    FILE,
    Parameter(show_default=lambda _: DEFAULT.report_file, help="Write the report log here too."),
]
NoReportFile = Annotated[bool, Parameter(negative="", help="Write no report file; the database keeps the lines.")]
MaxClients = Annotated[int, AMOUNT, Parameter(**_COUNT, help="Most clients at the same time.")]
Grace = Annotated[
    float,
    Parameter(
        metavar="SECONDS",
        validator=Number(gte=0),
        show_default="{:g}".format,
        help="Time for clients to finish when the server stops.",
    ),
]
LogBytes = Annotated[
    LogLimit,
    Parameter(
        show_default=lambda size: f"{size // 10**6}M",
        help="Size of the report lines to keep: 100M, 1G.",
    ),
]
RateOption = Annotated[
    str | None,
    Parameter(
        name="--rate",
        metavar="RATE",
        show_default=lambda _: f"{DEFAULT_RATE} for other machines",
        help="Limit for each address and token: 20/s, 100/min, none.",
    ),
]
Burst = Annotated[
    int | None,
    AMOUNT,
    Parameter(
        metavar="N",
        show_default=lambda _: f"{DEFAULT_RATE.burst:,}",
        help="Requests allowed at once, above the rate.",
    ),
]
TlsCert = Annotated[Path | None, FILE, Parameter(help="Use TLS with this certificate chain (PEM).")]
TlsKey = Annotated[Path | None, FILE, Parameter(help="The private key of the certificate (PEM).")]
TlsClientCa = Annotated[Path | None, FILE, Parameter(help="Require client certificates signed by one of these (PEM).")]
Anonymous = Annotated[
    Literal["none", "read", "write"] | None,
    Parameter(metavar="WHAT", help="Allow clients without a token: none, read or write."),
]
NoTls = Annotated[bool, Parameter(negative="", help="Serve other machines without TLS.")]
NoFind = Annotated[bool, Parameter(negative="", help="Keep no index of words; `find` is slower.")]
Format = Annotated[
    Literal["text", "json", "classic"],
    Parameter(metavar="FORM", help="Form of the events on stderr: text, json or classic."),
]
Http = Annotated[
    int | None,
    whole(0, 65535),
    Parameter(name="--http", metavar="PORT", help="Serve HTTP at this port; 0: any free port."),
]
Metrics = Annotated[
    int | None,
    whole(0, 65535),
    Parameter(name="--metrics", metavar="PORT", help="Serve metrics and health alone at this port, by HTTP."),
]
HttpProxy = Annotated[
    list[str] | None,
    Parameter(negative="", metavar="ADDRESS", help="Trust this reverse proxy to name the clients of HTTP."),
]
HttpName = Annotated[
    list[str] | None,
    Parameter(negative="", metavar="NAME", help="Accept HTTP requests for this host name too."),
]
Cluster = Annotated[
    str | None,
    Parameter(metavar="URL", help="Share tweets with other servers, by a log in etcd: etcd://HOST,HOST,HOST/NAME."),
]
Begin = Annotated[bool, Parameter(negative="", help="Begin a cluster with the tweets of the database.")]
Quiet = Annotated[bool, QUIET, Parameter(help="Print only the start, the stop and problems.")]


def serve(
    port: Port = defaults.PORT,
    /,
    *,
    db: Db = None,
    host: Host = None,
    report_file: ReportFile = None,
    no_report_file: Annotated[NoReportFile, RARE] = False,
    max_clients: Annotated[MaxClients, RARE] = DEFAULT.max_clients,
    grace: Annotated[Grace, RARE] = DEFAULT.grace_s,
    log_limit: Annotated[LogBytes, RARE] = DEFAULT.log_limit,
    keep: KeepAge = None,
    keep_last: KeepLast = None,
    rate: Annotated[RateOption, RARE] = None,
    burst: Annotated[Burst, RARE] = None,
    http: Http = None,
    http_name: Annotated[HttpName, RARE] = None,
    http_proxy: Annotated[HttpProxy, RARE] = None,
    metrics: Annotated[Metrics, RARE] = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: Annotated[TlsClientCa, RARE] = None,
    anonymous: Anonymous = None,
    no_tls: Annotated[NoTls, RARE] = False,
    no_find: Annotated[NoFind, RARE] = False,
    cluster: Annotated[Cluster, RARE] = None,
    begin: Annotated[Begin, RARE] = False,
    log_format: Annotated[Format, RARE] = "text",
    quiet: Quiet = False,
) -> int:
    """Run the server until Ctrl-C."""
    config = replace(
        DEFAULT,
        port=port,
        db=db_path(db),
        hosts=tuple(dict.fromkeys(host or DEFAULT.hosts)),
        report_file=_report_file(report_file, no_report_file=no_report_file),
        max_clients=max_clients,
        grace_s=grace,
        log_limit=log_limit,
        keep=_keep(keep, keep_last),
        find=not no_find,
        rates=_rates(rate, burst),
        tls=_tls(tls_cert, tls_key, tls_client_ca, no_tls=no_tls),
        http=http,
        metrics=metrics,
        http_proxies=_proxies(http_proxy or ()),
        http_names=tuple(dict.fromkeys(http_name or ())),
        anonymous=anonymous,
        no_tls=no_tls,
        quiet=quiet,
        line_style=_line_style(log_format),
        cluster=_cluster(cluster, begin=begin),
    )
    _refuse_without_http(config)
    return _run(config)


def _run(config: Config) -> int:
    """Run a server to its end and return the exit code. Raises UsageError when it would be open to others."""
    from ttweet.server.app import run

    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # a launcher may have left them blocked for good
    try:
        return run(config)
    except UnsafeError as error:
        raise shell.UsageError(_way_out(config, error)) from error
    except (OpenError, StoreError) as error:
        shell.complain(shell.sentence(error))
        return shell.FAILED


def _cluster(url: str | None, *, begin: bool) -> "ClusterSettings | None":
    """Return the cluster that the server is to join. Raises UsageError."""
    if url is None:
        if begin:
            raise shell.UsageError("missing option: --cluster URL, which --begin needs")
        return None
    from ttweet.cli.cluster_source import settings_of  # which a server alone does not load

    return settings_of(url)._replace(begin=begin)


def _report_file(path: Path | None, *, no_report_file: bool) -> Path | None:
    """Return the file for the report lines. Raises UsageError."""
    if no_report_file and path is not None:
        raise shell.UsageError("conflicting options: --report-file and --no-report-file; give one of them")
    return None if no_report_file else path or DEFAULT.report_file


def _line_style(log_format: str) -> LineStyle:
    """How stderr shows lines. A terminal that is too narrow breaks them itself."""
    columns = (lambda: max(terminal.size().columns, terminal.PLAIN)) if shell.on_terminal(sys.stderr) else None
    return LineStyle(log_format, shell.has_colour(sys.stderr), columns)


def _keep(age_s: float | None, last: int | None) -> Keep:
    """Which tweets are kept. Raises UsageError."""
    refuse_conflict({"--keep": age_s, "--keep-last": last})
    return Keep(age_s, last)


def _rates(text: str | None, burst: int | None) -> Rates:
    """Return the rate that the option asks for, which then holds for this machine too. Raises UsageError."""
    if text == "none":
        refuse_conflict({"--rate none": True, "--burst": burst})
        return NO_RATES
    burst = DEFAULT_RATE.burst if burst is None else burst
    if text is None:
        return Rates(DEFAULT_RATE._replace(burst=burst))
    try:
        return Rates(rate_limit.parse(text, burst), loopback=True)
    except ValueError as exc:
        raise shell.UsageError(f"invalid --rate {exc}") from exc


def _refuse_without_http(config: Config) -> None:
    """Raise UsageError for an option of HTTP without a port for it."""
    if config.http is None and config.metrics is None:
        for option, value in {"--http-name": config.http_names, "--http-proxy": config.http_proxies}.items():
            if value:
                raise shell.UsageError(f"missing option: --http PORT, which {option} needs")


def _proxies(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses in their usual form. Raises UsageError."""
    return tuple(dict.fromkeys([_proxy(address) for address in addresses]))


def _proxy(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError as exc:
        raise shell.UsageError(
            f"invalid --http-proxy {shell.quoted(address)}: use an address such as 127.0.0.1"
        ) from exc


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None, *, no_tls: bool) -> TlsFiles | None:
    """Return the files that the options name. Raises UsageError for half of a pair, which would make a plain server."""
    if cert is None and key is None:
        if client_ca is not None:
            raise shell.UsageError("missing options: --tls-cert FILE and --tls-key FILE, which --tls-client-ca needs")
        return None
    if cert is None or key is None:
        given, missing = ("--tls-cert", "--tls-key") if key is None else ("--tls-key", "--tls-cert")
        raise shell.UsageError(f"missing option: {missing} FILE, which {given} needs")
    if no_tls:
        raise shell.UsageError("conflicting options: --tls-cert and --no-tls; give one of them")
    return TlsFiles(cert, key, client_ca)


def _way_out(config: Config, error: UnsafeError) -> str:
    """Return the commands to run instead, or the options that allow it."""
    wanted = " and ".join([_WANTED[what] for what in error.missing])
    lines = [f"other machines can reach {' and '.join(error.hosts)}, so the server needs {wanted}; run:"]
    if TOKEN in error.missing:
        db = [] if config.db == DEFAULT.db else ["--db", str(config.db)]
        lines.append(f"  {shlex.join(['ttweet', 'token', 'add', 'NAME', *db])}")
    certificate = ["--tls-cert", "FILE", "--tls-key", "FILE"] if TLS in error.missing else []
    lines.append(f"  {shlex.join(['ttweet', *sys.argv[1:], *certificate])}")
    lines.append(f"or, on a trusted network, add {' '.join([_MEANT[what] for what in error.missing])}")
    if error.activated:
        lines.append("or, for this machine alone, have the socket unit listen at 127.0.0.1 (ListenStream=)")
    return "\n".join(lines)


_WANTED = {TOKEN: "a token", TLS: "TLS"}
_MEANT = {TOKEN: "--anonymous read (or write)", TLS: "--no-tls"}
