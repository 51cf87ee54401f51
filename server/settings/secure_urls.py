"""URLs to which secrets may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from server.access.requirement import is_loopback

__all__ = ["is_safe_url"]


def is_safe_url(url: str) -> bool:
    """Return whether a URL is an https:// URL, or leads to this machine."""
    if not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host, usable = parts.hostname or "", parts.port != 0 and parts.username is None
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host) and usable
    return parts.scheme == "http" and usable and is_loopback(host)
