"""Headers that keep browsers from doing anything with an answer but showing it.

Answers have content that others sent. If a browser shows an answer itself, as somebody opened its address, nothing in
it may run, be framed, or be loaded by a page of another site (Content Security Policy Level 3, Fetch).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ANSWER_HEADERS", "with_browser_headers"]

ANSWER_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)
"""Headers of every answer that has no others of the same name."""


def with_browser_headers(app: ASGIApp) -> ASGIApp:
    """Return an application whose answers all have ``ANSWER_HEADERS``, refusals included."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ANSWER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await app(scope, receive, with_headers)

    return answering
