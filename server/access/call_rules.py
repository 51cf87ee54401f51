"""Rules of calls: the permission that each call needs, over gRPC and HTTP alike.

A call that has no rule is refused. A test walks all calls of a running server, and fails for one without a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

__all__ = ["GRPC_RULES", "HTTP_RULES", "Permission", "http_rules"]


class Permission(Enum):
    """Permissions that calls need (docs/security.md, "Roles")."""

    OPEN = "open"  # nobody has to say who he is
    ANYBODY = "anybody"  # everybody whom the server knows
    READ_RECORDS = "read records"  # of the streams that the caller may read
    READ_AUDIT = "read audit records"
    READ_EVIDENCE = "read evidence"
    READ_TILES = "read tiles"
    VERIFY = "verify"  # needs all records of a log
    READ_DISCLOSURES = "read disclosures"
    READ_POLICIES = "read policies"
    CHANGE_POLICIES = "change policies"
    READ_STATUS = "read status"
    READ_METRICS = "read metrics"
    READ_USAGE = "read usage of tenants"  # numbers of records, and no content
    READ_TOKENS = "read tokens"  # names, roles and times; nobody reads their texts
    CHANGE_TOKENS = "change tokens"  # which ones depends on their roles: see server.access.given_roles


_CORRELATION, _EVIDENCE = "/lognotary.v1.CorrelationService", "/lognotary.v1.EvidenceService"
_ADMINISTRATION, _DISCLOSURES = "/lognotary.v1.AdministrationService", "/lognotary.v1.DisclosureService"
_TOKENS = "/lognotary.v1.TokenService"

GRPC_RULES: Mapping[str, Permission] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                f"{_CORRELATION}/GetTrace",
                f"{_CORRELATION}/Search",
                f"{_CORRELATION}/Histogram",
                f"{_CORRELATION}/Facets",
                f"{_CORRELATION}/FieldNames",
                f"{_CORRELATION}/FindTraces",
                f"{_CORRELATION}/Neighbours",
                f"{_CORRELATION}/Export",
                f"{_CORRELATION}/Tail",
            ),
            Permission.READ_RECORDS,
        ),
        f"{_CORRELATION}/SearchAuditEvents": Permission.READ_AUDIT,
        f"{_CORRELATION}/ActorTimeline": Permission.READ_AUDIT,
        f"{_CORRELATION}/TargetHistory": Permission.READ_AUDIT,
        f"{_CORRELATION}/CompleteSearch": Permission.VERIFY,
        f"{_EVIDENCE}/ListLogs": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/GetCheckpoint": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/GetInclusionProof": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/GetBundle": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/GetConsistencyProof": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/GetReceipt": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/ListStatements": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/ListGaps": Permission.READ_EVIDENCE,
        f"{_EVIDENCE}/Verify": Permission.VERIFY,
        "/lognotary.v1.StatusService/GetStatus": Permission.READ_STATUS,
        "/lognotary.v1.StatusService/GetSettings": Permission.READ_STATUS,
        "/lognotary.v1.StatusService/ListTenants": Permission.READ_USAGE,
        f"{_ADMINISTRATION}/AddHold": Permission.CHANGE_POLICIES,
        f"{_ADMINISTRATION}/ReleaseHold": Permission.CHANGE_POLICIES,
        f"{_ADMINISTRATION}/DropTenant": Permission.CHANGE_POLICIES,
        f"{_ADMINISTRATION}/ListHolds": Permission.READ_POLICIES,
        f"{_ADMINISTRATION}/GetRetention": Permission.READ_POLICIES,
        f"{_DISCLOSURES}/Disclose": Permission.READ_DISCLOSURES,
        f"{_DISCLOSURES}/Erase": Permission.CHANGE_POLICIES,
        f"{_TOKENS}/ListTokens": Permission.READ_TOKENS,
        f"{_TOKENS}/CreateToken": Permission.CHANGE_TOKENS,
        f"{_TOKENS}/RotateToken": Permission.CHANGE_TOKENS,
        f"{_TOKENS}/RevokeToken": Permission.CHANGE_TOKENS,
        "/grpc.health.v1.Health/Check": Permission.OPEN,
        "/grpc.health.v1.Health/Watch": Permission.OPEN,
        "/grpc.health.v1.Health/List": Permission.OPEN,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Permission.ANYBODY,
    }
)
"""The permission of each method of gRPC."""

_API = "/api/v1"

HTTP_RULES: Mapping[tuple[str, str], Permission] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                ("GET", f"{_API}/traces/{{trace_id}}"),
                ("GET", f"{_API}/search"),
                ("GET", f"{_API}/histogram"),
                ("GET", f"{_API}/facets"),
                ("GET", f"{_API}/field-names"),
                ("GET", f"{_API}/traces"),
                ("GET", f"{_API}/neighbours"),
                ("GET", f"{_API}/export"),
                ("GET", f"{_API}/export-manifests/{{name}}"),
                ("GET", f"{_API}/tail"),
            ),
            Permission.READ_RECORDS,
        ),
        ("GET", f"{_API}/audit-events"): Permission.READ_AUDIT,
        ("GET", f"{_API}/actors/{{actor_id:path}}"): Permission.READ_AUDIT,
        ("GET", f"{_API}/targets/{{target_id:path}}"): Permission.READ_AUDIT,
        ("POST", f"{_API}/complete-search"): Permission.VERIFY,
        ("GET", f"{_API}/logs"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/logs/{{log}}/checkpoint"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/logs/{{log}}/inclusion-proof"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/logs/{{log}}/bundle"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/logs/{{log}}/consistency-proof"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/receipts/{{record_id}}"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/logs/{{log}}/statements"): Permission.READ_EVIDENCE,
        ("GET", f"{_API}/gaps"): Permission.READ_EVIDENCE,
        ("POST", f"{_API}/verify"): Permission.VERIFY,
        ("GET", f"{_API}/status"): Permission.READ_STATUS,
        ("GET", f"{_API}/settings"): Permission.READ_STATUS,
        ("GET", f"{_API}/tenants"): Permission.READ_USAGE,
        ("POST", f"{_API}/holds"): Permission.CHANGE_POLICIES,
        ("POST", f"{_API}/holds/{{name}}/release"): Permission.CHANGE_POLICIES,
        ("POST", f"{_API}/tenants/{{tenant}}/drop"): Permission.CHANGE_POLICIES,
        ("GET", f"{_API}/holds"): Permission.READ_POLICIES,
        ("GET", f"{_API}/retention"): Permission.READ_POLICIES,
        ("POST", f"{_API}/disclosures"): Permission.READ_DISCLOSURES,
        ("POST", f"{_API}/disclosures/erase"): Permission.CHANGE_POLICIES,
        ("GET", f"{_API}/tokens"): Permission.READ_TOKENS,
        ("POST", f"{_API}/tokens"): Permission.CHANGE_TOKENS,
        ("POST", f"{_API}/tokens/{{name}}/rotate"): Permission.CHANGE_TOKENS,
        ("POST", f"{_API}/tokens/{{name_or_id}}/revoke"): Permission.CHANGE_TOKENS,
        ("GET", "/tlog/{log_id}/{path:path}"): Permission.READ_TILES,
        ("GET", "/api/openapi.json"): Permission.ANYBODY,
        # Pages have no records: they call the API. The path of a trace is a page, or a redirect to such a call.
        **dict.fromkeys(
            (
                ("GET", "/"),
                ("GET", "/traces"),
                ("GET", "/trace/{trace_id}"),
                ("GET", "/actor/{id:path}"),
                ("GET", "/target/{id:path}"),
                ("GET", "/r/{log:path}/{leaf}"),
                ("GET", "/logs"),
                ("GET", "/logs/{log}"),
                ("GET", "/verify"),
                ("GET", "/trust"),
                ("GET", "/assets/{name}"),
                ("GET", "/favicon.ico"),
                ("GET", "/licences.txt"),
                ("GET", "/{path:path}"),  # of browsers alone: that there is no such page
            ),
            Permission.OPEN,
        ),
        **dict.fromkeys(
            (
                ("GET", "/login"),
                ("GET", "/login/callback"),
                ("GET", "/login/config"),
                ("GET", "/login/whoami"),
                ("POST", "/logout"),
            ),
            Permission.OPEN,  # they check credentials themselves
        ),
        ("GET", "/healthz"): Permission.OPEN,
        ("GET", "/readyz"): Permission.OPEN,
        ("GET", "/metrics"): Permission.READ_METRICS,
    }
)
"""The permission of each method and route of HTTP; HEAD is as GET."""


def http_rules(*, public_tiles: bool) -> Mapping[tuple[str, str], Permission]:
    """Return the rules of HTTP of a server, given its setting ``public_tiles``."""
    if not public_tiles:
        return HTTP_RULES
    return {
        call: Permission.OPEN if permission is Permission.READ_TILES else permission
        for call, permission in HTTP_RULES.items()
    }
