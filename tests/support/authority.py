"""A certificate authority for tests, and the files that users would have."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from ttweet.security.certificates import Certificates

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FAR_AWAY = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


@dataclass
class Authority:
    """An authority of its own, with all of its files in one folder."""

    folder: Path
    signer: trustme.CA = field(default_factory=trustme.CA)

    @property
    def ca(self) -> str:
        """The file that clients trust."""
        path = self.folder / "ca.pem"
        self.signer.cert_pem.write_to_path(str(path))
        return str(path)

    def issue(
        self, *hosts: str, name: str = "server", expired: bool = False, common_name: str | None = None
    ) -> tuple[Path, Path]:
        """A certificate for the hosts, loopback if none is given, and its key."""
        ends = LONG_AGO + datetime.timedelta(days=1) if expired else FAR_AWAY
        leaf = self.signer.issue_cert(
            *hosts or ("127.0.0.1", "localhost"), common_name=common_name, not_before=LONG_AGO, not_after=ends
        )
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.touch(0o600)
        key.write_bytes(leaf.private_key_pem.bytes())
        return cert, key

    def certificates(self, *hosts: str, expired: bool = False, client_ca: str | None = None) -> Certificates:
        """The certificates for a server in the test's own process."""
        return Certificates(*self.issue(*hosts, expired=expired), Path(client_ca) if client_ca else None)

    def options(self, *hosts: str) -> tuple[str, ...]:
        """Return the TLS options of `ttweet serve`."""
        cert, key = self.issue(*hosts)
        return ("--tls-cert", str(cert), "--tls-key", str(key))


def encrypt(key: Path) -> None:
    """Have the key's file ask for a password."""
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
