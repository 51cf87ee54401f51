"""Provenance of a request: the tenant and the sender of its records, which their signed rows name."""

from __future__ import annotations

from dataclasses import dataclass

from server.notary.origin import LogOwner

__all__ = ["NO_PROVENANCE", "Provenance"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Whose records a request has.

    Attributes:
        tenant: the tenant to whom they belong; empty for the default one.
        sender: who delivered them, such as ``token:checkout``; empty if that is unknown.
        access: True for the server's records of who looked, which have logs of their own.
    """

    tenant: str = ""
    sender: str = ""
    access: bool = False

    @property
    def owner(self) -> LogOwner:
        """The owner of the records."""
        return LogOwner(self.tenant, self.access)

    @property
    def columns(self) -> dict[str, bytes]:
        """The values of the canonical columns of provenance, by their names."""
        return {"Tenant": self.owner.stored_tenant.encode(), "Sender": self.sender.encode()}


NO_PROVENANCE = Provenance()
"""Provenance of records of the default tenant from an unknown sender."""
