"""Histograms, facets and names of attributes, with both engines: their counts are those of searches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import counts_pb2 as counts
from server.api.correlation import search_records
from server.api.counting import count_facets, count_histogram, list_field_names
from server.api.errors import InvalidArgumentError
from server.log.journal import Journal
from server.query.counted_fields import HISTOGRAM_FIELDS
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.engine import Engine
from tests.api.store import START, Writer, audit_event, log_record, moment, span

SECOND = 10**9
OF_RECORDS = tuple(field for field in HISTOGRAM_FIELDS if field not in ("status", "kind"))
DAY = 86_400 * SECOND
HOSTILE = ["it's", 'a "b"', "back\\slash", "{q0:String}", "%_", "ü日本🦊", "Case", "case"]
QUERIES = [
    "",
    "order",
    "order -paid",
    "severity:>=warn OR outcome:failure",
    "actor:alice",
    "cloud.region:*",
    "-cloud.region:eu",
]


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Records of both streams at a few times, some without a time, and with values that are hostile to SQL."""
    chosen = random.Random(3)
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        for service in ("shop", "crm", *HOSTILE[:3], ""):
            made = [_record(chosen, number) for number in range(25)]
            writer.write(made, service=service, received=START + 7 * DAY)
        yield writer


def _record(chosen: random.Random, number: int) -> LogRecord:
    at = chosen.choice([-START, 0, 1, 59 * SECOND, 60 * SECOND, 3600 * SECOND, DAY - 1, DAY, 40 * DAY])
    if number % 3 == 0:
        actor, outcome = chosen.choice(["alice", "bob", HOSTILE[3]]), chosen.choice(["success", "failure"])
        return audit_event(chosen.choice(["login", "user.create", *HOSTILE]), actor=actor, at=at, outcome=outcome)
    region = {"cloud.region": chosen.choice(["eu", "us", *HOSTILE])} if number % 2 else {}
    record = log_record(chosen.choice(["order paid", "order refused"]), at=at, **region, **{"http.method": "GET"})
    record.severity_number = chosen.choice([0, 5, 9, 10, 13, 17, 24, 30])  # type: ignore[assignment]
    if not record.severity_number:
        record.severity_text = chosen.choice(["", "Warning", "ERROR", "odd"])
    return record


@dataclass(frozen=True)
class Found:
    """All records that a search finds, by pages; and its count."""

    entries: list[pb.TimelineEntry]
    count: int

    def within(self, start: Timestamp, end: Timestamp) -> int:
        times = [entry.timestamp.ToNanoseconds() for entry in self.entries]
        return sum(start.ToNanoseconds() <= time < end.ToNanoseconds() for time in times)


def found(writer: Writer, query: str, **request: Any) -> Found:
    entries: list[pb.TimelineEntry] = []
    asked = pb.SearchRequest(query=query, page_size=1000, count_up_to=10_000, check=pb.CHECK_SIGNATURES, **request)
    while True:
        page = search_records(writer.engine, writer.keys, asked)
        entries += page.entries
        asked.page_token = page.next_page_token
        if not page.next_page_token:
            return Found(entries, page.count)


