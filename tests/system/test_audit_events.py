"""Search for audit events on a running server: pages and filters."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.timestamp_pb2 import Timestamp

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import (
    CHECK_SIGNATURES,
    Record,
    SearchAuditEventsRequest,
    SearchAuditEventsResponse,
)
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.evidence_pb2 import SIGNED, VERIFIED
from server.api.messages import from_nanos
from tests.system.calls import error_of

SECOND = 10**9
EVENTS = 350


def test_pages_give_each_event_exactly_once(shared_server: LognotaryServer, api: CorrelationServiceStub) -> None:
    # Many share their time, also across the ends of pages.
    start = 1_100_000_000 * SECOND
    events = [
        log_record(timestamp=start + n // 30, audit_actor_id="pager", audit_record_id=str(n)) for n in range(EVENTS)
    ]
    for first in range(0, EVENTS, 50):
        send(shared_server.otlp_grpc, *events[first : first + 50])
    for size in (7, 50, 175, 1000):
        found: list[Record] = []
        request = SearchAuditEventsRequest(actor_id="pager", page_size=size, check=CHECK_SIGNATURES)
        while True:
            page = api.SearchAuditEvents(request)
            assert len(page.events) == min(size, EVENTS - len(found))
            found += page.events
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        times = [event.timestamp.ToNanoseconds() for event in found]
        assert times == sorted(times, reverse=True)
        assert sorted(int(event.audit.record_id) for event in found) == list(range(EVENTS))
        assert {event.evidence.state for event in found} == {SIGNED}


def test_pages_are_a_hundred_events_unless_another_size_is_asked_for(
    shared_server: LognotaryServer, api: CorrelationServiceStub
) -> None:
    events = [log_record(audit_actor_id="hundred", audit_record_id=str(n)) for n in range(101)]
    send(shared_server.otlp_grpc, *events)
    page = api.SearchAuditEvents(SearchAuditEventsRequest(actor_id="hundred"))
    assert len(page.events) == 100
    assert {event.evidence.state for event in page.events} == {VERIFIED}


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "AAAA",
        "%%%",
        "W10=",
        "é",
        "bnVsbA==",
        "WyJ4IiwgIiIsIDBd",
        "W0luZmluaXR5LCAiIiwgMF0=",
        "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAsICIiLCAwXQ==",
        "WzEsICIiLCAtMV0=",
        "Wy0xLCAiIiwgMV0=",
    ],
)
def test_a_page_token_of_somebody_elses_is_refused(api: CorrelationServiceStub, token: str) -> None:
    code, message = error_of(lambda: api.SearchAuditEvents(SearchAuditEventsRequest(page_token=token)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "page token" in message


@dataclass(frozen=True)
class Event:
    """An audit event to be found: its attributes, and what else filters look at."""

    body: str = ""
    service: str = "shop"
    trace_id: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


ODD = "o'brien \"\\ \t\n{actor:String} %27 漢字 \U0001f512"
TRACE_ID = uuid.uuid4().hex
FILTERED = [
    Event(attributes={"audit_actor_id": "ann", "audit_action": "user.create", "audit_outcome": "success"}),
    Event(attributes={"audit_actor_id": "ann", "audit_action": "user.delete", "audit_outcome": "failure"}),
    Event(attributes={"audit_actor_id": ODD, "audit_action": "login", "audit_outcome": "denied"}),
    Event(attributes={"audit_actor_id": "annabel", "audit_target_id": "t/1", "audit_target_type": "invoice"}),
    Event(attributes={"audit_actor_id": "a", "audit_target_id": "t/1", "audit_target_type": "user"}),
    Event(attributes={"audit_actor_id": "b", "audit_source_id": "10.0.0.1", "audit_category": "system"}),
    Event(attributes={"audit_actor_id": "c"}, service="billing", trace_id=TRACE_ID),
    Event(attributes={"audit_actor_id": "d"}, body="Straße: GEHEIM 100% [a_b] ÄÖÜ"),
]
FILTERS: list[tuple[SearchAuditEventsRequest, set[int]]] = [
    (SearchAuditEventsRequest(), set(range(8))),
    (SearchAuditEventsRequest(actor_id="ann"), {0, 1}),
    (SearchAuditEventsRequest(actor_id=ODD), {2}),
    (SearchAuditEventsRequest(action="user.create"), {0}),
    (SearchAuditEventsRequest(action="user.*"), {0, 1}),
    (SearchAuditEventsRequest(action="user"), set()),
    (SearchAuditEventsRequest(target_id="t/1"), {3, 4}),
    (SearchAuditEventsRequest(target_type="invoice"), {3}),
    (SearchAuditEventsRequest(source_id="10.0.0.1"), {5}),
    (SearchAuditEventsRequest(outcome="success"), {0}),
    (SearchAuditEventsRequest(outcome="failure"), {1, 2}),
    (SearchAuditEventsRequest(outcome="unknown"), {3, 4, 5, 6, 7}),
    (SearchAuditEventsRequest(category="admin"), {0, 1, 4}),
    (SearchAuditEventsRequest(category="auth"), {2}),
    (SearchAuditEventsRequest(category="system"), {5}),
    (SearchAuditEventsRequest(service_name="billing"), {6}),
    (SearchAuditEventsRequest(trace_id=TRACE_ID.upper()), {6}),
    (SearchAuditEventsRequest(text="geheim 100%"), {7}),
    (SearchAuditEventsRequest(text="äöü"), {7}),
    (SearchAuditEventsRequest(text="a.b"), set()),
    (SearchAuditEventsRequest(actor_id="ann", outcome="failure", action="user.*"), {1}),
    (SearchAuditEventsRequest(actor_id="ann", target_id="t/1"), set()),
]
FILTER_START = 1_200_000_000 * SECOND


@pytest.fixture(scope="module")
def filtered(shared_server: LognotaryServer) -> LognotaryServer:
    for number, event in enumerate(FILTERED):
        record = log_record(
            event.body,
            trace_id=event.trace_id,
            timestamp=FILTER_START + number * SECOND,
            audit_record_id=str(number),
            **event.attributes,
        )
        send(shared_server.otlp_grpc, record, service=event.service)
    return shared_server


def numbers(answer: SearchAuditEventsResponse) -> set[int]:
    return {int(event.audit.record_id) for event in answer.events}


@pytest.mark.parametrize(("request_", "expected"), FILTERS)
def test_each_filter_finds_what_it_should(
    filtered: LognotaryServer, api: CorrelationServiceStub, request_: SearchAuditEventsRequest, expected: set[int]
) -> None:
    wanted = SearchAuditEventsRequest(since=from_nanos(FILTER_START), until=from_nanos(FILTER_START + 100 * SECOND))
    wanted.MergeFrom(request_)
    found = api.SearchAuditEvents(wanted)
    assert numbers(found) == expected
    names = {name.name: value for name, value in request_.ListFields()}
    over_http = httpx.get(
        f"{filtered.http}/api/v1/audit-events",
        params={
            **names,
            "since": wanted.since.ToJsonString(),
            "until": wanted.until.ToJsonString(),
        },
        timeout=60.0,
    )
    assert over_http.status_code == 200
    assert Parse(over_http.text, SearchAuditEventsResponse()) == found


@pytest.mark.usefixtures("filtered")
def test_since_is_included_and_until_is_not(api: CorrelationServiceStub) -> None:
    request = SearchAuditEventsRequest(
        since=from_nanos(FILTER_START + 2 * SECOND), until=from_nanos(FILTER_START + 5 * SECOND)
    )
    assert numbers(api.SearchAuditEvents(request)) == {2, 3, 4}
    request.since.FromNanoseconds(FILTER_START + 2 * SECOND + 1)
    request.until.FromNanoseconds(FILTER_START + 5 * SECOND + 1)
    assert numbers(api.SearchAuditEvents(request)) == {3, 4, 5}


@pytest.mark.parametrize(
    "wrong",
    [
        SearchAuditEventsRequest(since=Timestamp(seconds=-1)),
        SearchAuditEventsRequest(until=Timestamp(seconds=9_223_372_037)),
        SearchAuditEventsRequest(trace_id="xyz"),
    ],
)
def test_filters_that_cannot_be_are_refused(api: CorrelationServiceStub, wrong: SearchAuditEventsRequest) -> None:
    code, message = error_of(lambda: api.SearchAuditEvents(wrong))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message
