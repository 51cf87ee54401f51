"""Number of records in an answer, for each kind of answer of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message

from lognotary.v1 import (
    administration_pb2,
    correlation_pb2,
    counts_pb2,
    disclosures_pb2,
    evidence_pb2,
    export_pb2,
    receipts_pb2,
    status_pb2,
    tokens_pb2,
)

__all__ = ["COUNTS", "add_records"]

_Count = Callable[[int, Any], int]


def _entries(before: int, answer: Any) -> int:
    return before + len(answer.entries)


def _none(before: int, _: Any) -> int:
    return before


def _neighbours(before: int, answer: correlation_pb2.NeighboursResponse) -> int:
    return before + answer.HasField("record") + len(answer.before) + len(answer.after)


def _exported(before: int, answer: export_pb2.ExportResponse) -> int:
    # Each step says how many there are until then.
    return max(before, answer.progress.records, answer.summary.records)


def _verified(before: int, answer: evidence_pb2.VerifyResponse) -> int:
    return max(before, answer.summary.records)


COUNTS: Mapping[str, _Count] = MappingProxyType(
    {
        kind.DESCRIPTOR.full_name: count
        for kind, count in (
            (correlation_pb2.GetTraceResponse, _entries),
            (correlation_pb2.SearchAuditEventsResponse, lambda before, answer: before + len(answer.events)),
            (correlation_pb2.SearchResponse, _entries),
            (counts_pb2.HistogramResponse, _none),
            (counts_pb2.FacetsResponse, _none),
            (counts_pb2.FieldNamesResponse, _none),
            (correlation_pb2.FindTracesResponse, lambda before, answer: before + len(answer.traces)),
            (correlation_pb2.NeighboursResponse, _neighbours),
            (correlation_pb2.ActorTimelineResponse, _entries),
            (correlation_pb2.TargetHistoryResponse, _entries),
            (export_pb2.ExportResponse, _exported),
            (correlation_pb2.CompleteSearchResponse, lambda before, answer: before + len(answer.records.entries)),
            (correlation_pb2.TailResponse, _entries),
            (evidence_pb2.ListLogsResponse, _none),
            (evidence_pb2.GetCheckpointResponse, _none),
            (evidence_pb2.GetInclusionProofResponse, lambda before, answer: before + bool(answer.record)),
            (evidence_pb2.GetBundleResponse, lambda before, answer: before + bool(answer.content)),
            (evidence_pb2.GetConsistencyProofResponse, _none),
            (receipts_pb2.GetReceiptResponse, _none),
            (evidence_pb2.ListStatementsResponse, _none),
            (evidence_pb2.ListGapsResponse, _none),
            (evidence_pb2.VerifyResponse, _verified),
            (status_pb2.GetStatusResponse, _none),
            (status_pb2.GetSettingsResponse, _none),
            (status_pb2.ListTenantsResponse, _none),
            (administration_pb2.AddHoldResponse, _none),
            (administration_pb2.ListHoldsResponse, _none),
            (administration_pb2.ReleaseHoldResponse, _none),
            (administration_pb2.GetRetentionResponse, _none),
            (administration_pb2.DropTenantResponse, _none),
            (disclosures_pb2.DiscloseResponse, lambda before, answer: before + len(answer.values)),
            (disclosures_pb2.EraseResponse, lambda before, answer: before + answer.erased),
            (tokens_pb2.ListTokensResponse, _none),
            (tokens_pb2.CreateTokenResponse, _none),
            (tokens_pb2.RotateTokenResponse, _none),
            (tokens_pb2.RevokeTokenResponse, _none),
        )
    }
)
"""Counts: what an answer of each kind, or a step of it, adds to the number of records; counts of records are none."""


def add_records(before: int, answer: Message) -> int:
    """Return the number of records in an answer, given those in its steps before."""
    return COUNTS.get(answer.DESCRIPTOR.full_name, _none)(before, answer)
