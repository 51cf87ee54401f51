"""Sources of answers: a running server, or the storage itself, without trust in a server."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import grpc

from lognotary.v1 import (
    correlation_pb2,
    correlation_pb2_grpc,
    counts_pb2,
    disclosures_pb2,
    disclosures_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    export_pb2,
    receipts_pb2,
)
from server.api.errors import ApiError, InvalidArgumentError
from server.commands.api_client import call
from server.commands.arguments.options import API_VARIABLE, DEFAULT_API
from server.commands.given_files import read_public_keys
from server.commands.local import data_dir
from server.commands.output import complain
from server.data_dir.public_key import read_own_public_keys
from server.notary.errors import NotaryError
from server.notary.trust import TrustedKeys, parse_public_keys
from server.query.errors import QueryTooExpensiveError
from server.settings.errors import ConfigError

__all__ = ["Source", "ask", "prepare_to_ask_server", "trusted_keys"]

_STORAGE_VARIABLE = "LOGNOTARY_STORAGE"


class Source(Protocol):
    """The calls that are answered from either source."""

    def list_logs(self, request: evidence_pb2.ListLogsRequest, /) -> evidence_pb2.ListLogsResponse:
        """Return all logs."""

    def get_checkpoint(self, request: evidence_pb2.GetCheckpointRequest, /) -> evidence_pb2.GetCheckpointResponse:
        """Return a checkpoint."""

    def search(self, request: correlation_pb2.SearchRequest, /) -> correlation_pb2.SearchResponse:
        """Return a page of records."""

    def histogram(self, request: counts_pb2.HistogramRequest, /) -> counts_pb2.HistogramResponse:
        """Return the counts of records by time."""

    def facets(self, request: counts_pb2.FacetsRequest, /) -> counts_pb2.FacetsResponse:
        """Return the values of fields."""

    def field_names(self, request: counts_pb2.FieldNamesRequest, /) -> counts_pb2.FieldNamesResponse:
        """Return the names of fields and attributes."""

    def export(self, request: export_pb2.ExportRequest, /) -> Iterator[export_pb2.ExportResponse]:
        """Return a file in pieces."""

    def complete_search(
        self, request: correlation_pb2.CompleteSearchRequest, /
    ) -> Iterator[correlation_pb2.CompleteSearchResponse]:
        """Return the steps of a complete answer: records, with the proof that none is left out."""

    def search_audit_events(
        self, request: correlation_pb2.SearchAuditEventsRequest, /
    ) -> correlation_pb2.SearchAuditEventsResponse:
        """Return a page of audit events."""

    def get_inclusion_proof(
        self, request: evidence_pb2.GetInclusionProofRequest, /
    ) -> evidence_pb2.GetInclusionProofResponse:
        """Return the proof of an entry."""

    def get_receipt(self, request: receipts_pb2.GetReceiptRequest, /) -> receipts_pb2.GetReceiptResponse:
        """Return the receipt of an audit record."""

    def disclose(self, request: disclosures_pb2.DiscloseRequest, /) -> disclosures_pb2.DiscloseResponse:
        """Return the values of commitments."""

    def find_traces(self, request: correlation_pb2.FindTracesRequest, /) -> correlation_pb2.FindTracesResponse:
        """Return a page of traces."""

    def neighbours(self, request: correlation_pb2.NeighboursRequest, /) -> correlation_pb2.NeighboursResponse:
        """Return the records around a record."""

    def actor_timeline(self, request: correlation_pb2.ActorTimelineRequest, /) -> correlation_pb2.ActorTimelineResponse:
        """Return a page of an actor's timeline."""

    def target_history(self, request: correlation_pb2.TargetHistoryRequest, /) -> correlation_pb2.TargetHistoryResponse:
        """Return a page of a target's history."""


