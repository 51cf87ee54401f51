"""Events in a body, and what is cut off of them: both codecs make the same records of them."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from server.codec.audit.classify import classify
from server.codec.audit.parse import parse_rules
from server.codec.decode import decode
from server.codec.limits import RowLimits
from server.codec.redaction_rules import Redaction
from server.codec.rows import Rows
from server.codec.signals import Signal
from server.notary.origin import Stream
from tests.codec.parity import Parity


def _list_of_events(*bodies: str, attributes: int = 0) -> bytes:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for body in bodies:
        record = records.add()
        record.body.string_value = body
        record.attributes.add(key="k", value=AnyValue(string_value="x" * attributes))
    return request.SerializeToString()


_SPLITTING = parse_rules(
    [
        {"name": "list", "match": {"body": {"kind": "List"}}, "split": "body:items"},
        {"name": "event", "match": {"body": {"who": "*"}}, "fields": {"actor_id": "body:who"}},
    ]
)


def test_a_list_of_events_is_stored_once_and_its_events_are_audit_records() -> None:
    body = json.dumps({"kind": "List", "items": [{"who": "a"}, {"nobody": 1}, {"who": "b"}]})
    audit, operational = Parity(Signal.LOGS, _SPLITTING).assert_same(_list_of_events("before", body, '{"who":"c"}'))
    assert not isinstance(audit, (type, str))
    assert not isinstance(operational, (type, str))
    assert (audit.stream, audit.count) == (Stream.AUDIT, 3)
    assert (operational.stream, operational.count) == (Stream.OPERATIONAL, 2)
    for part in ('"event":[1,3]', '"event":[3,3]'):
        assert any(part.encode() in word for column in audit.columns for word in getattr(column, "dictionary", ()))


def test_events_may_be_members_of_the_elements_of_a_list() -> None:
    rules = parse_rules(
        [
            {"name": "list", "match": {"body": {"kind": "List"}}, "split": "body:items[*].text"},
            {"name": "event", "match": {"body": {"who": "*"}}, "fields": {"actor_id": "body:who"}},
        ]
    )
    items = [{"text": '{"who":"a","password":"hunter2"}'}, {"who": "x"}, {"text": "plain"}, {"text": '{"who":"b"}'}]
    body = json.dumps({"kind": "List", "items": items})
    for sent, events in ((body, ("1,4", "4,4")), (body + body, ("1,8", "4,8", "5,8", "8,8"))):
        audit, operational = Parity(Signal.LOGS, rules, redaction=Redaction()).assert_same(_list_of_events(sent))
        assert isinstance(audit, Rows)
        assert isinstance(operational, Rows)
        assert (audit.count, operational.count) == (len(events), 1)
        words = [word for column in audit.columns for word in words_of(column)]
        for event in events:
            assert any(f'"event":[{event}]'.encode() in word for word in words)
        assert b"hunter2" not in repr((audit, operational)).encode()


def test_events_of_a_list_are_redacted_and_so_is_the_list() -> None:
    events = [{"who": "a", "password": "hunter2"}, {"who": "b", "url": "postgres://b:hunter2@db"}]
    body = json.dumps({"kind": "List", "items": events}).encode()
    request = ExportLogsServiceRequest.FromString(_list_of_events("", ""))
    as_text, as_bytes = request.resource_logs[0].scope_logs[0].log_records
    as_text.body.string_value = body.decode()
    as_bytes.body.bytes_value = body
    rows = Parity(Signal.LOGS, _SPLITTING, redaction=Redaction()).assert_same(request.SerializeToString())
    assert [(each.count, each.redactions) for each in rows if isinstance(each, Rows)] == [
        (4, (("key.password", 4), ("url_password", 4))),
        (2, (("key.password", 2), ("url_password", 2))),
    ]
    assert b"hunter2" not in repr(rows).encode()
    assert b64encode(body)[-40:] not in repr(rows).encode()


def test_the_order_of_repeated_attributes_is_that_of_what_is_stored() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    for text in ("zz password=a1", "[redacted:key.password]", "b", "a"):
        record.attributes.add(key="note", value=AnyValue(string_value=text))
    for text in ("z1", "a1"):
        record.attributes.add(key="password", value=AnyValue(string_value=text))
    rows = Parity(Signal.LOGS, redaction=Redaction()).assert_same(request.SerializeToString())
    details = [word for each in rows if isinstance(each, Rows) for column in each.columns for word in words_of(column)]
    assert [json.loads(word) for word in details if b"log_order" in word] == [
        {"time": "unset", "body": "empty", "log_order": {"note": [3, 0, 2, 1]}}
    ]


def words_of(column: object) -> list[bytes]:
    return list(getattr(column, "dictionary", ()))


def test_events_count_as_records_of_their_request() -> None:
    events = json.dumps({"kind": "List", "items": [{"who": "a"}] * 10})
    for limits, attributes, refused in (
        (RowLimits(records=11), 0, False),
        (RowLimits(records=10), 0, True),
        (RowLimits(repeated=1000), 83, False),
        (RowLimits(repeated=1000), 84, True),
    ):
        outcome = Parity(Signal.LOGS, _SPLITTING, limits).assert_same(_list_of_events(events, attributes=attributes))
        assert isinstance(outcome, tuple) is refused


def test_what_events_repeat_is_counted_whatever_it_is() -> None:
    events = json.dumps({"kind": "List", "items": [{"who": "a"}] * 10})
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    record = resource_logs.scope_logs.add().log_records.add()
    record.body.string_value = events
    for field in ("event_name", "severity_text"):
        setattr(record, field, "x" * 200)
        limited = Parity(Signal.LOGS, _SPLITTING, RowLimits(repeated=1500))
        assert isinstance(limited.assert_same(request.SerializeToString()), tuple)
        setattr(record, field, "")
    for number in range(40):
        record.attributes.add(key="", value=AnyValue(int_value=number))
    assert isinstance(limited.assert_same(request.SerializeToString()), tuple)


@pytest.mark.parametrize(
    ("body", "events"),
    [
        ('{"who":"a"}\n{"who":"b"}\n', ["1,2", "2,2"]),
        ('{"who":"a"} {"who":"b","cut":"', ["1,2", "2,2"]),
        ('{"nobody":1}{"who":"b"}', ["2,2"]),
        ('{"broken":} {"who":"b"}', ["2,2"]),
        ('[{"who":"a"},1,{"who":"b"}]', ["1,2", "2,2"]),
        ('["{\\"who\\":\\"a\\"}"]', ["1,1"]),
        ('[{"who":"a"}] [{"who":"b"},{"who', ["1,2", "2,2"]),
        (
            '{"kind":"List","items":[{"who":"a"},{"who":"b"}]} {"kind":"List","items":[{"who":"c"}]}',
            ["1,3", "2,3", "3,3"],
        ),
        ('[{"kind":"List","items":[1,{"who":"a"}]},{"who":"b"}]', ["2,3", "3,3"]),
        ('{"kind":"List","items":[{"who":"a"},{"who":"b"},{"who', ["1,2", "2,2"]),
        ('\ufeff{"kind":"List","items":[{"who":"a"}]}', ["1,1"]),
        ('\ufeff{"who":"a"}\n{"who":"b"}', ["1,2", "2,2"]),
        ('\ufeff[{"who":"a"},{"who":"b"}]', ["1,2", "2,2"]),
    ],
)
def test_several_objects_in_a_body_are_events(body: str, events: list[str]) -> None:
    audit, operational = Parity(Signal.LOGS, _SPLITTING).assert_same(_list_of_events(body))
    assert not isinstance(audit, (type, str))
    assert not isinstance(operational, (type, str))
    assert (audit.count, operational.count) == (len(events), 1)
    words = [word for column in audit.columns for word in getattr(column, "dictionary", ())]
    for event in events:
        assert any(f'"event":[{event}]'.encode() in word for word in words)


@pytest.mark.parametrize(
    "body", ['{"who":"a"} [info]', '\ufeff{"who":"a"}', '{"who":"a"},{"who":"b"}', '{"who":"a"} and {"who":"b"}']
)
def test_what_stands_behind_an_event_in_its_body_does_not_hide_the_event(body: str) -> None:
    audit, *_ = Parity(Signal.LOGS, _SPLITTING).assert_same(_list_of_events(body))
    assert not isinstance(audit, (type, str))
    assert (audit.stream, audit.count) == (Stream.AUDIT, 1)


@pytest.mark.parametrize(
    "body", ['[12] {"who":"a"}', '[INFO] {"who":"a"}', "[1, 2]", "[]", '{"x":1} {"y":2}', "[[{}]]"]
)
def test_other_lists_are_not_lists_of_events(body: str) -> None:
    operational, *_ = Parity(Signal.LOGS, _SPLITTING).assert_same(_list_of_events(body))
    assert not isinstance(operational, (type, str))
    assert (operational.stream, operational.count) == (Stream.OPERATIONAL, 1)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ('{"who":"a"}', "success"),
        ('{"who":"a"} and more', "success"),
        ('{"who":"a","why":null}', "success"),
        ('{"who":"a","err', "unknown"),
        ('{"who":"a","error":"no', "unknown"),
        ('{"who":"a",', "unknown"),
        ('{"who":"a","error":"no","x', "failure"),
    ],
)
def test_an_event_whose_end_is_missing_does_not_succeed_because_nothing_else_is_told(body: str, outcome: str) -> None:
    rule = {
        "name": "r",
        "match": {"body": {"who": "*"}},
        "fields": {"outcome": ["error ${body:error}", "=success"]},
        "values": {"outcome": {"error *": "failure", "success": "success"}},
    }
    request = _list_of_events(body)
    Parity(Signal.LOGS, parse_rules([rule])).assert_same(request)
    (fields,) = classify(decode(request), parse_rules([rule]))
    assert fields is not None
    assert fields.outcome.decode() == outcome


def test_a_list_in_an_event_does_not_hide_the_event() -> None:
    rules = (_SPLITTING[0], _SPLITTING[1])
    body = json.dumps({"kind": "List", "items": [{"who": "b"}], "who": "a"})
    audit, *others = Parity(Signal.LOGS, rules).assert_same(_list_of_events(body))
    assert not others
    assert not isinstance(audit, (type, str))
    assert (audit.stream, audit.count) == (Stream.AUDIT, 1)


def test_a_group_at_the_end_of_what_is_searched_goes_on_to_the_end_of_the_value() -> None:
    rule = {
        "name": "r",
        "match": {"body": "*"},
        "extract": [{"regex": "(?P<event>[{](?s:.*))"}, {"from": "resource:r", "regex": "^(?P<short>x{3})"}],
        "fields": {"actor_id": "regex:event.who", "target_id": "regex:short"},
    }
    parity = Parity(Signal.LOGS, parse_rules([rule]))
    for filler in ("x" * 10_000, "é" * 4095, "é" * 4096, "€" * 9000):
        body = json.dumps({"filler": filler, "who": "alice"}, ensure_ascii=False)
        request = ExportLogsServiceRequest()
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.add(key="r", value=AnyValue(string_value="x" * 20_000))
        for _ in range(2):
            resource_logs.scope_logs.add().log_records.add().body.string_value = "prefix " + body
        parity.assert_same(request.SerializeToString())
        found = classify(decode(request.SerializeToString()), parse_rules([rule]))[0]
        assert found is not None
        assert (found.actor_id, found.target_id) == (b"alice", b"xxx")
