"""The store that is tampered with, once for each engine."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from storage.clickhouse import connect
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.support.clickhouse_http import ClickHouseServer
from tests.tamper.store import Store, write_store


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
        yield write_store(engine)
    finally:
        engine.close()


@pytest.fixture
def store(written: Store) -> Iterator[Store]:
    """The store, untouched; restored after the test."""
    try:
        yield written
    finally:
        written.restore()
