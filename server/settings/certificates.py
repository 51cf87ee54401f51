"""Certificates of servers, as files have them: read, and checked before anything uses them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from server.errors.files import unreadable
from server.settings.errors import CertificateError
from server.settings.regular_files import read_regular

__all__ = ["ServerCertificate", "TlsFiles", "read_certificate", "readable_by_others"]

_MOST_BYTES = 1 << 20  # of a file of certificates
_OTHERS_READ = 0o004


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of one or more ports with TLS.

    Attributes:
        cert: the server's certificate, and those that lead from it to its CA, in PEM.
        key: private key of the certificate, in PEM.
        client_ca: certificates of the CAs whose client certificates are accepted; None if clients need none.
        requires_client: True if a connection without a client certificate is refused; False without ``client_ca``.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None
    requires_client: bool = False


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Certificate of a server, with a key that fits.

    Attributes:
        chain: the certificates in PEM.
        key: the private key in PEM.
        client_ca: certificates of the CAs of clients in PEM; None if clients need none.
        expires: end of the validity, in seconds since 1970.
    """

    chain: bytes
    key: bytes
    client_ca: bytes | None
    expires: float

    def __repr__(self) -> str:
        return f"ServerCertificate(expires={self.expires})"  # never the key


def read_certificate(files: TlsFiles, now: datetime.datetime) -> ServerCertificate:
    """Return the certificate that files have now.

    Args:
        files: the files.
        now: the time.

    Raises:
        CertificateError: a file cannot be read or is malformed, the key does not fit, or the certificate has expired.
    """
    chain, key = _read("cert", files.cert), _read("key", files.key)
    certificates = _certificates("cert", files.cert, chain)
    public = _spki(_private_key(files.key, key).public_key())
    if public != _spki(certificates[0].public_key()):
        if any(public == _spki(other.public_key()) for other in certificates[1:]):
            raise CertificateError(
                "cert", f"{files.cert} does not begin with the server's certificate: put it before those of its CAs"
            )
        raise CertificateError("key", f"{files.key} is not the key of the certificate in {files.cert}: give its key")
    expires = certificates[0].not_valid_after_utc
    if expires <= now:
        raise CertificateError(
            "cert", f"the certificate in {files.cert} expired on {expires:%Y-%m-%d %H:%M} UTC: renew it"
        )
    client_ca = None
    if files.client_ca is not None:
        client_ca = _read("client_ca", files.client_ca)
        _certificates("client_ca", files.client_ca, client_ca)
    return ServerCertificate(chain, key, client_ca, expires.timestamp())


def readable_by_others(path: Path) -> bool:
    """Return whether any user of the machine may read a file, as nobody should be able to read a key."""
    try:
        return bool(path.stat().st_mode & _OTHERS_READ)
    except OSError:
        return False


def _read(part: str, path: Path) -> bytes:
    try:
        return read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise CertificateError(part, unreadable(path, error)) from error


def _certificates(part: str, path: Path, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        hint = ", but a private key" if b"PRIVATE KEY-----" in pem else ""
        raise CertificateError(part, f"{path} has no certificate in PEM{hint}: name a file that has one") from error


def _private_key(path: Path, pem: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem, None)
    except TypeError as error:
        raise CertificateError(
            "key",
            f"the key in {path} is encrypted: decrypt it with 'openssl pkey -in {path} -out FILE', name that file, "
            "and let only the server read it",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = ", but a certificate" if b"BEGIN CERTIFICATE-----" in pem else ""
        raise CertificateError("key", f"{path} has no private key in PEM{hint}: name the file of the key") from error


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
