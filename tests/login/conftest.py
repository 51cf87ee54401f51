"""A browser, and a provider whose answers the test makes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from server.login.build import open_login
from server.login.fetching import Fetcher
from tests.login.browsing import Answers, client, settings


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    made = Answers()
    monkeypatch.setattr(Fetcher, "get", lambda fetcher, *given: made.get(fetcher, *given))
    monkeypatch.setattr(Fetcher, "post", lambda fetcher, *given: made.post(fetcher, *given))
    return made


@pytest_asyncio.fixture
async def browser(tmp_path: Path, answers: Answers) -> AsyncIterator[httpx.AsyncClient]:
    del answers
    with open_login(settings(tmp_path), tmp_path) as login:
        async with client(login) as opened:
            yield opened
