"""The reference codec: which column holds what, and which requests are refused."""

from __future__ import annotations

import math

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.codec.commitments import NO_COMMITMENTS
from server.codec.decode import decode
from server.codec.records import RecordColumns
from server.errors.ingest import MalformedRequestError

from .otlp_messages import MAX_TIME, attributes, decoded, integer, string
from .wire import delimited


def test_an_ordinary_record_fills_the_columns_and_needs_no_details() -> None:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add(
        resource=Resource(attributes=attributes([("service.name", string("shop")), ("host", string("é"))])),
        schema_url="https://example.org/resource",
    )
    resource_logs.scope_logs.add(
        scope=InstrumentationScope(name="lib", version="1.2", attributes=attributes([("kind", string("test"))])),
        schema_url="https://example.org/scope",
        log_records=[
            LogRecord(
                time_unix_nano=1_790_000_000_000_000_001,
                observed_time_unix_nano=1_790_000_000_000_000_002,
                severity_number=SeverityNumber.SEVERITY_NUMBER_WARN,
                severity_text="Warning",
                body=string("paid"),
                attributes=attributes([("user", string("bo")), ("cart", string("7"))]),
                dropped_attributes_count=3,
                flags=0x1FF,
                trace_id=bytes(range(16)),
                span_id=b"\xab" * 8,
                event_name="order.paid",
            )
        ],
    )

    assert decode(request.SerializeToString()) == RecordColumns(
        timestamp=[1_790_000_000_000_000_001],
        trace_id=[b"000102030405060708090a0b0c0d0e0f"],
        span_id=[b"abababababababab"],
        trace_flags=[0xFF],
        severity_text=[b"Warning"],
        severity_number=[13],
        service_name=[b"shop"],
        body=[b"paid"],
        body_text=[b"paid"],
        resource_schema_url=[b"https://example.org/resource"],
        resource_attributes=[((b"host", "é".encode()), (b"service.name", b"shop"))],
        scope_schema_url=[b"https://example.org/scope"],
        scope_name=[b"lib"],
        scope_version=[b"1.2"],
        scope_attributes=[((b"kind", b"test"),)],
        log_attributes=[((b"cart", b"7"), (b"user", b"bo"))],
        resource_repeated=[()],
        scope_repeated=[()],
        log_repeated=[()],
        event_name=[b"order.paid"],
        observed_timestamp=[1_790_000_000_000_000_002],
        flags=[0x1FF],
        dropped_attributes_count=[3],
        otlp_details=[b""],
        event_details=[b""],
        redactions=[b""],
        commitments=[NO_COMMITMENTS],
    )


def test_an_empty_record_has_empty_columns_and_says_what_was_missing() -> None:
    columns = decoded(LogRecord())

    assert (columns.timestamp, columns.observed_timestamp, columns.body) == ([0], [0], [b""])
    assert columns.otlp_details == [b'{"time":"unset","body":"empty"}']


@pytest.mark.parametrize(
    ("time", "observed", "timestamp", "observed_timestamp", "details"),
    [
        (5, 7, 5, 7, b""),
        (0, 7, 7, 7, b'{"time":"unset"}'),
        (5, 0, 5, 0, b""),
        (MAX_TIME, MAX_TIME, MAX_TIME, MAX_TIME, b""),
        (2**63, 7, MAX_TIME, 7, b'{"time":"9223372036854775808"}'),
        (5, 2**64 - 1, 5, MAX_TIME, b'{"observed":"18446744073709551615"}'),
        (0, 2**63, MAX_TIME, MAX_TIME, b'{"time":"unset","observed":"9223372036854775808"}'),
    ],
)
def test_a_time_that_is_missing_or_too_late_is_replaced_and_noted(
    time: int, observed: int, timestamp: int, observed_timestamp: int, details: bytes
) -> None:
    columns = decoded(
        LogRecord(time_unix_nano=time, observed_time_unix_nano=observed, body=string("")),
    )

    assert columns.timestamp == [timestamp]
    assert columns.observed_timestamp == [observed_timestamp]
    assert columns.otlp_details == [details]


