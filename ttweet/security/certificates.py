"""The server's certificate, its key, and the authorities of its clients' certificates: PEM files that may change.

An error names the file. Knows no sockets.
"""

import ssl
import time
from contextlib import suppress
from pathlib import Path

from ttweet.files import NotOursError, refuse_replaceable, secret_objection
from ttweet.model.errors import OpenError
from ttweet.model.remedies import reason

CERTIFICATE = "-----BEGIN CERTIFICATE-----"
KEY = "PRIVATE KEY-----"
MAX_FILE_BYTES = 1024 * 1024  # of a PEM file; all authorities of a system have 220 KiB
MAKE_AGAIN = "copy the files again, or make new ones"
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which `ssl` has no name for


class Certificates:
    """`context` is the TLS context of new connections. Raises OpenError when a file does not serve."""

    def __init__(self, cert: Path, key: Path, client_ca: Path | None = None) -> None:
        self.cert = cert
        self.key = key
        self.client_ca = client_ca
        self.context = self._load()

    def __str__(self) -> str:
        ends = self.valid_until
        until = "" if ends is None else f", valid until {time.strftime('%Y-%m-%d', time.gmtime(ends))}"
        wanted = "" if self.client_ca is None else f", for clients with one signed by {self.client_ca}"
        return f"certificate {self.cert}{until}{wanted}"

    @property
    def valid_until(self) -> float | None:
        """When the certificate in use expires, seconds since 1970 UTC; None if unknown."""
        try:
            return ssl.cert_time_to_seconds(_shown_by(self.context, self.cert)["notAfter"])  # type: ignore[arg-type]
        except (OSError, KeyError, ValueError):  # of `ssl` too, or the file has gone
            return None

    def reload(self) -> None:
        """Read the files again; new connections get what they hold. Raises OpenError: then all stays as it was."""
        self.context = self._load()

    def _load(self) -> ssl.SSLContext:
        try:
            return self._read()
        except OSError as exc:  # a renewal removed a file between two reads
            raise OpenError("denied", f"cannot read {self.cert} and {self.key}: {reason(exc)}") from exc

    def _read(self) -> ssl.SSLContext:
        _check(self.cert, CERTIFICATE, "certificate")
        _check(self.key, KEY, "private key")
        _check_private(self.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        context.num_tickets = 0  # no client of ours resumes a session
        self._load_pair(context)
        if self.client_ca is not None:
            _check(self.client_ca, CERTIFICATE, "certificate")
            context.verify_mode = ssl.CERT_REQUIRED
            _load_authorities(context, self.client_ca)
        return context

    def _load_pair(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.cert, self.key, password=self._refuse_password)
        except ssl.SSLError as exc:
            if exc.reason == "KEY_VALUES_MISMATCH":
                problem = f"{self.key} is not the key of the certificate in {self.cert}"
                raise OpenError("not_ours", problem, "give the two files that belong together") from exc
            problem = f"cannot use {self.cert} with {self.key}: {_reason(exc)}"
            raise OpenError("damaged", problem, MAKE_AGAIN) from exc

    def _refuse_password(self) -> str:
        raise OpenError("denied", f"{self.key} is encrypted; decrypt it: openssl pkey -in {self.key} -out NEW")


def _load_authorities(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError as exc:
        raise OpenError("damaged", f"cannot use {client_ca}: {_reason(exc)}", MAKE_AGAIN) from exc


def _check(path: Path, mark: str, what: str) -> None:
    """Refuse a file that cannot be read, that any user could replace, or that does not hold what it should."""
    try:
        refuse_replaceable(path)
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as exc:
        raise OpenError("missing", f"no such file: {path}; give a file with a {what}") from exc
    except NotOursError as exc:
        raise OpenError("denied", f"cannot trust the {what} in {path}: {exc.strerror}") from exc
    except OSError as exc:
        raise OpenError("denied", f"cannot read {path}: {reason(exc)}") from exc
    if len(data) > MAX_FILE_BYTES:
        raise OpenError(
            "not_ours", f"{path} has more than {MAX_FILE_BYTES // 1024:,} KiB; give a smaller file with a {what}"
        )
    if mark.encode() not in data:
        raise OpenError("not_ours", f"no {what} in {path}; give a PEM file with one")


def _check_private(key: Path) -> None:
    """Refuse a key that others can read."""
    if (wrong := secret_objection(key, key.stat())) is not None:
        raise OpenError("denied", f"other users can read the key {key} {wrong}")


def _shown_by(context: ssl.SSLContext, cert: Path) -> dict[str, object]:
    """Return the certificate as a client sees it: `ssl` has it only after it was shown and verified."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    client.load_verify_locations(cert)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = context.wrap_bio(to_server, to_client, server_side=True)
    client_end = client.wrap_bio(to_client, to_server)
    for end in (client_end, server_end, client_end):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return dict(client_end.getpeercert() or {})


def _reason(exc: ssl.SSLError) -> str:
    return (exc.reason or str(exc)).replace("_", " ").lower()
