from __future__ import annotations

from pathlib import Path

import pytest

from harness.witness import SmallWitness
from tests.witness.attending import Served
from tests.witness.growing_log import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    """A log of five entries."""
    return GrowingLog().grow(5)


@pytest.fixture
def served(tmp_path: Path, log: GrowingLog) -> Served:
    return Served(SmallWitness(tmp_path / "state", {log.origin: log.keys}))