@pytest.mark.parametrize(
    ("trace_id", "span_id", "details"),
    [
        (b"", b"", b""),
        (bytes(16), bytes(8), b'{"trace_id":"' + b"0" * 32 + b'","span_id":"' + b"0" * 16 + b'"}'),
        (b"\xab" * 15, b"\xcd" * 9, b'{"trace_id":"' + b"ab" * 15 + b'","span_id":"' + b"cd" * 9 + b'"}'),
    ],
)
def test_an_invalid_id_is_stored_as_none_and_noted(trace_id: bytes, span_id: bytes, details: bytes) -> None:
    columns = decoded(LogRecord(time_unix_nano=1, trace_id=trace_id, span_id=span_id, body=string("")))

    assert (columns.trace_id, columns.span_id) == ([b""], [b""])
    assert columns.otlp_details == [details]


@pytest.mark.parametrize(
    ("number", "stored", "details"),
    [
        (0, 0, b""),
        (255, 255, b""),
        (256 + 9, 9, b'{"severity":"265"}'),
        (-1, 255, b'{"severity":"-1"}'),
    ],
)
def test_a_severity_beyond_a_byte_keeps_its_low_byte_and_is_noted(number: int, stored: int, details: bytes) -> None:
    columns = decoded(LogRecord(time_unix_nano=1, severity_number=SeverityNumber.ValueType(number), body=string("")))

    assert columns.severity_number == [stored]
    assert columns.otlp_details == [details]


def test_values_that_are_no_strings_have_their_types_in_the_details() -> None:
    columns = decoded(
        LogRecord(
            time_unix_nano=1,
            body=AnyValue(array_value=ArrayValue(values=[integer(1), string("a")])),
            attributes=attributes(
                [
                    ("n", integer(5)),
                    ("s", string("x")),
                    ("e", AnyValue()),
                    ("d", AnyValue(double_value=math.inf)),
                ]
            ),
        )
    )

    assert columns.body == [b'[1,"a"]']
    assert columns.log_attributes == [((b"d", b"Infinity"), (b"e", b""), (b"n", b"5"), (b"s", b"x"))]
    assert columns.otlp_details == [b'{"body":["int","string"],"log":{"d":"double","e":"empty","n":"int"}}']


def test_attributes_of_one_key_are_all_kept_and_their_types_stay_in_step() -> None:
    columns = decoded(
        LogRecord(
            time_unix_nano=1,
            body=string(""),
            attributes=attributes(
                [
                    ("k", string("5")),
                    ("k", integer(5)),
                    ("k", string("4")),
                    ("j", string("2")),
                    ("j", string("1")),
                ]
            ),
        )
    )

    assert columns.log_attributes == [((b"j", b"1"), (b"j", b"2"), (b"k", b"4"), (b"k", b"5"), (b"k", b"5"))]
    assert columns.otlp_details == [
        b'{"log":{"k":"string","k":"int","k":"string"},"log_order":{"j":[1,0],"k":[1,2,0]}}'
    ]


def test_what_scope_and_resource_lose_in_columns_is_in_the_details_of_each_of_their_records() -> None:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add(
        resource=Resource(
            attributes=attributes([("pid", integer(1))]),
            dropped_attributes_count=4,
            entity_refs=[
                EntityRef(schema_url="u", type="host", id_keys=["\u2028"], description_keys=["a", "b"]),
                EntityRef(),
            ],
        )
    )
    resource_logs.scope_logs.add(
        scope=InstrumentationScope(attributes=attributes([("n", integer(2))]), dropped_attributes_count=3),
        log_records=[LogRecord(time_unix_nano=1, body=string("a")), LogRecord(body=string("b"))],
    )
    shared = (
        b'"scope":{"n":"int"},"scope_dropped":3,"resource":{"pid":"int"},"resource_dropped":4,'
        b'"entity_refs":[{"schema_url":"u","type":"host","id_keys":["\\u2028"],"description_keys":["a","b"]},'
        b'{"schema_url":"","type":"","id_keys":[],"description_keys":[]}]}'
    )

    assert decode(request.SerializeToString()).otlp_details == [b"{" + shared, b'{"time":"unset",' + shared]


def test_a_resource_without_service_name_does_not_inherit_its_neighbours() -> None:
    request = ExportLogsServiceRequest()
    for resource in (
        Resource(attributes=attributes([("service.name", string("first"))])),
        Resource(),
        Resource(attributes=attributes([("service.name", integer(7)), ("service.name", string("later"))])),
    ):
        request.resource_logs.add(resource=resource).scope_logs.add(log_records=[LogRecord()])

    assert decode(request.SerializeToString()).service_name == [b"first", b"", b"7"]


