"""A log on a fake engine for each test, a storage that may refuse, and silence about the retries that tests cause."""

from __future__ import annotations

import logging

import pytest

from server.log.journal import Journal

from .pretended_log import Log
from .streams import Picky


@pytest.fixture
def log(journal: Journal) -> Log:
    """A log with a new journal."""
    return Log(journal)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Keep the retries that tests cause out of the server's log."""
    for module in ("batch_committer", "lasting_inserts", "storing_loop"):
        caplog.set_level(logging.CRITICAL, f"server.log.{module}")


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch) -> Picky:
    monkeypatch.setattr("server.log.recovery.count_after", lambda *_: {})
    return Picky()
