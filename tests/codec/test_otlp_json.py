from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.otlp_json import request_from_json
from server.errors.ingest import MalformedRequestError
from tests.codec.strategies import requests

# After the example in OTLP's own documentation, with a value of every type.
EXAMPLE = """
{
  "resourceLogs": [
    {
      "resource": {
        "attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]
      },
      "scopeLogs": [
        {
          "scope": {
            "name": "my.library",
            "version": "1.0.0",
            "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]
          },
          "logRecords": [
            {
              "timeUnixNano": "1544712660300000000",
              "observedTimeUnixNano": "1544712660300000001",
              "severityNumber": 10,
              "severityText": "Information",
              "traceId": "5B8EFFF798038103D269B633813FC60C",
              "spanId": "eee19b7ec3c1b174",
              "flags": 1,
              "droppedAttributesCount": 2,
              "eventName": "device.app.lifecycle",
              "body": {"stringValue": "Example log record"},
              "attributes": [
                {"key": "string", "value": {"stringValue": "some string"}},
                {"key": "boolean", "value": {"boolValue": true}},
                {"key": "int", "value": {"intValue": "-10"}},
                {"key": "double", "value": {"doubleValue": 637.704}},
                {"key": "bytes", "value": {"bytesValue": "/+8A"}},
                {"key": "array", "value": {"arrayValue": {"values": [{"stringValue": "many"}, {}]}}},
                {"key": "map", "value": {"kvlistValue": {"values": [
                  {"key": "traceId", "value": {"stringValue": "zz"}}
                ]}}}
              ]
            }
          ]
        }
      ],
      "schemaUrl": "https://opentelemetry.io/schemas/1.0.0"
    }
  ]
}
"""


def convert(document: object) -> ExportLogsServiceRequest:
    return ExportLogsServiceRequest.FromString(request_from_json(json.dumps(document).encode()))


def around_record(record: object) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def convert_record(record: object) -> LogRecord:
    return convert(around_record(record)).resource_logs[0].scope_logs[0].log_records[0]


def convert_body(value: object) -> AnyValue:
    return convert_record({"body": value}).body


def reason(body: bytes | dict[str, Any]) -> str:
    """Return why a request is refused."""
    with pytest.raises(MalformedRequestError) as caught:
        request_from_json(body if isinstance(body, bytes) else json.dumps(body).encode())
    return str(caught.value)


def with_hex_ids(document: dict[str, Any], request: ExportLogsServiceRequest) -> dict[str, Any]:
    """Make OTLP/JSON of protobuf's JSON."""
    for resource_json, resource in zip(document.get("resourceLogs", []), request.resource_logs, strict=True):
        for scope_json, scope in zip(resource_json.get("scopeLogs", []), resource.scope_logs, strict=True):
            for record_json, record in zip(scope_json.get("logRecords", []), scope.log_records, strict=True):
                if record.trace_id:
                    record_json["traceId"] = record.trace_id.hex()
                if record.span_id:
                    record_json["spanId"] = record.span_id.hex().upper()
    return document


def test_the_example_of_the_specification_is_read_completely():
    request = ExportLogsServiceRequest.FromString(request_from_json(EXAMPLE.encode()))
    (resource_logs,) = request.resource_logs
    assert resource_logs.schema_url == "https://opentelemetry.io/schemas/1.0.0"
    assert resource_logs.resource.attributes[0].value.string_value == "my.service"
    (scope_logs,) = resource_logs.scope_logs
    assert (scope_logs.scope.name, scope_logs.scope.version) == ("my.library", "1.0.0")
    (record,) = scope_logs.log_records
    assert record.time_unix_nano == 1544712660300000000
    assert record.observed_time_unix_nano == 1544712660300000001
    assert (record.severity_number, record.severity_text) == (10, "Information")
    assert record.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert record.span_id.hex() == "eee19b7ec3c1b174"
    assert (record.flags, record.dropped_attributes_count) == (1, 2)
    assert record.event_name == "device.app.lifecycle"
    values = {attribute.key: attribute.value for attribute in record.attributes}
    assert values["string"].string_value == "some string"
    assert values["boolean"].bool_value is True
    assert values["int"].int_value == -10
    assert values["double"].double_value == 637.704
    assert values["bytes"].bytes_value == b"\xff\xef\x00"
    assert [value.WhichOneof("value") for value in values["array"].array_value.values] == [
        "string_value",
        None,
    ]
    # The names of the two hex fields mean nothing among attributes.
    assert values["map"].kvlist_value.values[0].key == "traceId"
    assert values["map"].kvlist_value.values[0].value.string_value == "zz"