def test_rows_of_one_resource_and_scope_share_their_attributes() -> None:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add(resource=Resource(attributes=attributes([("host", string("a"))])))
    for _ in range(2):
        resource_logs.scope_logs.add(
            scope=InstrumentationScope(attributes=attributes([("kind", string("b"))])),
            log_records=[LogRecord(), LogRecord()],
        )

    columns = decode(request.SerializeToString())

    assert len({id(value) for value in columns.resource_attributes}) == 1
    first, second, third, fourth = columns.scope_attributes
    assert first is second
    assert third is fourth


def test_references_into_the_profiling_string_table_count_as_absent() -> None:
    columns = decoded(
        LogRecord(
            time_unix_nano=1,
            body=AnyValue(string_value_strindex=4),
            attributes=[KeyValue(key_strindex=2, value=string("x"))],
        )
    )

    assert columns.body == [b""]
    assert columns.log_attributes == [((b"", b"x"),)]
    assert columns.otlp_details == [b'{"body":"empty"}']


def test_fields_of_a_later_otlp_version_are_ignored() -> None:
    record = LogRecord(time_unix_nano=1, body=string("x"))
    unknown_field = b"\xfa\x3e\x01?"  # number 1007, one byte
    later = LogRecord.FromString(record.SerializeToString() + unknown_field)

    assert decoded(later) == decoded(record)


def test_a_request_without_records_has_no_rows() -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add(schema_url="u").scope_logs.add(schema_url="v")

    assert decode(b"") == decode(request.SerializeToString()) == RecordColumns()


def nested_request(levels: int) -> bytes:
    """Return a request whose body is an array in an array, so many times; parsed by no one yet."""
    value = b""
    for _ in range(levels):
        value = delimited(5, delimited(1, value))  # AnyValue.array_value, ArrayValue.values
    return delimited(1, delimited(2, delimited(2, delimited(5, value))))


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (b'{"resourceLogs":[]}', "invalid or truncated protobuf"),
        (b"\x1f\x8b\x08\x00", "invalid or truncated protobuf"),
        (
            ExportLogsServiceRequest(resource_logs=[ResourceLogs(schema_url="abc")]).SerializeToString()[:-1],
            "invalid or truncated protobuf",
        ),
        (delimited(1, delimited(3, b"\xff")), "UTF-8"),
        (nested_request(100), "46 levels of lists"),
    ],
    ids=["json", "gzip", "cut off", "not UTF-8", "nested too deeply"],
)
def test_bytes_that_are_no_request_are_refused_with_the_reason(request_bytes: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequestError, match=rf"\({len(request_bytes)} bytes\): .*{reason}"):
        decode(request_bytes)


def test_the_deepest_nesting_that_protobuf_takes_is_stored() -> None:
    assert decode(nested_request(47)).body == [b"[" * 47 + b"null" + b"]" * 47]


def test_more_records_than_a_batch_can_hold_are_refused() -> None:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    scope_logs.log_records.extend([LogRecord()] * 1_000_001)
    with pytest.raises(MalformedRequestError, match="send smaller requests"):
        decode(request.SerializeToString())


def test_a_large_resource_repeated_by_many_records_is_refused() -> None:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="k").value.string_value = "x" * (1 << 20)
    scope_logs = resource_logs.scope_logs.add()
    for _ in range(300):
        scope_logs.log_records.add(time_unix_nano=1)
    with pytest.raises(MalformedRequestError, match="send smaller requests"):
        decode(request.SerializeToString())


@pytest.mark.parametrize(
    ("sent", "details"),
    [
        (["a", "b", "c"], b""),
        (["c", "a", "b"], b'{"log_order":{"k":[2,0,1]}}'),
        (["b", "a", "b"], b'{"log_order":{"k":[1,0,2]}}'),
        (["a", "a"], b""),
    ],
)
def test_the_order_of_a_repeated_keys_values_is_in_the_details_unless_it_is_the_stored_order(
    sent: list[str], details: bytes
) -> None:
    pairs = [("k", string(value)) for value in sent]
    columns = decoded(LogRecord(time_unix_nano=1, body=string(""), attributes=attributes(pairs)))

    assert columns.log_attributes == [tuple((b"k", value.encode()) for value in sorted(sent))]
    assert columns.otlp_details == [details]
