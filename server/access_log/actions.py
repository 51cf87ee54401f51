"""Actions of calls, in the words of the records of access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["GRPC_ACTIONS", "HTTP_ACTIONS", "UNKNOWN", "UNRECORDED_ROUTES", "Action"]


@dataclass(frozen=True, slots=True)
class Action:
    """Action of a call.

    Attributes:
        name: value of ``audit.action``.
        target_type: kind of what it is done to; empty if it is done to many things.
        target: name of the field of the request, or of the parameter in the path, that names this.
        category: value of ``audit.category``.
        is_long: True if the answer has many steps: the call is recorded when it begins and when it ends.
        is_endless: True if the caller ends the answer.
        is_change: True if the call changes something: it is recorded before, if records are required.
    """

    name: str
    target_type: str = ""
    target: str = ""
    category: str = "data"
    is_long: bool = False
    is_endless: bool = False
    is_change: bool = False


UNKNOWN = Action("call", "path")
"""Action of a call that the API does not have."""

_TRACE = Action("trace.get", "trace", "trace_id")
_AUDIT, _SEARCH = Action("audit.search"), Action("search")
_HISTOGRAM, _FACETS, _NAMES = Action("histogram"), Action("facets"), Action("field_names")
_TRACES, _NEIGHBOURS = Action("trace.search"), Action("neighbours", "record", "record_id")
_ACTOR, _TARGET = Action("actor.timeline", "actor", "actor_id"), Action("target.history", "target", "target_id")
_EXPORT, _COMPLETE = Action("export", is_long=True), Action("search.complete", is_long=True)
_TAIL = Action("tail", is_long=True, is_endless=True)
_LOGS, _CHECKPOINT = Action("log.list"), Action("checkpoint.get", "log", "log")
_INCLUSION, _CONSISTENCY = Action("proof.get", "log", "log"), Action("proof.consistency", "log", "log")
_BUNDLE = Action("bundle.get", "log", "log")
_STATEMENTS, _GAPS = Action("statement.list", "log", "log"), Action("gap.list")
_RECEIPT, _VERIFY = Action("receipt.get", "record", "record_id"), Action("verify", is_long=True)
_STATUS, _RETENTION = Action("status.get", category="admin"), Action("retention.get", category="admin")
_HOLD_ADD, _HOLD_RELEASE = (
    Action(f"hold.{word}", "hold", "name", "admin", is_change=True) for word in ("add", "release")
)
_DROP = Action("tenant.drop", "tenant", "tenant", "admin", is_change=True)
_TENANTS, _SETTINGS = Action("tenant.list", category="admin"), Action("settings.get", category="admin")
_HOLDS = Action("hold.list", category="admin")
_TOKENS = Action("token.list", category="admin")
_TOKEN_CREATE, _TOKEN_ROTATE = (
    Action(f"token.{word}", "token", "name", "admin", is_change=True) for word in ("create", "rotate")
)
_TOKEN_REVOKE = Action("token.revoke", "token", "name_or_id", "admin", is_change=True)
_DISCLOSE, _ERASE = Action("disclose"), Action("disclosure.erase", category="admin", is_change=True)

_SERVICES: Mapping[str, Mapping[str, Action]] = {
    "CorrelationService": {
        "GetTrace": _TRACE,
        "SearchAuditEvents": _AUDIT,
        "Search": _SEARCH,
        "Histogram": _HISTOGRAM,
        "Facets": _FACETS,
        "FieldNames": _NAMES,
        "FindTraces": _TRACES,
        "Neighbours": _NEIGHBOURS,
        "ActorTimeline": _ACTOR,
        "TargetHistory": _TARGET,
        "Export": _EXPORT,
        "CompleteSearch": _COMPLETE,
        "Tail": _TAIL,
    },
    "EvidenceService": {
        "ListLogs": _LOGS,
        "GetCheckpoint": _CHECKPOINT,
        "GetInclusionProof": _INCLUSION,
        "GetBundle": _BUNDLE,
        "GetConsistencyProof": _CONSISTENCY,
        "GetReceipt": _RECEIPT,
        "ListStatements": _STATEMENTS,
        "ListGaps": _GAPS,
        "Verify": _VERIFY,
    },
    "StatusService": {"GetStatus": _STATUS, "GetSettings": _SETTINGS, "ListTenants": _TENANTS},
    "AdministrationService": {
        "AddHold": _HOLD_ADD,
        "ReleaseHold": _HOLD_RELEASE,
        "ListHolds": _HOLDS,
        "GetRetention": _RETENTION,
        "DropTenant": _DROP,
    },
    "DisclosureService": {"Disclose": _DISCLOSE, "Erase": _ERASE},
    "TokenService": {
        "ListTokens": _TOKENS,
        "CreateToken": _TOKEN_CREATE,
        "RotateToken": _TOKEN_ROTATE,
        "RevokeToken": _TOKEN_REVOKE,
    },
}

GRPC_ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        **{
            f"/lognotary.v1.{service}/{method}": action
            for service, methods in _SERVICES.items()
            for method, action in methods.items()
        },
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Action("description.get"),
    }
)
"""Action of each method of gRPC, but for those that need no credentials."""

_API = "/api/v1"

HTTP_ACTIONS: Mapping[tuple[str, str], Action] = MappingProxyType(
    {
        ("GET", f"{_API}/traces/{{trace_id}}"): _TRACE,
        ("GET", f"{_API}/search"): _SEARCH,
        ("GET", f"{_API}/histogram"): _HISTOGRAM,
        ("GET", f"{_API}/facets"): _FACETS,
        ("GET", f"{_API}/field-names"): _NAMES,
        ("GET", f"{_API}/traces"): _TRACES,
        ("GET", f"{_API}/neighbours"): _NEIGHBOURS,
        ("GET", f"{_API}/export"): _EXPORT,
        ("GET", f"{_API}/export-manifests/{{name}}"): Action("export.manifest", "manifest", "name"),
        ("GET", f"{_API}/tail"): _TAIL,
        ("GET", f"{_API}/audit-events"): _AUDIT,
        ("GET", f"{_API}/actors/{{actor_id:path}}"): _ACTOR,
        ("GET", f"{_API}/targets/{{target_id:path}}"): _TARGET,
        ("POST", f"{_API}/complete-search"): _COMPLETE,
        ("GET", f"{_API}/logs"): _LOGS,
        ("GET", f"{_API}/logs/{{log}}/checkpoint"): _CHECKPOINT,
        ("GET", f"{_API}/logs/{{log}}/inclusion-proof"): _INCLUSION,
        ("GET", f"{_API}/logs/{{log}}/bundle"): _BUNDLE,
        ("GET", f"{_API}/logs/{{log}}/consistency-proof"): _CONSISTENCY,
        ("GET", f"{_API}/receipts/{{record_id}}"): _RECEIPT,
        ("GET", f"{_API}/logs/{{log}}/statements"): _STATEMENTS,
        ("GET", f"{_API}/gaps"): _GAPS,
        ("POST", f"{_API}/verify"): _VERIFY,
        ("GET", f"{_API}/status"): _STATUS,
        ("GET", f"{_API}/settings"): _SETTINGS,
        ("GET", f"{_API}/tenants"): _TENANTS,
        ("POST", f"{_API}/holds"): _HOLD_ADD,
        ("POST", f"{_API}/holds/{{name}}/release"): _HOLD_RELEASE,
        ("GET", f"{_API}/holds"): _HOLDS,
        ("GET", f"{_API}/retention"): _RETENTION,
        ("POST", f"{_API}/tenants/{{tenant}}/drop"): _DROP,
        ("POST", f"{_API}/disclosures"): _DISCLOSE,
        ("POST", f"{_API}/disclosures/erase"): _ERASE,
        ("GET", f"{_API}/tokens"): _TOKENS,
        ("POST", f"{_API}/tokens"): _TOKEN_CREATE,
        ("POST", f"{_API}/tokens/{{name}}/rotate"): _TOKEN_ROTATE,
        ("POST", f"{_API}/tokens/{{name_or_id}}/revoke"): _TOKEN_REVOKE,
        ("GET", "/tlog/{log_id}/{path:path}"): Action("tile.get", "log", "log_id"),
        ("GET", "/api/openapi.json"): Action("description.get"),
        ("GET", "/metrics"): Action("metrics.get", category="admin"),
    }
)
"""Action of each method and route of HTTP, but for those that need no credentials; HEAD is as GET."""

UNRECORDED_ROUTES = frozenset({("GET", "/metrics")})
"""Methods and routes of which only denied calls are recorded: monitoring calls them all the time."""