@given(request=requests(), names_for_enums=st.booleans(), snake_case=st.booleans())
def test_a_request_written_as_json_is_read_as_protobuf_itself_reads_it(request, names_for_enums, snake_case):
    document = json_format.MessageToDict(request, use_integers_for_enums=not names_for_enums)
    # Not the request itself: JSON has one NaN, and no difference between a default and nothing.
    expected = json_format.ParseDict(document, ExportLogsServiceRequest()).SerializeToString()
    document = with_hex_ids(document, request)
    if snake_case:
        document["resource_logs"] = document.pop("resourceLogs", [])
    assert request_from_json(json.dumps(document).encode()) == expected
    assert request_from_json(json.dumps(document, ensure_ascii=False).encode()) == expected


_json_names = st.sampled_from(
    [
        "resourceLogs",
        "resource",
        "scopeLogs",
        "scope",
        "logRecords",
        "attributes",
        "key",
        "value",
        "body",
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
        "bytesValue",
        "arrayValue",
        "kvlistValue",
        "values",
        "traceId",
        "trace_id",
        "spanId",
        "severityNumber",
        "timeUnixNano",
        "flags",
        "entityRefs",
        "idKeys",
        "[a.b]",
        "unknown",
    ]
)
_json_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(),
    st.sampled_from(["\ud800", "NaN", "1e999", "ff", "1_0", "\u0661", "AA==", "SEVERITY_NUMBER_INFO"]),
)
_json_values = st.recursive(
    _json_leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(_json_names, st.text(max_size=3)), inner, max_size=4),
    ),
    max_leaves=20,
)


@given(value=st.one_of(_json_values, _json_values.map(around_record)))
@example(value=around_record({"body": {"intValue": 1e400}}))
@example(value=around_record({"body": {"doubleValue": 10**400}}))
@example(value=around_record({"severityNumber": 1e300}))
def test_arbitrary_json_is_never_more_than_malformed(value):
    with contextlib.suppress(MalformedRequestError):
        ExportLogsServiceRequest.FromString(request_from_json(json.dumps(value).encode()))


@given(body=st.binary())
def test_arbitrary_bytes_are_never_more_than_malformed(body):
    with contextlib.suppress(MalformedRequestError):
        request_from_json(body)


def test_an_empty_object_is_an_empty_request():
    assert request_from_json(b"{}") == b""
    assert request_from_json(b' {"resourceLogs": []}\n') == b""


@pytest.mark.parametrize("text", ["1544712660300000000", '"1544712660300000000"', "15447126603e8"])
def test_a_64_bit_integer_is_a_number_or_a_string(text):
    body = json.dumps(around_record({"timeUnixNano": "X"})).replace('"X"', text)
    request = ExportLogsServiceRequest.FromString(request_from_json(body.encode()))
    assert request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano == 1544712660300000000


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, str(-(2**63)), str(2**63 - 1)])
def test_the_ends_of_the_integer_range_are_exact(value):
    assert convert_body({"intValue": value}).int_value == int(value)


@pytest.mark.parametrize(
    "value", [2**63, str(2**63), "9" * 5000, 1.5, "1.5", "1e3", "", " 1", "1_0", "\u0661", True, [], {}]
)
def test_an_integer_that_is_none_is_refused(value):
    assert reason(around_record({"body": {"intValue": value}})).startswith(
        "resourceLogs[0].scopeLogs[0].logRecords[0].body.intValue: "
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1.0), (0.5, 0.5), ("0.5", 0.5), ("-1e3", -1000.0), ("Infinity", math.inf), ("-Infinity", -math.inf)],
)
def test_a_double_is_a_number_or_a_string(value, expected):
    assert convert_body({"doubleValue": value}).double_value == expected


