"""The address of a trace: a page for browsers, a redirect to the API for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.api.trace_address import trace_route
from tests.explorer.built import built_explorer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[trace_route(built_explorer(tmp_path))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


async def test_a_browser_gets_the_page_of_the_trace(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/trace/{TRACE}", headers={"Accept": BROWSER})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"] == "Accept-Encoding, Accept"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "text/html;q=0"])
async def test_a_program_is_redirected_to_the_trace_as_json(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get(f"/trace/0x{TRACE}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["location"]) == (307, f"../api/v1/traces/{TRACE}")
    assert answer.headers["vary"] == "Accept"


async def test_caches_are_told_of_what_the_answer_depends_on_if_nothing_changed(client: httpx.AsyncClient) -> None:
    first = await client.get(f"/trace/{TRACE}", headers={"Accept": BROWSER})
    headers = {"Accept": BROWSER, "If-None-Match": first.headers["etag"]}
    again = await client.get(f"/trace/{TRACE}", headers=headers)
    assert (again.status_code, again.headers["vary"]) == (304, "Accept-Encoding, Accept")


async def test_without_pages_browsers_are_redirected_too() -> None:
    app = Starlette(routes=[trace_route(None)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get(f"/trace/{TRACE}", headers={"Accept": BROWSER})).status_code == 307
