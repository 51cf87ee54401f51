"""Senders of records, as the server knows them."""

from __future__ import annotations

from dataclasses import dataclass

from server.access.tenants import DEFAULT_TENANT
from server.notary.origin import Stream

__all__ = ["ANONYMOUS", "Sender"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Sender of records.

    Attributes:
        name: its name in the signed record: ``token:<name>`` or ``certificate:<identity>``; empty if it is unknown.
        tenant: the tenant to whom its records belong; empty for the default one.
        streams: the streams that it may write to; None for all. Which stream a record belongs to is known only once it
            is classified, so a sender for some streams is checked twice: what it sends to (spans, ``/v1/audit``) before
            its request is read, and its rows before they are stored.
    """

    name: str = ""
    tenant: str = DEFAULT_TENANT
    streams: frozenset[Stream] | None = None


ANONYMOUS = Sender()
"""Any sender that needs no credentials."""
