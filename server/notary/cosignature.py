"""Messages that cosigners sign (C2SP tlog-cosignature), and the tree head in a checkpoint's text.

ML-DSA-44 is in tlog-cosignature from v1.1.0 on.
"""

from __future__ import annotations

import base64

from server.notary.errors import MalformedError
from server.notary.merkle import HASH_SIZE

__all__ = ["MAX_TIME", "cosigned_message", "has_extension_lines", "read_tree_head", "timed_message"]

MAX_TIME = (1 << 63) - 1  # seconds since 1970, C2SP tlog-cosignature

_MAX_SIZE = (1 << 63) - 1
_HEAD_LINES = 3
_LABEL = b"subtree/v1\n\0"


def timed_message(text: str, time: int) -> bytes:
    """Return what an Ed25519 cosigner signs ("Ed25519 signed message").

    Args:
        text: the checkpoint's text, extension lines included.
        time: time of the signature, in seconds since 1970.
    """
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosigned_message(text: str, cosigner: str, time: int) -> bytes:
    """Return what an ML-DSA-44 cosigner signs ("ML-DSA-44 signed message").

    The message contains only the tree head. An extension line would look signed but would not be, so a checkpoint that
    has one is refused, although the specification would allow it.

    Args:
        text: the checkpoint's text, three lines.
        cosigner: the name of the key.
        time: time of the signature, in seconds since 1970; 0 for no statement about time.

    Raises:
        MalformedError: the text is not a checkpoint or has more than three lines, or a name is longer than 255 bytes.
    """
    origin, size, root = read_tree_head(text)
    if has_extension_lines(text):
        raise MalformedError("ML-DSA-44 cannot sign extension lines, but this checkpoint has some")
    return b"".join(
        (
            _LABEL,
            _vector(cosigner),
            time.to_bytes(8, "big"),
            _vector(origin),
            (0).to_bytes(8, "big"),
            size.to_bytes(8, "big"),
            root,
        )
    )


def _vector(name: str) -> bytes:
    """Return ``opaque<1..2^8-1>`` (RFC 8446, section 3.4)."""
    encoded = name.encode()
    if not 0 < len(encoded) < 256:
        raise MalformedError(f"a key name for ML-DSA-44 must have 1 to 255 bytes, not {len(encoded)}: {name[:80]!r}")
    return bytes((len(encoded),)) + encoded


def has_extension_lines(text: str) -> bool:
    """Return whether a checkpoint's text has more than origin, size and root hash."""
    return text.count("\n") > _HEAD_LINES


def read_tree_head(text: str) -> tuple[str, int, bytes]:
    """Read the first three lines of a checkpoint's text (C2SP tlog-checkpoint); those after them are ignored.

    Returns:
        The origin, the number of entries and the 32-byte root hash.

    Raises:
        MalformedError: the text is not a checkpoint.
    """
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise MalformedError("a checkpoint must have an origin, a size and a root hash, one per line")
    origin, size, root = lines[0], lines[1], lines[2]
    if "+" in origin or any(character.isspace() for character in origin):
        raise MalformedError(f"an origin must be a key name, without spaces or '+': {origin[:80]!r}")
    if not (size.isascii() and size.isdigit()) or str(int(size[:20])) != size or int(size) > _MAX_SIZE:
        raise MalformedError(f"not a tree size: {size[:40]!r}")
    try:
        root_hash = base64.b64decode(root, validate=True)
    except ValueError as error:
        raise MalformedError("the root hash is not base64") from error
    if len(root_hash) != HASH_SIZE:
        raise MalformedError(f"the root hash has {len(root_hash)} bytes, not {HASH_SIZE}")
    return origin, int(size), root_hash
