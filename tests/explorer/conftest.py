"""Servers with a day of a shop, one for each engine, and tabs of a real browser on their pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from playwright.sync_api import Browser

from harness.browser import Tab, browser, tab
from harness.clickhouse_http import ClickHouseServer
from harness.free_port import free_port
from harness.lognotary_server import LognotaryServer
from harness.shop_day import Day, hostile_requests, send_all, shop_day

ENGINES = ("embedded", "server")


@dataclass(frozen=True, slots=True)
class Shop:
    """A running server and what it has stored."""

    server: LognotaryServer
    day: Day

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"{self.server.http}{path}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@contextmanager
def storage_on(request: pytest.FixtureRequest, directory: Path) -> Iterator[str]:
    """Yield the URL of an empty storage on the engine that is the parameter of a fixture, one of ``ENGINES``."""
    if request.param == "embedded":
        yield f"chdb://{directory / 'chdb'}"
        return
    clickhouse: ClickHouseServer = request.getfixturevalue("clickhouse_server")
    with clickhouse.fresh_database() as database:
        yield urlunsplit(urlsplit(clickhouse.url)._replace(path=f"/{database}"))


@pytest.fixture(params=ENGINES, scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running server that has received the day of a shop; tests of a module share it."""
    directory: Path = tmp_path_factory.mktemp("shop")
    day = shop_day(time.time_ns(), logs=400, events=120, traces=12)
    # A server that does not know its port before it listens takes requests of its own pages for those of foreign ones.
    http = f"127.0.0.1:{free_port()}"
    with (
        storage_on(request, directory) as storage,
        LognotaryServer(storage, directory / "data", batch_age=0.02, http=http) as server,
    ):
        send_all(server.otlp_http, day.requests)
        send_all(server.otlp_http, hostile_requests(time.time_ns()))
        yield Shop(server, day)


@pytest.fixture
def seen(chromium: Browser) -> Iterator[Tab]:
    """An empty tab; afterwards, the page must not have complained, nor asked anybody but the server."""
    with tab(chromium) as opened:
        yield opened
        assert opened.observed.complaints() == []
        hosts = {urlsplit(asked.partition(" ")[2]).netloc for asked in opened.observed.requests}
        assert len(hosts - {""}) <= 1, hosts
