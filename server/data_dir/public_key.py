"""The public keys in a data directory."""

from __future__ import annotations

from pathlib import Path

from server.data_dir.errors import DataDirectoryError
from server.notary.errors import NotaryError
from server.notary.trust import parse_public_keys

__all__ = ["read_own_public_keys"]


def read_own_public_keys(path: Path) -> list[str]:
    """Return the public keys in a data directory, without locking the directory.

    The first one is that of the server. The keys of tenants with a key of their own follow, as verifier keys: each is
    good for this tenant's logs alone.

    Raises:
        DataDirectoryError: there is no public key, or one is damaged.
    """
    keys = path / "keys"
    try:
        server = _read(keys / "public-key.pem")
    except FileNotFoundError as error:
        raise DataDirectoryError(
            f"there is no public key in {path}: give it with --public-key FILE, or the server's --data-dir"
        ) from error
    tenants = [_read(file) for file in sorted((keys / "tenants").glob("*/verifier-keys.txt"))]
    return [server, "".join(tenants)] if tenants else [server]


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
        parse_public_keys([text])
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataDirectoryError(f"the public key {file} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, NotaryError) as error:
        raise DataDirectoryError(
            f"the public key {file} is damaged: start the server, which writes it again, or give a copy of the key "
            "with --public-key FILE"
        ) from error
    return text
