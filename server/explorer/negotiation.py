"""Headers by which a client says what it accepts and what it has (RFC 9110); values that cannot be read are ignored."""

from __future__ import annotations

import re

__all__ = ["accepts_gzip", "has_current", "prefers_html"]

_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def has_current(if_none_match: str, etag: str) -> bool:
    """Return whether a client has the current content, so that it need not be sent again (RFC 9110, section 13.1.2).

    Args:
        if_none_match: value of ``If-None-Match``; empty if there is none.
        etag: entity tag of the content, weak or strong; both compare as weak ones.
    """
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in _ETAG.findall(if_none_match)


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a client accepts content that is compressed with gzip (RFC 9110, section 12.5.3).

    Args:
        accept_encoding: value of ``Accept-Encoding``; empty if there is none.
    """
    qualities = dict(reversed(_weighted(accept_encoding)))
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0


def prefers_html(accept: str) -> bool:
    """Return whether a client wants a page rather than JSON, as browsers do for what they show (section 12.5.1).

    Args:
        accept: value of ``Accept``; empty if there is none.
    """
    ranges = dict(reversed(_weighted(accept)))
    return _quality(ranges, "text", "html") > _quality(ranges, "application", "json")


def _quality(ranges: dict[str, float], kind: str, subtype: str) -> float:
    """Return the quality of a media type by the most specific range that it is in."""
    found = (ranges.get(name) for name in (f"{kind}/{subtype}", f"{kind}/*", "*/*"))
    return next((quality for quality in found if quality is not None), 0.0)


def _weighted(value: str) -> list[tuple[str, float]]:
    """Return the elements of a list, in lower case and without parameters, with their qualities from 0 to 1."""
    found = []
    for element in value.lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        if name:
            found.append((name, min((_weight(one) for one in parameters), default=1.0)))
    return found


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    value = value.strip()
    return float(value) if _QUALITY.fullmatch(value) else 0.0