def test_nan_is_a_string():
    assert math.isnan(convert_body({"doubleValue": "NaN"}).double_value)


@pytest.mark.parametrize("value", ["nan", "inf", "1_0", " 1", "", "0x1", True, [], "1e999", 10**400])
def test_a_double_that_is_none_is_refused(value):
    assert "doubleValue: " in reason(around_record({"body": {"doubleValue": value}}))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_the_names_of_special_numbers_need_quotes(literal):
    assert "in quotes" in reason(b'{"x": %s}' % literal.encode())


def test_a_number_too_large_for_a_double_is_refused():
    body = json.dumps(around_record({"body": {"doubleValue": "X"}})).replace('"X"', "1e999")
    assert "out of the range" in reason(body.encode())


@pytest.mark.parametrize("value", [9, "9", "SEVERITY_NUMBER_INFO"])
def test_an_enum_is_an_integer_and_may_be_a_name(value):
    assert convert_record({"severityNumber": value}).severity_number == 9


def test_an_enum_value_without_a_name_is_kept():
    assert convert_record({"severityNumber": 77}).severity_number == 77


@pytest.mark.parametrize("value", ["INFO", 2**31, True, 1.5, [], "\ud800"])
def test_an_enum_value_that_is_none_is_refused(value):
    assert "severityNumber: " in reason(around_record({"severityNumber": value}))


@pytest.mark.parametrize("value", ["_-8A", "/+8A", "/+8", "/+8="])
def test_bytes_are_base64_of_either_alphabet_with_or_without_padding(value):
    assert convert_body({"bytesValue": value}).bytes_value[:2] == b"\xff\xef"


@pytest.mark.parametrize("value", ["!!!!", "A", "AA=A", "é", 1, [1]])
def test_bytes_that_are_not_base64_are_refused(value):
    assert "bytesValue: " in reason(around_record({"body": {"bytesValue": value}}))


@pytest.mark.parametrize("name", ["traceId", "trace_id"])
@pytest.mark.parametrize("value", ["AB" * 16, "ab" * 16])
def test_ids_are_hexadecimal_in_either_case(name, value):
    assert convert_record({name: value}).trace_id == b"\xab" * 16


def test_an_empty_id_is_no_id():
    assert convert_record({"traceId": "", "spanId": ""}) == LogRecord()


@pytest.mark.parametrize("value", ["W47/95gDgQPSabYzgT/GDA==", "abc", "zz", "a b ", "\u0661\u0661"])
def test_an_id_that_is_not_hexadecimal_is_refused_with_a_hint(value):
    assert reason(around_record({"spanId": value})) == (
        "resourceLogs[0].scopeLogs[0].logRecords[0].spanId: "
        "not hexadecimal; OTLP/JSON writes ids in hex digits, not in base64"
    )


def test_unknown_names_are_ignored_whatever_they_are_called():
    record = {"unknown": {"a": [1]}, "[a.b]": 1, "": 2, "severityText": "kept"}
    assert convert_record(record).severity_text == "kept"


def test_unknown_names_are_ignored_beside_known_ones_at_each_level():
    record = {"severityText": "kept", "name": "x", "message": {"a": [1]}}
    scope_logs = {"scope": {"x": 1}, "logRecords": [record], "x": {"a": 1}, "note": "x"}
    resource_logs = {"resource": {"x": [1]}, "scopeLogs": [scope_logs, {"note": 1, "scope": {}}], "x": [1]}
    request = convert({"resourceLogs": [resource_logs, {"schemaUrl": "u", "note": "x"}], "x": [{"a": 1}], "note": 1})
    assert request.resource_logs[0].scope_logs[0].log_records[0] == LogRecord(severity_text="kept")
    assert convert({"resourceLogs": [], "note": 1}) == ExportLogsServiceRequest()


