"""The certificates to trust and to show on the TLS connections that this side makes.

The other side's certificate is always verified, and that it is for the host that was asked for.
"""

from __future__ import annotations

import os
import ssl
from functools import partial
from pathlib import Path

from ttweet.defaults import SYSTEM_CA
from ttweet.files import NotOursError, refuse_replaceable, secret_objection
from ttweet.model.errors import SetupError
from ttweet.model.remedies import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def make_context(ca: str, cert: str | None, key: str | None) -> ssl.SSLContext:
    """Return the context of connections: trusted certificates, and the client's own. Raises SetupError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca == SYSTEM_CA:
        context.load_default_certs()
    else:
        _use(ca, lambda: context.load_verify_locations(ca), "certificate to trust")
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trust each certificate in the file, not only roots
    if cert is not None:
        if key is not None:  # `ssl` tells of neither file which one cannot be read
            _use(key, lambda: os.close(os.open(key, os.O_RDONLY)), "key")
        load_pair = partial(context.load_cert_chain, cert, key, password=lambda: _refuse_password(cert))
        _use(cert, load_pair, "certificate", ", or not its key; give a PEM file with both")
        _refuse_shared(key or cert)
    return context


def _use(path: str, load: Callable[[], object], what: str, remedy: str = "; give a PEM file with one") -> None:
    try:
        refuse_replaceable(path)
        load()
    except NotOursError as exc:
        raise SetupError("tls", f"cannot trust {path}: {exc.strerror}") from exc
    except ssl.SSLError as exc:
        raise SetupError("tls", f"no {what} in {path}{remedy}") from exc
    except OSError as exc:
        raise SetupError("tls", f"cannot read the {what} in {path or repr(path)}: {reason(exc)}") from exc


def _refuse_shared(key: str) -> None:
    """Raise SetupError for a key that other users can read."""
    if (wrong := secret_objection(key, Path(key).stat())) is not None:
        raise SetupError("tls", f"other users can read the key {key} {wrong}")


def _refuse_password(path: str) -> str:
    raise SetupError("tls", f"the key in {path} is encrypted; decrypt it first")
