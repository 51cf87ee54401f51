"""Direct access to storage and files, for commands that do not use a server."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.commands.arguments.options import DEFAULT_DATA_DIR
from server.notary.errors import NotaryError
from server.notary.trust import parse_public_keys
from server.settings.errors import ConfigError
from storage.clickhouse import connect_to_read
from storage.data_check import missing_tables
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageConfigError
from storage.url import parse_storage_url

__all__ = ["data_dir", "open_storage", "read_public_keys", "read_text"]


def data_dir(options: argparse.Namespace) -> Path | None:
    """Return the data directory that ``add_storage_flags`` asked for; None if only a public key is given."""
    if options.data_dir is None and options.public_key:
        return None
    return Path(options.data_dir or DEFAULT_DATA_DIR)


def read_text(file: str) -> str:
    """Read a file named on the command line.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def read_public_keys(file: str) -> str:
    """Read a file of public keys named on the command line, and return its text.

    Raises:
        ConfigError: the file cannot be read, or has no valid public key.
    """
    text = read_text(file)
    try:
        parse_public_keys([text])
    except NotaryError as error:
        raise ConfigError(
            f"{file} is not a file of public keys, or is damaged: {error}. A server's key is in keys/public-key.pem of "
            "its data directory"
        ) from error
    return text


@contextmanager
def open_storage(url: str) -> Iterator[Engine]:
    """Open the storage named by ``--storage``, and close it afterwards.

    Raises:
        ConfigError: the URL is not a storage URL; or the block failed because tables are missing, which are named.
        StorageError: the storage cannot be opened, or has no Lognotary data.
    """
    try:
        parsed = parse_storage_url(url)
    except StorageConfigError as error:
        raise ConfigError(f"--storage: {error}") from error
    engine = connect_to_read(parsed)
    with closing(engine):
        try:
            yield engine
        except NotAppliedError as error:
            if not (missing := missing_tables(engine)):
                raise
            raise ConfigError(
                f"--storage: {engine.info.name} lacks tables of Lognotary: {', '.join(missing)} "
                "('lognotary verify' shows what else is wrong)"
            ) from error
