"""The store that is tampered with, once for each engine."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from storage.clickhouse import connect
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.support.clickhouse_http import ClickHouseServer
from tests.tamper.stated import Stated, write_stated
from tests.tamper.store import Store, Tables, write_store


@pytest.fixture(scope="package", params=["embedded", "server"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store as it was written; the engine is the package's, for one process opens one embedded storage."""
    if request.param == "embedded":
        yield from _open(f"chdb://{tmp_path_factory.mktemp('tamper') / 'chdb'}")
        return
    server: ClickHouseServer = request.getfixturevalue("clickhouse_server")
    with server.fresh_database() as database:
        yield from _open(urlunsplit(urlsplit(server.url)._replace(path=f"/{database}")))


def _open(url: str) -> Iterator[Store]:
    engine = connect(parse_storage_url(url))
    try:
        migrate(engine)
        yield write_store(Tables(engine))
    finally:
        engine.close()


@pytest.fixture(scope="package")
def written_stated(written: Store) -> Stated:
    """A second store beside it, whose logs have statements, as it was written."""
    return write_stated(written.tables)


@pytest.fixture
def store(written: Store) -> Iterator[Store]:
    """The store, untouched; restored after the test."""
    written.restore()
    try:
        yield written
    finally:
        written.restore()


@pytest.fixture
def stated(written_stated: Stated) -> Iterator[Stated]:
    """The store with statements, untouched; restored after the test."""
    written_stated.restore()
    try:
        yield written_stated
    finally:
        written_stated.restore()
