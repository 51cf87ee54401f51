"""Identities of client certificates, as the transports hand them over after TLS has verified the certificates.

An identity is a subject alternative name with its kind: ``URI:spiffe://shop/checkout``, ``DNS:checkout.example`` or
``EMAIL:alice@shop.example``. The kind comes from the certificate and is never guessed from the name, because a CA may
certify somebody's DNS names but not their URIs. The common name of the subject is not an identity.

A rule for ``URI:spiffe://shop/*`` compares text, so a URI with a segment ``.`` or ``..`` is not an identity: it is
another URI once it is normalized (RFC 3986, 5.2.4 and 6.2.2), and never a SPIFFE ID (SPIFFE-ID, 2.2). Nor is a name
with characters that cannot be shown, such as NUL.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["CERTIFICATE_KEY", "identities_of_auth_context", "identities_of_peer", "identities_of_scope"]

CERTIFICATE_KEY = "lognotary.certificate"
"""Key in an ASGI scope's ``state`` under which the transport puts the identities, a tuple of texts."""

# Kind of a name as Python's ssl module has it -> property of gRPC's auth context, prefix of the identity, and tag of
# the name in the certificate (GeneralName in RFC 5280, 4.2.1.6).
_KINDS = {
    "URI": ("peer_uri", "URI:", b"\x86"),
    "DNS": ("peer_dns", "DNS:", b"\x82"),
    "email": ("peer_email", "EMAIL:", b"\x81"),
}

# "%2e" is another spelling of ".", and some parsers read a backslash as a slash.
_DOT_SEGMENT = re.compile(r"[/\\](?:\.|%2e){1,2}(?:[/\\?#]|$)", re.IGNORECASE)


def identities_of_scope(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the identities of a request's client certificate, given its ASGI scope; none without one."""
    found: tuple[str, ...] = scope.get("state", {}).get(CERTIFICATE_KEY, ())
    return found


def identities_of_auth_context(context: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
    """Return the identities of a call's client certificate, given the auth context of gRPC; none without one.

    The names under ``x509_subject_alternative_name`` have no kind, so those under ``peer_uri``, ``peer_dns`` and
    ``peer_email`` are used. gRPC cuts them off at a NUL, so a name counts only if the certificate has it in this
    length. A name that is not UTF-8 is no identity.
    """
    named = [(prefix, tag, name) for key, prefix, tag in _KINDS.values() for name in context.get(key, ())]
    if not named:
        return ()
    certificate = _der(context.get("x509_pem_cert", ()))
    whole = ((prefix, _text(name)) for prefix, tag, name in named if _element(tag, name) in certificate)
    return tuple(prefix + text for prefix, text in whole if _is_usable(prefix, text))


def identities_of_peer(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the identities of a connection's client certificate, given what ``ssl.SSLObject.getpeercert`` returned."""
    names = (certificate or {}).get("subjectAltName", ())
    named = ((prefix, name) for kind, (_, prefix, _) in _KINDS.items() for of, name in names if of == kind)
    return tuple(prefix + name for prefix, name in named if _is_usable(prefix, name))


def _der(pem: Iterable[bytes]) -> bytes:
    for certificate in pem:
        return ssl.PEM_cert_to_DER_cert(certificate.decode("ascii"))
    return b""


def _element(tag: bytes, value: bytes) -> bytes:
    """Return an element in DER (X.690, 8.1.3)."""
    size = len(value)
    if size < 0x80:
        return tag + bytes((size,)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return tag + bytes((0x80 | len(length),)) + length + value


def _is_usable(prefix: str, name: str) -> bool:
    is_ambiguous = prefix == "URI:" and _DOT_SEGMENT.search(name)
    return bool(name) and name.isprintable() and not is_ambiguous


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""
