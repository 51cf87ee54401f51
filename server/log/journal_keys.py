"""The keys of a journal, and the encryption of its segments with AES-256-GCM.

Each segment has a key of its own, derived (HKDF-SHA-256, RFC 5869) from a master key and 32 random bytes in the header
of the segment. Each frame has a random nonce: a number would repeat when a frame is taken back or cut off, and its
number used again. A segment has at most some million frames, so random nonces of 96 bits do not repeat under one key
(NIST SP 800-38D, section 8.3). The associated data of a frame is its number, so that frames cannot change places. The
header is authenticated with the segment's key and has a digest of the journal's name, so that a segment cannot be moved
to another journal.

The master key is the key in the key file. If the key is in a PKCS #11 token instead, each process generates a random
master key and has the token encrypt it. Each header has the encrypted master key, so the token is needed only at start.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors.base import LognotaryError
from server.notary.key_bytes import KEY_BYTES, key_id

__all__ = [
    "FRAME_OVERHEAD",
    "MOST_WRAPPED",
    "NO_KEYS",
    "SEALED_BYTES",
    "AlteredError",
    "JournalKeys",
    "MasterKey",
    "Seal",
    "SegmentCipher",
    "UnknownKeyError",
    "identify_key",
    "name_digest",
]

MOST_WRAPPED = 95
"""Largest size in bytes of a master key that a token encrypted."""

_ID, _SALT, _NAME, _NONCE, _TAG = 8, 32, 16, 12, 16  # bytes
_SMALL = 64 << 10  # bytes up to which joining the pieces costs less than an encryption in steps
_SEAL = struct.Struct(f"<{_ID}s{_SALT}s{_NAME}sB{MOST_WRAPPED}s")
_NUMBER = struct.Struct("<Q")

SEALED_BYTES = _SEAL.size + _TAG
"""Bytes that an encrypted segment's header has more than a plain one's."""

FRAME_OVERHEAD = _NONCE + _TAG
"""Bytes that an encrypted frame's payload has more than a plain one's."""


class UnknownKeyError(LognotaryError):
    """No known key decrypts a segment; the message is the ID of the segment's key."""


class AlteredError(LognotaryError):
    """Encrypted data is not what was written in this place."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key.

    Attributes:
        key: the key, 32 bytes.
        wrapped: the key as a token encrypted it; empty for the key of a key file.
    """

    key: bytes = field(repr=False)
    wrapped: bytes = b""

    @property
    def key_id(self) -> bytes:
        """ID of the key, which reveals nothing of it."""
        return identify_key(self.key)


@dataclass(frozen=True, slots=True)
class Seal:
    """The part of a segment's header that belongs to encryption, except for its authentication.

    Attributes:
        key_id: ID of the master key.
        salt: random bytes from which the segment's key is derived.
        journal: digest of the journal's name.
        wrapped: the master key as a token encrypted it; empty for the key of a key file.
    """

    key_id: bytes
    salt: bytes
    journal: bytes
    wrapped: bytes = b""

    @classmethod
    def new(cls, key: MasterKey, journal: str) -> Seal:
        """Return the seal of a new segment of a journal."""
        return cls(key.key_id, secrets.token_bytes(_SALT), name_digest(journal), key.wrapped)

    @classmethod
    def decode(cls, data: bytes) -> Seal:
        """Return the seal in the first bytes of some data that is long enough."""
        key_id, salt, journal, size, wrapped = _SEAL.unpack_from(data)
        return cls(key_id, salt, journal, wrapped[:size])

    def encode(self) -> bytes:
        """Return the seal as ``decode`` reads it."""
        return _SEAL.pack(self.key_id, self.salt, self.journal, len(self.wrapped), self.wrapped)


class SegmentCipher:
    """Encryption of one segment."""

    def __init__(self, key: MasterKey, seal: Seal) -> None:
        """Derive the segment's key from a master key."""
        self.key_id = key.key_id
        self._key = HKDF(SHA256(), KEY_BYTES, seal.salt, b"Lognotary journal segment").derive(key.key)
        self._aead = AESGCM(self._key)

    def authenticate(self, header: bytes) -> bytes:
        """Return the authentication of a header."""
        # Each header has a salt, so a key, of its own. That a frame gets this nonce by chance is as unlikely as that
        # two frames get the same.
        return self._aead.encrypt(bytes(_NONCE), b"", b"header" + header)

    def check(self, header: bytes, tag: bytes) -> None:
        """Check the authentication of a header; raises AlteredError if the header was changed."""
        try:
            self._aead.decrypt(bytes(_NONCE), tag, b"header" + header)
        except InvalidTag:
            raise AlteredError from None

    def encrypt(self, number: int, payload: Sequence[bytes]) -> list[bytes]:
        """Return the payload of a frame, encrypted, in pieces."""
        nonce = secrets.token_bytes(_NONCE)
        if sum(map(len, payload)) < _SMALL:
            return [nonce, self._aead.encrypt(nonce, b"".join(payload), _NUMBER.pack(number))]
        encryptor = Cipher(algorithms.AES(self._key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(_NUMBER.pack(number))
        pieces = [nonce, *map(encryptor.update, payload), encryptor.finalize()]
        return [*pieces, encryptor.tag]

    def decrypt(self, number: int, data: bytes) -> bytes:
        """Return the payload of a frame.

        Raises:
            AlteredError: the data does not belong to the frame with this number in this segment.
        """
        if len(data) < FRAME_OVERHEAD:
            raise AlteredError
        view = memoryview(data)
        try:
            return self._aead.decrypt(view[:_NONCE], view[_NONCE:], _NUMBER.pack(number))
        except InvalidTag:
            raise AlteredError from None


class JournalKeys:
    """The master key with which a journal is written, if it is encrypted, and those with which it can be read."""

    def __init__(
        self,
        current: MasterKey | None = None,
        retired: Sequence[bytes] = (),
        unwrap: Sequence[Callable[[bytes], bytes | None]] = (),
    ) -> None:
        """Use keys.

        Args:
            current: the key of new segments; None to write them unencrypted.
            retired: other keys, to read older segments.
            unwrap: for each key in a token, a function that decrypts a master key; it returns None if that was
                encrypted with another key.
        """
        self.current = current
        self._unwrap = tuple(unwrap)
        keys = [*([current] if current else []), *map(MasterKey, retired)]
        self._known = {key.key_id: key for key in keys}

    def encryption_of(self, seal: Seal) -> SegmentCipher:
        """Return the encryption of a segment.

        Raises:
            UnknownKeyError: none of these keys is the segment's.
        """
        known = self._known.get(seal.key_id)
        if known is None and seal.wrapped:
            found = (unwrap(seal.wrapped) for unwrap in self._unwrap)
            known = next((MasterKey(key) for key in found if key and identify_key(key) == seal.key_id), None)
            if known is not None:
                self._known[seal.key_id] = known  # other segments of the same process have it too
        if known is None:
            raise UnknownKeyError(seal.key_id.hex())
        return SegmentCipher(known, seal)


NO_KEYS = JournalKeys()
"""No keys: journals are written unencrypted, and encrypted ones cannot be read."""


def identify_key(key: bytes) -> bytes:
    """Return the ID of a master key."""
    return key_id(key, "journal")


def name_digest(journal: str) -> bytes:
    """Return the digest of a journal's name that its segments have."""
    return hashlib.sha256(journal.encode()).digest()[:_NAME]
