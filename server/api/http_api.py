"""The HTTP API: the calls of the gRPC API as JSON (protobuf's JSON mapping), health checks and metrics.

GET  /api/v1/traces/{trace_id}                  GetTrace; query parameters are the request's fields
GET  /api/v1/audit-events                       SearchAuditEvents; query parameters are the request's fields
GET  /api/v1/search                             Search; query parameters are the request's fields
GET  /api/v1/histogram                          Histogram; query parameters are the request's fields
GET  /api/v1/facets                             Facets; query parameters are the request's fields
GET  /api/v1/field-names                        FieldNames; query parameters are the request's fields
GET  /api/v1/traces                             FindTraces; query parameters are the request's fields
GET  /api/v1/neighbours                         Neighbours; query parameters are the request's fields
GET  /api/v1/actors/{actor_id}                  ActorTimeline; query parameters are the request's fields
GET  /api/v1/targets/{target_id}                TargetHistory; query parameters are the request's fields
GET  /api/v1/export                             Export: the file; query parameters are the request's fields
GET  /api/v1/export-manifests/{name}            the manifest of an export, named by the header Lognotary-Manifest
GET  /api/v1/tail                               Tail: a JSON object per line; query parameters are the request's fields
GET  /api/v1/status                             GetStatus
GET  /api/v1/settings                           GetSettings
GET  /api/v1/tenants                            ListTenants; query parameters are the request's fields
GET  /api/v1/logs                               ListLogs
GET  /api/v1/logs/{log}/checkpoint              GetCheckpoint
GET  /api/v1/logs/{log}/inclusion-proof         GetInclusionProof
GET  /api/v1/logs/{log}/bundle                  GetBundle: the file
GET  /api/v1/logs/{log}/consistency-proof       GetConsistencyProof
GET  /api/v1/logs/{log}/statements              ListStatements; query parameters are the request's fields
GET  /api/v1/gaps                               ListGaps; query parameters are the request's fields
POST, GET /api/v1/holds, GET /api/v1/retention  see ``administration_calls``
POST /api/v1/disclosures                        see ``disclosures``
POST, GET /api/v1/tokens                        see ``token_calls``
GET  /api/v1/receipts/{record_id}               GetReceipt
POST /api/v1/verify                             Verify; the answer has one JSON object per line
GET  /api/openapi.json                          all of this as an OpenAPI 3.1 document
POST /api/v1/complete-search                    CompleteSearch; the answer has one JSON object per line
GET  /tlog/{log_id}/...                         logs as static files: see ``tile_api``
GET  /trace/{trace_id}                          links from other tools: the page for browsers, a redirect for programs
GET  /healthz                                   200 while the process works
GET  /readyz                                    200 while records can be acknowledged, else 503
GET  /metrics                                   the server's metrics, in Prometheus' text format
/login, /logout                                 see ``server.login.routes``
GET  /, /traces, /logs, /r/{log}/{leaf}, ...    the explorer's pages: see ``server.explorer.pages``
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lognotary.v1 import correlation_pb2, counts_pb2, evidence_pb2, receipts_pb2, status_pb2
from server.access.exact_routes import match_exactly
from server.api.administration import Administration
from server.api.administration_calls import administration_routes, drop_routes
from server.api.asking import Queries
from server.api.backend import Backend
from server.api.bundle_download import bundle_route
from server.api.call_routes import call_route, steps_route
from server.api.disclosures import Disclosures, disclosure_routes
from server.api.export_download import export_routes
from server.api.statuses import EXPECTED_ERRORS, status_of
from server.api.tail_lines import tail_routes
from server.api.tenant_drops import TenantDrops
from server.api.tile_api import tile_routes
from server.api.token_calls import token_routes
from server.api.tokens import TokenAdministration
from server.api.trace_address import trace_route
from server.explorer.pages import Explorer
from server.process.fair_queue import QUERIES_AT_ONCE, FairQueue
from server.process.pools import Pool

__all__ = ["build_http_api"]

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus, "Exposition formats"


def build_http_api(
    backend: Backend,
    pool: Pool,
    not_ready: Callable[[], str],
    metrics: Callable[[], bytes],
    unserved: Callable[[Request, Exception], Awaitable[Response]] | None = None,
    queries: Queries | None = None,
    administration: Administration | None = None,
    disclosures: Disclosures | None = None,
    drops: TenantDrops | None = None,
    tokens: TokenAdministration | None = None,
    login: Sequence[Route] = (),
    explorer: Explorer | None = None,
) -> Starlette:
    """Build the ASGI application.

    Args:
        backend: backend that answers the calls.
        pool: pool in whose threads the backend's blocking calls run.
        not_ready: function that returns why records cannot be acknowledged, empty if they can; must not block.
        metrics: function that returns the server's metrics, in Prometheus' text format.
        unserved: handler of requests that no route serves; None for Starlette's own.
        queries: runner of queries; None for a runner in the same pool.
        administration: legal holds and retention; None to leave out these calls.
        disclosures: values to which records have commitments; None to leave out these calls.
        drops: dropping of tenants' data; None to leave out this call.
        tokens: the server's tokens; None to leave out these calls.
        login: routes of the login.
        explorer: the web page; None to leave it out.
    """
    queries = queries or Queries(backend, pool, FairQueue(QUERIES_AT_ONCE))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = not_ready()
        return PlainTextResponse(f"{reason or 'ok'}\n", status_code=503 if reason else 200)

    description = files(__package__).joinpath("openapi.json").read_bytes()

    async def openapi(_: Request) -> Response:
        return Response(description, media_type="application/json")

    async def tell_metrics(_: Request) -> Response:
        return Response(metrics(), media_type=_METRICS_TYPE)

    api = Starlette(
        routes=[
            call_route("/api/v1/traces/{trace_id}", correlation_pb2.GetTraceRequest, backend.get_trace, queries),
            call_route(
                "/api/v1/audit-events", correlation_pb2.SearchAuditEventsRequest, backend.search_audit_events, queries
            ),
            call_route("/api/v1/search", correlation_pb2.SearchRequest, backend.search, queries),
            call_route("/api/v1/histogram", counts_pb2.HistogramRequest, backend.histogram, queries),
            call_route("/api/v1/facets", counts_pb2.FacetsRequest, backend.facets, queries),
            call_route("/api/v1/field-names", counts_pb2.FieldNamesRequest, backend.field_names, queries),
            call_route("/api/v1/traces", correlation_pb2.FindTracesRequest, backend.find_traces, queries),
            call_route("/api/v1/neighbours", correlation_pb2.NeighboursRequest, backend.neighbours, queries),
            call_route(
                "/api/v1/actors/{actor_id:path}", correlation_pb2.ActorTimelineRequest, backend.actor_timeline, queries
            ),
            call_route(
                "/api/v1/targets/{target_id:path}",
                correlation_pb2.TargetHistoryRequest,
                backend.target_history,
                queries,
            ),
            call_route("/api/v1/status", status_pb2.GetStatusRequest, backend.get_status, pool),
            call_route("/api/v1/settings", status_pb2.GetSettingsRequest, backend.get_settings, pool),
            call_route("/api/v1/tenants", status_pb2.ListTenantsRequest, backend.list_tenants, queries),
            call_route("/api/v1/logs", evidence_pb2.ListLogsRequest, backend.list_logs, pool),
            call_route(
                "/api/v1/logs/{log}/checkpoint", evidence_pb2.GetCheckpointRequest, backend.get_checkpoint, pool
            ),
            call_route(
                "/api/v1/logs/{log}/inclusion-proof",
                evidence_pb2.GetInclusionProofRequest,
                backend.get_inclusion_proof,
                pool,
            ),
            bundle_route(backend, pool),
            call_route(
                "/api/v1/logs/{log}/consistency-proof",
                evidence_pb2.GetConsistencyProofRequest,
                backend.get_consistency_proof,
                pool,
            ),
            call_route(
                "/api/v1/logs/{log}/statements", evidence_pb2.ListStatementsRequest, backend.list_statements, pool
            ),
            call_route("/api/v1/gaps", evidence_pb2.ListGapsRequest, backend.list_gaps, queries),
            call_route("/api/v1/receipts/{record_id}", receipts_pb2.GetReceiptRequest, backend.get_receipt, pool),
            steps_route("/api/v1/verify", evidence_pb2.VerifyRequest, backend.verify, pool),
            steps_route(
                "/api/v1/complete-search",
                correlation_pb2.CompleteSearchRequest,
                backend.complete_search,
                pool,
                queries,
            ),
            *export_routes(backend, pool, queries),
            *(administration_routes(administration, pool) if administration else ()),
            *(disclosure_routes(disclosures, pool) if disclosures else ()),
            *(drop_routes(drops, pool) if drops else ()),
            *(token_routes(tokens, pool) if tokens else ()),
            Route("/api/openapi.json", openapi),
            *tail_routes(backend.tails),
            *tile_routes(backend, pool),
            trace_route(explorer),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", tell_metrics),
            *login,
            *(explorer.routes if explorer else ()),
        ],
        exception_handlers={
            **dict.fromkeys(EXPECTED_ERRORS, _refuse),
            ClientDisconnect: _gone,
            **({HTTPException: unserved} if unserved else {}),
        },
    )
    match_exactly(api.routes)
    api.router.redirect_slashes = False  # the redirect would go to any host that the caller names
    return api


async def _gone(_: Request, __: Exception) -> Response:
    """Answer a client that has left, or sent a malformed body; the status is for the access log only."""
    return Response(status_code=499)


async def _refuse(_: Request, error: Exception) -> Response:
    status = status_of(error)
    # The object may exist later, so caches must not keep this answer.
    headers = {"Cache-Control": "no-store"}
    if status.retry_after:
        headers["Retry-After"] = str(status.retry_after)
    content = {"code": status.code.name, "message": status.message}
    # In ASCII: a message may have values from storage, which must not reach the terminal of whoever prints it.
    return Response(json.dumps(content), status.http_status, headers, media_type="application/json")