RANGES: list[dict[str, Any]] = [
    {},
    {"since": moment(1), "until": moment(DAY)},
    {"since": moment(0)},
    {"until": moment(3600 * SECOND)},
    {"since": moment(-DAY), "until": moment(8 * DAY)},
    {"streams": ["audit"], "since": moment(6 * DAY)},
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("range_", RANGES, ids=str)
def test_a_histogram_has_each_record_that_a_search_finds_in_its_bucket(
    records: Writer, query: str, range_: dict[str, Any]
) -> None:
    sought = found(records, query, **range_)
    assert sought.count == len(sought.entries)
    variants = list(enumerate(zip((*OF_RECORDS, ""), (2, 3, 10, 60, 500, 1000, 0), strict=True)))
    for number, (field, buckets) in random.Random(repr((query, range_))).sample(variants, 2):
        request = counts.HistogramRequest(query=query, buckets=buckets, group_by=field, groups=number or 1, **range_)
        response = count_histogram(records.engine, request)
        assert (response.count, response.is_partial) == (sought.count, False)
        assert len(response.buckets) <= (buckets or 60)
        for bucket in response.buckets:
            assert bucket.count == sought.within(bucket.start, bucket.end)
            assert not field or sum(bucket.group_counts) == bucket.count
        for index, group in enumerate(response.groups):
            assert group.count == sum(bucket.group_counts[index] for bucket in response.buckets)
        edges = [bucket.start for bucket in response.buckets] + [bucket.end for bucket in response.buckets[-1:]]
        assert [bucket.end for bucket in response.buckets] == edges[1:]
        if response.buckets:
            assert (edges[0], edges[-1]) == (response.since, response.until)
            assert all(edge.ToNanoseconds() % response.step_nanos == 0 for edge in edges[1:-1])
        for name in ("since", "until"):
            assert name not in range_ or not response.buckets or getattr(response, name) == range_[name]


@pytest.mark.parametrize("field", OF_RECORDS)
def test_groups_of_a_histogram_are_what_the_query_of_their_value_finds(records: Writer, field: str) -> None:
    response = count_histogram(
        records.engine, counts.HistogramRequest(query="order OR alice", group_by=field, groups=3)
    )
    sizes = [group.count for group in response.groups if not group.is_other]
    assert sizes == sorted(sizes, reverse=True)
    assert [group.is_other for group in response.groups] == [number == 3 for number in range(len(response.groups))]
    for group in response.groups:
        if not group.is_other:
            assert group.count == number_of(records, "order OR alice", field, group.value)


def number_of(writer: Writer, query: str, field: str, value: str) -> int:
    """Return the count of a search for the records that have a value."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    condition = f'{field}:"{quoted}"' if value else f"-{field}:*"
    asked = pb.SearchRequest(query=f"({query}) {condition}", page_size=1, count_up_to=10_000, check=pb.CHECK_SIGNATURES)
    if field == "stream":
        asked.query, asked.streams[:] = query, [value]
    return search_records(writer.engine, writer.keys, asked).count


FIELDS = [
    "stream",
    "severity",
    "service",
    "actor",
    "action",
    "outcome",
    "cloud.region",
    "LogAttributes.cloud.region",
    "http.method",
]


@pytest.mark.parametrize("query", ["order OR alice", "-cloud.region:eu"])
def test_each_value_of_a_facet_is_as_frequent_as_its_query_says(records: Writer, query: str) -> None:
    request = counts.FacetsRequest(query=query, fields=[*FIELDS, "ResourceAttributes.service.name"], limit=3)
    response = count_facets(records.engine, request)
    total = found(records, query).count
    assert (response.record_count, response.is_partial) == (total, False)
    assert [facet.field for facet in response.facets] == request.fields
    for facet in response.facets:
        sizes = [value.count for value in facet.values]
        assert sizes == sorted(sizes, reverse=True)
        assert sum(sizes) + facet.other_count + facet.missing_count == total
        assert bool(facet.other_values) == bool(facet.other_count)
        for value in facet.values:
            assert value.count == number_of(records, query, facet.field, value.value), (facet.field, value.value)


def values(response: counts.FacetsResponse) -> dict[str, list[str]]:
    return {facet.field: [value.value for value in facet.values] for facet in response.facets}


def test_values_are_completed_by_their_beginning(records: Writer) -> None:
    request = counts.FacetsRequest(fields=["cloud.region", "severity", "actor"], prefix="CA")
    assert {name: sorted(each) for name, each in values(count_facets(records.engine, request)).items()} == {
        "cloud.region": ["Case", "case"],
        "severity": [],
        "actor": [],
    }
    request.prefix = "a"
    response = count_facets(records.engine, request)
    assert values(response)["actor"] == ["alice"]
    assert (response.facets[2].other_values, response.facets[2].other_count) == (0, 0)
    assert [facet.missing_count for facet in response.facets] == [0, 0, 0]  # none begins so
    request.omit_constant = True
    assert values(count_facets(records.engine, request))["actor"] == ["alice"]  # others have none


def test_without_names_the_fields_with_few_values_are_counted(records: Writer) -> None:
    everything = values(count_facets(records.engine, counts.FacetsRequest()))
    assert everything["stream"] == ["operational", "audit"]
    assert {"severity", "service", "actor", "outcome"} <= set(everything)
    logs = values(count_facets(records.engine, counts.FacetsRequest(streams=["operational"])))
    assert {"severity", "service", "event"} <= set(logs)
    assert not {"actor", "outcome"} & set(logs)
    varying = values(count_facets(records.engine, counts.FacetsRequest(streams=["operational"], omit_constant=True)))
    assert set(varying) == {"severity", "service"}


def test_names_of_attributes_come_with_the_number_of_records_that_have_them(records: Writer) -> None:
    response = list_field_names(records.engine, counts.FieldNamesRequest())
    names = {attribute.name: attribute.count for attribute in response.attributes}
    assert names["LogAttributes.cloud.region"] == found(records, "LogAttributes.cloud.region:*").count
    assert names["ResourceAttributes.service.name"] == found(records, "ResourceAttributes.service.name:*").count
    assert {"actor", "service", "trace"} <= set(response.fields)
    sizes = [attribute.count for attribute in response.attributes]
    assert sizes == sorted(sizes, reverse=True)
    some = list_field_names(records.engine, counts.FieldNamesRequest(query="order", limit=1))
    assert [(one.name, one.count) for one in some.attributes] == [
        ("LogAttributes.http.method", found(records, "order").count)
    ]
    assert some.other_attributes == 2


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("http", ["LogAttributes.http.method"]),
        ("LOGATTRIBUTES.CL", ["LogAttributes.cloud.region"]),
        ("resourceatt", ["ResourceAttributes.service.name"]),
        ("re", ["ResourceAttributes.service.name"]),
        ("%", []),
        ("ScopeAttributes.", []),
    ],
)
def test_names_of_attributes_are_completed_with_and_without_their_column(
    records: Writer, prefix: str, expected: list[str]
) -> None:
    request = counts.FieldNamesRequest(prefix=prefix, streams=["operational"])
    assert sorted(one.name for one in list_field_names(records.engine, request).attributes) == expected


def test_a_query_that_no_stream_can_match_counts_nothing(records: Writer) -> None:
    request: dict[str, Any] = {"query": "actor:alice severity:[error TO info]", "streams": ["audit"]}
    assert count_histogram(records.engine, counts.HistogramRequest(**request)) == counts.HistogramResponse()
    ranged = counts.HistogramRequest(**request, since=moment(0), until=moment(DAY), group_by="action")
    response = count_histogram(records.engine, ranged)
    assert (response.count, len(response.groups), len(response.buckets)) == (0, 0, 49)
    facets = count_facets(records.engine, counts.FacetsRequest(**request, fields=["service"]))
    assert (facets.record_count, facets.facets[0]) == (0, counts.Facet(field="service"))
    assert list_field_names(records.engine, counts.FieldNamesRequest(**request)).attributes == []


def test_what_is_beyond_a_limit_is_left_out_and_said(records: Writer) -> None:
    """All rows are in one granule here, so that only a part of the range without rows is below the limit."""
    limits = QueryLimits(rows=1)
    range_: dict[str, Any] = {"since": moment(-400 * DAY), "until": moment(400 * DAY)}
    response = count_histogram(records.engine, counts.HistogramRequest(**range_, group_by="stream"), limits)
    assert response.is_partial
    assert response.until == range_["until"]
    assert response.since.ToNanoseconds() == response.buckets[0].start.ToNanoseconds() > START + 40 * DAY
    assert response.since.ToNanoseconds() % response.step_nanos == 0
    assert response.count == 0
    facets = count_facets(records.engine, counts.FacetsRequest(since=moment(-400 * DAY), max_rows=1))
    assert (facets.is_partial, facets.record_count) == (True, 0)
    assert facets.since.ToNanoseconds() > START + 40 * DAY
    names = list_field_names(records.engine, counts.FieldNamesRequest(), limits)
    assert (names.is_partial, list(names.attributes)) == (True, [])
    with pytest.raises(QueryTooExpensiveError, match="the query takes longer than 0 s"):
        count_facets(records.engine, counts.FacetsRequest(), QueryLimits(seconds=0))
    with pytest.raises(QueryTooExpensiveError, match="the query reads more than 1 rows: give a shorter range"):
        count_facets(records.engine, counts.FacetsRequest(since=moment(0), until=moment(1)), limits)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"query": "evidence:verified"}, "query: a query about evidence cannot be counted, because evidence is"),
        ({"query": "actr:x"}, "query: column 1: there is no field 'actr'"),
        ({"group_by": "actor"}, "group_by: 'actor' is not stream, severity, service, outcome, category, action, "),
        (
            {"group_by": "status"},
            "group_by: only spans have the field 'status': name spans in streams (--stream spans)",
        ),
        ({"query": "status:Error"}, "query: only spans have the fields of this query: name spans in streams"),
        ({"groups": 101}, "groups: 101 is more than 100"),
        ({"buckets": 1}, "buckets: 1 is not a number from 2 to 1000"),
        ({"buckets": 1001}, "buckets: 1001 is not a number"),
        ({"buckets": 2, "step_seconds": 2}, "buckets and step_seconds are given: give one of them"),
        (
            {"step_seconds": 1, "since": moment(0), "until": moment(DAY)},
            "step_seconds: 86,400 steps would cover the range",
        ),
        ({"step_seconds": 1, "since": moment(0), "until": moment(DAY)}, "a step of at least 120 s"),
        ({"streams": ["logs"]}, "streams: 'logs' is not"),
        ({"since": moment(3), "until": moment(3)}, "is not before until"),
    ],
    ids=str,
)
def test_a_histogram_that_cannot_be_made_says_why(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        count_histogram(records.engine, counts.HistogramRequest(**request_))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"query": "evidence:verified"}, "query: a query about evidence cannot be counted, because evidence is"),
        ({"fields": ["actr"]}, "fields: there is no field 'actr'; did you mean 'actor'?"),
        ({"fields": ["body"]}, "fields: the values of 'body' cannot be counted: texts hardly repeat"),
        ({"fields": ["timestamp"]}, "times hardly repeat"),
        ({"fields": ["evidence"]}, "evidence is checked as records are read"),
        ({"fields": ["leaf"]}, "it is a number"),
        ({"fields": [f"a.{number}" for number in range(51)]}, "fields: 51 are more than the 50 of a call"),
        (
            {"fields": ["actor"], "streams": ["spans"]},
            "fields: only audit events have the field 'actor': name audit in",
        ),
        ({"limit": 1001}, "limit: 1001 is more than 1,000"),
    ],
    ids=str,
)
def test_facets_that_cannot_be_counted_say_why(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        count_facets(records.engine, counts.FacetsRequest(**request_))
    assert message in str(caught.value)


def test_names_that_cannot_be_counted_say_why(records: Writer) -> None:
    with pytest.raises(InvalidArgumentError, match="limit: 10001 is more than 10,000"):
        list_field_names(records.engine, counts.FieldNamesRequest(limit=10_001))


def test_spans_are_counted_by_their_status_and_kind(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write_spans([span("s0"), span("s1", failed=True), span("s2", failed=True)])
    request = counts.HistogramRequest(streams=["spans"], group_by="status")
    groups = count_histogram(engine, request).groups
    assert [(group.value, group.count) for group in groups] == [("Error", 2), ("Ok", 1)]
    found = {facet.field: facet for facet in count_facets(engine, counts.FacetsRequest(streams=["spans"])).facets}
    assert {value.value: value.count for value in found["status"].values} == {"Error": 2, "Ok": 1}
    assert {value.value: value.count for value in found["kind"].values} == {"Server": 3}
    assert "severity" not in found


def test_a_record_at_the_latest_time_that_is_stored_leaves_no_record_out(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([log_record("now"), log_record("never", at=2**63 - 1 - START)])
    answer = count_histogram(engine, counts.HistogramRequest(streams=["operational"]))
    assert (answer.count, answer.later_count) == (1, 1)
