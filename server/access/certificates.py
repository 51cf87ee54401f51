"""Identities of client certificates, as the transports hand them over after TLS has verified the certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["CERTIFICATE_KEY", "identities_of_auth_context", "identities_of_scope"]

CERTIFICATE_KEY = "lognotary.certificate"
"""Key in an ASGI scope's ``state`` under which the transport puts the identities, a tuple of texts."""

_SUBJECT_NAMES = ("x509_subject_alternative_name",)
_URI, _DNS = "URI:", "DNS:"


def identities_of_scope(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the identities of a request's client certificate, given its ASGI scope; none without one."""
    found: tuple[str, ...] = scope.get("state", {}).get(CERTIFICATE_KEY, ())
    return found


def identities_of_auth_context(context: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
    """Return the identities of a call's client certificate, given the auth context of gRPC; none without one."""
    names = [name.decode("utf-8", "replace") for key in _SUBJECT_NAMES for name in context.get(key, ())]
    return tuple(name if name.startswith((_URI, _DNS)) else (_URI if "://" in name else _DNS) + name for name in names)
