"""Requests that a page in a browser may have sent without the knowledge of the person.

A browser sends some credentials of itself, whichever page sends the request: cookies, client certificates, and
whatever a proxy recognises people by (CSRF). And a page of another site can have its own name lead to this machine (DNS
rebinding). Programs send no ``Origin`` and no ``Sec-Fetch-Site``, so nothing of this concerns them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind
from server.access.errors import ForbiddenError

__all__ = ["FOREIGN_PAGE", "NO_PAGES", "SAFE_METHODS", "BrowserRules", "is_foreign_page", "is_own_page"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods of HTTP that change nothing (RFC 9110, 9.2.1)."""

FOREIGN_PAGE = "the request was sent by a page of another site"

_JSON = "application/json"
_OWN_SITES = ("same-origin", "none")  # "none": the person's own doing, such as a bookmark
_AMBIENT = frozenset({CallerKind.PROXY, CallerKind.CERTIFICATE})


@dataclass(frozen=True, slots=True)
class BrowserRules:
    """Rules for requests over HTTP that a browser may have sent.

    Attributes:
        origin: origin of the server's pages, as browsers send it; empty if there are none.
    """

    origin: str = ""

    def check(self, method: str, presented: Presented, caller: Caller) -> None:
        """Check that no page of another site sends a request that may change something.

        Args:
            method: the method of HTTP.
            presented: what the request presents.
            caller: who was authenticated by that.

        Raises:
            ForbiddenError: a page may have sent the request.
        """
        if method in SAFE_METHODS:
            return
        if is_foreign_page(presented.headers, self.origin):
            raise ForbiddenError(f"{FOREIGN_PAGE}: pages of this server are those of the setting public_url")
        # Old browsers send neither header. But no browser sends JSON to another site without asking before (CORS).
        if _is_ambient(presented, caller) and _media_type(presented.headers) != _JSON:
            raise ForbiddenError(
                f"a page of another site may have sent this request: send it with the header 'Content-Type: {_JSON}'"
            )


NO_PAGES = BrowserRules()
"""Rules of a server without pages."""


def is_own_page(headers: Mapping[str, str], origin: str) -> bool:
    """Return whether a browser says that a request comes from the server's own pages, or from the person directly.

    Args:
        headers: headers of the request, by lower-case names.
        origin: origin of the server's pages.
    """
    says_something = "sec-fetch-site" in headers or "origin" in headers
    return says_something and not is_foreign_page(headers, origin)


def is_foreign_page(headers: Mapping[str, str], origin: str) -> bool:
    """Return whether a browser says that a request comes from elsewhere than the server's own pages.

    Args:
        headers: headers of the request, by lower-case names.
        origin: origin of the server's pages.
    """
    return headers.get("origin", origin) != origin or headers.get("sec-fetch-site", "none") not in _OWN_SITES


def _is_ambient(presented: Presented, caller: Caller) -> bool:
    """Return whether a browser sends the caller's credentials of itself."""
    return caller.kind in _AMBIENT or (caller.kind is CallerKind.OIDC and not presented.bearer)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
