"""Acknowledgements of findings, as calls give them and as the server keeps them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from lognotary.v1 import evidence_pb2
from server.api.errors import InvalidArgumentError
from server.notary.acknowledgement import (
    Acknowledged,
    acknowledgement_keys,
    open_acknowledgement,
    parse_acknowledgement,
)
from server.notary.errors import KeyMaterialError, VerificationError
from server.notary.trust import TrustedKeys, read_public_pem

__all__ = ["acknowledgement_message", "known_findings"]

_logger = logging.getLogger(__name__)


def known_findings(request: evidence_pb2.VerifyRequest, keys: TrustedKeys, kept: Iterable[str]) -> list[Acknowledged]:
    """Return the acknowledgements that hold for a verification.

    An acknowledgement that the server keeps is left out if none of the keys signed it: what it is about fails then.

    Args:
        request: the request, with acknowledgements and keys of its own.
        keys: the trusted keys, including those that key changes lead to.
        kept: signed acknowledgements that the server keeps.

    Raises:
        InvalidArgumentError: an acknowledgement of the request cannot be used, or a key of it.
    """
    try:
        own = [read_public_pem(text) for text in request.acknowledgement_keys]
    except KeyMaterialError as error:
        raise InvalidArgumentError(f"a key for acknowledgements cannot be used: {error}") from error
    signers = [*acknowledgement_keys(keys), *own]
    known = []
    for note in request.acknowledgements:
        try:
            known.append(open_acknowledgement(note, signers))
        except VerificationError as error:
            raise InvalidArgumentError(f"{_subject(note)} cannot be used: {error}") from error
    for note in kept:
        try:
            known.append(open_acknowledgement(note, signers))
        except VerificationError as error:
            _logger.warning("an acknowledgement in the data directory is not used: %s", error)
    return known


def _subject(note: str) -> str:
    try:
        return f"the acknowledgement of the finding {parse_acknowledgement(note).finding}"
    except VerificationError:
        return "an acknowledgement"


def acknowledgement_message(known: Acknowledged) -> evidence_pb2.Acknowledgement:
    """Convert an acknowledgement."""
    message = evidence_pb2.Acknowledgement(reason=known.acknowledgement.reason, signed_by=known.signed_by)
    message.time.FromSeconds(known.acknowledgement.time)
    return message
