"""Routes of the HTTP API by the calls over gRPC that they are, and requests to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

__all__ = ["METHOD_OF_PATH", "camel", "http_request", "json_name"]

METHOD_OF_PATH = {
    "get /api/v1/search": "Search",
    "get /api/v1/audit-events": "SearchAuditEvents",
    "get /api/v1/traces": "FindTraces",
    "get /api/v1/traces/{trace_id}": "GetTrace",
    "get /api/v1/actors/{actor_id}": "ActorTimeline",
    "get /api/v1/targets/{target_id}": "TargetHistory",
    "get /api/v1/neighbours": "Neighbours",
    "get /api/v1/histogram": "Histogram",
    "get /api/v1/facets": "Facets",
    "get /api/v1/field-names": "FieldNames",
    "get /api/v1/export": "Export",
    "post /api/v1/complete-search": "CompleteSearch",
    "get /api/v1/tail": "Tail",
    "get /api/v1/logs": "ListLogs",
    "get /api/v1/logs/{log}/checkpoint": "GetCheckpoint",
    "get /api/v1/logs/{log}/inclusion-proof": "GetInclusionProof",
    "get /api/v1/logs/{log}/bundle": "GetBundle",
    "get /api/v1/logs/{log}/consistency-proof": "GetConsistencyProof",
    "get /api/v1/logs/{log}/statements": "ListStatements",
    "get /api/v1/gaps": "ListGaps",
    "get /api/v1/receipts/{record_id}": "GetReceipt",
    "post /api/v1/verify": "Verify",
    "get /api/v1/status": "GetStatus",
    "get /api/v1/settings": "GetSettings",
    "get /api/v1/tenants": "ListTenants",
    "post /api/v1/tenants/{tenant}/drop": "DropTenant",
    "get /api/v1/holds": "ListHolds",
    "post /api/v1/holds": "AddHold",
    "post /api/v1/holds/{name}/release": "ReleaseHold",
    "get /api/v1/retention": "GetRetention",
    "post /api/v1/disclosures": "Disclose",
    "post /api/v1/disclosures/erase": "Erase",
    "get /api/v1/tokens": "ListTokens",
    "post /api/v1/tokens": "CreateToken",
    "post /api/v1/tokens/{name}/rotate": "RotateToken",
    "post /api/v1/tokens/{name_or_id}/revoke": "RevokeToken",
}
"""Methods of the gRPC API by the verb and the path in the OpenAPI document."""


def http_request(route: str, request: Message) -> tuple[str, str, dict[str, str], dict[str, Any] | None]:
    """Return the verb, the path, the query and the body of a request."""
    verb, _, path = route.partition(" ")
    fields: dict[str, Any] = MessageToDict(request)
    for name in [part.strip("{}") for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{name}}}", quote(str(fields.pop(json_name(name), "x")), safe=""))
    if verb == "post":
        return "POST", path, {}, fields
    return "GET", path, {name: _as_parameter(value) for name, value in fields.items()}, None


def _as_parameter(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


def camel(request: Mapping[str, Any]) -> dict[str, Any]:
    return {json_name(key): camel(value) if isinstance(value, dict) else value for key, value in request.items()}


def json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
