"""Keys that were lost: a new one could not continue what they signed, so their absence must be noticed."""

from __future__ import annotations

from pathlib import Path

from server.keys.key_files import KeyStoreError
from server.notary.errors import KeyMaterialError
from server.notary.keys import KeyType, VerifierKey
from server.notary.trust import fingerprint, read_public_pem

__all__ = ["PUBLIC_FILE", "lost_key", "missing_key", "published_key", "published_keys", "trace_of_key"]


PUBLIC_FILE = "public-key.pem"
"""Name of the file of the Ed25519 public key in a key directory."""


def published_key(directory: Path) -> bytes | None:
    """Return the raw Ed25519 public key that was published last in a key directory, None if none was."""
    try:
        return read_public_pem((directory / PUBLIC_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError, KeyMaterialError):
        return None


def published_keys(directory: Path) -> list[VerifierKey]:
    """Return the verifier keys that were published last in a key directory, none if that cannot be told."""
    try:
        lines = (directory / "verifier-keys.txt").read_text(encoding="utf-8").splitlines()
        return [VerifierKey.parse(line) for line in lines if line.strip()]
    except (OSError, ValueError, KeyMaterialError):
        return []


def trace_of_key(file: Path) -> str:
    """Return what shows that there was a private key in a file of a key directory; empty if nothing does."""
    directory = file.parent
    if file.name == "ml-dsa-44-key.pem":
        kinds = {key.key_type for key in published_keys(directory)}
        return (
            f"its public key was published in {directory / 'verifier-keys.txt'}" if KeyType.ML_DSA_44 in kinds else ""
        )
    if (directory / PUBLIC_FILE).exists():
        return f"its public key was published in {directory / 'public-key.pem'}"
    retired = any((directory / "retired").glob("*.pem"))
    return f"{directory / 'retired'} has keys that it replaced" if retired else ""


def missing_key(directory: Path) -> str:
    """Return what is missing if the Ed25519 key of a running server is not in its directory; else an empty string."""
    file = directory / "signing-key.pem"
    if file.exists():
        return ""
    return (
        f"{file} was deleted or moved. The server signs on with the key in its memory, but cannot be started again "
        "without the file: restore it from a backup"
    )


def lost_key(file: Path, trace: str) -> KeyStoreError:
    """Return the error that a private key is missing.

    Args:
        file: file of the key.
        trace: what shows that the key signed.
    """
    public = published_key(file.parent)
    name = f" (fingerprint {fingerprint(public)})" if public and file.name == "signing-key.pem" else ""
    return KeyStoreError(
        f"the signing key {file} is missing, but {trace}: restore it{name} from a backup. No key was written. "
        "Without it this server's logs cannot be continued, though still be verified with their public key: to begin "
        "new ones, start with another data directory (--data-dir) and another name (--writer)"
    )
