from __future__ import annotations

import pytest

from .streams import Picky


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch) -> Picky:
    monkeypatch.setattr("server.log.recovery.count_after", lambda *_: {})
    return Picky()
