"""The API independent of its transport: one method for each call."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lognotary.v1 import (
    correlation_pb2,
    counts_pb2,
    disclosures_pb2,
    evidence_pb2,
    export_pb2,
    receipts_pb2,
    status_pb2,
)
from server.api.bundles import get_bundle
from server.api.complete import answer_completely
from server.api.correlation import get_trace, search_audit, search_records
from server.api.counting import count_facets, count_histogram, list_field_names
from server.api.disclosed_values import disclosed_values
from server.api.export import export_records
from server.api.known_keys import KnownKeys
from server.api.neighbours import find_neighbours
from server.api.proof_cache import ProofCache
from server.api.proofs import get_checkpoint, get_consistency_proof, get_inclusion_proof, list_logs
from server.api.receipts import get_receipt
from server.api.server_status import StatusSource, get_settings, get_status
from server.api.statement_gaps import list_gaps
from server.api.statements import list_statements
from server.api.tails import Tails
from server.api.tenant_usage import list_tenants
from server.api.tile_files import latest_checkpoint, read_tile
from server.api.timelines import actor_timeline, target_history
from server.api.trace_search import search_traces
from server.api.verifying import Outside, verify_logs
from server.explorer.bundle_page import bundle_template
from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding
from server.notary.signers import SigningKey
from server.notary.statement import Statement
from server.notary.tiles import Tile
from server.notary.trust import TrustedKeys
from server.query.side_by_side import MOST_READS, SideBySide
from storage.earlier_spans import has_earlier_spans
from storage.engine import Engine
from storage.interrupt import Interrupt

__all__ = ["Backend"]

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Trust:
    """Trusted keys and the results checked with them, replaced together so that no cached proof outlives its keys."""

    keys: KnownKeys
    proofs: ProofCache


class Backend:
    """Backend of the API on one storage. Every method blocks, so call it in a thread."""

    def __init__(
        self,
        engine: Engine,
        keys: TrustedKeys,
        remembered: Callable[[], Sequence[Checkpoint | Statement]] = tuple,
        *,
        acknowledged: Callable[[], Sequence[str]] = tuple,
        on_verified: Callable[[int, int], object] = lambda *_: None,
        on_finding: Callable[[Finding], object] = lambda _: None,
        status: StatusSource | None = None,
        signing_key: Callable[[], SigningKey] | None = None,
        trace_links: Sequence[tuple[str, Callable[[str], str]]] = (),
        queries: int = 4,
        bundle_template: Callable[[], bytes] = bundle_template,
    ) -> None:
        """Answer from a storage.

        Args:
            engine: the storage.
            keys: trusted public keys, until ``believe`` is called.
            remembered: function that returns the checkpoints that are known independently of storage, which
                verification checks storage against.
            acknowledged: function that returns the signed acknowledgements of findings that the server keeps.
            on_verified: function that is called with the number of records that a verification has verified, and with
                the number of those that have expired.
            on_finding: function that is called with each finding that nobody has acknowledged.
            status: source of what the server knows of itself.
            signing_key: function that returns the Ed25519 key that signs manifests of exports; None for no manifests.
            trace_links: links from a trace to other tools, as for ``get_trace``.
            queries: number of queries that run at the same time.
            bundle_template: function that returns the page for evidence bundles as HTML, or raises
                ExplorerNotBuiltError.
        """
        self._engine = engine
        self._outside = Outside(remembered, acknowledged, on_verified, on_finding)
        self._trust = _Trust(KnownKeys(engine, keys), ProofCache())
        self._status = status or StatusSource()
        self._together = SideBySide((MOST_READS - 1) * queries)  # each caller makes one of its reads itself
        self._signing_key = signing_key
        self._trace_links = trace_links
        self._bundle_template = bundle_template
        self._has_earlier_spans: bool | None = None  # not known yet
        self.tails = Tails(engine, lambda: self._trust.keys.now(), lambda: self._trust.proofs)

    @property
    def keys(self) -> TrustedKeys:
        """The trusted public keys, as they were given."""
        return self._trust.keys.given

    def believe(self, keys: TrustedKeys) -> None:
        """Trust these keys from now on; discard all results that were checked with other keys."""
        self._trust = _Trust(KnownKeys(self._engine, keys), ProofCache())

    def interruptible(self, answer: Callable[[], _Answer], interrupt: Interrupt) -> _Answer:
        """Return an answer; its statements end with InterruptedQueryError once another thread sets the interrupt."""
        with self._engine.interrupted_by(interrupt):
            interrupt.check()
            return answer()

    def get_trace(self, request: correlation_pb2.GetTraceRequest) -> correlation_pb2.GetTraceResponse:
        """Answer ``GetTrace``; raises ApiError and StorageError."""
        if self._has_earlier_spans is None:
            # The table is put aside before a server answers, and never again.
            self._has_earlier_spans = has_earlier_spans(self._engine)
        trust = self._trust
        return get_trace(
            self._engine,
            trust.keys.now(),
            self._together,
            request,
            with_earlier=self._has_earlier_spans,
            cache=trust.proofs,
            links=self._trace_links,
        )

    def search(self, request: correlation_pb2.SearchRequest) -> correlation_pb2.SearchResponse:
        """Answer ``Search``; raises ApiError, QueryTooExpensiveError and StorageError."""
        trust = self._trust
        return search_records(self._engine, trust.keys.now(), request, together=self._together, cache=trust.proofs)

    def search_audit_events(
        self, request: correlation_pb2.SearchAuditEventsRequest
    ) -> correlation_pb2.SearchAuditEventsResponse:
        """Answer ``SearchAuditEvents``; raises ApiError, QueryTooExpensiveError and StorageError."""
        trust = self._trust
        return search_audit(self._engine, trust.keys.now(), request, cache=trust.proofs)

    def histogram(self, request: counts_pb2.HistogramRequest) -> counts_pb2.HistogramResponse:
        """Answer ``Histogram``; raises ApiError, QueryTooExpensiveError and StorageError."""
        return count_histogram(self._engine, request)

    def facets(self, request: counts_pb2.FacetsRequest) -> counts_pb2.FacetsResponse:
        """Answer ``Facets``; raises ApiError, QueryTooExpensiveError and StorageError."""
        return count_facets(self._engine, request)

    def field_names(self, request: counts_pb2.FieldNamesRequest) -> counts_pb2.FieldNamesResponse:
        """Answer ``FieldNames``; raises ApiError, QueryTooExpensiveError and StorageError."""
        return list_field_names(self._engine, request)

    def find_traces(self, request: correlation_pb2.FindTracesRequest) -> correlation_pb2.FindTracesResponse:
        """Answer ``FindTraces``; raises ApiError, QueryTooExpensiveError and StorageError."""
        trust = self._trust
        return search_traces(self._engine, trust.keys.now(), self._together, request, cache=trust.proofs)

    def neighbours(self, request: correlation_pb2.NeighboursRequest) -> correlation_pb2.NeighboursResponse:
        """Answer ``Neighbours``; raises ApiError, QueryTooExpensiveError and StorageError."""
        trust = self._trust
        return find_neighbours(self._engine, trust.keys.now(), request, cache=trust.proofs)

    def actor_timeline(self, request: correlation_pb2.ActorTimelineRequest) -> correlation_pb2.ActorTimelineResponse:
        """Answer ``ActorTimeline``; raises ApiError, QueryTooExpensiveError and StorageError."""
        trust = self._trust
        return actor_timeline(self._engine, trust.keys.now(), request, cache=trust.proofs)

    def target_history(self, request: correlation_pb2.TargetHistoryRequest) -> correlation_pb2.TargetHistoryResponse:
        """Answer ``TargetHistory``; raises ApiError, QueryTooExpensiveError and StorageError."""
        trust = self._trust
        return target_history(self._engine, trust.keys.now(), request, cache=trust.proofs)

    def export(
        self, request: export_pb2.ExportRequest, interrupt: Interrupt | None = None
    ) -> Generator[export_pb2.ExportResponse, None, None]:
        """Answer ``Export``; raises as ``export_records``."""
        return export_records(
            self._engine, self._trust.keys.now(), request, interrupt or Interrupt(), self._signing_key
        )

    def complete_search(
        self, request: correlation_pb2.CompleteSearchRequest, interrupt: Interrupt | None = None
    ) -> Generator[correlation_pb2.CompleteSearchResponse, None, None]:
        """Answer ``CompleteSearch``; raises as ``answer_completely``, and DataDirectoryError as ``verify``."""
        return answer_completely(
            self._engine, self._trust.keys.now(), request, interrupt or Interrupt(), self._outside.remembered
        )

    def list_logs(self, request: evidence_pb2.ListLogsRequest) -> evidence_pb2.ListLogsResponse:  # noqa: ARG002
        """Answer ``ListLogs``; raises StorageError."""
        return list_logs(self._engine, self._trust.keys.now())

    def get_status(self, request: status_pb2.GetStatusRequest) -> status_pb2.GetStatusResponse:  # noqa: ARG002
        """Answer ``GetStatus``, also while storage cannot be read."""
        return get_status(self._engine, self._trust.keys.now, self._status)

    def get_settings(self, request: status_pb2.GetSettingsRequest) -> status_pb2.GetSettingsResponse:  # noqa: ARG002
        """Answer ``GetSettings``."""
        return get_settings(self._status)

    def list_tenants(self, request: status_pb2.ListTenantsRequest) -> status_pb2.ListTenantsResponse:
        """Answer ``ListTenants``; raises ApiError, QueryTooExpensiveError and StorageError."""
        return list_tenants(self._engine, self._status, request)

    def get_checkpoint(self, request: evidence_pb2.GetCheckpointRequest) -> evidence_pb2.GetCheckpointResponse:
        """Answer ``GetCheckpoint``; raises ApiError and StorageError."""
        return get_checkpoint(self._engine, self._trust.keys.now(), request)

    def get_inclusion_proof(
        self, request: evidence_pb2.GetInclusionProofRequest
    ) -> evidence_pb2.GetInclusionProofResponse:
        """Answer ``GetInclusionProof``; raises ApiError and StorageError."""
        trust = self._trust
        return get_inclusion_proof(self._engine, trust.keys.now(), trust.proofs, request)

    def get_bundle(self, request: evidence_pb2.GetBundleRequest) -> evidence_pb2.GetBundleResponse:
        """Answer ``GetBundle``; raises ApiError and StorageError."""
        trust = self._trust
        return get_bundle(self._engine, trust.keys.now(), trust.proofs, request, self._bundle_template)

    def get_consistency_proof(
        self, request: evidence_pb2.GetConsistencyProofRequest
    ) -> evidence_pb2.GetConsistencyProofResponse:
        """Answer ``GetConsistencyProof``; raises ApiError and StorageError."""
        trust = self._trust
        return get_consistency_proof(self._engine, trust.keys.now(), trust.proofs, request)

    def list_statements(self, request: evidence_pb2.ListStatementsRequest) -> evidence_pb2.ListStatementsResponse:
        """Answer ``ListStatements``; raises ApiError, QueryTooExpensiveError and StorageError."""
        return list_statements(self._engine, self._trust.keys.now(), request)

    def list_gaps(self, request: evidence_pb2.ListGapsRequest) -> evidence_pb2.ListGapsResponse:
        """Answer ``ListGaps``; raises ApiError, QueryTooExpensiveError and StorageError."""
        return list_gaps(self._engine, self._trust.keys.now(), request)

    def get_receipt(self, request: receipts_pb2.GetReceiptRequest) -> receipts_pb2.GetReceiptResponse:
        """Answer ``GetReceipt``; raises ApiError and StorageError."""
        return get_receipt(self._engine, request)

    def disclose(self, request: disclosures_pb2.DiscloseRequest) -> disclosures_pb2.DiscloseResponse:
        """Answer ``Disclose`` for who can read the storage anyway; raises ApiError and StorageError."""
        return disclosed_values(self._engine, request)

    def latest_checkpoint(self, log_id: str) -> str:
        """Return a log's latest signed checkpoint; raises ApiError and StorageError."""
        return latest_checkpoint(self._engine, self._trust.keys.now(), log_id)

    def read_tile(self, log_id: str, tile: Tile) -> bytes:
        """Return a tile of a log, or a bundle of entries; raises ApiError and StorageError."""
        return read_tile(self._engine, self._trust.keys.now(), log_id, tile)

    def verify(
        self, request: evidence_pb2.VerifyRequest, interrupt: Interrupt | None = None
    ) -> Generator[evidence_pb2.VerifyResponse, None, None]:
        """Answer ``Verify``; raises as ``verify_logs``."""
        return verify_logs(self._engine, self.keys, request, interrupt or Interrupt(), self._outside)
