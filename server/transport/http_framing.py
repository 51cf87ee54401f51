"""Requests that another HTTP server may read in another way than this one (RFC 9112): they are refused.

A proxy in front of this server may find another end of such a request, another target or another host, and pass on a
request that it has never seen. The parser has refused most of them before; this module has what it lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["why_ambiguous"]

_VERSIONS = ("1.0", "1.1")
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")  # RFC 3986, section 3.2, without user information
_SPACES = b" \t"


def why_ambiguous(version: str, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Return why a request is refused, empty if it is not.

    Args:
        version: version of HTTP in the request line.
        target: target in the request line.
        headers: pairs of a lower-case name and a value.
    """
    if version not in _VERSIONS:
        return "The HTTP version must be 1.0 or 1.1."
    if b"#" in target:
        return "The request target must not have a fragment (RFC 9112, section 3.2)."
    hosts = [value.strip(_SPACES) for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return "There must be exactly one Host header (RFC 9112, section 3.2)."
    if not all(map(_HOST.fullmatch, hosts)):
        return "The Host header must be a host, with or without a port (RFC 9110, section 7.2)."
    codings = [value.strip(_SPACES).lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or version == "1.0"):
        return "The only Transfer-Encoding is chunked, with HTTP/1.1 (RFC 9112, section 6.1)."
    return ""
