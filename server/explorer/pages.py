"""The explorer over HTTP: its pages, which are one document, and what they load.

GET  /                        search
GET  /traces                  traces in which something happened
GET  /trace/{trace_id}        a trace: see ``Explorer.trace``
GET  /actor/{id}              everything that an actor did
GET  /target/{id}             everything that was done to a target
GET  /r/{log}/{leaf}          a record, at its permanent address; the name of a log, in place of its ID, has slashes
GET  /logs, /logs/{log}       the logs
GET  /verify                  verification, as it progresses
GET  /trust                   what this browser trusts, and why
GET  /assets/{name}           scripts and styles
GET  /licences.txt            licences of the code of others in them

Nothing here has any content of records: pages ask the API, which decides who may read what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.explorer.assets import Asset, BuiltExplorer

__all__ = ["PAGE_PATHS", "SECURITY_HEADERS", "Explorer"]

PAGE_PATHS = (
    "/",
    "/traces",
    "/actor/{id:path}",
    "/target/{id:path}",
    "/r/{log:path}/{leaf}",
    "/logs",
    "/logs/{log}",
    "/verify",
    "/trust",
)
"""Paths of pages, but for that of a trace, which programs use too."""

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        # Content Security Policy Level 3, and Trusted Types: stored content can never become markup or script.
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    }
)
"""Headers of everything that the explorer consists of."""

_YEAR = 365 * 24 * 3600  # seconds
_MISSING = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Lognotary</title>
<h1>The explorer was not built</h1>
<p>This server answers, but its web page is not part of this installation: Node.js or the npm registry was missing when
it was installed. Install a wheel of a release, or install it again where both are there.</p>
<p>Meanwhile, the command line does the same: <code>lognotary search</code>, <code>trace</code>, <code>actor</code>,
<code>tail</code>, <code>verify</code>. The API is described in <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Explorer:
    """The explorer of a server.

    Attributes:
        built: its files; None if it was not built: pages then say how to get it.
    """

    built: BuiltExplorer | None

    @property
    def routes(self) -> list[Route]:
        """Routes of pages and assets, without that of a trace."""
        return [
            *(Route(path, self.page) for path in PAGE_PATHS),
            Route("/assets/{name}", self._asset),
            Route("/licences.txt", self._licences),
        ]

    async def page(self, request: Request) -> Response:
        """Answer a request for any page."""
        if self.built is None:
            return HTMLResponse(_MISSING, 501, {**SECURITY_HEADERS, "Cache-Control": "no-store"})
        return _answer(request, self.built.page, "no-cache")

    async def _asset(self, request: Request) -> Response:
        asset = self.built.assets.get(request.path_params["name"]) if self.built else None
        if asset is None:
            raise HTTPException(404)
        return _answer(request, asset, f"public, max-age={_YEAR}, immutable")

    async def _licences(self, request: Request) -> Response:
        if self.built is None:
            raise HTTPException(404)
        return _answer(request, self.built.licences, "no-cache")


def _answer(request: Request, asset: Asset, caching: str) -> Response:
    headers = {**SECURITY_HEADERS, "Cache-Control": caching, "ETag": asset.etag, "Vary": "Accept-Encoding"}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = asset.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = asset.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers={**headers, "Content-Type": asset.media_type})
