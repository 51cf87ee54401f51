"""The reference codec: a row is the whole record, for every record."""

from __future__ import annotations

import json
import random
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.decode import decode
from server.codec.records import RecordColumns
from server.codec.values import as_string
from tests.effort import effort

from .otlp_messages import MAX_TIME, decoded
from .rebuilding import comparable, flattened, rebuilt
from .shuffling import with_keys_shuffled
from .strategies import log_records, requests

slowly = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=effort(150)
)
COLUMNS = tuple(RecordColumns.__dataclass_fields__)
DETAILS = [
    "time",
    "observed",
    "severity",
    "trace_id",
    "span_id",
    "body",
    "log",
    "log_order",
    "scope",
    "scope_order",
    "scope_dropped",
    "resource",
    "resource_order",
    "resource_dropped",
    "entity_refs",
]


@given(requests())
@slowly
def test_a_row_is_the_whole_record(request: ExportLogsServiceRequest) -> None:
    columns = decode(request.SerializeToString())

    rows = [comparable(rebuilt(columns, row)) for row in range(len(columns))]

    assert rows == [comparable(logs) for logs in flattened(request)]


@given(requests())
@slowly
def test_every_column_has_a_value_that_its_type_can_hold_for_every_record(
    request: ExportLogsServiceRequest,
) -> None:
    columns = decode(request.SerializeToString())

    assert {len(getattr(columns, name)) for name in COLUMNS} == {len(flattened(request))}
    for name in ("timestamp", "observed_timestamp"):
        assert all(0 <= value <= MAX_TIME for value in getattr(columns, name))
    for name in ("trace_flags", "severity_number"):
        assert all(0 <= value <= 0xFF for value in getattr(columns, name))
    for name in ("flags", "dropped_attributes_count"):
        assert all(0 <= value <= 0xFFFFFFFF for value in getattr(columns, name))
    assert all(re.fullmatch(rb"([0-9a-f]{32})?", value) for value in columns.trace_id)
    assert all(re.fullmatch(rb"([0-9a-f]{16})?", value) for value in columns.span_id)
    for name in ("resource_attributes", "scope_attributes", "log_attributes"):
        assert all(value == tuple(sorted(value)) for value in getattr(columns, name))
    for details in filter(None, columns.otlp_details):
        names = list(json.loads(details))
        assert names
        assert names == sorted(names, key=DETAILS.index)


@given(log_records, st.randoms(use_true_random=False))
@slowly
def test_the_order_of_different_attributes_does_not_change_the_row(record: LogRecord, shuffler: random.Random) -> None:
    attributes = with_keys_shuffled(record.attributes, shuffler)
    shuffled = LogRecord.FromString(record.SerializeToString())
    del shuffled.attributes[:]
    shuffled.attributes.extend(attributes)

    assert decoded(record) == decoded(shuffled)


@given(requests(max_records=3))
@slowly
def test_the_service_name_is_the_text_of_the_resources_first_one(request: ExportLogsServiceRequest) -> None:
    columns = decode(request.SerializeToString())

    for service_name, logs in zip(columns.service_name, flattened(request), strict=True):
        sent = [a.value for a in logs.resource.attributes if a.key == "service.name"]
        assert service_name == (as_string(sent[0])[0] if sent else b"")