class _Server:
    """A running server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._evidence = evidence_pb2_grpc.EvidenceServiceStub(channel)
        self._correlation = correlation_pb2_grpc.CorrelationServiceStub(channel)
        self._disclosures = disclosures_pb2_grpc.DisclosureServiceStub(channel)

    def list_logs(self, request: evidence_pb2.ListLogsRequest) -> evidence_pb2.ListLogsResponse:
        answer: evidence_pb2.ListLogsResponse = self._evidence.ListLogs(request)
        return answer

    def get_checkpoint(self, request: evidence_pb2.GetCheckpointRequest) -> evidence_pb2.GetCheckpointResponse:
        answer: evidence_pb2.GetCheckpointResponse = self._evidence.GetCheckpoint(request)
        return answer

    def search(self, request: correlation_pb2.SearchRequest) -> correlation_pb2.SearchResponse:
        answer: correlation_pb2.SearchResponse = self._correlation.Search(request)
        return answer

    def histogram(self, request: counts_pb2.HistogramRequest) -> counts_pb2.HistogramResponse:
        answer: counts_pb2.HistogramResponse = self._correlation.Histogram(request)
        return answer

    def facets(self, request: counts_pb2.FacetsRequest) -> counts_pb2.FacetsResponse:
        answer: counts_pb2.FacetsResponse = self._correlation.Facets(request)
        return answer

    def field_names(self, request: counts_pb2.FieldNamesRequest) -> counts_pb2.FieldNamesResponse:
        answer: counts_pb2.FieldNamesResponse = self._correlation.FieldNames(request)
        return answer

    def export(self, request: export_pb2.ExportRequest) -> Iterator[export_pb2.ExportResponse]:
        steps: Iterator[export_pb2.ExportResponse] = self._correlation.Export(request)
        return steps

    def complete_search(
        self, request: correlation_pb2.CompleteSearchRequest
    ) -> Iterator[correlation_pb2.CompleteSearchResponse]:
        steps: Iterator[correlation_pb2.CompleteSearchResponse] = self._correlation.CompleteSearch(request)
        return steps

    def search_audit_events(
        self, request: correlation_pb2.SearchAuditEventsRequest
    ) -> correlation_pb2.SearchAuditEventsResponse:
        answer: correlation_pb2.SearchAuditEventsResponse = self._correlation.SearchAuditEvents(request)
        return answer

    def get_inclusion_proof(
        self, request: evidence_pb2.GetInclusionProofRequest
    ) -> evidence_pb2.GetInclusionProofResponse:
        answer: evidence_pb2.GetInclusionProofResponse = self._evidence.GetInclusionProof(request)
        return answer

    def get_receipt(self, request: receipts_pb2.GetReceiptRequest) -> receipts_pb2.GetReceiptResponse:
        answer: receipts_pb2.GetReceiptResponse = self._evidence.GetReceipt(request)
        return answer

    def disclose(self, request: disclosures_pb2.DiscloseRequest) -> disclosures_pb2.DiscloseResponse:
        answer: disclosures_pb2.DiscloseResponse = self._disclosures.Disclose(request)
        return answer

    def find_traces(self, request: correlation_pb2.FindTracesRequest) -> correlation_pb2.FindTracesResponse:
        answer: correlation_pb2.FindTracesResponse = self._correlation.FindTraces(request)
        return answer

    def neighbours(self, request: correlation_pb2.NeighboursRequest) -> correlation_pb2.NeighboursResponse:
        answer: correlation_pb2.NeighboursResponse = self._correlation.Neighbours(request)
        return answer

    def actor_timeline(self, request: correlation_pb2.ActorTimelineRequest) -> correlation_pb2.ActorTimelineResponse:
        answer: correlation_pb2.ActorTimelineResponse = self._correlation.ActorTimeline(request)
        return answer

    def target_history(self, request: correlation_pb2.TargetHistoryRequest) -> correlation_pb2.TargetHistoryResponse:
        answer: correlation_pb2.TargetHistoryResponse = self._correlation.TargetHistory(request)
        return answer


def ask(
    options: argparse.Namespace, work: Callable[[Source], int], explain: Callable[[str], str] = lambda message: message
) -> int:
    """Run calls against the storage of ``--storage``, or a server without it; errors become an exit status.

    Args:
        options: the options of ``add_api_flag`` and ``add_storage_flags``.
        work: makes the calls, and returns the exit status.
        explain: turns the message of an error into one for people, in the words of the command.

    Raises:
        ConfigError: an option cannot be used.
        StorageError: storage cannot be read.
    """
    if not options.storage:
        prepare_to_ask_server(options)
        return call(options.api, lambda channel: work(_Server(channel)), explain=explain)
    from server.commands.stored import open_backend

    with open_backend(options.storage, trusted_keys(options)) as backend:
        try:
            return work(backend)
        except InvalidArgumentError as error:
            raise ConfigError(explain(str(error))) from error
        except QueryTooExpensiveError as error:
            complain(explain(str(error)))
            return error.exit_status
        except ApiError as error:
            complain(explain(str(error)))
            return 1


def prepare_to_ask_server(options: argparse.Namespace, *, takes_keys: bool = False) -> None:
    """Check the options of ``add_storage_flags`` if there is no storage to read, and say if a variable names one.

    Args:
        options: the options.
        takes_keys: True if the call sends public keys to the server.

    Raises:
        ConfigError: an option is for the storage, and the answer of a server would be taken for the storage's.
    """
    if options.public_key and not takes_keys:
        raise ConfigError("--public-key requires --storage: a server uses its own keys")
    if options.data_dir is not None:
        raise ConfigError("--data-dir requires --storage: a server uses its own keys and checkpoints")
    if os.environ.get(_STORAGE_VARIABLE) and not (options.api or os.environ.get(API_VARIABLE[0])):
        complain(
            f"{_STORAGE_VARIABLE} is a setting of 'lognotary serve' and is not used here: the server at {DEFAULT_API} "
            "is asked; give --storage to read the storage itself"
        )


def trusted_keys(options: argparse.Namespace) -> TrustedKeys:
    """Return the keys of ``--public-key``, or else of ``--data-dir``.

    Raises:
        ConfigError, DataDirectoryError: there is no usable key.
    """
    texts = read_public_keys(options.public_key) or read_own_public_keys(data_dir(options) or Path())
    try:
        return parse_public_keys(texts)
    except NotaryError as error:
        raise ConfigError(str(error)) from error
