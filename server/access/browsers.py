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
from server.access.proxies import Network, is_in
from server.access.requirement import is_loopback
from server.access.senders import ANONYMOUS, Sender

__all__ = [
    "FOREIGN_PAGE",
    "JSON",
    "NO_PAGES",
    "SAFE_METHODS",
    "BrowserRules",
    "SenderRules",
    "is_foreign_page",
    "is_own_page",
    "media_type",
]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods of HTTP that change nothing (RFC 9110, 9.2.1)."""

JSON = "application/json"
"""Media type that no page can send to another site without asking there before."""

FOREIGN_PAGE = "the request was sent by a page of another site"

_OWN_SITES = ("same-origin", "none")  # "none": the person's own doing, such as a bookmark
_AMBIENT = frozenset({CallerKind.PROXY, CallerKind.CERTIFICATE})


@dataclass(frozen=True, slots=True)
class BrowserRules:
    """Rules for requests over HTTP that a browser may have sent.

    Attributes:
        origin: origin of the server's pages, as browsers send it; empty if there are none.
        is_on_loopback: True if only this machine reaches the server.
    """

    origin: str = ""
    is_on_loopback: bool = False

    def check(self, method: str, presented: Presented, caller: Caller) -> None:
        """Check that a request is not sent by a page of another site that must not send it.

        Pages of other sites change nothing, whoever looks at them, and read nothing without credentials: not even
        under a name that they have lead to this machine. Nor do they begin work by embedding or fetching answers, which
        they could not read anyway. They may have links to answers, such as a wiki has, which a person follows.

        Args:
            method: the method of HTTP.
            presented: what the request presents.
            caller: who was authenticated by that.

        Raises:
            ForbiddenError: a page may have sent the request.
        """
        if caller.kind is CallerKind.LOCAL and self.is_on_loopback:
            self._check_host(presented.headers.get("host", ""))
        if method in SAFE_METHODS:
            if _is_foreign_load(presented.headers):
                raise ForbiddenError(f"{FOREIGN_PAGE}, which may only link to this address")
            return
        if is_foreign_page(presented.headers, self.origin) and not self._is_local_page(presented.headers):
            raise ForbiddenError(f"{FOREIGN_PAGE}: pages of this server are those of the setting public_url")
        # Old browsers send neither header. But no browser sends JSON to another site without asking before (CORS).
        if _is_ambient(presented, caller) and media_type(presented.headers) != JSON:
            raise ForbiddenError(
                f"a page of another site may have sent this request: send it with the header 'Content-Type: {JSON}'"
            )

    def _is_local_page(self, headers: Mapping[str, str]) -> bool:
        """Return whether a page of this server sent a request, by whichever name this machine has for itself."""
        host = headers.get("host", "")
        is_same = (
            headers.get("sec-fetch-site") == "same-origin" and headers.get("origin", "").partition("://")[2] == host
        )
        return self.is_on_loopback and is_same and is_loopback(_host_name(host))

    def _check_host(self, host: str) -> None:
        if _host_name(host) and not _is_this_machine(host, self.origin):
            raise ForbiddenError(
                "calls without credentials must name this machine in the header Host, as 127.0.0.1 or localhost: "
                "present credentials, or set public_url if the server has another name"
            )


NO_PAGES = BrowserRules()
"""Rules of a server without pages."""


@dataclass(frozen=True, slots=True)
class SenderRules:
    """Rules for requests with records over HTTP that a browser may have sent.

    There is no CORS on OTLP ports, so a page of another site can send records only under a name that it has lead to
    this machine, or through a proxy that permits it. Browsers send ``Origin`` with every POST, so ``Host`` need not be
    looked at: programs may well know this machine by another name.

    Attributes:
        public_url: URL at which browsers reach the server; empty if there is none.
        is_on_loopback: True if only this machine reaches the port.
        proxies: networks of the trusted proxies, which decide who sends through them.
    """

    public_url: str = ""
    is_on_loopback: bool = False
    proxies: tuple[Network, ...] = ()

    def check(self, headers: Mapping[str, str], sender: Sender, address: str) -> None:
        """Check that a page of another site did not send a request without credentials.

        Args:
            headers: headers of the request, by lower-case names.
            sender: who was found to send it.
            address: IP address of the peer of the connection.

        Raises:
            ForbiddenError: a page may have sent the request.
        """
        if not self.is_on_loopback or sender != ANONYMOUS or is_in(address, self.proxies):
            return
        origin = headers.get("origin")
        is_local_page = origin is not None and _is_this_machine(origin.partition("://")[2], self.public_url)
        if not is_local_page and is_foreign_page(headers, ""):
            raise ForbiddenError(f"{FOREIGN_PAGE}: requests of pages need credentials (lognotary tokens create)")


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


def _is_foreign_load(headers: Mapping[str, str]) -> bool:
    """Return whether a browser says that a page of another site loads an answer, rather than links to it.

    See Fetch Metadata Request Headers (W3C) and, of answers that a browser loads before a person follows the link,
    ``Sec-Purpose`` (Fetch). A frame is a navigation, too, with another destination than a document.
    """
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    is_followed = is_link and "sec-purpose" not in headers
    return headers.get("sec-fetch-site", "none") not in _OWN_SITES and not is_followed


def _is_this_machine(host: str, own_url: str) -> bool:
    """Return whether a host, with or without its port, is of this machine: as such, or by the server's own URL."""
    name, own = _host_name(host), _host_name(own_url.partition("://")[2].partition("/")[0])
    return bool(name) and (is_loopback(name) or name == own)


def _host_name(host: str) -> str:
    """Return a host without its port, in lower case."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0].removeprefix("[")
    return name.partition(":")[0]


def _is_ambient(presented: Presented, caller: Caller) -> bool:
    """Return whether a browser sends the caller's credentials of itself."""
    return caller.kind in _AMBIENT or (caller.kind is CallerKind.OIDC and not presented.bearer)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type of a request without its parameters, in lower case; empty if it has none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
