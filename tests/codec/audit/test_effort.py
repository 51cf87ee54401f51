"""The effort of classification grows with the size of a request only, whatever a sender writes."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec import _native
from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import classify
from server.codec.audit.facts import all_facts
from server.codec.audit.lookup import Lookup
from server.codec.audit.parse import parse_rules
from server.codec.audit.paths import parse_path
from server.codec.audit.program import rules_program
from server.codec.audit.split import with_events
from server.codec.decode import decode
from server.codec.limits import ROW_LIMITS
from server.codec.regex import compile_regex
from server.codec.regex_program import MOST_BYTES
from server.codec.signals import Signal
from tests.codec.parity import NOW, Parity

_REPEATED = ",".join(['"a":1'] * 2000)
_ID = {
    "channel": '"Security"',
    "provider": '{"name":"Microsoft-Windows-Security-Auditing"}',
    "event_id": '{"id":4624}',
}


def _request(body: str, scope: str = "", **attributes: str) -> bytes:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    scope_logs.scope.name = scope
    record = scope_logs.log_records.add()
    record.body.string_value = body
    for key, text in attributes.items():
        record.attributes.add(key=key).value.string_value = text
    return request.SerializeToString()


def _list(count: int) -> str:
    events = ",".join(['{"auditID":1,"stage":"Panic","verb":1}'] * count)
    return f'{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{events}]}}'


def _objects(count: int, between: str = "\n") -> str:
    event = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":1,"stage":"Panic","verb":1}'
    return between.join([event] * count)


def _windows(data: str) -> str:
    return "{" + ",".join(f'"{key}":{value}' for key, value in (*_ID.items(), ("event_data", data))) + "}"


def _bytes_read(request: bytes) -> int:
    rules = _native.Rules(rules_program(built_in_rules()))
    redaction = _native.Redaction(b"")
    limits = ROW_LIMITS
    encoder = _native.Encoder(rules, limits.records, limits.repeated, limits.disclosed, redaction, False, False)
    encoder.encode(request, NOW, (), b"", b"", b"")
    return encoder.bytes_read


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(_request(_list(200), log="{" + _REPEATED + "}"), id="an attribute beside a list"),
        pytest.param(_request(_objects(100), log="{" + _REPEATED + "}"), id="an attribute beside several objects"),
        pytest.param(
            _request(f"[{_objects(100, ',')}]", log="{" + _REPEATED + "}"), id="an attribute beside a list of objects"
        ),
        pytest.param(_request(_objects(200)), id="several objects"),
        pytest.param(_request("\n".join([_list(1)] * 100)), id="several lists of events"),
        pytest.param(_request("{}" * 4000 + "{" + _REPEATED), id="several objects, the last of which is cut off"),
        pytest.param(_request(_windows("{" + _REPEATED + "}")), id="repeated members"),
        pytest.param(_request(_windows('{"data":[' + '{"a":1},' * 2000 + "1]}")), id="a list in which each is wanted"),
        pytest.param(_request("type=LOGIN " + "a=1 " * 2000, "org.keycloak.events"), id="pairs"),
        pytest.param(_request("type=USER_LOGIN msg=audit(1.1:1): " + 'type="' * 2000), id="quotation marks"),
        pytest.param(_request('{"a":' * 2000, log='{"a":' * 2000), id="nested objects"),
    ],
)
def test_texts_are_read_a_few_times_however_many_rules_and_events_look_into_them(request_bytes: bytes) -> None:
    assert _bytes_read(request_bytes) < 4 * len(request_bytes)


def test_what_events_have_in_common_is_read_once() -> None:
    attribute = "{" + _REPEATED + "}"
    assert _bytes_read(_request(_list(400), log=attribute)) - _bytes_read(_request(_list(400))) < 2 * len(attribute)
    request = decode(_request(_list(40), log=attribute))
    records = with_events(request, built_in_rules(), ROW_LIMITS)
    first, *events = list(all_facts(records))[1:]
    assert (len(events), {facts.shared for facts in events}) == (39, {first.shared})


def test_records_that_differ_in_more_than_their_bodies_share_nothing() -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(4):
        records.add(event_name="ab"[number // 2], severity_number=1 + number % 2)
    rules = parse_rules(
        [
            {"name": "r", "match": {"event_name": "b", "severity_min": 2}},
            {"name": "s", "match": {"event_name": "b"}, "unless": {"body": "*"}},
        ]
    )
    found = classify(decode(request.SerializeToString()), rules)
    assert [fields and fields.rule for fields in found] == [None, None, b"s", b"r"]


def test_a_lookup_reads_an_object_once_for_all_paths() -> None:
    text, lookup = json.dumps({"a": {"b": 1, "c": [2, 3]}, "d": "x"}).encode(), Lookup()
    paths = ("a.b", "a.c", "a.c[1]", "d", "e", "a.b")
    assert [lookup.find(text, parse_path(path).segments) for path in paths] == [b"1", b"2,3", b"3", b"x", None, b"1"]
    assert lookup.bytes_read == len(text) + len('{"b": 1, "c": [2, 3]}')


def test_a_large_regular_expression_searches_fewer_bytes_in_both_codecs() -> None:
    rule = {
        "name": "r",
        "match": {"body": {"regex": "x{400}"}},
        "extract": [{"regex": "(?P<rest>x{400}y*)"}],
        "fields": {"actor_id": "regex:rest"},
    }
    rules = parse_rules([rule])
    most = compile_regex("x{400}").most_bytes
    assert most < MOST_BYTES
    parity = Parity(Signal.LOGS, rules)
    for before, matches in ((most - 410, True), (most - 400, True), (most - 390, False)):
        request = _request("é" * (before // 2) + "x" * 400 + "y" * 5000)
        parity.assert_same(request)
        assert (classify(decode(request), rules)[0] is not None) is matches
