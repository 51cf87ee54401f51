"""What all tests share: both storage engines, and settings of Hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import HealthCheck, settings

from harness.clickhouse_http import ClickHouseServer
from harness.clickhouse_node import running_server
from harness.clickhouse_source import ServerUnavailableError
from harness.lacking import lacking
from server.log.journal import Journal
from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

# How long an example takes is up to what else the machine does.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A real ClickHouse server. Where none can be had: an error in CI, a skip that says why elsewhere."""
    try:
        with running_server(tmp_path_factory.mktemp("clickhouse")) as server:
            yield server
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")


@contextmanager
def _empty_storage(request: pytest.FixtureRequest, directory: Path) -> Iterator[str]:
    if request.param == "embedded":
        yield f"chdb://{directory / 'chdb'}"
        return
    server: ClickHouseServer = request.getfixturevalue("clickhouse_server")
    with server.fresh_database() as database:
        yield urlunsplit(urlsplit(server.url)._replace(path=f"/{database}"))


@pytest.fixture(params=["embedded", "server"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty storage, once for each engine."""
    with _empty_storage(request, tmp_path) as url:
        yield url


@pytest.fixture(params=["embedded", "server"], scope="module")
def module_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A storage with all tables, once for each engine, in which a test finds what those before it left."""
    # Not one for each test: to open one takes half a second, and chDB leaves some threads, each with three
    # descriptors, in the process whenever an embedded one is closed. Nor one for all tests: a process has one
    # embedded storage open at a time, and other modules open their own.
    with _empty_storage(request, tmp_path_factory.mktemp("engine")) as url:
        opened = connect(parse_storage_url(url))
        try:
            migrate(opened)
            yield opened
        finally:
            opened.close()


@pytest.fixture
def engine(module_engine: Engine) -> Engine:
    """A storage with all tables, new and empty, once for each engine; its handles live in this process."""
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY engine != 'MaterializedView'"
    for (name,) in read_rows(module_engine.query(tables), (text,)):
        module_engine.execute(f"DROP TABLE `{name}` SYNC")
    migrate(module_engine)
    return module_engine


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new journal, on the disk."""
    with closing(Journal(tmp_path / "journal", 64 << 20)) as opened:
        yield opened
