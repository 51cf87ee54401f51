"""The public key in a data directory."""

from __future__ import annotations

from pathlib import Path

from server.data_dir.errors import DataDirectoryError
from server.notary.errors import NotaryError
from server.notary.trust import parse_public_keys

__all__ = ["read_public_key"]


def read_public_key(path: Path) -> str:
    """Return the public key in a data directory, without locking the directory.

    Raises:
        DataDirectoryError: there is no public key, or it is damaged.
    """
    file = path / "keys" / "public-key.pem"
    try:
        text = file.read_text(encoding="utf-8")
        parse_public_keys([text])
    except FileNotFoundError as error:
        raise DataDirectoryError(
            f"there is no public key in {path}: give it with --public-key FILE, or the server's --data-dir"
        ) from error
    except OSError as error:
        raise DataDirectoryError(f"the public key {file} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, NotaryError) as error:
        raise DataDirectoryError(
            f"the public key {file} is damaged: start the server, which writes it again, or give a copy of the key "
            "with --public-key FILE"
        ) from error
    return text