RECORD = {"body": {"stringValue": "x"}}
SCOPE_LOGS = {"scope": {"name": "n"}, "logRecords": [RECORD]}
RESOURCE_LOGS = {"resource": {}, "scopeLogs": [SCOPE_LOGS]}

LIBRARY = {"name": "old", "version": "1.0"}


@pytest.mark.parametrize("list_name", ["instrumentationLibraryLogs", "instrumentation_library_logs"])
@pytest.mark.parametrize("scope_name", ["instrumentationLibrary", "instrumentation_library", "scope"])
@pytest.mark.parametrize("records_name", ["logRecords", "log_records", "logs"])
def test_names_of_before_otlp_0_15_mean_what_they_are_called_today(list_name, scope_name, records_name):
    library_logs = {scope_name: LIBRARY, records_name: [RECORD, RECORD], "schemaUrl": "u"}
    today = {"scope": LIBRARY, "logRecords": [RECORD, RECORD], "schemaUrl": "u"}
    old = convert({"resourceLogs": [{"resource": {}, list_name: [library_logs, library_logs]}]})
    assert old == convert({"resourceLogs": [{"resource": {}, "scopeLogs": [today, today]}]})
    assert len(old.resource_logs[0].scope_logs[1].log_records) == 2


@pytest.mark.parametrize(
    ("resource_logs", "message"),
    [
        (
            {"scopeLogs": [SCOPE_LOGS], "instrumentationLibraryLogs": [SCOPE_LOGS]},
            "resourceLogs[0]: instrumentationLibraryLogs and scopeLogs are the same field",
        ),
        (
            {"instrumentationLibraryLogs": [SCOPE_LOGS], "instrumentation_library_logs": [SCOPE_LOGS]},
            "resourceLogs[0]: instrumentation_library_logs and instrumentationLibraryLogs are the same field",
        ),
        (
            {"scope_logs": [SCOPE_LOGS], "instrumentationLibraryLogs": [SCOPE_LOGS]},
            "resourceLogs[0]: instrumentationLibraryLogs and scope_logs are the same field",
        ),
        (
            {"scopeLogs": [{"logs": [RECORD], "logRecords": [RECORD]}]},
            "resourceLogs[0].scopeLogs[0]: logs and logRecords are the same field",
        ),
        (
            {"scopeLogs": [{"instrumentationLibrary": {}, "scope": {}, "logRecords": [RECORD]}]},
            "resourceLogs[0].scopeLogs[0]: instrumentationLibrary and scope are the same field",
        ),
    ],
)
def test_a_field_under_its_old_name_and_its_present_one_is_refused(resource_logs, message):
    assert reason({"resourceLogs": [resource_logs]}) == message


def test_a_present_name_that_is_null_leaves_its_place_to_the_old_one():
    assert convert({"resourceLogs": [{"scopeLogs": None, "instrumentationLibraryLogs": [SCOPE_LOGS]}]}) == convert(
        {"resourceLogs": [{"scopeLogs": [SCOPE_LOGS]}]}
    )


LOST = "would be kept: send log records as resourceLogs[].scopeLogs[].logRecords[]"


@pytest.mark.parametrize(
    "name", ["ResourceLogs", "resourcelogs", "Resource_Logs", "logs", "records", "logRecords", "scopeLogs", "x"]
)
@pytest.mark.parametrize("value", [[RECORD], [], {}, "text", 0, False])
def test_a_request_of_unknown_names_is_refused_and_the_name_is_told(name, value):
    assert reason({name: value}) == f"the request: nothing of the unknown name {name!r} {LOST}"


@pytest.mark.parametrize("document", [{}, {"x": None}, {"resourceLogs": None, "x": None}])
def test_a_request_of_nothing_is_an_empty_one(document):
    assert convert(document) == ExportLogsServiceRequest()


