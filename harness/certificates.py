"""Certificates in files, as servers and clients of tests use them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from server.commands.dev_certificates import Authority, Issued, general_name

__all__ = ["LOCAL", "CertificateFiles", "client_names", "local_certificate", "new_authority", "put"]

LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Paths of a certificate and its key."""

    cert: Path
    key: Path


def new_authority(name: str = "test CA", days: float = 30) -> Authority:
    """Return a new CA; what it issues expires after as many days."""
    return Authority(name, datetime.datetime.now(datetime.UTC), days)


def local_certificate(authority: Authority) -> Issued:
    """Return a certificate for a server on this machine."""
    return authority.issue("server", map(general_name, LOCAL))


def client_names(
    *, uris: tuple[str, ...] = (), dns: tuple[str, ...] = (), emails: tuple[str, ...] = ()
) -> list[x509.GeneralName]:
    """Return the names of a client's certificate."""
    return [
        *map(x509.DNSName, dns),
        *map(x509.RFC822Name, emails),
        *map(x509.UniformResourceIdentifier, uris),
    ]


def put(issued: Issued, directory: Path, name: str) -> CertificateFiles:
    """Write a certificate and its key to a directory, each by a rename."""
    files = CertificateFiles(directory / f"{name}.pem", directory / f"{name}-key.pem")
    for path, content in ((files.cert, issued.certificate), (files.key, issued.key)):
        fresh = path.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.chmod(0o600)
        fresh.rename(path)
    return files
