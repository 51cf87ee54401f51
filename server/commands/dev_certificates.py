"""Certificates to try TLS with: a CA that nobody else knows, and what it issues. Pure: no files."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "Issued", "general_name"]

_LABEL = re.compile(r"[!-+.;-?A-~-]{1,63}", re.ASCII)
_LONGEST_NAME = 253  # characters: RFC 1035, section 2.3.4
_BEFORE = datetime.timedelta(hours=1)  # for clocks of other machines that are behind


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key, both in PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Issued(…)"  # never the key


class Authority:
    """A new CA, whose key is kept nowhere else."""

    def __init__(self, name: str, now: datetime.datetime, days: float = 365) -> None:
        """Generate a key and certify it.

        Args:
            name: common name of the CA.
            now: the time.
            days: validity of the CA and of what it issues, in days.
        """
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        self._from, self._until = now - _BEFORE, now + datetime.timedelta(days=days)
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        signed = builder.add_extension(usage, critical=True).sign(self._key, SHA256())
        self.issued = Issued(signed.public_bytes(Encoding.PEM), _pem(self._key))

    def issue(self, name: str, names: Iterable[x509.GeneralName], *, client: bool = False) -> Issued:
        """Return a new certificate.

        Args:
            name: common name, for people.
            names: subject alternative names.
            client: True for a client's certificate, False for a server's.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = self._builder(_common_name(name), key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Issued(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM), _pem(key))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        own = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._from)
            .not_valid_after(self._until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
        )


def general_name(text: str) -> x509.GeneralName:
    """Return a name that a server is reached by: an IP address, or a DNS name.

    Raises:
        ValueError: the text is neither.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    labels = text.split(".")
    if not all(map(_LABEL.fullmatch, labels)) or len(text) > _LONGEST_NAME:
        raise ValueError(f"{text!r} is neither a DNS name nor an IP address")
    return x509.DNSName(text)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
