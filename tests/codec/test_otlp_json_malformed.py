"""Malformed OTLP/JSON: the reason names the place, repeats no content, and comes quickly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.codec.as_json import around_record, convert, reason


@pytest.mark.parametrize(
    "body", [b'[{"resourceLogs": []}]', b'{"resourceLogs": []}\n{"resourceLogs": []}', b'{"resourceLogs": {"a": 1}}']
)
def test_several_requests_in_one_and_objects_in_place_of_arrays_are_refused(body: bytes) -> None:
    assert any(words in reason(body) for words in ("an object is expected", "not JSON", "an array is expected"))


@pytest.mark.parametrize("document", [[], "x", 1, None, True])
def test_a_request_is_an_object(document: object) -> None:
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
def test_the_message_says_where_the_request_is_wrong(record: dict[str, object], message: str) -> None:
    assert reason(around_record(record)) == f"resourceLogs[0].scopeLogs[0].logRecords[0].{message}"


@pytest.mark.parametrize("body", [b"", b"{", b"{}{}", b"{'a': 1}", b'{"a": 01}', b"\xef\xbb\xbf{}"])
def test_what_is_not_json_is_refused_with_its_position(body: bytes) -> None:
    assert "line 1 column" in reason(body)


@pytest.mark.parametrize("body", ["{}".encode("utf-16"), b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}'])
def test_what_is_not_utf8_is_refused(body: bytes) -> None:
    assert "not UTF-8 at byte" in reason(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"resourceLogs":['])
def test_json_nested_without_end_is_refused(opening: bytes) -> None:
    assert "nested too deeply" in reason(opening * 100_000)


def test_an_integer_of_endless_digits_is_refused() -> None:
    assert "too many digits" in reason(b'{"a": %s}' % (b"9" * 100_000))


def test_more_objects_than_any_batch_of_records_needs_are_refused_unread() -> None:
    body = b'{"resourceLogs":[%s{}]}' % (b"{}," * 2_000_000)
    assert "more than 2000000 objects and arrays" in reason(body)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "core"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return around_record({"body": value})


def test_the_deepest_accepted_value_can_be_decoded_and_one_level_more_is_refused() -> None:
    # The request, resource logs, scope logs, record and body, then two messages for each array.
    deepest = (100 - 5) // 2
    assert convert(nested(deepest)).resource_logs
    assert "31 levels of maps, or 46 levels of lists" in reason(nested(deepest + 1))


@pytest.mark.parametrize(
    ("levels", "wrap"),
    [
        (31, lambda value: {"kvlistValue": {"values": [{"key": "k", "value": value}]}}),
        (46, lambda value: {"arrayValue": {"values": [value]}}),
    ],
    ids=["maps", "lists"],
)
def test_the_levels_that_the_message_names_are_accepted(levels: int, wrap: Callable[[object], object]) -> None:
    value: object = {"stringValue": "core"}
    for _ in range(levels):
        value = wrap(value)
    assert convert(around_record({"attributes": [{"key": "k", "value": value}]})).resource_logs


def test_depth_that_protobuf_would_refuse_is_refused_here() -> None:
    assert "31 levels of maps, or 46 levels of lists" in reason(nested(200))


def test_a_long_path_leaves_room_for_what_is_wrong() -> None:
    value: object = {"stringValue": "core"}
    for _ in range(100):
        value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
    message = reason(around_record({"body": value}))
    assert message.startswith("resourceLogs[0].scopeLogs[0].logRecords[0].body.kvlistValue")
    assert "31 levels of maps" in message
    assert len(message) < 400  # what an answer has room for


def test_the_message_does_not_repeat_what_was_sent() -> None:
    secret = "hunter2" * 10_000
    for record in ({"flags": secret}, {"traceId": secret}, {"body": secret}, {"attributes": secret}):
        message = reason(around_record(record))
        assert "hunter2" not in message
        assert len(message) < 200
