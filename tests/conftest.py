"""Fixtures that all tests share: both storage engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.support.clickhouse_http import ClickHouseServer
from tests.support.clickhouse_node import running_server
from tests.support.clickhouse_source import ServerUnavailableError


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A real ClickHouse server. Where none can be had: an error in CI, a skip that says why elsewhere."""
    try:
        with running_server(tmp_path_factory.mktemp("clickhouse")) as server:
            yield server
    except ServerUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no ClickHouse server: {error}")


@pytest.fixture(params=["embedded", "server"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty storage, once for each engine."""
    if request.param == "embedded":
        yield f"chdb://{tmp_path / 'chdb'}"
        return
    server: ClickHouseServer = request.getfixturevalue("clickhouse_server")
    with server.fresh_database() as database:
        yield urlunsplit(urlsplit(server.url)._replace(path=f"/{database}"))


@pytest.fixture
def engine(storage_url: str) -> Iterator[Engine]:
    """A storage with all tables, once for each engine; its handles live in this process."""
    opened = connect(parse_storage_url(storage_url))
    try:
        migrate(opened)
        yield opened
    finally:
        opened.close()
