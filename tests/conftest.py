"""Fixtures and settings that all tests share: both storage engines, Hypothesis profiles, the ``slow`` marker."""

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
from storage.errors import StorageError
from storage.migrate import migrate
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url
from tests.checked_exports import Checker
from tests.effort import effort, profile
from tests.sampling import on_other_engine
from tests.slow import is_slow

# No deadlines: how long an example takes is up to what else the machine does.
settings.register_profile(
    profile(), max_examples=effort(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(profile())


# Their engines are the package's, so a change of the engine costs nothing; elsewhere each module starts servers on it.
_OF_ONE_STORE = "tests/tamper/"


@pytest.hookimpl(tryfirst=True)  # packages take samples of what stays
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that ``make test`` leaves out. With the profile of CI, these run on one engine, in turn."""
    for item in items:
        if isinstance(item, pytest.Function) and is_slow(item):
            item.add_marker(pytest.mark.slow)
    if profile() != "sampled":
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    groups = [item.nodeid.partition("[" if item.nodeid.startswith(_OF_ONE_STORE) else "::")[0] for item in slow]
    dropped = {slow[at] for at in on_other_engine([item.nodeid for item in slow], groups)}
    if dropped:
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=list(dropped))


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A real ClickHouse server. Where none can be had: an error in CI, a skip that says why elsewhere."""
    try:
        with running_server(tmp_path_factory.mktemp("clickhouse")) as server:
            yield server
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")


@pytest.fixture
def database(clickhouse_server: ClickHouseServer) -> Iterator[str]:
    """The name of an empty database on the ClickHouse server."""
    with clickhouse_server.fresh_database() as name:
        yield name


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
def engine(module_engine: Engine, _schema: str) -> Engine:
    """A storage with all tables, empty, once for each engine; its handles live in this process."""
    # To truncate takes milliseconds, and forgets the deduplication tokens of inserts too. To drop and migrate takes a
    # quarter of a second, so only after a test that changed the tables themselves.
    if _read_schema(module_engine) == _schema:
        for name in _table_names(module_engine, "engine LIKE '%MergeTree' AND name != 'lognotary_migrations'"):
            module_engine.execute(f"TRUNCATE TABLE `{name}` SYNC")
    else:
        for name in _table_names(module_engine, "true"):
            module_engine.execute(f"DROP TABLE `{name}` SYNC")
        migrate(module_engine)
    return module_engine


@pytest.fixture(scope="module")
def _schema(module_engine: Engine) -> str:
    """The schema as migrations make it, for tests that use ``module_engine`` may add to it."""
    return _read_schema(module_engine)


def _read_schema(engine: Engine) -> str:
    """Return all that tells apart a storage that was just migrated, but for the rows of other tables."""
    definitions = (
        "SELECT arraySort(groupArray(create_table_query)) FROM system.tables WHERE database = currentDatabase()"
    )
    migrations = "SELECT arraySort(groupArray((Number, Digest))) FROM lognotary_migrations"
    try:
        ((schema,),) = read_rows(engine.query(f"SELECT toString((({definitions}), ({migrations})))"), (text,))
    except StorageError:
        return ""  # the table of migrations is not there, or is another
    return str(schema)


def _table_names(engine: Engine, condition: str) -> list[str]:
    """Return the names of the tables for which a condition holds, views first."""
    query = (
        f"SELECT name FROM system.tables WHERE database = currentDatabase() AND {condition} "
        "ORDER BY engine != 'MaterializedView'"
    )
    return [name for (name,) in read_rows(engine.query(query), (text,))]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new journal, on the disk."""
    with closing(Journal(tmp_path / "journal", 64 << 20)) as opened:
        yield opened


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    """The check of exports, on files in a directory of the test's own."""
    return Checker(tmp_path)
