from __future__ import annotations

import pytest

from server.log.journal import Journal
from storage.engine import Engine
from tests.api.store import Writer


@pytest.fixture
def writer(engine: Engine, journal: Journal) -> Writer:
    """An empty storage to write to, once for each engine."""
    return Writer(engine, journal)
