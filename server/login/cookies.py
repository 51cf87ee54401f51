"""Cookies of sessions, and the check that a request with such a cookie comes from the server's own pages."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.access.browsers import FOREIGN_PAGE, SAFE_METHODS, is_own_page
from server.access.errors import Denial
from server.access.presenting import Presenting
from server.access.proxies import join_headers
from server.access_log.event import Outcome
from server.login.noted import LoginEvents, answer_if_recorded

__all__ = ["CookieNames", "guard_sessions", "origin_of", "set_cookie"]


class CookieNames:
    """Names of the cookies, which depend on whether browsers reach the server over TLS.

    Attributes:
        secure: True over TLS. Browsers accept ``__Host-`` with ``Secure`` only, and neither on plain HTTP.
        session: name of the cookie with the session's ID.
        login: name of the cookie with what a login that has begun needs.
    """

    def __init__(self, public_url: str) -> None:
        """Name the cookies of a server at a URL."""
        self.secure = public_url.startswith("https://")
        prefix = "__Host-" if self.secure else ""
        self.session = f"{prefix}lognotary"
        self.login = f"{prefix}lognotary-login"


def set_cookie(name: str, value: str, *, secure: bool, seconds: int | None) -> str:
    """Return the header ``Set-Cookie``.

    Args:
        name: name of the cookie.
        value: its value; empty to remove it.
        secure: True if browsers reach the server over TLS.
        seconds: seconds for which it is kept; None until the browser is closed.
    """
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = value
    parts: dict[str, object] = {"path": "/", "httponly": True, "samesite": "Lax", "secure": secure}
    if seconds is not None:
        parts["max-age"] = seconds
    for part, given in parts.items():
        cookie[name][part] = given
    return cookie[name].OutputString()


def origin_of(url: str) -> str:
    """Return the origin of a URL, as browsers send it."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def guard_sessions(
    app: ASGIApp,
    presenting: Presenting,
    origin: str,
    events: LoginEvents,
    on_denied: Callable[[str], object] = lambda _: None,
) -> ASGIApp:
    """Refuse requests that a foreign page may have sent with a person's session (CSRF).

    All requests with the cookie are checked that may change something, whatever other credentials they have: programs
    have no cookies, and browsers always say where such a request comes from.

    Args:
        app: the application.
        presenting: places in which requests present credentials.
        origin: origin of the server's pages.
        events: events that are put on record.
        on_denied: function that is called with the reason of each refusal, a value of ``Denial``.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope.get("method") not in SAFE_METHODS:
            pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
            headers = join_headers(pairs)
            if f"{presenting.session_cookie}=" in headers.get("cookie", "") and not is_own_page(headers, origin):
                on_denied(Denial.FORBIDDEN.value)
                address = presenting.address_over_http(scope)

                async def refused(_: Request) -> Response:
                    await events.failed("call", address, FOREIGN_PAGE, Outcome.DENIED)
                    content = {"code": "PERMISSION_DENIED", "message": FOREIGN_PAGE}
                    return JSONResponse(content, 403, {"Cache-Control": "no-store"})

                answer = await answer_if_recorded(refused)(Request(scope, receive))
                await answer(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded
