"""Records are picked from the bytes of a request as they would be from the parsed request."""

from __future__ import annotations

from collections.abc import Set

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.audit.request_records import pick_records, records_of
from tests.codec.strategies import requests
from tests.codec.wire import delimited
from tests.effort import effort


def picked(request: ExportLogsServiceRequest, numbers: Set[int]) -> ExportLogsServiceRequest:
    picked, number = ExportLogsServiceRequest(), 0
    picked.CopyFrom(request)
    for resource_logs in picked.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            here = range(number, number + len(scope_logs.log_records))
            number = here.stop
            kept = [record for n, record in zip(here, scope_logs.log_records, strict=True) if n in numbers]
            del scope_logs.log_records[:]
            scope_logs.log_records.extend(kept)
        kept_scopes = [scope for scope in resource_logs.scope_logs if scope.log_records]
        del resource_logs.scope_logs[:]
        resource_logs.scope_logs.extend(kept_scopes)
    kept_resources = [one for one in picked.resource_logs if one.scope_logs]
    del picked.resource_logs[:]
    picked.resource_logs.extend(kept_resources)
    return picked


@settings(max_examples=effort(300), deadline=None)
@given(requests(), st.sets(st.integers(0, 5)))
def test_picked_records_keep_their_order_resources_and_scopes(
    request: ExportLogsServiceRequest, numbers: set[int]
) -> None:
    sent = request.SerializeToString()
    starts = {place.start for number, place in enumerate(records_of(sent)) if number in numbers}
    made = pick_records(sent, starts.__contains__)
    assert ExportLogsServiceRequest.FromString(made) == picked(request, numbers)


@settings(max_examples=effort(300), deadline=None)
@given(requests())
def test_each_record_has_its_place_and_its_bytes(request: ExportLogsServiceRequest) -> None:
    sent = request.SerializeToString()
    found = [(str(place), sent[place.start : place.end]) for place in records_of(sent)]
    assert found == [
        (f"resourceLogs[{i}].scopeLogs[{j}].logRecords[{k}]", record.SerializeToString())
        for i, resource_logs in enumerate(request.resource_logs)
        for j, scope_logs in enumerate(resource_logs.scope_logs)
        for k, record in enumerate(scope_logs.log_records)
    ]
    assert len({place.start for place in records_of(sent)}) == len(found)


def test_fields_of_older_and_newer_senders_stay_with_their_records() -> None:
    record, unknown = delimited(2, delimited(12, b"name")), delimited(77, b"x")
    sent = delimited(1, unknown + delimited(1000, delimited(9, b"y") + record + record))
    first, second = records_of(sent)
    assert pick_records(sent, lambda start: start == second.start) == delimited(
        1, unknown + delimited(1000, delimited(9, b"y") + record)
    )
    assert pick_records(sent, lambda start: start in (first.start, second.start)) == sent
    assert pick_records(sent, lambda _: False) == b""
