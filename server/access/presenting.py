"""Credentials of calls, as they stand in headers and metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from server.access.authentication import Presented
from server.access.bearer import bearer_of
from server.access.certificates import identities_of_auth_context, identities_of_scope
from server.access.proxies import join_headers

__all__ = ["address_over_grpc", "presented_over_grpc", "presented_over_http"]

_AUTHORIZATION = "authorization"


def presented_over_http(scope: Mapping[str, Any], session_cookie: str = "") -> Presented:
    """Return the credentials of a request; raises UnauthenticatedError if they are ambiguous.

    Args:
        scope: ASGI scope of the request.
        session_cookie: name of the cookie of sessions; empty if there are none.
    """
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    client = scope.get("client")
    return Presented(
        bearer=bearer_of(value for name, value in headers if name == _AUTHORIZATION),
        session=_session(session_cookie, (value for name, value in headers if name == "cookie")),
        certificate=identities_of_scope(scope),
        headers=_others(headers),
        address=client[0] if client else "",
    )


def presented_over_grpc(
    metadata: Iterable[tuple[str, str | bytes]], auth_context: Mapping[str, Iterable[bytes]], peer: str
) -> Presented:
    """Return the credentials of a call; raises UnauthenticatedError if they are ambiguous.

    Args:
        metadata: metadata of the call.
        auth_context: auth context of its connection.
        peer: peer as gRPC names it ("ipv4:192.0.2.1:50000").
    """
    headers = [(name.lower(), value) for name, value in metadata if isinstance(value, str)]
    return Presented(
        bearer=bearer_of(value for name, value in headers if name == _AUTHORIZATION),
        certificate=identities_of_auth_context(auth_context),
        headers=_others(headers),
        address=address_over_grpc(peer),
    )


def address_over_grpc(peer: str) -> str:
    """Return the IP address of a peer as gRPC names it; "unix" for a socket in the file system."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else kind


def _others(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return the other headers; one that was sent twice is not taken for one that was sent once."""
    return join_headers((name, value) for name, value in headers if name not in (_AUTHORIZATION, "cookie"))


def _session(name: str, cookies: Iterable[str]) -> str:
    """Return the value of the cookie with a name; empty if it is missing, or there twice."""
    pairs = (pair.strip().partition("=") for pair in ";".join(cookies).split(";"))
    values = [value.strip('"') for key, _, value in pairs if name and key == name]
    return values[0] if len(values) == 1 else ""
