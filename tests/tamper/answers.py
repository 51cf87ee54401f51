"""Answers that readers of a store get: the rows of its tables, traces and audit events."""

from __future__ import annotations

from google.protobuf.message import Message

from lognotary.v1 import correlation_pb2 as pb
from server.api.backend import Backend
from server.api.errors import ApiError
from storage.errors import StorageError
from tests.tamper.row_changes import READ_COLUMNS
from tests.tamper.store import Store

__all__ = ["read_answers"]

_TRACES = (1, 2, 4, 101, 257, 263, 314, 5, 84, 85)  # of records at the borders of batches and tiles


def read_answers(store: Store) -> dict[str, bytes]:
    """Return the answer to each of some queries, by the query; that of a failed one is its error."""
    answers = {}
    for table, columns in READ_COLUMNS.items():
        shown = ", ".join(_shown(column, kind) for column, kind in columns.items())
        query = f"SELECT formatRowNoNewline('RowBinary', {shown}) AS row FROM {table} ORDER BY row"
        try:
            answers[query] = store.reader.query(query)
        except StorageError as error:
            answers[query] = repr(error).encode()
    backend = Backend(store.reader, store.keys)
    for number in _TRACES:
        trace = pb.GetTraceRequest(trace_id=f"{number:032x}")
        answers[f"GetTrace {number}"] = _answer(lambda trace=trace: backend.get_trace(trace))
    for wanted in (
        pb.SearchAuditEventsRequest(page_size=1000),
        pb.SearchAuditEventsRequest(page_size=1000, actor_id="alice"),
        pb.SearchAuditEventsRequest(page_size=1000, target_id="user-50"),
        pb.SearchAuditEventsRequest(page_size=1000, trace_id=f"{85:032x}"),
        pb.SearchAuditEventsRequest(page_size=1000, text="record 96"),
    ):
        answers[f"SearchAuditEvents {wanted}"] = _answer(lambda wanted=wanted: backend.search_audit_events(wanted))
    return answers


def _shown(column: str, kind: str) -> str:
    """Return the SQL expression of a value as readers see it; the order of different attributes is no content."""
    if not kind.startswith("Map"):
        return f"`{column}`"
    pairs = f"CAST(`{column}` AS Array(Tuple(String, String)))"
    values = f"arrayMap(p -> p.2, arrayFilter(p -> p.1 = k, {pairs}))"
    return f"arrayMap(k -> (k, {values}), arraySort(arrayDistinct(arrayMap(p -> p.1, {pairs}))))"


def _answer(call: object) -> bytes:
    assert callable(call)
    try:
        message = call()
    except (ApiError, StorageError) as error:
        return repr(error).encode()
    assert isinstance(message, Message)
    return message.SerializeToString(deterministic=True)
