"""The table of the HTTP API's paths: those of the gRPC API's calls, and all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["BUNDLES", "EXPORTS", "IN_PATHS", "NDJSON", "OPERATIONS", "OTHER_PATHS", "Json", "Operation"]

Json = dict[str, Any]
NDJSON = "application/x-ndjson"
"""Media type of answers with one message on each line."""
EXPORTS = ("application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")
"""Media types of exports."""
BUNDLES = ("application/zip", "text/html")
"""Media types of evidence bundles."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A call over HTTP.

    Attributes:
        path: its path, with the fields of the request that it has in braces.
        call: service and name of the call over gRPC.
        method: the HTTP method.
        errors: status codes of errors, beside those of every call.
        media: media types of the answer.
    """

    path: str
    call: str
    method: str = "get"
    errors: tuple[int, ...] = ()
    media: tuple[str, ...] = ("application/json",)


_QUERY = (422,)
_CHANGES = (403, 409)

OPERATIONS = (
    Operation("/api/v1/search", "CorrelationService.Search", errors=_QUERY),
    Operation("/api/v1/audit-events", "CorrelationService.SearchAuditEvents", errors=_QUERY),
    Operation("/api/v1/traces", "CorrelationService.FindTraces", errors=_QUERY),
    Operation("/api/v1/traces/{trace_id}", "CorrelationService.GetTrace", errors=(404, *_QUERY)),
    Operation("/api/v1/actors/{actor_id}", "CorrelationService.ActorTimeline", errors=(404, *_QUERY)),
    Operation("/api/v1/targets/{target_id}", "CorrelationService.TargetHistory", errors=(404, *_QUERY)),
    Operation("/api/v1/neighbours", "CorrelationService.Neighbours", errors=(404, *_QUERY)),
    Operation("/api/v1/histogram", "CorrelationService.Histogram", errors=_QUERY),
    Operation("/api/v1/facets", "CorrelationService.Facets", errors=_QUERY),
    Operation("/api/v1/field-names", "CorrelationService.FieldNames", errors=_QUERY),
    Operation("/api/v1/export", "CorrelationService.Export", errors=_QUERY, media=EXPORTS),
    Operation("/api/v1/complete-search", "CorrelationService.CompleteSearch", "post", errors=_QUERY, media=(NDJSON,)),
    Operation("/api/v1/tail", "CorrelationService.Tail", errors=_QUERY, media=(NDJSON,)),
    Operation("/api/v1/logs", "EvidenceService.ListLogs"),
    Operation("/api/v1/logs/{log}/checkpoint", "EvidenceService.GetCheckpoint", errors=(404,)),
    Operation("/api/v1/logs/{log}/inclusion-proof", "EvidenceService.GetInclusionProof", errors=(404,)),
    Operation("/api/v1/logs/{log}/bundle", "EvidenceService.GetBundle", errors=(404,), media=BUNDLES),
    Operation("/api/v1/logs/{log}/consistency-proof", "EvidenceService.GetConsistencyProof", errors=(404,)),
    Operation("/api/v1/logs/{log}/statements", "EvidenceService.ListStatements", errors=(404, *_QUERY)),
    Operation("/api/v1/gaps", "EvidenceService.ListGaps", errors=_QUERY),
    Operation("/api/v1/receipts/{record_id}", "EvidenceService.GetReceipt", errors=(404,)),
    Operation("/api/v1/verify", "EvidenceService.Verify", "post", media=(NDJSON,)),
    Operation("/api/v1/status", "StatusService.GetStatus"),
    Operation("/api/v1/settings", "StatusService.GetSettings"),
    Operation("/api/v1/tenants", "StatusService.ListTenants", errors=_QUERY),
    Operation("/api/v1/holds", "AdministrationService.ListHolds"),
    Operation("/api/v1/holds", "AdministrationService.AddHold", "post", errors=_CHANGES),
    Operation("/api/v1/holds/{name}/release", "AdministrationService.ReleaseHold", "post", errors=(404, *_CHANGES)),
    Operation("/api/v1/tenants/{tenant}/drop", "AdministrationService.DropTenant", "post", errors=(404, *_CHANGES)),
    Operation("/api/v1/retention", "AdministrationService.GetRetention"),
    Operation("/api/v1/disclosures", "DisclosureService.Disclose", "post", errors=(403,)),
    Operation("/api/v1/disclosures/erase", "DisclosureService.Erase", "post", errors=_CHANGES),
    Operation("/api/v1/tokens", "TokenService.ListTokens", errors=_CHANGES),
    Operation("/api/v1/tokens", "TokenService.CreateToken", "post", errors=_CHANGES),
    Operation("/api/v1/tokens/{name}/rotate", "TokenService.RotateToken", "post", errors=(404, *_CHANGES)),
    Operation("/api/v1/tokens/{name_or_id}/revoke", "TokenService.RevokeToken", "post", errors=(404, *_CHANGES)),
)
"""The calls of the gRPC API that are served over HTTP."""

IN_PATHS = {"log": "The log's log_id, as ListLogs returns it: an origin has slashes, which would be parts of the path."}
"""Field -> its description as a part of a path, if the gRPC API describes it otherwise."""


def _text(description: str, kind: str = "text/plain") -> Json:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def _get(name: str, summary: str, responses: Json, parameters: list[Json] | None = None) -> Json:
    found: Json = {"operationId": name, "summary": summary, "responses": responses}
    return {"get": {**found, "parameters": parameters} if parameters else found}


def _in_path(name: str, description: str, **schema: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_OF_A_TILE = {"404": {"$ref": "#/components/responses/404"}, "503": {"$ref": "#/components/responses/503"}}
_LOG_ID = _in_path("log_id", "First 16 hexadecimal digits of SHA-256(origin).", pattern="^[0-9a-f]{16}$")
OTHER_PATHS: Json = {
    "/api/v1/export-manifests/{name}": _get(
        "getExportManifest",
        "Returns the signed manifest of a download.",
        {"200": _text("The manifest, a signed note."), "404": {"$ref": "#/components/responses/404"}},
        [_in_path("name", "Last part of the header Lognotary-Manifest of the download.", pattern="^.+$")],
    ),
    "/api/openapi.json": _get(
        "getOpenApi",
        "Returns this document.",
        {"200": {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}},
    ),
    "/tlog/{log_id}/checkpoint": _get(
        "getLatestCheckpoint",
        "Returns the latest checkpoint of a log (C2SP tlog-checkpoint).",
        {"200": _text("A signed note."), "500": {"$ref": "#/components/responses/500"}, **_OF_A_TILE},
        [_LOG_ID],
    ),
    "/tlog/{log_id}/tile/{level}/{index}": _get(
        "getTile",
        "Returns hashes of the tree, or entries, of a log (C2SP tlog-tiles).",
        {
            "200": {
                "description": "Hashes of 32 bytes each, at most 256.",
                "content": {"application/octet-stream": {"schema": {"type": "string"}}},
            },
            "500": {"$ref": "#/components/responses/500"},
            **_OF_A_TILE,
        },
        [
            _LOG_ID,
            _in_path(
                "level", "Level of the tile, 'entries' for entries.", pattern="^([0-9]|[1-5][0-9]|6[0-3]|entries)$"
            ),
            _in_path("index", "Number of the tile in groups of three digits; '.p/' and its width for a partial tile."),
        ],
    ),
    "/trace/{trace_id}": _get(
        "openTrace",
        "Leads from links of other tools to a trace: a browser (Accept: text/html) to its page, a program to the API.",
        {
            "200": _text("The page of the trace.", "text/html"),
            "307": {
                "description": "The trace is at another address.",
                "headers": {"Location": {"description": "The address of the trace.", "schema": {"type": "string"}}},
            },
            "400": {"$ref": "#/components/responses/400"},
            "501": _text("The server was installed without pages.", "text/html"),
        },
        [_in_path("trace_id", "A trace ID, in any of the forms in which tools write it.", pattern="^.+$")],
    ),
    "/healthz": _get("getHealth", "Tells that the process works.", {"200": _text("It works.")}),
    "/readyz": _get(
        "getReadiness",
        "Tells whether records can be acknowledged.",
        {"200": _text("They can."), "503": _text("They cannot; the text says why.")},
    ),
    "/metrics": _get(
        "getMetrics",
        "Returns the server's metrics in Prometheus' text format.",
        {"200": _text("The metrics.", "text/plain")},
    ),
}
"""Paths that no call of the gRPC API has, as the document has them."""
