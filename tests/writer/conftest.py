from __future__ import annotations

from pathlib import Path

import pytest

from storage.engine import Engine

from .log_server import Server


@pytest.fixture
def server(engine: Engine, tmp_path: Path) -> Server:
    return Server(engine, tmp_path)
