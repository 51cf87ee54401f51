"""What can be wrong with evidence.

NotaryError
├── KeyMaterialError          a key that is not what it should be
└── VerificationError         evidence that does not hold
    └── MalformedError        evidence that cannot even be read
"""

from __future__ import annotations

__all__ = ["KeyMaterialError", "MalformedError", "NotaryError", "VerificationError"]


class NotaryError(Exception):
    """Base of every error of this package."""


class KeyMaterialError(NotaryError):
    """A signing or verifier key cannot be used; the message says why."""


class VerificationError(NotaryError):
    """Evidence does not hold: a signature, a root hash or a proof is not what it must be."""


class MalformedError(VerificationError):
    """Evidence cannot be parsed. Malformed input is a failed verification, never another error."""
