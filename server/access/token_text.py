"""The text of tokens: ``lgn_``, 32 random bytes in base62, and a checksum.

The form lets scanners find tokens that were committed or logged by mistake, and the checksum, a CRC-32 as in the tokens
of GitHub, lets them tell a token from a text that only looks like one. It protects nothing: the random bytes do.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Callable
from hashlib import sha256

__all__ = ["LENGTH", "PREFIX", "digest_of", "id_of", "is_token", "new_token"]

PREFIX = "lgn_"
"""Beginning of every token."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_BYTES = 32
_RANDOM_DIGITS = 43  # 62**43 > 2**256
_CHECK_DIGITS = 6  # 62**6 > 2**32
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_DIGITS + _CHECK_DIGITS}}}", re.ASCII)
_ID_DIGITS = 12

LENGTH = len(PREFIX) + _RANDOM_DIGITS + _CHECK_DIGITS
"""Length of every token in characters."""


def new_token(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a new token.

    Args:
        random: returns so many random bytes.
    """
    body = PREFIX + _base62(int.from_bytes(random(_RANDOM_BYTES), "big"), _RANDOM_DIGITS)
    return body + _checksum(body)


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token, and its checksum is right."""
    return _FORM.fullmatch(text) is not None and _checksum(text[:-_CHECK_DIGITS]) == text[-_CHECK_DIGITS:]


def digest_of(text: str) -> bytes:
    """Return the SHA-256 of a token, all that is kept of it.

    A slow hash, as for passwords, has no use here: 32 random bytes cannot be guessed, however fast guesses are.
    """
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


def id_of(digest: bytes) -> str:
    """Return the public identifier of a token, the first 12 hexadecimal digits of its digest.

    Whoever finds a token can so find out which one it is, and revoke it.
    """
    return digest.hex()[:_ID_DIGITS]


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK_DIGITS)


def _base62(number: int, digits: int) -> str:
    found = []
    for _ in range(digits):
        number, digit = divmod(number, len(_ALPHABET))
        found.append(_ALPHABET[digit])
    return "".join(reversed(found))
