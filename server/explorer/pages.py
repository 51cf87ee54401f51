"""The explorer over HTTP: its pages, which are one document, and what they load.

GET  /                        search
GET  /traces                  traces in which something happened
GET  /trace/{trace_id}        a trace: see ``Explorer.page`` and ``server.api.http_api``, which has the route
GET  /actor/{id}              everything that an actor did
GET  /target/{id}             everything that was done to a target
GET  /r/{log}/{leaf}          a record, at its permanent address; the name of a log, in place of its ID, has slashes
GET  /logs, /logs/{log}       the logs
GET  /verify                  verification, as it progresses
GET  /trust                   what this browser trusts, and why
GET  /assets/{name}           scripts and styles
GET  /favicon.ico             the icon, for pages that name none, such as answers of the API in a browser
GET  /licences.txt            licences of the code of others in the scripts
GET  any other path           for browsers, the page with status 404, which says that there is no such page

Nothing here has any content of records: pages ask the API, which decides who may read what. So it does not matter
either by which name a browser reaches them (DNS rebinding): under a foreign name, the API answers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from server.explorer.assets import Asset, BuiltExplorer
from server.explorer.negotiation import accepts_gzip, has_current, prefers_html

__all__ = ["ASSET_PATHS", "PAGE_PATHS", "SECURITY_HEADERS", "UNKNOWN_PATH", "Explorer"]

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
"""Paths of all pages except ``/trace/{trace_id}``, which programs use too."""

ASSET_PATHS = ("/assets/{name}", "/favicon.ico", "/licences.txt")
"""Paths of what pages load."""

UNKNOWN_PATH = "/{path:path}"
"""All paths that nothing else serves, if a browser asks for a page there."""

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

_OF_PROGRAMS = ("/api/", "/assets/", "/tlog/", "/v1/")
"""Beginnings of paths at which nobody expects a page: their error says more."""

_YEAR = 365 * 24 * 3600  # seconds
_MISSING = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Lognotary</title>
<h1>The explorer was not built</h1>
<p>This server answers, but its web page is not part of this installation: {why}.</p>
<p>To get it, {advice}. In a checkout: <code>make explorer</code>.</p>
<p>Meanwhile, the command line does the same: <code>lognotary search</code>, <code>trace</code>, <code>actor</code>,
<code>tail</code>, <code>verify</code>. The API is described in <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</html>
"""
_BY_WHEEL = "install the wheel of a release, which has it"
_BY_BUILD = "with the npm registry within reach, and Node.js or PyPI for it"


@dataclass(frozen=True, slots=True)
class Explorer:
    """The explorer of a server.

    Attributes:
        built: its files; None if it was not built: pages then say how to get it.
        why_not: why it was not built, for people.
    """

    built: BuiltExplorer | None
    why_not: str = ""

    @property
    def routes(self) -> list[Route]:
        """Routes of all pages except the page of a trace, and of assets."""
        assets = (self._asset, self._icon, self._licences)
        return [
            *(_any_text(Route(path, self.page)) for path in PAGE_PATHS),
            *(Route(path, answer) for path, answer in zip(ASSET_PATHS, assets, strict=True)),
            _any_text(_UnknownPage(UNKNOWN_PATH, self._unknown)),
        ]

    async def page(self, request: Request) -> Response:
        """Answer a request for any page."""
        if self.built is None:
            return self._not_built(501)
        # Browsers ask each time whether the page is still the same: it names the scripts of this version.
        return _answer(request, self.built.page, "no-cache")

    async def _unknown(self, _: Request) -> Response:
        if self.built is None:
            return self._not_built(404)
        # A later version may have a page there, so nothing keeps this answer.
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Vary": "Accept"}
        return Response(self.built.page.content, 404, headers, self.built.page.media_type)

    def _not_built(self, status: int) -> Response:
        # Whoever left it out on purpose has what the build needs, or knows that it is not there.
        if "BUILD_EXPLORER" in self.why_not:
            advice = f"install Lognotary again without <code>BUILD_EXPLORER=no</code>, {_BY_BUILD}, or {_BY_WHEEL}"
        else:
            advice = f"{_BY_WHEEL}, or install Lognotary again {_BY_BUILD}"
        page = _MISSING.format(why=escape(self.why_not), advice=advice)
        return HTMLResponse(page, status, {**SECURITY_HEADERS, "Cache-Control": "no-store"})

    async def _asset(self, request: Request) -> Response:
        return self._named(request, request.path_params["name"], f"public, max-age={_YEAR}, immutable")

    async def _icon(self, request: Request) -> Response:
        return self._named(request, "icon.svg", "no-cache")

    def _named(self, request: Request, name: str, caching: str) -> Response:
        asset = self.built.assets.get(name) if self.built else None
        if asset is None:
            raise HTTPException(404)
        return _answer(request, asset, caching if _HASHED.search(name) else "no-cache")

    async def _licences(self, request: Request) -> Response:
        if self.built is None:
            raise HTTPException(404)
        return _answer(request, self.built.licences, "no-cache")


_HASHED = re.compile(r"-[0-9A-Z]{8}\.\w+\Z")
"""Names that change with the content: esbuild's ``[name]-[hash]``."""


class _UnknownPage(Route):
    """Route of all paths for browsers that ask for a page; for everybody else, there is no such route."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match no request of a program, so that its answer stays the one of the router."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(_OF_PROGRAMS):
            return Match.NONE, {}
        if not prefers_html(_all(Request(scope), "accept")):
            return Match.NONE, {}
        return super().matches(scope)


def _any_text(route: Route) -> Route:
    """Let a route have line breaks in its path, as IDs from senders may have them."""
    route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
    return route


def _answer(request: Request, asset: Asset, caching: str) -> Response:
    headers = {**SECURITY_HEADERS, "Cache-Control": caching, "ETag": asset.etag, "Vary": "Accept-Encoding"}
    if has_current(_all(request, "if-none-match"), asset.etag):
        return Response(status_code=304, headers=headers)
    content = asset.content
    if accepts_gzip(_all(request, "accept-encoding")):
        content = asset.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers={**headers, "Content-Type": asset.media_type})


def _all(request: Request, name: str) -> str:
    """Return the value of a header with a list, which may have been sent in several lines (RFC 9110, section 5.3)."""
    return ", ".join(request.headers.getlist(name))
