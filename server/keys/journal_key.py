"""The keys that encrypt journals: key files, and AES keys in PKCS #11 tokens.

A key file has 32 random bytes, as they are or as text in hex or base64. A key in a token encrypts a random key, which
each process makes when it starts.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from server.errors.files import is_exposed, unreadable, unwritable
from server.keys.key_files import KeyStoreError
from server.keys.pkcs11 import generate_secret_key, open_secret_key
from server.notary.errors import KeyMaterialError, SigningError
from server.notary.key_bytes import KEY_BYTES, decode_key

__all__ = ["GivenKeys", "create_key_file", "create_token_key", "journal_keys", "read_key_file"]

_OFF = "off"
_TOKEN = "pkcs11:"  # noqa: S105 - a scheme


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """The keys of journals.

    Attributes:
        current: the key of what is written, 32 bytes; None to write unencrypted.
        wrapped: the same as a token encrypted it; empty if it is the key of a file.
        retired: keys of files, with which earlier segments can be read.
        unwrap: for each key in a token, a function that decrypts a wrapped key; it returns None if that was encrypted
            with another key.
    """

    current: bytes | None = field(default=None, repr=False)
    wrapped: bytes = b""
    retired: tuple[bytes, ...] = field(default=(), repr=False)
    unwrap: tuple[Callable[[bytes], bytes | None], ...] = ()


def journal_keys(key: str, retired: Iterable[str]) -> GivenKeys:
    """Return the keys that settings name.

    Args:
        key: the setting ``journal_key``: ``off``, a path or a PKCS #11 URI.
        retired: the setting ``journal_retired_keys``: paths and PKCS #11 URIs.

    Raises:
        KeyStoreError: a key cannot be read or used.
    """
    current, wrapped, files, unwrap = None, b"", [], []
    try:
        if key.startswith(_TOKEN):
            in_token = open_secret_key(key)
            current = secrets.token_bytes(KEY_BYTES)
            wrapped = in_token.encrypt(current)
            unwrap.append(in_token.decrypt)
        elif key != _OFF:
            current = read_key_file(Path(key))
        for former in retired:
            if former.startswith(_TOKEN):
                unwrap.append(open_secret_key(former).decrypt)
            else:
                files.append(read_key_file(Path(former)))
    except (KeyMaterialError, SigningError) as error:
        raise KeyStoreError(f"the journal key: {error}") from error
    return GivenKeys(current, wrapped, tuple(files), tuple(unwrap))


def read_key_file(file: Path) -> bytes:
    """Return the key of a key file.

    Raises:
        KeyStoreError: the file cannot be read, is no key, or can be read by others than its owner.
    """
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            content = opened.read(16 * KEY_BYTES)
    except OSError as error:
        raise KeyStoreError(
            f"the key file: {unreadable(file, error)}. What was encrypted with this key cannot be read without it: "
            "restore the file from a backup. 'lognotary journal key FILE' makes a new key"
        ) from error
    if is_exposed(status):
        raise KeyStoreError(
            f"the key file {file} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {file}; "
            "if others may have read it, replace it, and name it in journal_retired_keys"
        )
    key = decode_key(content)
    if key is None:
        raise KeyStoreError(
            f"the key file {file} does not have {KEY_BYTES} bytes, nor {KEY_BYTES} bytes in hex or base64: restore it "
            "from a backup, or make a new key with 'lognotary journal key FILE'"
        )
    return key


def create_key_file(file: Path) -> bytes:
    """Create a key file with a new random key, and return the key; an existing file is never replaced.

    Raises:
        KeyStoreError: the file exists or cannot be written.
    """
    key = secrets.token_bytes(KEY_BYTES)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(key.hex() + "\n")
            opened.flush()
            os.fsync(descriptor)
    except FileExistsError as error:
        raise KeyStoreError(f"{file} exists already: give another path. No file was changed") from error
    except OSError as error:
        raise KeyStoreError(f"the key file: {unwritable(file, error)}") from error
    return key


def create_token_key(uri: str) -> None:
    """Create an AES key in a token.

    Raises:
        KeyStoreError: the key exists, or the token cannot be reached or cannot make one.
    """
    try:
        generate_secret_key(uri)
    except (KeyMaterialError, SigningError) as error:
        raise KeyStoreError(str(error)) from error
