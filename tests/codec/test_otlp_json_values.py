"""Values in OTLP/JSON: numbers, enums, bytes, IDs, characters and null."""

from __future__ import annotations

import json
import math

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.otlp_json import request_from_json
from tests.codec.as_json import around_record, convert, convert_body, convert_record, reason


@pytest.mark.parametrize("text", ["1544712660300000000", '"1544712660300000000"', "15447126603e8"])
def test_a_64_bit_integer_is_a_number_or_a_string(text: str) -> None:
    body = json.dumps(around_record({"timeUnixNano": "X"})).replace('"X"', text)
    request = ExportLogsServiceRequest.FromString(request_from_json(body.encode()))
    assert request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano == 1544712660300000000


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, str(-(2**63)), str(2**63 - 1)])
def test_the_ends_of_the_integer_range_are_exact(value: int | str) -> None:
    assert convert_body({"intValue": value}).int_value == int(value)


@pytest.mark.parametrize(
    "value", [2**63, str(2**63), "9" * 5000, 1.5, "1.5", "1e3", "", " 1", "1_0", "\u0661", True, [], {}]
)
def test_an_integer_that_is_none_is_refused(value: object) -> None:
    assert reason(around_record({"body": {"intValue": value}})).startswith(
        "resourceLogs[0].scopeLogs[0].logRecords[0].body.intValue: "
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1.0), (0.5, 0.5), ("0.5", 0.5), ("-1e3", -1000.0), ("Infinity", math.inf), ("-Infinity", -math.inf)],
)
def test_a_double_is_a_number_or_a_string(value: object, expected: float) -> None:
    assert convert_body({"doubleValue": value}).double_value == expected


def test_nan_is_a_string() -> None:
    assert math.isnan(convert_body({"doubleValue": "NaN"}).double_value)


@pytest.mark.parametrize("value", ["nan", "inf", "1_0", " 1", "", "0x1", True, [], "1e999", 10**400])
def test_a_double_that_is_none_is_refused(value: object) -> None:
    assert "doubleValue: " in reason(around_record({"body": {"doubleValue": value}}))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_the_names_of_special_numbers_need_quotes(literal: str) -> None:
    assert "in quotes" in reason(b'{"x": %s}' % literal.encode())


def test_a_number_too_large_for_a_double_is_refused() -> None:
    body = json.dumps(around_record({"body": {"doubleValue": "X"}})).replace('"X"', "1e999")
    assert "out of the range" in reason(body.encode())


@pytest.mark.parametrize("value", [9, "9", "SEVERITY_NUMBER_INFO"])
def test_an_enum_is_an_integer_and_may_be_a_name(value: object) -> None:
    assert convert_record({"severityNumber": value}).severity_number == 9


def test_an_enum_value_without_a_name_is_kept() -> None:
    assert convert_record({"severityNumber": 77}).severity_number == 77


@pytest.mark.parametrize("value", ["INFO", 2**31, True, 1.5, [], "\ud800"])
def test_an_enum_value_that_is_none_is_refused(value: object) -> None:
    assert "severityNumber: " in reason(around_record({"severityNumber": value}))


@pytest.mark.parametrize("value", ["_-8A", "/+8A", "/+8", "/+8="])
def test_bytes_are_base64_of_either_alphabet_with_or_without_padding(value: object) -> None:
    assert convert_body({"bytesValue": value}).bytes_value[:2] == b"\xff\xef"


@pytest.mark.parametrize("value", ["!!!!", "A", "AA=A", "é", 1, [1]])
def test_bytes_that_are_not_base64_are_refused(value: object) -> None:
    assert "bytesValue: " in reason(around_record({"body": {"bytesValue": value}}))


@pytest.mark.parametrize("name", ["traceId", "trace_id"])
@pytest.mark.parametrize("value", ["AB" * 16, "ab" * 16])
def test_ids_are_hexadecimal_in_either_case(name: str, value: object) -> None:
    assert convert_record({name: value}).trace_id == b"\xab" * 16


def test_an_empty_id_is_no_id() -> None:
    assert convert_record({"traceId": "", "spanId": ""}) == LogRecord()


@pytest.mark.parametrize("value", ["W47/95gDgQPSabYzgT/GDA==", "abc", "zz", "a b ", "\u0661\u0661"])
def test_an_id_that_is_not_hexadecimal_is_refused_with_a_hint(value: object) -> None:
    assert reason(around_record({"spanId": value})) == (
        "resourceLogs[0].scopeLogs[0].logRecords[0].spanId: "
        "not hexadecimal; OTLP/JSON writes ids in hex digits, not in base64"
    )


def test_null_is_absent() -> None:
    record = {"body": None, "attributes": None, "traceId": None, "severityNumber": None, "flags": None}
    assert convert_record(record) == LogRecord()


def test_a_null_among_the_types_of_a_value_does_not_count() -> None:
    assert convert_body({"stringValue": None, "intValue": 1}).int_value == 1


def test_null_is_no_element() -> None:
    assert reason({"resourceLogs": [None]}) == "resourceLogs[0]: an object is expected"


def test_an_empty_value_is_not_an_absent_one() -> None:
    assert convert_record({"body": {}}).HasField("body")


def test_a_value_of_two_types_is_refused() -> None:
    message = reason(around_record({"body": {"stringValue": "a", "intValue": 1}}))
    assert message.endswith("body: stringValue and intValue are both set, but a value has one type")


def test_a_pair_of_surrogates_is_a_character() -> None:
    body = json.dumps(around_record({"severityText": "\U0001f600"}))
    assert "\\ud83d\\ude00" in body
    assert convert(json.loads(body)).resource_logs[0].scope_logs[0].log_records[0].severity_text == "😀"
