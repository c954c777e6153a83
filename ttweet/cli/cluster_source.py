"""Where a command finds its cluster: a URL, and files and a user of the environment."""

import os

from ttweet.cli.shell import UsageError
from ttweet.cluster.address import parse
from ttweet.cluster.settings import ClusterSettings, Credentials
from ttweet.defaults import SYSTEM_CA
from ttweet.model.errors import SetupError
from ttweet.security.secret_file import read_secret

VARIABLE = "TTWEET_CLUSTER"
MAX_PASSWORD_BYTES = 1024  # of the file of TTWEET_CLUSTER_PASSWORD_FILE


def settings_of(url: str | None) -> ClusterSettings:
    """Return the settings of a cluster: that of the URL, else of TTWEET_CLUSTER. Raises UsageError."""
    named = url or os.environ.get(VARIABLE)
    if not named:
        raise UsageError(f"missing option: --cluster URL, or set {VARIABLE}")
    try:
        address = parse(named)
    except ValueError as exc:
        raise UsageError(f"{'--cluster' if url else VARIABLE}: {exc}") from exc
    ca, cert, key = (os.environ.get(f"{VARIABLE}_{name}") or None for name in ("CA", "CERT", "KEY"))
    if not address.tls and (ca or cert or key):
        raise UsageError(f"conflicting options: {VARIABLE}_CA and etcd://; use etcds:// for TLS")
    return ClusterSettings(address, ca or SYSTEM_CA, cert, key, _credentials())


def _credentials() -> Credentials | None:
    user = os.environ.get(f"{VARIABLE}_USER")
    if not user:
        return None
    password = os.environ.get(f"{VARIABLE}_PASSWORD") or _password_of(os.environ.get(f"{VARIABLE}_PASSWORD_FILE"))
    return Credentials(user, password)


def _password_of(path: str | None) -> str:
    if not path:
        raise UsageError(f"missing password: set {VARIABLE}_PASSWORD or {VARIABLE}_PASSWORD_FILE")
    try:
        data = read_secret(path, f"{VARIABLE}_PASSWORD_FILE {path!a}", MAX_PASSWORD_BYTES)
    except SetupError as error:
        raise UsageError(error.text) from error
    return data.decode("utf-8", "replace").strip()
