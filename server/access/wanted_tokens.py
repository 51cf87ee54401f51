"""Tokens as they are asked for, over the API and with the command, and the grants that they get."""

from __future__ import annotations

from dataclasses import dataclass

from server.access.callers import Grant, Role
from server.access.tenants import DEFAULT_TENANT
from server.access.tokens import Token
from server.notary.origin import Stream

__all__ = ["READERS", "WantedToken"]

READERS = (Role.VIEWER, Role.AUDITOR)
"""Roles that read records of tenants, services and environments."""


@dataclass(frozen=True, slots=True)
class WantedToken:
    """A token that somebody asks for.

    Attributes:
        name: name of who will have it.
        roles: the roles that it gets.
        tenant: the tenant to whom the records belong that are sent with it; empty for the default one.
        all_tenants: True if it may read the records of all tenants.
        streams: the streams that may be sent with it; empty for all.
        services: the services whose records it may read; empty for all.
        environments: the deployment environments whose records it may read; empty for all.
        lifetime: seconds for which it is valid; None if it does not expire.
    """

    name: str
    roles: tuple[Role, ...] = (Role.SENDER,)
    tenant: str = DEFAULT_TENANT
    all_tenants: bool = False
    streams: frozenset[Stream] = frozenset()
    services: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    lifetime: int | None = None

    def token(self, digest: bytes, now: int, by: str) -> Token:
        """Return the token.

        Args:
            digest: digest of its text.
            now: the time, in seconds since the epoch.
            by: who creates it.
        """
        return Token(
            name=self.name,
            digest=digest,
            grants=tuple(map(self._grant, self.roles)),
            tenant=self.tenant,
            streams=self.streams or None,
            created=now,
            expires=None if self.lifetime is None else now + self.lifetime,
            created_by=by,
        )

    def _grant(self, role: Role) -> Grant:
        """Return a grant with the limits that there are for its role: what is not named is not granted."""
        tenants = frozenset({self.tenant})
        if role not in READERS:
            return Grant(role, tenants if self.tenant else None)
        return Grant(role, None if self.all_tenants else tenants, self.services or None, self.environments or None)
