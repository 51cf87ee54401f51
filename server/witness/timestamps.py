"""RFC 3161 timestamps of checkpoints: client and verification.

The timestamped data is the checkpoint's text, as expected by ``openssl ts -verify -data``, hashed with SHA-256.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate, load_pem_x509_certificates

from server.errors.files import unreadable
from server.notary.errors import MalformedError, VerificationError
from server.witness.der_order import sort_certificates
from server.witness.errors import AnswerError, PackageMissingError, RootsError, UnavailableError, WitnessRefusedError
from server.witness.post import HttpService
from server.witness.settings import TimestampAuthority

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

__all__ = ["Timestamp", "TimestampClient", "check_timestamp", "load_roots"]

_SHA256 = "2.16.840.1.101.3.4.2.1"
_GRANTED = 0  # RFC 3161, section 2.4.2; one "with mods" is of something that was not asked for
_MAX_ANSWER = 1 << 16  # bytes; with a chain of certificates it takes some thousand


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An authority's statement that a checkpoint existed at a time.

    Attributes:
        der: the TimeStampResp (RFC 3161, section 2.4.2) in DER.
        time: the time in it, with its zone.
    """

    der: bytes
    time: datetime


class TimestampClient:
    """Client of one timestamp authority. Thread-safe."""

    def __init__(self, authority: TimestampAuthority, timeout: float) -> None:
        """Read the root certificates; nothing is connected yet.

        Args:
            authority: the timestamp authority.
            timeout: seconds for connecting, and for each wait for an answer.

        Raises:
            PackageMissingError: the package that reads timestamps is not installed.
            RootsError: the root certificates cannot be read.
        """
        _require_package()
        self._roots = None if authority.roots is None else load_roots(authority.roots)
        self._service = HttpService(authority.url, timeout=timeout, max_answer=_MAX_ANSWER)
        self.name = authority.url

    def stamp(self, text: str) -> Timestamp:
        """Obtain a timestamp of a checkpoint's text. Blocks.

        Raises:
            UnavailableError: the authority does not answer, or asks to retry later.
            WitnessRefusedError: the authority refuses the request.
            AnswerError: the answer is not a timestamp of this text with a certificate that chains to the roots.
        """
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        request = (
            TimestampRequestBuilder(data=text.encode(), hash_algorithm=HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=True)
            .build()
        )
        answer = self._service.post(request.as_bytes(), "application/timestamp-query")
        if answer.status != 200:
            error = UnavailableError if answer.status == 429 or answer.status >= 500 else AnswerError
            raise error(f"timestamp authority {self.name} answers with status {answer.status}")
        try:
            response = _decode(answer.body)
            if response.status != _GRANTED:
                why = "; ".join(response.status_string) or f"status {response.status}"
                raise WitnessRefusedError(f"timestamp authority {self.name} refuses: {why[:200]!r}")
            return Timestamp(answer.body, _check(response, text, self._roots, request.nonce))
        except VerificationError as error:
            raise AnswerError(f"timestamp authority {self.name}: {error}") from error


def load_roots(path: Path) -> list[Certificate]:
    """Read root certificates from a PEM file.

    Raises:
        RootsError: the file cannot be read, or has no certificate.
    """
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise RootsError(f"no root certificates can be read: {unreadable(path, error)}") from error
    except ValueError as error:
        raise RootsError(f"no root certificates can be read from {path}: it has no valid certificate in PEM") from error


def check_timestamp(der: bytes, text: str, roots: Sequence[Certificate]) -> datetime:
    """Check a stored timestamp of a checkpoint's text.

    The certificates must be valid at the time in the timestamp, not now.

    Args:
        der: the TimeStampResp in DER.
        text: the checkpoint's text.
        roots: the trusted root certificates; at least one.

    Returns:
        The time at which the checkpoint existed, with its zone.

    Raises:
        VerificationError: the data is not a timestamp of this text with a certificate that chains to these roots.
        PackageMissingError: the package that reads timestamps is not installed.
    """
    _require_package()
    if not roots:
        raise VerificationError("a timestamp cannot be checked without a root certificate")
    return _check(_decode(der), text, roots, nonce=None)


def _require_package() -> None:
    try:
        import rfc3161_client  # noqa: F401
    except ImportError as error:
        raise PackageMissingError(
            "timestamps need the package rfc3161-client: pip install 'lognotary[timestamps]'"
        ) from error


def _decode(der: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(sort_certificates(der))
    except ValueError as error:
        raise MalformedError(f"the answer is not a timestamp response: {error}") from error


def _check(response: TimeStampResponse, text: str, roots: Sequence[Certificate] | None, nonce: int | None) -> datetime:
    digest = sha256(text.encode()).digest()
    try:
        info = response.tst_info
        algorithm, imprint = info.message_imprint.hash_algorithm, info.message_imprint.message
        time, returned = info.gen_time, info.nonce
    except ValueError as error:
        raise MalformedError(f"the timestamp cannot be read: {error}") from error
    if algorithm.dotted_string != _SHA256 or imprint != digest:
        raise VerificationError("the timestamp is not for this checkpoint")
    if nonce is not None and returned != nonce:
        raise VerificationError("the timestamp answers a different request")
    if roots is not None:
        _verify_signature(response, digest, roots)
    return time


def _verify_signature(response: TimeStampResponse, digest: bytes, roots: Sequence[Certificate]) -> None:
    from rfc3161_client import VerifierBuilder

    try:
        VerifierBuilder(roots=list(roots)).build().verify(response, digest)
    except Exception as error:  # it lets errors through that cryptography has with certificates, of several kinds
        raise VerificationError(
            "the timestamp's signature is invalid, or its certificate does not chain to the roots"
        ) from error
