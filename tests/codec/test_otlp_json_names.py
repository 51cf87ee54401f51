"""Names in OTLP/JSON: unknown, old, of other signals, or used twice."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tests.codec.as_json import around_record, convert, convert_record, reason


def test_unknown_names_are_ignored_whatever_they_are_called() -> None:
    record = {"unknown": {"a": [1]}, "[a.b]": 1, "": 2, "severityText": "kept"}
    assert convert_record(record).severity_text == "kept"


def test_unknown_names_are_ignored_beside_known_ones_at_each_level() -> None:
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
def test_names_of_before_otlp_0_15_mean_what_they_are_called_today(
    list_name: str, scope_name: str, records_name: str
) -> None:
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
def test_a_field_under_its_old_name_and_its_present_one_is_refused(
    resource_logs: dict[str, object], message: str
) -> None:
    assert reason({"resourceLogs": [resource_logs]}) == message


def test_a_present_name_that_is_null_leaves_its_place_to_the_old_one() -> None:
    assert convert({"resourceLogs": [{"scopeLogs": None, "instrumentationLibraryLogs": [SCOPE_LOGS]}]}) == convert(
        {"resourceLogs": [{"scopeLogs": [SCOPE_LOGS]}]}
    )


LOST = "would be kept: send log records as resourceLogs[].scopeLogs[].logRecords[]"


@pytest.mark.parametrize(
    "name", ["ResourceLogs", "resourcelogs", "Resource_Logs", "logs", "records", "logRecords", "scopeLogs", "x"]
)
@pytest.mark.parametrize("value", [[RECORD], [], {}, "text", 0, False])
def test_a_request_of_unknown_names_is_refused_and_the_name_is_told(name: str, value: object) -> None:
    assert reason({name: value}) == f"the request: nothing of the unknown name {name!r} {LOST}"


@pytest.mark.parametrize("document", [{}, {"x": None}, {"resourceLogs": None, "x": None}])
def test_a_request_of_nothing_is_an_empty_one(document: object) -> None:
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
def test_records_under_a_name_that_is_none_are_refused_with_all_of_the_request(
    resource_logs: dict[str, object], where: str, name: str
) -> None:
    for before in ([], [RESOURCE_LOGS]):
        document = {"resourceLogs": [*before, resource_logs]}
        assert reason(document) == f"resourceLogs[{len(before)}]{where}: nothing of the unknown name {name!r} {LOST}"


@pytest.mark.parametrize("record", [{"message": "x"}, {"Body": {}, "severity": 9}, {"message": "x", "body": None}])
def test_a_record_of_unknown_names_is_refused(record: dict[str, object]) -> None:
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
def test_another_signal_is_refused_and_its_place_is_told_also_beside_records(name: str, belong: str) -> None:
    for document in ({name: [{"a": 1}]}, {"resourceLogs": [RESOURCE_LOGS], name: [{"a": 1}]}):
        message = reason(document)
        assert message.startswith(f"the request: {name!r} holds no log records: send log records as resourceLogs[]")
        assert belong in message


def test_an_unknown_name_is_repeated_only_so_far() -> None:
    assert len(reason({"x" * 100_000: [1]})) < 300


def test_one_field_in_two_spellings_is_refused() -> None:
    message = reason({"resourceLogs": [], "resource_logs": []})
    assert message == "the request: resource_logs and resourceLogs are the same field"


def test_a_name_used_twice_is_refused() -> None:
    assert "'resourceLogs' is used twice" in reason(b'{"resourceLogs": [], "resourceLogs": []}')


def test_many_names_used_twice_are_refused_in_good_time() -> None:
    pairs = ",".join(f'"{number}":0' for number in range(200_000))
    assert "used twice" in reason(b'{%s,"199999":1}' % pairs.encode())
