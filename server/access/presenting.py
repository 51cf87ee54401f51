"""Credentials of calls, as they stand in headers and metadata, and the addresses that calls come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from server.access.authentication import Presented
from server.access.bearer import bearer_of
from server.access.certificates import identities_of_auth_context, identities_of_scope
from server.access.proxies import Network, client_address, join_headers

__all__ = ["DIRECT", "Presenting", "address_of_peer", "cookie_in"]

_AUTHORIZATION, _COOKIE = "authorization", "cookie"
_Metadata = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Presenting:
    """Places in which calls of one server present credentials.

    Attributes:
        session_cookie: name of the cookie of sessions; empty if there are none.
        proxies: networks of the trusted proxies, which forward the address of a caller.
    """

    session_cookie: str = ""
    proxies: Sequence[Network] = ()

    def over_http(self, scope: Mapping[str, Any]) -> Presented:
        """Return what a request presents, given its ASGI scope.

        Raises:
            UnauthenticatedError: the credentials are ambiguous.
        """
        headers = _headers_of(scope)
        others = _others(headers)
        peer = _peer_of(scope)
        return Presented(
            bearer=bearer_of(value for name, value in headers if name == _AUTHORIZATION),
            session=cookie_in((value for name, value in headers if name == _COOKIE), self.session_cookie),
            certificate=identities_of_scope(scope),
            headers=others,
            address=client_address(peer, others, self.proxies),
            peer=peer,
        )

    def over_grpc(self, metadata: _Metadata, auth_context: Mapping[str, Iterable[bytes]], peer: str) -> Presented:
        """Return what a call presents.

        Args:
            metadata: metadata of the call.
            auth_context: auth context of its connection.
            peer: peer as gRPC names it ("ipv4:192.0.2.1:50000").

        Raises:
            UnauthenticatedError: the credentials are ambiguous.
        """
        headers = _texts(metadata)
        others = _others(headers)
        address = address_of_peer(peer)
        return Presented(
            bearer=bearer_of(value for name, value in headers if name == _AUTHORIZATION),
            certificate=identities_of_auth_context(auth_context),
            headers=others,
            address=client_address(address, others, self.proxies),
            peer=address,
        )

    def address_over_http(self, scope: Mapping[str, Any]) -> str:
        """Return the IP address of whoever sends a request, given its ASGI scope; before anybody is authenticated."""
        return client_address(_peer_of(scope), _others(_headers_of(scope)), self.proxies)

    def address_over_grpc(self, metadata: _Metadata, peer: str) -> str:
        """Return the IP address of whoever makes a call, given its metadata and the peer as gRPC names it."""
        return client_address(address_of_peer(peer), _others(_texts(metadata)), self.proxies)


DIRECT = Presenting()
"""Calls without sessions and proxies."""


def address_of_peer(peer: str) -> str:
    """Return the IP address of a peer as gRPC names it ("ipv4:192.0.2.1:50000"); "unix" for a socket of files."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else kind


def cookie_in(headers: Iterable[str], name: str) -> str:
    """Return the value of the cookie with a name; empty if it is missing, or there twice.

    Args:
        headers: all values of the header ``Cookie``.
        name: the name; empty for none.
    """
    pairs = (pair.strip().partition("=") for pair in ";".join(headers).split(";"))
    values = [value.strip('"') for key, _, value in pairs if name and key == name]
    return values[0] if len(values) == 1 else ""


def _headers_of(scope: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]


def _peer_of(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _texts(metadata: _Metadata) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in metadata if isinstance(value, str)]


def _others(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return the other headers; one that was sent twice is not taken for one that was sent once."""
    return join_headers((name, value) for name, value in headers if name not in (_AUTHORIZATION, _COOKIE))
