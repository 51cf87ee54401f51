"""Checks that a storage has Lognotary data, for those who only read: nothing is created by a mistyped URL."""

from __future__ import annotations

import logging

from clickhouse_connect.driver.client import Client

from storage.client_errors import Access, translated
from storage.definitions import EVIDENCE_TABLES, is_table_itself
from storage.engine import Engine
from storage.errors import AccessDeniedError, NoDataError, NotAppliedError
from storage.roles import Role, quoted
from storage.rowbinary import read_one, uint8
from storage.url import EmbeddedUrl, ServerUrl, StorageUrl

__all__ = ["check_database", "check_directory", "check_tables", "missing_tables"]

_logger = logging.getLogger(__name__)


def check_directory(url: EmbeddedUrl) -> None:
    """Check that a directory has embedded storage, without opening it.

    Raises:
        NoDataError: it has none, or does not exist.
    """
    if _has_database(url):
        return
    beneath = EmbeddedUrl(url.path / "chdb", url.database)
    if not url.path.exists():
        reason = "the directory does not exist"
    elif _has_database(beneath):
        reason = f"did you mean {beneath}?"
    else:
        reason = "the directory is not one of embedded storage"
    raise NoDataError(f"there is no Lognotary data in {url}: {reason}")


def _has_database(url: EmbeddedUrl) -> bool:
    return (url.path / "metadata" / f"{url.database}.sql").exists()


def check_database(client: Client, access: Access) -> None:
    """Create the database if it does not exist and ``access`` is a server's.

    Raises:
        NoDataError: the database does not exist, and is only read.
        NotAppliedError: the database cannot be created.
    """
    database = access.url.database
    try:
        with translated(access):
            if client.command(f"EXISTS DATABASE {quoted(database)}") == 1:  # users who may only read create nothing
                return
            if access.role is Role.SERVER:
                client.command(f"CREATE DATABASE IF NOT EXISTS {quoted(database)}")
                return
    except AccessDeniedError as error:
        if access.role is Role.SERVER or not isinstance(access.url, ServerUrl):
            raise
        raise NoDataError(
            f"there is no Lognotary data in {access.url} for the user {access.url.username!r}: the database {database} "
            f"does not exist, or {error}"
        ) from error
    raise NoDataError(f"there is no Lognotary data in {access.url}: the database {database} does not exist")


def missing_tables(engine: Engine) -> list[str]:
    """Return the tables of records and evidence that do not exist; raises StorageError."""
    return [table for table in EVIDENCE_TABLES if not read_one(engine.query(f"EXISTS TABLE {table}"), uint8)]


def check_tables(engine: Engine, url: StorageUrl) -> None:
    """Check that a database has tables of Lognotary's that this user may read.

    A table that is missing among others is for the reader to handle: verification reports it as a finding.

    Raises:
        NoDataError: none of the tables exists.
        AccessDeniedError: this user may not read one of the tables, or its definition.
        StorageError: storage cannot be read.
    """
    missing = missing_tables(engine)
    if len(missing) == len(EVIDENCE_TABLES):
        raise NoDataError(f"there is no Lognotary data in {url}: the database {url.database} has none of the tables")
    for table in [table for table in EVIDENCE_TABLES if table not in missing]:
        try:
            engine.query(f"SELECT * FROM {table} LIMIT 0")
        except AccessDeniedError as error:
            # The right that is missing may be one on what a view in the table's place reads.
            if is_table_itself(engine, table):
                raise
            _logger.info("the table %s is another object, which cannot be read: %s", table, error)
        except NotAppliedError as error:
            _logger.info("the table %s cannot be read as it is: %s", table, error)  # verification says why
