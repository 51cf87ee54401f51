"""Links from a trace to other tools, as settings give them."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from server.settings.values import read_list

__all__ = ["TRACE_ID_PLACE", "link_to_trace", "read_trace_links"]

TRACE_ID_PLACE = "{trace_id}"
"""Placeholder for the ID of the trace in the URL of a link."""

_LONGEST_NAME = 64  # characters
_FORM = f"give NAME=URL, such as Tempo=https://tempo.example/trace/{TRACE_ID_PLACE}; a comma in a URL is written %2C"
# RFC 3986, section 2: whatever else a URL has is percent-encoded.
_NOT_OF_A_URL = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(rf"%[0-9A-Fa-f]?{re.escape(TRACE_ID_PLACE)}")


def read_trace_links(text: str) -> tuple[tuple[str, str], ...]:
    """Parse links, ``NAME=URL`` separated by commas; returns names and URLs, each URL with the place of the ID in it.

    Raises:
        ValueError: an item is not a link, or two links have the same name; the message says which.
    """
    links: dict[str, str] = {}
    for item in read_list(text):
        name, url = _parse(item)
        if name in links:
            raise ValueError(f"two links have the name {name!r}: give each link a name of its own")
        links[name] = url
    return tuple(links.items())


def link_to_trace(url: str, trace_id: str) -> str:
    """Return the URL of a link to a trace.

    Args:
        url: URL with the place of the ID in it.
        trace_id: ID of the trace.
    """
    return url.replace(TRACE_ID_PLACE, trace_id)


def _parse(item: str) -> tuple[str, str]:
    name, equals, url = (part.strip() for part in item.partition("="))
    if not (name and equals and url):
        raise ValueError(f"{item!r} is not a link: {_FORM}")
    if not name.isprintable():
        raise ValueError(f"the name {name!r} has a character that cannot be printed: remove it")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"the name {name!r} has {len(name)} characters: give at most {_LONGEST_NAME}")
    _check_url(name, url)
    return name, url


def _check_url(name: str, url: str) -> None:
    filled_in = link_to_trace(url, "0" * 32)
    try:
        parts = urlsplit(filled_in)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"the URL of {name!r} must begin with http://<host> or https://<host>, not {url!r}: {_FORM}")
    if parts.username is not None:
        raise ValueError(
            f"the URL of {name!r} has a user name or password, which everybody who reads a trace would see: remove it"
        )
    if TRACE_ID_PLACE not in url:
        raise ValueError(
            f"the URL of {name!r} has no {TRACE_ID_PLACE}, which stands for the ID of the trace: put it where the "
            "other tool expects the ID; a comma in a URL is written %2C"
        )
    if _ESCAPED.search(url):
        raise ValueError(
            f"the URL of {name!r} has a '%' that takes digits of {TRACE_ID_PLACE}: write %25 for the character '%'"
        )
    if f"${TRACE_ID_PLACE}" in url:
        raise ValueError(f"the URL of {name!r} has ${TRACE_ID_PLACE}: write {TRACE_ID_PLACE}, without the dollar sign")
    if wrong := _NOT_OF_A_URL.search(filled_in):
        encoded = quote(wrong[0], safe="", errors="surrogateescape")
        raise ValueError(f"the URL of {name!r} must not have {wrong[0]!r} in it: write {encoded}")