@pytest.mark.parametrize(
    ("resource_logs", "where", "name"),
    [
        ({"resource": {}, "logRecords": [RECORD]}, "", "logRecords"),
        ({"resource": {}, "logs": [RECORD]}, "", "logs"),
        ({"schemaUrl": "u", "entries": {"a": RECORD}}, "", "entries"),
        ({"resource": {}, "scopelogs": [SCOPE_LOGS]}, "", "scopelogs"),
        ({"x": "text"}, "", "x"),
        ({"scopeLogs": [SCOPE_LOGS], "logRecords": [RECORD]}, "", "logRecords"),
        ({"scopeLogs": [SCOPE_LOGS], "InstrumentationLibraryLogs": [SCOPE_LOGS]}, "", "InstrumentationLibraryLogs"),
        ({"scopeLogs": [], "entries": [RECORD]}, "", "entries"),
        ({"scopeLogs": None, "entries": [RECORD]}, "", "entries"),
        ({"scopeLogs": [SCOPE_LOGS, {"scope": {}, "records": [RECORD]}]}, ".scopeLogs[1]", "records"),
        ({"scopeLogs": [{"scope": {}, "LogRecords": [RECORD]}]}, ".scopeLogs[0]", "LogRecords"),
        ({"scopeLogs": [{"logRecords": [RECORD], "records": [RECORD]}]}, ".scopeLogs[0]", "records"),
        ({"scopeLogs": [{"body": "x", "note": 1}]}, ".scopeLogs[0]", "body"),
        ({"instrumentationLibraryLogs": [{"records": [RECORD]}]}, ".instrumentationLibraryLogs[0]", "records"),
    ],
)
def test_records_under_a_name_that_is_none_are_refused_with_all_of_the_request(resource_logs, where, name):
    for before in ([], [RESOURCE_LOGS]):
        document = {"resourceLogs": [*before, resource_logs]}
        assert reason(document) == f"resourceLogs[{len(before)}]{where}: nothing of the unknown name {name!r} {LOST}"


@pytest.mark.parametrize("record", [{"message": "x"}, {"Body": {}, "severity": 9}, {"message": "x", "body": None}])
def test_a_record_of_unknown_names_is_refused(record):
    name = next(iter(record))
    assert reason(around_record(record)) == (
        f"resourceLogs[0].scopeLogs[0].logRecords[0]: nothing of the unknown name {name!r} would be kept: "
        "a log record has a body, attributes, a time and what else OTLP's LogRecord has"
    )


@pytest.mark.parametrize(
    ("name", "belong"),
    [
        ("resourceSpans", "spans belong to /v1/traces"),
        ("resource_metrics", "metrics belong to /v1/metrics"),
        ("resourceProfiles", "profiles belong to "),
    ],
)
def test_another_signal_is_refused_and_its_place_is_told_also_beside_records(name, belong):
    for document in ({name: [{"a": 1}]}, {"resourceLogs": [RESOURCE_LOGS], name: [{"a": 1}]}):
        message = reason(document)
        assert message.startswith(f"the request: {name!r} holds no log records: send log records as resourceLogs[]")
        assert belong in message


@pytest.mark.parametrize(
    "body", [b'[{"resourceLogs": []}]', b'{"resourceLogs": []}\n{"resourceLogs": []}', b'{"resourceLogs": {"a": 1}}']
)
def test_several_requests_in_one_and_objects_in_place_of_arrays_are_refused(body):
    assert any(words in reason(body) for words in ("an object is expected", "not JSON", "an array is expected"))


def test_an_unknown_name_is_repeated_only_so_far():
    assert len(reason({"x" * 100_000: [1]})) < 300


def test_null_is_absent():
    record = {"body": None, "attributes": None, "traceId": None, "severityNumber": None, "flags": None}
    assert convert_record(record) == LogRecord()


def test_a_null_among_the_types_of_a_value_does_not_count():
    assert convert_body({"stringValue": None, "intValue": 1}).int_value == 1


