"""Errors in evidence and keys.

NotaryError
├── KeyMaterialError          a malformed or unusable key
├── SigningError              a key that cannot sign at the moment
└── VerificationError         evidence that is not valid
    ├── MalformedError        evidence that cannot be parsed
    └── RowTooLongError       stored rows that are too long to be read
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = ["KeyMaterialError", "MalformedError", "NotaryError", "RowTooLongError", "SigningError", "VerificationError"]


class NotaryError(LognotaryError):
    """Base of every error of this package."""


class KeyMaterialError(NotaryError):
    """A signing or verifier key cannot be used; the message says why."""


class SigningError(NotaryError):
    """A signing key cannot be reached or did not sign. Nothing was signed; the operation can be retried."""

    retryable: ClassVar[bool] = True


class VerificationError(NotaryError):
    """Evidence is not valid: a signature, a root hash or a proof does not match."""


class MalformedError(VerificationError):
    """Evidence cannot be parsed. Malformed input is a failed verification, never another error."""


class RowTooLongError(VerificationError):
    """A stored row, or the block that storage sent it in, is longer than the limit on what is read at once."""
