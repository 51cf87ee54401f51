"""Links and answers made to mislead a reader, in a real browser: the page neither breaks nor vouches for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from harness.browser import Tab
from harness.lognotary_server import LognotaryServer
from harness.shop_day import send_all, shop_day

_PATIENCE = 30_000  # milliseconds; the machine may be busy
_Answer = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    """A running server with records of a day, which is honest: tests change its answers on their way."""
    directory: Path = tmp_path_factory.mktemp("forged")
    with LognotaryServer(f"chdb://{directory / 'chdb'}", directory / "data", batch_age=0.02) as started:
        send_all(started.otlp_http, shop_day(time.time_ns(), logs=60, events=60, traces=4).requests)
        yield started


def _visit(page: Page, server: LognotaryServer, **parameters: str) -> None:
    page.goto(f"{server.http}/?{httpx.QueryParams({'since': 'any', **parameters})}")


def _pin(page: Page, server: LognotaryServer) -> None:
    page.goto(f"{server.http}/trust")
    page.get_by_label("Key from a file").set_input_files(server.public_key)
    expect(page.get_by_role("button", name="Unpin")).to_be_visible(timeout=_PATIENCE)


def _serve(page: Page, path: str, change: Callable[[_Answer], _Answer]) -> None:
    """Change what the server answers on the way to the page, as a hostile server does itself."""

    def answer(route: Route) -> None:
        route.fulfill(json=change(route.fetch().json()))

    page.route(f"**/api/v1/{path}", answer)


def test_a_column_that_every_object_inherits_is_like_any_other_name(seen: Tab, server: LognotaryServer) -> None:
    _visit(seen.page, server, columns="time,__proto__,constructor")
    headers = seen.page.get_by_role("table", name="Records").get_by_role("columnheader")
    expect(headers).to_contain_text(["Evidence", "Time", "__proto__", "constructor"], timeout=_PATIENCE)
    histogram = seen.page.get_by_role("region", name="Histogram")
    expect(histogram.locator("canvas")).to_be_visible(timeout=_PATIENCE)
    enumerable = "(() => { const names = []; for (const name in {}) names.push(name); return names; })()"
    assert seen.page.evaluate(enumerable) == []
