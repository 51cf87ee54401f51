"""Annotations stand in the details of their records, from both codecs alike."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from harness.lacking import lacking
from server.codec.annotations import Annotation, annotation, by_record
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Rule
from server.codec.choose import why_not_native
from server.codec.limits import RowLimits
from server.codec.reference import ReferenceCodec
from server.codec.signals import Signal
from server.notary.canonical import canonical_columns
from server.notary.origin import Stream
from storage.native import WordColumn

from .strategies import requests

if why_not_native():
    lacking(f"the compiled codec is not installed: {why_not_native()}")

from tests.codec.parity import NOW, Outcome, Parity
from tests.effort import effort

RULES = parse_rules(
    [
        {"name": "list", "match": {"body": {"kind": "List"}}, "split": "body:items"},
        {"name": "event", "match": {"body": {"who": "*"}}, "fields": {"actor_id": "body:who"}},
    ]
)
PARITY = Parity(Signal.LOGS, RULES)


def request_of(*bodies: str) -> bytes:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for body in bodies:
        records.add(time_unix_nano=1).body.string_value = body
    return request.SerializeToString()


def details(outcome: Outcome) -> dict[Stream, list[dict[str, object]]]:
    """Return the details of each record of each stream."""
    found = {}
    for rows in outcome:
        assert not isinstance(rows, (type, str))
        names = [column.name for column in canonical_columns(rows.stream)]
        column = rows.columns[names.index("OtlpDetails")]
        assert isinstance(column, WordColumn)
        numbers = memoryview(column.indexes).cast("I")
        found[rows.stream] = [json.loads(column.dictionary[number] or b"{}") for number in numbers]
    return found


def test_an_annotation_stands_in_the_details_of_its_record_and_no_other() -> None:
    found = details(PARITY.assert_same(request_of("a", "b", "c"), [annotation(1, "producer", {"result": "é\u2028"})]))
    assert found == {Stream.OPERATIONAL: [{}, {"producer": {"result": "é\u2028"}}, {}]}


def test_an_audit_record_has_its_annotation_beside_the_digest_of_the_rules() -> None:
    found = details(PARITY.assert_same(request_of('{"who":"a"}'), [annotation(0, "producer", {"result": "failed"})]))
    (record,) = found[Stream.AUDIT]
    assert list(record) == ["producer", "rules"]


def test_a_record_may_have_several_annotations() -> None:
    several = [annotation(1, "b", {"n": 1}), annotation(0, "x", {}), annotation(1, "a", {"n": 2})]
    found = details(PARITY.assert_same(request_of("a", "b"), several))
    assert found == {Stream.OPERATIONAL: [{"x": {}}, {"b": {"n": 1}, "a": {"n": 2}}]}


def test_the_events_of_a_list_have_the_annotation_of_the_list() -> None:
    body = json.dumps({"kind": "List", "items": [{"who": "a"}, {"who": "b"}]})
    given = [annotation(1, "producer", {"result": "verified"})]
    found = details(PARITY.assert_same(request_of('{"who":"before"}', body, '{"who":"after"}'), given))
    assert [record.get("producer") for record in found[Stream.AUDIT]] == [
        None,
        {"result": "verified"},
        {"result": "verified"},
        None,
    ]
    assert [record["producer"] for record in found[Stream.OPERATIONAL]] == [{"result": "verified"}]


def test_what_the_events_of_a_list_repeat_includes_its_annotation() -> None:
    events = json.dumps({"kind": "List", "items": [{"who": "a"}] * 10})
    given = [annotation(0, "producer", {"result": "x" * 200})]
    limited = Parity(Signal.LOGS, RULES, RowLimits(repeated=2000))
    assert isinstance(limited.assert_same(request_of(events)), list)
    assert isinstance(limited.assert_same(request_of(events), given), tuple)


def test_annotations_of_one_request_do_not_stay_for_the_next() -> None:
    PARITY.assert_same(request_of("a", "b"), [annotation(1, "producer", {})])
    assert details(PARITY.assert_same(request_of("a", "b"))) == {Stream.OPERATIONAL: [{}, {}]}


def test_an_annotation_of_a_record_that_does_not_exist_is_ignored() -> None:
    assert details(PARITY.assert_same(request_of("a"), [annotation(7, "producer", {})])) == {Stream.OPERATIONAL: [{}]}


def test_an_annotation_is_part_of_what_is_signed() -> None:
    codec = ReferenceCodec(())
    plain, annotated, other = (
        codec.encode(request_of("a"), NOW, given)[0].leaf_hashes
        for given in ((), [annotation(0, "producer", {"result": "failed"})], [annotation(0, "producer", {})])
    )
    assert len({plain, annotated, other}) == 3


@pytest.mark.parametrize("rules", [(), RULES])
@settings(max_examples=effort(200), deadline=None)
@given(
    requests(),
    st.lists(st.builds(Annotation, st.integers(0, 5), st.sampled_from([b'"a":{}', b'"b":{"n":[1,"x"]}'])), max_size=4),
)
def test_both_codecs_write_the_same_annotations(
    rules: tuple[Rule, ...], request: ExportLogsServiceRequest, annotations: list[Annotation]
) -> None:
    Parity(Signal.LOGS, rules).assert_same(request.SerializeToString(), annotations)


def test_annotations_are_put_in_the_order_of_their_records() -> None:
    assert by_record([Annotation(2, b'"c":1'), Annotation(0, b'"a":1'), Annotation(2, b'"b":1')]) == [
        Annotation(0, b'"a":1'),
        Annotation(2, b'"c":1,"b":1'),
    ]
