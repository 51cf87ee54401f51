"""OTLP/JSON of logs is parsed as protobuf's own parser does; any other input is refused as malformed."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from google.protobuf import json_format
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.otlp_json import request_from_json
from server.errors.ingest import MalformedRequestError
from tests.codec.as_json import around_record
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


def test_the_example_of_the_specification_is_read_completely() -> None:
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
def test_a_request_written_as_json_is_read_as_protobuf_itself_reads_it(
    request: ExportLogsServiceRequest, names_for_enums: bool, snake_case: bool
) -> None:
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
def test_arbitrary_json_is_never_more_than_malformed(value: object) -> None:
    with contextlib.suppress(MalformedRequestError):
        ExportLogsServiceRequest.FromString(request_from_json(json.dumps(value).encode()))


@given(body=st.binary())
def test_arbitrary_bytes_are_never_more_than_malformed(body: bytes) -> None:
    with contextlib.suppress(MalformedRequestError):
        request_from_json(body)


def test_an_empty_object_is_an_empty_request() -> None:
    assert request_from_json(b"{}") == b""
    assert request_from_json(b' {"resourceLogs": []}\n') == b""
