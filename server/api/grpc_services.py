"""The gRPC API: ``CorrelationService``, ``EvidenceService`` and ``StatusService``."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from functools import partial
from typing import NoReturn, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from lognotary.v1 import (
    administration_pb2,
    correlation_pb2,
    correlation_pb2_grpc,
    counts_pb2,
    disclosures_pb2,
    evidence_pb2,
    evidence_pb2_grpc,
    export_pb2,
    receipts_pb2,
    status_pb2,
    status_pb2_grpc,
    tokens_pb2,
)
from server.api.asking import Queries
from server.api.backend import Backend
from server.api.callers import caller_of_peer
from server.api.statuses import retry_trailers, status_of
from server.process.fair_queue import QUERIES_AT_ONCE, FairQueue
from server.process.pools import Pool
from storage.interrupt import Interrupt

__all__ = ["SERVICE_NAMES", "Context", "add_services", "answer_call"]

_Answer = TypeVar("_Answer")
Context = grpc.aio.ServicerContext[Message, Message]

SERVICE_NAMES = (
    correlation_pb2.DESCRIPTOR.services_by_name["CorrelationService"].full_name,
    evidence_pb2.DESCRIPTOR.services_by_name["EvidenceService"].full_name,
    status_pb2.DESCRIPTOR.services_by_name["StatusService"].full_name,
    administration_pb2.DESCRIPTOR.services_by_name["AdministrationService"].full_name,
    disclosures_pb2.DESCRIPTOR.services_by_name["DisclosureService"].full_name,
    tokens_pb2.DESCRIPTOR.services_by_name["TokenService"].full_name,
)


class _Correlation(correlation_pb2_grpc.CorrelationServiceServicer):
    def __init__(self, backend: Backend, pool: Pool, queries: Queries) -> None:
        self._backend = backend
        self._pool = pool
        self._queries = queries

    async def GetTrace(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.GetTraceRequest, context: Context
    ) -> correlation_pb2.GetTraceResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.get_trace(request))

    async def SearchAuditEvents(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.SearchAuditEventsRequest, context: Context
    ) -> correlation_pb2.SearchAuditEventsResponse:
        return await answer_call(
            context, _in_turn(context, self._queries), lambda: self._backend.search_audit_events(request)
        )

    async def Search(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.SearchRequest, context: Context
    ) -> correlation_pb2.SearchResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.search(request))

    async def Histogram(  # noqa: N802 - the name is the API's
        self, request: counts_pb2.HistogramRequest, context: Context
    ) -> counts_pb2.HistogramResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.histogram(request))

    async def Facets(  # noqa: N802 - the name is the API's
        self, request: counts_pb2.FacetsRequest, context: Context
    ) -> counts_pb2.FacetsResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.facets(request))

    async def FieldNames(  # noqa: N802 - the name is the API's
        self, request: counts_pb2.FieldNamesRequest, context: Context
    ) -> counts_pb2.FieldNamesResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.field_names(request))

    async def FindTraces(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.FindTracesRequest, context: Context
    ) -> correlation_pb2.FindTracesResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.find_traces(request))

    async def Neighbours(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.NeighboursRequest, context: Context
    ) -> correlation_pb2.NeighboursResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.neighbours(request))

    async def ActorTimeline(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.ActorTimelineRequest, context: Context
    ) -> correlation_pb2.ActorTimelineResponse:
        return await answer_call(
            context, _in_turn(context, self._queries), lambda: self._backend.actor_timeline(request)
        )

    async def TargetHistory(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.TargetHistoryRequest, context: Context
    ) -> correlation_pb2.TargetHistoryResponse:
        return await answer_call(
            context, _in_turn(context, self._queries), lambda: self._backend.target_history(request)
        )

    async def Export(  # noqa: N802 - the name is the API's
        self, request: export_pb2.ExportRequest, context: Context
    ) -> AsyncIterator[export_pb2.ExportResponse]:
        steps = _stream(
            context, self._pool, partial(self._backend.export, request), _steps_in_turn(context, self._queries)
        )
        async with contextlib.aclosing(steps) as answers:
            async for step in answers:
                yield step

    async def CompleteSearch(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.CompleteSearchRequest, context: Context
    ) -> AsyncIterator[correlation_pb2.CompleteSearchResponse]:
        steps = _stream(
            context, self._pool, partial(self._backend.complete_search, request), _steps_in_turn(context, self._queries)
        )
        async with contextlib.aclosing(steps) as answers:
            async for step in answers:
                yield step

    async def Tail(  # noqa: N802 - the name is the API's
        self, request: correlation_pb2.TailRequest, context: Context
    ) -> AsyncIterator[correlation_pb2.TailResponse]:
        try:
            async with contextlib.aclosing(
                self._backend.tails.follow(request, caller_of_peer(context.peer()))
            ) as answers:
                async for answer in answers:
                    yield answer
        except Exception as error:
            await _abort(context, error)


class _Evidence(evidence_pb2_grpc.EvidenceServiceServicer):
    def __init__(self, backend: Backend, pool: Pool, queries: Queries) -> None:
        self._backend = backend
        self._pool = pool
        self._queries = queries

    async def ListLogs(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.ListLogsRequest, context: Context
    ) -> evidence_pb2.ListLogsResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.list_logs(request))

    async def GetCheckpoint(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.GetCheckpointRequest, context: Context
    ) -> evidence_pb2.GetCheckpointResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_checkpoint(request))

    async def GetInclusionProof(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.GetInclusionProofRequest, context: Context
    ) -> evidence_pb2.GetInclusionProofResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_inclusion_proof(request))

    async def GetBundle(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.GetBundleRequest, context: Context
    ) -> evidence_pb2.GetBundleResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_bundle(request))

    async def GetConsistencyProof(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.GetConsistencyProofRequest, context: Context
    ) -> evidence_pb2.GetConsistencyProofResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_consistency_proof(request))

    async def GetReceipt(  # noqa: N802 - the name is the API's
        self, request: receipts_pb2.GetReceiptRequest, context: Context
    ) -> receipts_pb2.GetReceiptResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_receipt(request))

    async def ListStatements(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.ListStatementsRequest, context: Context
    ) -> evidence_pb2.ListStatementsResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.list_statements(request))

    async def ListGaps(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.ListGapsRequest, context: Context
    ) -> evidence_pb2.ListGapsResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.list_gaps(request))

    async def Verify(  # noqa: N802 - the name is the API's
        self, request: evidence_pb2.VerifyRequest, context: Context
    ) -> AsyncIterator[evidence_pb2.VerifyResponse]:
        steps = _stream(context, self._pool, partial(self._backend.verify, request))
        async with contextlib.aclosing(steps) as answers:
            async for step in answers:
                yield step


class _Status(status_pb2_grpc.StatusServiceServicer):
    def __init__(self, backend: Backend, pool: Pool, queries: Queries) -> None:
        self._backend = backend
        self._pool = pool
        self._queries = queries

    async def GetStatus(  # noqa: N802 - the name is the API's
        self, request: status_pb2.GetStatusRequest, context: Context
    ) -> status_pb2.GetStatusResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_status(request))

    async def GetSettings(  # noqa: N802 - the name is the API's
        self, request: status_pb2.GetSettingsRequest, context: Context
    ) -> status_pb2.GetSettingsResponse:
        return await answer_call(context, self._pool.run, lambda: self._backend.get_settings(request))

    async def ListTenants(  # noqa: N802 - the name is the API's
        self, request: status_pb2.ListTenantsRequest, context: Context
    ) -> status_pb2.ListTenantsResponse:
        return await answer_call(context, _in_turn(context, self._queries), lambda: self._backend.list_tenants(request))


async def answer_call(
    context: Context, run: Callable[[Callable[[], _Answer]], Awaitable[_Answer]], work: Callable[[], _Answer]
) -> _Answer:
    """Run blocking work in a thread; its errors become the status of the call."""
    try:
        return await run(work)
    except Exception as error:
        await _abort(context, error)


def _in_turn(context: Context, queries: Queries) -> Callable[[Callable[[], _Answer]], Awaitable[_Answer]]:
    """Return a function that runs blocking work in the caller's turn, until the caller disconnects."""
    return partial(queries.run, caller_of_peer(context.peer()))


