"""Action and number of records of each call: of every method and route of the API."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from lognotary.v1 import (
    administration_pb2,
    correlation_pb2,
    disclosures_pb2,
    evidence_pb2,
    export_pb2,
    status_pb2,
    tokens_pb2,
)
from server.access.call_rules import GRPC_RULES, HTTP_RULES, Permission
from server.access_log.access_log import AccessLog
from server.access_log.actions import GRPC_ACTIONS, HTTP_ACTIONS, UNKNOWN, UNRECORDED_ROUTES, Action
from server.access_log.bursts import Bursts, Skipped
from server.access_log.calls import RecordedCalls, note_answer, note_request, recording
from server.access_log.counts import COUNTS, add_records
from server.access_log.event import AccessEvent, Outcome
from server.notary.audit_words import CATEGORIES
from server.own_records.sender import NotRecordedError

SERVICES = [
    service
    for module in (administration_pb2, correlation_pb2, disclosures_pb2, evidence_pb2, status_pb2, tokens_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]


class Taken(AccessLog):
    """An access log that keeps its events."""

    def __init__(self) -> None:
        super().__init__(lambda _, __: None)
        self.events: list[AccessEvent] = []

    def note(self, event: AccessEvent) -> None:
        self.events.append(event)


def test_every_call_that_needs_credentials_has_an_action() -> None:
    closed = {call for call, permission in GRPC_RULES.items() if permission is not Permission.OPEN}
    assert closed == set(GRPC_ACTIONS)
    routes = {call for call, permission in HTTP_RULES.items() if permission is not Permission.OPEN}
    assert routes == set(HTTP_ACTIONS)
    assert routes >= UNRECORDED_ROUTES


ALL_ACTIONS = sorted({*GRPC_ACTIONS.values(), *HTTP_ACTIONS.values()}, key=repr)  # in the same order in each process


@pytest.mark.parametrize("action", ALL_ACTIONS, ids=lambda action: action.name)
def test_an_action_has_a_category_and_a_type_for_its_target(action: Action) -> None:
    assert action.category in CATEGORIES
    assert bool(action.target) == bool(action.target_type)


def test_the_target_of_an_action_is_a_field_of_its_request() -> None:
    for service in SERVICES:
        for method in service.methods:
            action = GRPC_ACTIONS[f"/{service.full_name}/{method.name}"]
            assert not action.target or action.target in method.input_type.fields_by_name
            assert action.is_long == method.server_streaming


def test_every_method_has_a_count_of_the_records_in_its_answer() -> None:
    assert {method.output_type.full_name for service in SERVICES for method in service.methods} == set(COUNTS)


_ENTRY = correlation_pb2.TimelineEntry()


@pytest.mark.parametrize(
    ("steps", "records"),
    [
        ([correlation_pb2.SearchResponse(entries=[_ENTRY] * 3, count=500)], 3),
        ([correlation_pb2.SearchAuditEventsResponse(events=[correlation_pb2.Record()] * 2)], 2),
        ([correlation_pb2.FindTracesResponse(traces=[correlation_pb2.TraceSummary()])], 1),
        ([correlation_pb2.NeighboursResponse(record=_ENTRY, before=[_ENTRY], after=[_ENTRY] * 2)], 4),
        ([correlation_pb2.TailResponse(entries=[_ENTRY]), correlation_pb2.TailResponse(entries=[_ENTRY] * 4)], 5),
        ([correlation_pb2.CompleteSearchResponse(records={"entries": [_ENTRY] * 2})] * 2, 4),
        ([export_pb2.ExportResponse(progress={"records": 5}), export_pb2.ExportResponse(summary={"records": 9})], 9),
        ([export_pb2.ExportResponse(progress={"records": 5}), export_pb2.ExportResponse(content=b"x")], 5),
        (
            [evidence_pb2.VerifyResponse(progress={"records": 5}), evidence_pb2.VerifyResponse(summary={"records": 8})],
            8,
        ),
        ([evidence_pb2.GetInclusionProofResponse(record=b"x")], 1),
        ([evidence_pb2.GetInclusionProofResponse()], 0),
        ([evidence_pb2.GetBundleResponse(content=b"x")], 1),
        ([disclosures_pb2.DiscloseResponse(values=[disclosures_pb2.DisclosedValue()])], 1),
        ([disclosures_pb2.EraseResponse(erased=4)], 4),
        ([status_pb2.GetStatusResponse()], 0),
    ],
    ids=lambda value: value[0].DESCRIPTOR.name if isinstance(value, list) else str(value),
)
def test_records_of_an_answer_are_counted(steps: list[Message], records: int) -> None:
    counted = 0
    for step in steps:
        counted = add_records(counted, step)
    assert counted == records


def begun(log: Taken, **given: Any) -> Any:
    """Return the record of a call that gets a trace."""
    action = GRPC_ACTIONS["/lognotary.v1.CorrelationService/GetTrace"]
    return RecordedCalls(log, "grpc").begin(action, "192.0.2.1", given.get("traceparent", ""), "from the path")


def test_the_request_names_the_target_and_the_header_names_the_trace_of_the_call() -> None:
    log = Taken()
    call = begun(log, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    with recording(call):
        note_request(correlation_pb2.GetTraceRequest(trace_id="abc", limit=2))
        note_answer(correlation_pb2.GetTraceResponse(entries=[_ENTRY] * 2))
    note_answer(correlation_pb2.GetTraceResponse(entries=[_ENTRY]))  # of no call
    call.end(Outcome.SUCCESS)
    call.end(Outcome.FAILED)
    [event] = log.events
    assert (event.target, event.target_type, event.records, event.outcome) == ("abc", "trace", 2, Outcome.SUCCESS)
    assert (event.trace_id, event.span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "\n00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
    ],
)
def test_a_malformed_trace_context_is_left_out(traceparent: str) -> None:
    log = Taken()
    begun(log, traceparent=traceparent).end(Outcome.SUCCESS)
    assert (log.events[0].trace_id, log.events[0].target) == ("", "from the path")


def test_denied_calls_of_one_address_are_counted_after_the_first_ones_of_a_minute() -> None:
    log = Taken()
    calls = RecordedCalls(log, "http")
    for _ in range(100):
        calls.begin(UNKNOWN, "192.0.2.1", "").end(Outcome.DENIED, "unknown")
    calls.begin(UNKNOWN, "192.0.2.2", "").end(Outcome.DENIED, "unknown")
    assert len(log.events) == 61
    assert {event.category for event in log.events} == {"auth"}


def test_calls_in_progress_are_recorded_when_the_server_stops_and_no_more_begin() -> None:
    log = Taken()
    calls = RecordedCalls(log, "grpc")
    service = "/lognotary.v1.CorrelationService"
    tail, export, search = (
        calls.begin(GRPC_ACTIONS[f"{service}/{method}"], "192.0.2.1", "") for method in ("Tail", "Export", "Search")
    )
    search.end(Outcome.SUCCESS)
    calls.stop()
    tail.end(Outcome.FAILED)
    export.end(Outcome.SUCCESS)
    found = sorted((event.action, event.outcome.value, event.reason) for event in log.events)
    assert found == [
        ("export", "begun", "the server is stopping"),
        ("search", "success", ""),
        ("tail", "success", "the server is stopping"),
    ]
    later = calls.begin(UNKNOWN, "192.0.2.1", "")
    with pytest.raises(NotRecordedError, match="the server is stopping"):
        later.check_may_begin()
    assert log.events[-1].outcome is Outcome.FAILED


def test_what_a_burst_skips_is_told_by_the_first_event_after_it() -> None:
    now = 0.0
    bursts = Bursts(lambda: now)
    none = Skipped()
    assert [bursts.take("a", 2) for _ in range(5)] == [none, none, None, None, None]
    assert bursts.take("b", 2) == none
    now = 60.0
    assert [bursts.take("a", 2) for _ in range(3)] == [Skipped(same=3), none, None]


def test_what_is_skipped_of_who_does_not_come_back_is_told_by_another_event() -> None:
    now = 0.0
    bursts = Bursts(lambda: now)
    assert [bursts.take("a", 1) for _ in range(4)] == [Skipped(), None, None, None]
    now = 60.0
    assert bursts.take("b", 1) == Skipped()
    now = 120.0
    assert [bursts.take(key, 1) for key in "bc"] == [Skipped(others=3), Skipped()]


def test_all_keys_together_have_a_limit_and_no_skipped_event_is_forgotten() -> None:
    now = 0.0
    bursts = Bursts(lambda: now, most_in_all=100)
    taken = [bursts.take(number, 60) for number in range(10_000)]
    assert taken.count(Skipped()) == 100
    told = 0
    for _ in range(3):
        now += 60.0
        found = bursts.take(9_999, 60)
        assert found is not None
        told += found.same + found.others
    assert told == 9_900


def test_a_network_of_ipv6_is_one_host() -> None:
    log = Taken()
    calls = RecordedCalls(log, "http")
    for number in range(100):
        calls.begin(UNKNOWN, f"2001:db8::{number:x}", "").end(Outcome.DENIED, "unknown")
    assert len(log.events) == 60
