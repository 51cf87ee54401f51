"""The key with which redacted secrets are hashed: 32 random bytes in hex, in a file that only its owner may read."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

from server.codec.redaction_rules import Mode, Redaction
from server.data_dir.private_directories import make_private
from server.errors.files import is_exposed, unreadable, unwritable
from server.keys.key_files import KeyStoreError
from server.settings.settings import Settings

__all__ = ["KEY_FILE", "redaction_of"]

KEY_FILE = Path("keys/redaction-key")
"""File of the key in a data directory, unless another one is named."""

_BYTES = 32
_HEX = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}\n?")


def redaction_of(settings: Settings) -> Redaction:
    """Return the redaction of a server with its key, which is created the first time; workers share it.

    Raises:
        KeyStoreError: the key cannot be read or created, is damaged, or can be read by others than its owner.
    """
    if not settings.redaction.uses(Mode.HASH):
        return settings.redaction
    file = settings.redaction_key_file or settings.data_dir / KEY_FILE
    if file != settings.redaction_key_file and not file.exists():
        _create(file)
    return replace(settings.redaction, key=_read(file))


def _create(file: Path) -> None:
    try:
        make_private(file.parent)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(secrets.token_hex(_BYTES) + "\n")
            opened.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):  # another process of this server was faster: its key counts
            os.link(temporary, file)
        Path(temporary).unlink()
    except OSError as error:
        raise KeyStoreError(f"the redaction key: {unwritable(file, error)}") from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            content = opened.read(4 * _BYTES)
    except OSError as error:
        raise KeyStoreError(f"the redaction key: {unreadable(file, error)}") from error
    if is_exposed(status):
        raise KeyStoreError(
            f"the redaction key {file} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}), who could find "
            f"out secrets by guessing: chmod 600 {file}"
        )
    text = content.decode("ascii", errors="replace")
    if not _HEX.fullmatch(text):
        raise KeyStoreError(
            f"the redaction key {file} is not {2 * _BYTES} hexadecimal digits: restore it from a backup; with another "
            "key, marks of equal secrets differ from the old ones"
        )
    return bytes.fromhex(text)
