"""Storage without a server, for ``--storage``: imported only then, because it loads much code.

Queries that ask a server need neither, and start in a third of the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from server.api.backend import Backend
from server.commands.output import complain
from server.notary.trust import TrustedKeys
from server.settings.errors import ConfigError
from server.settings.sources import gather
from server.settings.storage import with_secrets
from storage.clickhouse import connect_to_read
from storage.data_check import missing_tables
from storage.errors import NotAppliedError, StorageConfigError
from storage.url import DEFAULT_DATABASE, names_database, parse_storage_url

__all__ = ["open_backend"]


@contextmanager
def open_backend(url: str, keys: TrustedKeys | None = None) -> Iterator[Backend]:
    """Open the storage named by ``--storage`` for queries, and close it afterwards.

    Args:
        url: the storage.
        keys: the keys that are trusted; None if each request brings its own.

    Raises:
        ConfigError: the URL is not a storage URL; or the block failed because tables are missing, which are named.
        StorageError: the storage cannot be opened, or has no Lognotary data.
    """
    try:
        parsed = with_secrets(parse_storage_url(url), gather({}, os.environ).values)
    except (StorageConfigError, ValueError) as error:
        raise ConfigError(f"--storage: {error}") from error
    if not names_database(url):
        complain(f"--storage names no database, so {DEFAULT_DATABASE} is read: {parsed}")
    engine = connect_to_read(parsed)
    with closing(engine):
        try:
            yield Backend(engine, keys or TrustedKeys())
        except NotAppliedError as error:
            if not (missing := missing_tables(engine)):
                raise
            raise ConfigError(
                f"--storage: {engine.info.name} lacks tables of Lognotary: {', '.join(missing)} "
                "('lognotary verify' shows what else is wrong)"
            ) from error
