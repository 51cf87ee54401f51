"""Trust in the certificates and keys that producers name.

A certificate is trusted if it is one of those that the server was given, or if one of those, of a CA, issued it
directly: a record carries a single certificate, so CAs in between must be given, too. The CA's signature is checked,
and that both were valid at the time of the record. Nothing is ever fetched: there is no check of revocation.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID

from server.codec.producers.algorithms import ALGORITHMS, PublicKey, fits, unusable
from server.codec.producers.effort import Allowance, reading_effort
from server.codec.producers.keys import certificate_fingerprint
from server.codec.producers.policy import ProducerKeys

__all__ = ["LARGEST_CERTIFICATE", "Signer", "Trust"]

LARGEST_CERTIFICATE = 64 << 10
"""Bytes of the largest certificate that is parsed."""

_MOST_PARSED = 64  # certificates that are remembered; each may take some 100 KiB
_NAME = "sha256:"  # begins a fingerprint
_BILLION = 10**9
_WEAK = (hashes.MD5, hashes.SHA1)
# Extensions that may be critical, because they are checked, or restrict nothing about signatures of records.
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    }
)


@dataclass(frozen=True, slots=True)
class Signer:
    """The owner of a key that a record names.

    Attributes:
        fingerprint: fingerprint of the certificate or key; empty if it is not known what the record names.
        key: the public key, None if there is none, or it cannot be used.
        problem: why there is no key, or why it is not trusted whatever the time; empty if it is trusted.
        windows: spans of time, in nanoseconds since the epoch and without their ends, all of which must cover the
            record's time.
    """

    fingerprint: str
    key: PublicKey | None
    problem: str = ""
    windows: tuple[tuple[int, int], ...] = ()

    def problem_at(self, time: int) -> str:
        """Return why the key is not trusted for a record of a time, empty if it is."""
        if self.problem:
            return self.problem
        if any(time < begin for begin, _ in self.windows):
            return "the certificate was not valid yet at the record's time"
        if any(time >= end for _, end in self.windows):
            return "the certificate had expired at the record's time"
        return ""


class Trust:
    """The keys that are trusted, and certificates that were parsed before. Thread-safe."""

    def __init__(self, keys: ProducerKeys) -> None:
        """Trust some keys."""
        self.secrets = keys.secrets
        self._public = keys.public
        self._certificates = keys.certificates
        self._issuers = [certificate for certificate in keys.certificates.values() if _may_issue(certificate)]
        self._parsed: dict[str, Signer] = {}
        self._lock = Lock()
        self._only = lru_cache(len(ALGORITHMS))(self._find_only)

    def signer(self, reference: str, algorithm: str, allowance: Allowance) -> Signer:
        """Return the signer that a record names.

        Args:
            reference: ``audit.integrity.certificate`` of the record: the fingerprint of a certificate or key, or a
                certificate, base64 of its DER; empty if the record has none.
            algorithm: name of the algorithm, other than HMAC.
            allowance: effort that is left for certificates that are not trusted.
        """
        if not reference:
            return self._only(algorithm)
        if len(reference) > LARGEST_CERTIFICATE * 4 // 3 + 4:
            return Signer("", None, "the certificate is larger than 64 KiB")
        found = self._parsed.get(reference)
        if found is None:
            is_name = reference.startswith(_NAME)
            if allowance.is_used_up and not is_name:
                return Signer("", None, "the certificate was not read: too many of the request are not trusted")
            found = self._find(reference)
            if found.problem and not is_name:
                allowance.spend(reading_effort(reference))
            self._keep(reference, found)
        return found

    def _keep(self, reference: str, signer: Signer) -> None:
        with self._lock:
            while len(self._parsed) >= _MOST_PARSED:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[reference] = signer

    def _find_only(self, algorithm: str) -> Signer:
        known = [
            self._of_certificate(certificate)
            for certificate in self._certificates.values()
            if isinstance(certificate.public_key(), PublicKey)
        ]
        known += [Signer(fingerprint, key) for fingerprint, key in self._public.items()]
        fitting = [signer for signer in known if signer.key is not None and fits(algorithm, signer.key)]
        if len(fitting) == 1:
            return fitting[0]
        return Signer("", None, "the record does not say whose signature it is")

    def _find(self, reference: str) -> Signer:
        if reference.startswith(_NAME):
            named = reference.lower()
            if named in self._certificates:
                return self._of_certificate(self._certificates[named])
            if named in self._public:
                return Signer(named, self._public[named])
            return Signer("", None, "no key or certificate with this fingerprint is known")
        try:
            certificate = x509.load_der_x509_certificate(b64decode("".join(reference.split()), validate=True))
            return self._of_certificate(certificate)
        except (ValueError, UnsupportedAlgorithm):
            return Signer("", None, "the certificate cannot be read")

    def _of_certificate(self, certificate: x509.Certificate) -> Signer:
        fingerprint, key = certificate_fingerprint(certificate), certificate.public_key()
        if wrong := unusable(key):
            return Signer(fingerprint, None, wrong)
        window = _window(certificate)
        if fingerprint in self._certificates:
            return Signer(fingerprint, key, "", (window,))  # type: ignore[arg-type] # `unusable` leaves a PublicKey
        problem = _unsuitable(certificate)
        issuer = None if problem else next((one for one in self._issuers if _issued(one, certificate)), None)
        if issuer:
            return Signer(fingerprint, key, "", (window, _window(issuer)))  # type: ignore[arg-type] # as above
        return Signer(fingerprint, key, problem or "no trusted CA issued the certificate", (window,))  # type: ignore[arg-type] # as above


def _window(certificate: x509.Certificate) -> tuple[int, int]:
    return _nanoseconds(certificate.not_valid_before_utc), _nanoseconds(certificate.not_valid_after_utc) + _BILLION


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _BILLION


def _may_issue(certificate: x509.Certificate) -> bool:
    """Return whether a certificate is one of a CA."""
    try:
        extensions = certificate.extensions
    except ValueError:
        return False
    if _has_unknown_limits(extensions):
        return False
    try:
        if not extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _unsuitable(certificate: x509.Certificate) -> str:
    """Return why a certificate that a CA issued is not for signatures of records, empty if it is."""
    try:
        extensions = certificate.extensions
    except ValueError:
        return "the certificate's extensions cannot be read"
    if _has_unknown_limits(extensions):
        return "the certificate has a critical extension that is not understood"
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    return "" if usage.digital_signature or usage.content_commitment else "the certificate is not for signatures"


def _has_unknown_limits(extensions: x509.Extensions) -> bool:
    return any(extension.critical and extension.oid not in _UNDERSTOOD for extension in extensions)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        if isinstance(certificate.signature_hash_algorithm, _WEAK):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
