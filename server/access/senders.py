"""Senders of records, as the server knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from server.access.tenants import DEFAULT_TENANT
from server.notary.origin import Stream

__all__ = ["ANONYMOUS", "PROXY", "Sender", "SenderCredentials"]


def _nothing(_: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Sender:
    """Sender of records.

    Attributes:
        name: its name in the signed record: ``token:<name>``, ``certificate:<identity>``, or ``proxy`` if a trusted
            proxy sends for it without further credentials; empty if it is unknown.
        tenant: the tenant to whom its records belong; empty for the default one.
        streams: the streams that it may write to; None for all. Which stream a record belongs to is known only once it
            is classified, so a sender for some streams is checked twice: what it sends to (spans, ``/v1/audit``) before
            its request is read, and its rows before they are stored.
    """

    name: str = ""
    tenant: str = DEFAULT_TENANT
    streams: frozenset[Stream] | None = None

    @property
    def client(self) -> str:
        """Name of the client for fair sharing; empty if only its address tells it from others."""
        return f"{self.name}@{self.tenant}" if self.name == _PROXY else self.name


@dataclass(frozen=True, slots=True)
class SenderCredentials:
    """Credentials of a request with records, as its transport found them; what costs time is read only if it counts.

    Attributes:
        authorization: all values of ``Authorization``.
        certificate: function that returns the identities of the client certificate.
        header: function that returns all values of a header or of metadata, given its lower-case name.
        address: function that returns the IP address of the peer of the connection.
    """

    authorization: Iterable[str]
    certificate: Callable[[], tuple[str, ...]] = tuple
    header: Callable[[str], Sequence[str]] = _nothing
    address: Callable[[], str] = str


_PROXY = "proxy"

ANONYMOUS = Sender()
"""Any sender that needs no credentials."""

PROXY = Sender(_PROXY)
"""Whoever sends through a trusted proxy, which has authenticated it."""
