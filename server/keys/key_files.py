"""Private keys in files that only their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from server.errors.base import LognotaryError
from server.errors.files import is_exposed, unreadable
from server.notary.errors import KeyMaterialError
from server.notary.signers import Ed25519Key, MlDsa44Key, SigningKey

__all__ = ["KeyStoreError", "read_private_key"]


class KeyStoreError(LognotaryError):
    """Error of the key store; the message says what to do."""


def read_private_key(file: Path, *kinds: type[Ed25519Key] | type[MlDsa44Key]) -> SigningKey:
    """Read a private key in PKCS #8 PEM.

    Args:
        file: the file.
        kinds: kinds of keys that may be in it; none for all.

    Raises:
        KeyStoreError: the file is no such key, cannot be read, or can be read by others than its owner.
    """
    try:
        with file.open("rb") as opened:
            _check_mode(file, os.fstat(opened.fileno()))
            pem = opened.read()
    except OSError as error:
        raise KeyStoreError(f"the private key: {unreadable(file, error)}") from error
    problem = ""
    for kind in kinds or (Ed25519Key, MlDsa44Key):
        try:
            return kind.from_pem(pem)
        except KeyMaterialError as error:
            problem = problem or str(error)
    raise KeyStoreError(
        f"the private key {file} cannot be used, because the file is damaged or something else ({problem}): restore it "
        "from a backup. The file was left as it is, and no key was written"
    )


def _check_mode(file: Path, status: os.stat_result) -> None:
    if is_exposed(status):
        raise KeyStoreError(
            f"the private key {file} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}), who could sign "
            f"in this server's name: chmod 600 {file}; if others may have read it, replace it: lognotary keys rotate"
        )
