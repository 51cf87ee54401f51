"""The interface of what authenticates callers of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from server.access.callers import Caller

__all__ = ["Authenticator", "Presented"]


@dataclass(frozen=True, slots=True)
class Presented:
    """Credentials that a caller presents, as a transport found them.

    Attributes:
        bearer: the token of ``Authorization: Bearer``, or the value of ``Authorization`` if it has no scheme.
        session: value of the session cookie.
        certificate: identities of the client certificate that TLS has verified, such as ``URI:spiffe://shop/checkout``
            or ``DNS:checkout.example``; none without one.
        headers: other headers or metadata, by lower-case names; only a trusted proxy is believed what it sets there.
        address: IP address of the caller: the address that trusted proxies forward, otherwise the peer's.
        peer: IP address of the peer of the connection.
    """

    bearer: str = ""
    session: str = ""
    certificate: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    peer: str = ""


class Authenticator(Protocol):
    """One way to authenticate callers; several are tried in turn."""

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return who calls, None if nothing was presented that is for this authenticator.

        Raises:
            UnauthenticatedError: something was presented that is for this authenticator, and it is not valid.
        """
        ...
