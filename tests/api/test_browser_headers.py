"""Every answer of the HTTP API says that nothing in it may run in a browser."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.api.browser_headers import ANSWER_HEADERS, with_browser_headers


async def stored(_: Request) -> Response:
    return Response("<script>alert(1)</script>", media_type="application/x-ndjson")


async def page(_: Request) -> Response:
    return PlainTextResponse("a page", headers={"content-security-policy": "script-src 'self'"})


async def test_answers_get_the_headers_that_they_do_not_have() -> None:
    app = with_browser_headers(Starlette(routes=[Route("/stored", stored), Route("/page", page)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for path, status in (("/stored", 200), ("/missing", 404)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert {name: answer.headers[name] for name in ANSWER_HEADERS} == ANSWER_HEADERS
        own = await client.get("/page")
        assert own.headers.get_list("content-security-policy") == ["script-src 'self'"]
        assert own.headers["x-content-type-options"] == "nosniff"
