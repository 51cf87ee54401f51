"""Commitments: the text of a record has a hash of a salt and a value in place of the value.

Who is given salt and value can compute the commitment that the signed record has. Without the salt, nobody can test
guesses of the value; so once the salt is erased, the value is gone for good, and the record still verifies.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

__all__ = ["commitment_mark", "commitment_of", "random_salt"]


def random_salt() -> bytes:
    """Return a new salt."""
    return secrets.token_bytes(32)


def commitment_of(salt: bytes, value: bytes) -> str:
    """Return the commitment to a value, SHA-256(salt || value), in hexadecimal."""
    return sha256(salt + value).hexdigest()


def commitment_mark(rule: str, commitment: str) -> bytes:
    """Return what a text has in place of a value that a rule of redaction has replaced."""
    return b"[redacted:%b:sha256:%b]" % (rule.encode(), commitment.encode())
