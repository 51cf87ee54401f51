"""Keys with which signatures can be made, read once: the current keys of a store, and those that they replaced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from server.keys.key_files import KeyStoreError
from server.notary.keys import KeyType, VerifierKey
from server.notary.signers import Signer, SigningKey
from server.notary.trust import fingerprint

__all__ = ["KnownKeys"]


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Keys with which logs can be signed.

    Attributes:
        directory: the ``keys`` directory, to be named in errors.
        keys: the keys.
    """

    directory: Path
    keys: tuple[SigningKey, ...]

    def signer_of(self, keys: Collection[VerifierKey]) -> Signer:
        """Return the signer for given public keys.

        Raises:
            KeyStoreError: one of the keys is not here.
        """
        known = {key.public_key: key for key in self.keys}
        missing = [key for key in keys if key.public_key not in known]
        if missing:
            raise KeyStoreError(
                f"the log {missing[0].name} is signed by the key {fingerprint(missing[0].public_key)}, which is not in "
                f"{self.directory}: put it into 'retired' there, name its token in retired_keys, or continue under "
                "another name (--writer)"
            )
        by_type = {key.key_type: known[key.public_key] for key in keys}
        return Signer(by_type[KeyType.ED25519], by_type.get(KeyType.ML_DSA_44))

    def verifier_keys(self, origin: str) -> list[VerifierKey]:
        """Return the public keys as verifier keys of a log."""
        return [VerifierKey(origin, key.public_key, key.key_type) for key in self.keys]