def test_null_is_no_element():
    assert reason({"resourceLogs": [None]}) == "resourceLogs[0]: an object is expected"


def test_an_empty_value_is_not_an_absent_one():
    assert convert_record({"body": {}}).HasField("body")


def test_a_value_of_two_types_is_refused():
    message = reason(around_record({"body": {"stringValue": "a", "intValue": 1}}))
    assert message.endswith("body: stringValue and intValue are both set, but a value has one type")


def test_one_field_in_two_spellings_is_refused():
    message = reason({"resourceLogs": [], "resource_logs": []})
    assert message == "the request: resource_logs and resourceLogs are the same field"


def test_a_name_used_twice_is_refused():
    assert "'resourceLogs' is used twice" in reason(b'{"resourceLogs": [], "resourceLogs": []}')


def test_many_names_used_twice_are_refused_in_good_time():
    pairs = ",".join(f'"{number}":0' for number in range(200_000))
    assert "used twice" in reason(b'{%s,"199999":1}' % pairs.encode())


@pytest.mark.parametrize("document", [[], "x", 1, None, True])
def test_a_request_is_an_object(document):
    assert reason(json.dumps(document).encode()) == "the request: an object is expected"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"body": "text"}, "body: an object is expected"),
        ({"body": {"stringValue": 1}}, "body.stringValue: a string is expected"),
        ({"body": {"boolValue": "true"}}, "body.boolValue: true or false is expected"),
        ({"attributes": {}}, "attributes: an array is expected"),
        ({"attributes": [{}, {"value": 1}]}, "attributes[1].value: an object is expected"),
        ({"flags": 2**32}, "flags: out of the range of its type"),
        ({"severityText": "\ud800"}, "severityText: half of a surrogate pair, which is not a character"),
    ],
)
def test_the_message_says_where_the_request_is_wrong(record, message):
    assert reason(around_record(record)) == f"resourceLogs[0].scopeLogs[0].logRecords[0].{message}"


def test_a_pair_of_surrogates_is_a_character():
    body = json.dumps(around_record({"severityText": "\U0001f600"}))
    assert "\\ud83d\\ude00" in body
    assert convert(json.loads(body)).resource_logs[0].scope_logs[0].log_records[0].severity_text == "😀"


@pytest.mark.parametrize("body", [b"", b"{", b"{}{}", b"{'a': 1}", b'{"a": 01}', b"\xef\xbb\xbf{}"])
def test_what_is_not_json_is_refused_with_its_position(body):
    assert "line 1 column" in reason(body)


@pytest.mark.parametrize("body", ["{}".encode("utf-16"), b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}'])
def test_what_is_not_utf8_is_refused(body):
    assert "not UTF-8 at byte" in reason(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"resourceLogs":['])
def test_json_nested_without_end_is_refused(opening):
    assert "nested too deeply" in reason(opening * 100_000)


def test_an_integer_of_endless_digits_is_refused():
    assert "too many digits" in reason(b'{"a": %s}' % (b"9" * 100_000))


def test_more_objects_than_any_batch_of_records_needs_are_refused_unread():
    body = b'{"resourceLogs":[%s{}]}' % (b"{}," * 2_000_000)
    assert "more than 2000000 objects and arrays" in reason(body)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "core"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return around_record({"body": value})


def test_the_deepest_accepted_value_can_be_decoded_and_one_level_more_is_refused():
    # The request, resource logs, scope logs, record and body, then two messages for each array.
    deepest = (100 - 5) // 2
    assert convert(nested(deepest)).resource_logs
    assert "nested more than 100 levels deep" in reason(nested(deepest + 1))


def test_depth_that_protobuf_would_refuse_is_refused_here():
    assert "nested more than 100 levels deep" in reason(nested(200))


def test_the_message_does_not_repeat_what_was_sent():
    secret = "hunter2" * 10_000
    for record in ({"flags": secret}, {"traceId": secret}, {"body": secret}, {"attributes": secret}):
        message = reason(around_record(record))
        assert "hunter2" not in message
        assert len(message) < 200
