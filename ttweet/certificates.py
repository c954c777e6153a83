"""The server's certificate, its key, and whose certificates it wants of its clients: PEM files that may change.

What is wrong with one of them is said by its name. Knows no sockets.
"""

import os
import ssl
import stat
from pathlib import Path

from ttweet.errors import OpenError

CERTIFICATE = "-----BEGIN CERTIFICATE-----"
KEY = "PRIVATE KEY-----"


class Certificates:
    """What new connections are made with: `context`. Raises OpenError when a file does not serve."""

    def __init__(self, cert: Path, key: Path, client_ca: Path | None = None) -> None:
        self.cert = cert
        self.key = key
        self.client_ca = client_ca
        self.context = self._load()

    def __str__(self) -> str:
        wanted = "" if self.client_ca is None else f", for clients with one signed by {self.client_ca}"
        return f"certificate {self.cert}{wanted}"

    def reload(self) -> None:
        """Read the files again; new connections get what they hold. Raises OpenError: then all stays as it was."""
        self.context = self._load()

    def _load(self) -> ssl.SSLContext:
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
                raise OpenError("not_ours", f"{self.key} is not the key of the certificate in {self.cert}") from exc
            raise OpenError("damaged", f"cannot use {self.cert} with {self.key}: {_reason(exc)}") from exc

    def _refuse_password(self) -> str:
        raise OpenError(
            "denied", f"{self.key} is encrypted; the server asks for no password: openssl pkey -in {self.key} -out NEW"
        )


def _load_authorities(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError as exc:
        raise OpenError("damaged", f"cannot use {client_ca}: {_reason(exc)}") from exc


def _check(path: Path, mark: str, what: str) -> None:
    """Refuse a file that cannot be read or does not hold what it should."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError as exc:
        raise OpenError("missing", f"there is no file {path} with a {what}") from exc
    except OSError as exc:
        raise OpenError("denied", f"cannot read {path}: {exc.strerror}") from exc
    if mark not in text:
        raise OpenError("not_ours", f"{path} holds no {what} in PEM form")


def _check_private(key: Path) -> None:
    """Refuse a key that others can read. One of root's may be for a group, as Debian's ssl-cert is."""
    about = key.stat()
    allowed = 0o750 if about.st_uid == 0 and os.geteuid() != 0 else 0o700
    mode = stat.S_IMODE(about.st_mode)
    if mode & 0o777 & ~allowed:
        raise OpenError("denied", f"others can read the key {key} (mode {mode:04o}); run: chmod 600 {key}")


def _reason(exc: ssl.SSLError) -> str:
    return (exc.reason or str(exc)).replace("_", " ").lower()
