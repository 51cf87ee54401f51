from __future__ import annotations

import pytest

from tests.witness.growing_log import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    """A log of five entries."""
    return GrowingLog().grow(5)
