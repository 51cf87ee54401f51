from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from server.log.journal import Journal
from storage.engine import Engine
from tests.api.exporting import write_records
from tests.api.store import Writer


@pytest.fixture
def writer(engine: Engine, journal: Journal) -> Writer:
    """An empty storage to write to, once for each engine."""
    return Writer(engine, journal)


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Records to export; modules with other records have a fixture of this name of their own."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        write_records(writer)
        yield writer
