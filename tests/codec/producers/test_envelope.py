"""The records of a request are found as protobuf finds them, in whatever order the fields of a request are."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.codec.audit.request_records import records_of
from server.codec.decode_parts import parse
from server.codec.producers.envelope import Envelope
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError
from tests.codec.strategies import requests
from tests.codec.wire import delimited, group, mutated, wire_messages
from tests.effort import effort

Found = list[tuple[Resource, list[LogRecord]]]


def found(request: bytes) -> Found:
    envelope = Envelope(request)
    return [
        (
            Resource.FromString(envelope.resource(place)),
            [LogRecord.FromString(request[one.start : one.end]) for one in envelope.records(number, place)],
        )
        for number, place in enumerate(envelope.resource_logs())
    ]


def parsed(request: bytes) -> Found:
    message = parse(ExportLogsServiceRequest, request, Signal.LOGS)
    return [
        (one.resource, [record for scope_logs in one.scope_logs for record in scope_logs.log_records])
        for one in message.resource_logs
    ]


def assert_same(request: bytes) -> None:
    try:
        expected = parsed(request)
    except MalformedRequestError:
        try:
            for place in (envelope := Envelope(request)).resource_logs():
                assert len(envelope.resource(place)) <= len(request)
                assert sum(1 for _ in envelope.records(0, place)) <= len(request)
        except MalformedRequestError:
            return
    else:
        made = found(request)
        for resource, records in (*made, *expected):
            for message in (resource, *records):
                message.DiscardUnknownFields()
        assert made == expected
        envelope = Envelope(request)
        places = [envelope.records(number, place) for number, place in enumerate(envelope.resource_logs())]
        assert list(chain.from_iterable(places)) == list(records_of(request))


@settings(max_examples=effort(200), deadline=None)
@given(requests())
def test_the_records_of_a_request_are_found(request: ExportLogsServiceRequest) -> None:
    assert_same(request.SerializeToString())


@settings(max_examples=effort(300), deadline=None)
@given(st.one_of(mutated(requests(max_records=3).map(ExportLogsServiceRequest.SerializeToString)), wire_messages()))
def test_the_records_of_unusual_and_of_malformed_requests_are_found_or_refused(request: bytes) -> None:
    assert_same(request)


RECORD = LogRecord(event_name="e").SerializeToString()


@pytest.mark.parametrize(
    "resource_logs",
    [
        delimited(2, delimited(2, RECORD) + delimited(1, b"") + delimited(2, RECORD)) + delimited(1, b""),
        delimited(1, Resource(dropped_attributes_count=1).SerializeToString())
        + delimited(2, delimited(2, RECORD))
        + delimited(1, b""),
        delimited(1000, delimited(2, RECORD)),
        delimited(2, group(9, delimited(2, RECORD)) + delimited(2, RECORD)),
    ],
    ids=["the resource is behind the records", "the resource is in two parts", "of old OTLP", "a group is before it"],
)
def test_records_are_found_wherever_they_are(resource_logs: bytes) -> None:
    request = delimited(1, resource_logs)
    assert_same(request)
    assert sum(len(records) for _, records in found(request)) >= 1


def test_fields_are_read_over_up_to_a_limit() -> None:
    request = delimited(1, delimited(2, delimited(2, RECORD)))
    for most, refused in ((3, False), (2, True)):
        envelope = Envelope(request, most)
        try:
            assert [list(envelope.records(0, place)) for place in envelope.resource_logs()]
        except MalformedRequestError:
            assert refused
        else:
            assert not refused


def test_a_number_that_does_not_end_is_refused_at_once() -> None:
    with pytest.raises(MalformedRequestError):
        list(Envelope(b"\xff" * 1_000_000).resource_logs())
