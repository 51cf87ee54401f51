"""Callers of the API, and what they are granted.

Roles are separate on purpose: an auditor reads audit records and changes nothing; an operator runs the server and reads
no record. Who needs both is granted both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Caller", "CallerKind", "Grant", "Role"]


class Role(Enum):
    """Roles that are granted to callers.

    ``sender`` sends records. ``viewer`` reads operational records and spans. ``auditor`` reads audit records, evidence,
    reports and disclosures. ``operator`` reads the status, settings and metrics, adds and releases legal holds, erases
    disclosed values, changes tokens, and reads no record. ``admin`` may do everything.
    """

    SENDER = "sender"
    VIEWER = "viewer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    ADMIN = "admin"


class CallerKind(Enum):
    """Ways in which callers are authenticated."""

    LOCAL = "local"  # without credentials: somebody on this machine, or with authentication = "off" anybody
    TOKEN = "token"  # noqa: S105 - a kind
    CERTIFICATE = "certificate"
    OIDC = "oidc"
    PROXY = "proxy"
    BREAK_GLASS = "break-glass"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role, and what it is limited to; None for no limit.

    Attributes:
        role: the role.
        tenants: names of tenants; an empty name is the default tenant.
        services: values of ``ServiceName``.
        environments: values of the resource attribute ``deployment.environment.name``, or of its former name
            ``deployment.environment`` in records without it.
    """

    role: Role
    tenants: frozenset[str] | None = None
    services: frozenset[str] | None = None
    environments: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Caller of the API.

    Attributes:
        name: who it is: the name of a token, the identity of a certificate, the subject or e-mail address of a person.
        kind: how that is known.
        grants: what it may do; nothing if empty.
        address: IP address that it calls from, as far as that can be trusted; empty if it is unknown.
        unknown_tenant: tenant without logs that a trusted proxy has limited the caller to; empty otherwise.
    """

    name: str
    kind: CallerKind
    grants: tuple[Grant, ...] = ()
    address: str = ""
    unknown_tenant: str = ""