def _steps_in_turn(
    context: Context, queries: Queries
) -> Callable[[Generator[_Answer, None, None]], AsyncGenerator[_Answer, None]]:
    """Return a function that runs each step of blocking work in a turn of the caller's."""
    return partial(queries.iterate, caller_of_peer(context.peer()))


async def _stream(
    context: Context,
    pool: Pool,
    work: Callable[[Interrupt], Generator[_Answer, None, None]],
    iterate: Callable[[Generator[_Answer, None, None]], AsyncGenerator[_Answer, None]] | None = None,
) -> AsyncGenerator[_Answer, None]:
    """Run the steps of blocking work in threads until the caller disconnects; errors become the status of the call."""
    interrupt = Interrupt()
    try:
        steps = await pool.run(lambda: work(interrupt))
        async with contextlib.aclosing((iterate or pool.iterate)(steps)) as answers:
            async for step in answers:
                yield step
    except Exception as error:
        await _abort(context, error)
    finally:
        interrupt.set()  # the client may have disconnected


async def _abort(context: Context, error: Exception) -> NoReturn:
    status = status_of(error)
    if status.retry_after:
        context.set_trailing_metadata(retry_trailers(status))
    await context.abort(status.code, status.message)


def add_services(server: grpc.aio.Server, backend: Backend, pool: Pool, queries: Queries | None = None) -> None:
    """Add the API's services to a server.

    Args:
        server: the server.
        backend: backend that answers the calls.
        pool: pool in whose threads the backend's blocking calls run.
        queries: runner of queries; None for a runner in the same pool.
    """
    queries = queries or Queries(backend, pool, FairQueue(QUERIES_AT_ONCE))
    correlation_pb2_grpc.add_CorrelationServiceServicer_to_server(_Correlation(backend, pool, queries), server)
    evidence_pb2_grpc.add_EvidenceServiceServicer_to_server(_Evidence(backend, pool, queries), server)
    status_pb2_grpc.add_StatusServiceServicer_to_server(_Status(backend, pool, queries), server)
