"""Symmetric keys of 32 bytes in files: as they are, or as text in hex or base64; and IDs of such keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

__all__ = ["KEY_BYTES", "decode_key", "key_id"]

KEY_BYTES = 32
"""Size of a key in bytes."""

_ID_BYTES = 8
_HEX = re.compile(rb"[0-9A-Fa-f]{64}")


def decode_key(content: bytes) -> bytes | None:
    """Return the key in the content of a file, 32 bytes; None if there is none."""
    if len(content) == KEY_BYTES:
        return content
    text = content.strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text.decode())
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


def key_id(key: bytes, purpose: str) -> bytes:
    """Return the ID of a key for a purpose, 8 bytes, which reveals nothing of the key."""
    return hashlib.sha256(f"Lognotary {purpose} key\0".encode() + key).digest()[:_ID_BYTES]
