"""What can be wrong with evidence.

NotaryError
├── KeyMaterialError          a key that is not what it should be
├── SigningError              a key that does not sign now
└── VerificationError         evidence that does not hold
    └── MalformedError        evidence that cannot even be read
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = ["KeyMaterialError", "MalformedError", "NotaryError", "SigningError", "VerificationError"]


class NotaryError(LognotaryError):
    """Base of every error of this package."""


class KeyMaterialError(NotaryError):
    """A signing or verifier key cannot be used; the message says why."""


class SigningError(NotaryError):
    """A signing key cannot be reached or did not sign; nothing was signed, and it may be tried again."""

    retryable: ClassVar[bool] = True


class VerificationError(NotaryError):
    """Evidence does not hold: a signature, a root hash or a proof is not what it must be."""


class MalformedError(VerificationError):
    """Evidence cannot be parsed. Malformed input is a failed verification, never another error."""
