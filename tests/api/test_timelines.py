"""Timelines of actors and targets, with both engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import search_records
from server.api.errors import InvalidArgumentError
from server.api.timelines import actor_timeline, target_history
from server.log.journal import Journal
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.engine import Engine
from tests.api.store import START, Writer, audit_event, log_record

DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Events of two actors, one event without a time, and one log that names an actor."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        untimed = audit_event("login", at=0, source_id="10.0.0.9")
        untimed.time_unix_nano = 0
        writer.write(
            [
                audit_event("user.create", at=0, source_id="10.0.0.1", target_id="u1"),
                audit_event("user.delete", at=1, source_id="10.0.0.1", target_id="u1", outcome="failure"),
                audit_event("user.create", at=2, actor="bob", target_id="u1"),
                audit_event("export", at=DAY, source_id="10.0.0.2", category="data"),
                audit_event("user.create", at=90 * DAY, target_id="alice", actor="bob"),
                log_record("alice", at=3),
                untimed,
            ],
            received=START + 7,
        )
        yield writer


def actor(writer: Writer, actor_id: str = "alice", **request: Any) -> pb.ActorTimelineResponse:
    return actor_timeline(writer.engine, writer.keys, pb.ActorTimelineRequest(actor_id=actor_id, **request))


def target(writer: Writer, target_id: str = "u1", **request: Any) -> pb.TargetHistoryResponse:
    return target_history(writer.engine, writer.keys, pb.TargetHistoryRequest(target_id=target_id, **request))


def actions(response: pb.ActorTimelineResponse | pb.TargetHistoryResponse) -> list[str]:
    return [entry.audit_event.audit.action for entry in response.entries]


def values(overview: pb.AuditOverview, field: str) -> dict[str, int]:
    (found,) = [one for one in overview.fields if one.field == field]
    assert found.value_count >= len(found.values)
    return {value.value: value.count for value in found.values}


def test_the_timeline_of_an_actor_has_all_its_events_and_an_overview(records: Writer) -> None:
    found = actor(records)
    assert actions(found) == ["export", "login", "user.delete", "user.create"]
    assert {entry.audit_event.evidence.state for entry in found.entries} == {evidence_pb2.VERIFIED}
    assert actions(actor(records, oldest_first=True)) == actions(found)[::-1]
    overview = found.overview
    assert overview.event_count == 4
    assert (overview.first_seen.ToNanoseconds() - START, overview.last_seen.ToNanoseconds() - START) == (0, DAY)
    assert values(overview, "outcome") == {"success": 3, "failure": 1}
    assert values(overview, "action") == {"user.create": 1, "user.delete": 1, "export": 1, "login": 1}
    assert values(overview, "target") == {"u1": 2}
    assert values(overview, "source") == {"10.0.0.1": 2, "10.0.0.2": 1, "10.0.0.9": 1}
    (source,) = [
        value for one in overview.fields for value in one.values if one.field == "source" and value.value == "10.0.0.1"
    ]
    assert (source.first_seen.ToNanoseconds() - START, source.last_seen.ToNanoseconds() - START) == (0, 1)
    assert values(overview, "session") == {}


def test_the_history_of_a_target_has_its_actors(records: Writer) -> None:
    found = target(records)
    assert actions(found) == ["user.create", "user.delete", "user.create"]
    assert values(found.overview, "actor") == {"alice": 2, "bob": 1}
    assert [field.field for field in found.overview.fields] == [
        "outcome",
        "category",
        "action",
        "actor",
        "source",
        "session",
    ]
    assert actions(target(records, "alice")) == ["user.create"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"query": "action:user.*"},
        {"query": "outcome:failure OR action:login"},
        {"since": Timestamp(seconds=START // 10**9 + 1)},
        {"until": Timestamp(seconds=START // 10**9 + 1)},
        {"query": "nothing"},
    ],
    ids=str,
)
@pytest.mark.parametrize("oldest_first", [True, False])
def test_pages_are_the_events_that_a_search_finds_and_the_overview_counts_them(
    records: Writer, request_: dict[str, Any], *, oldest_first: bool
) -> None:
    query = f"actor:alice ({request_.get('query') or '*'})"
    whole = search_records(
        records.engine,
        records.keys,
        pb.SearchRequest(**{**request_, "query": query}, oldest_first=oldest_first),
    ).entries
    found: list[pb.TimelineEntry] = []
    first = page = actor(records, page_size=1, oldest_first=oldest_first, **request_)
    while True:
        found += page.entries
        if not page.next_page_token:
            break
        page = actor(records, page_size=1, oldest_first=oldest_first, page_token=page.next_page_token, **request_)
        assert not page.HasField("overview")
    assert found == list(whole)
    assert first.overview.event_count == len(whole)
    audits = [entry.audit_event.audit for entry in whole]
    for field in ("outcome", "category", "action", "source", "target"):
        column = {"source": "source_id", "target": "target_id"}.get(field, field)
        assert values(first.overview, field) == Counter(
            getattr(audit, column) for audit in audits if getattr(audit, column)
        )


def test_who_acted_for_somebody_else_is_in_both_timelines_and_each_event_counts_once(
    engine: Engine, journal: Journal
) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event("a", at=0)])
    rows = [(1, "bob", "alice", "s1"), (2, "alice", "alice", "s2"), (3, "alice", "root", "s2"), (4, "bob", "bob", "s1")]
    for at, who, effective, session in rows:
        engine.execute(
            "INSERT INTO audit_logs (Timestamp, Action, ActorId, EffectiveActorId, SessionId, ActorName) VALUES "
            f"(fromUnixTimestamp64Nano({START + at}), 'a{at}', '{who}', '{effective}', '{session}', 'Doe')"
        )
    found = actor(writer)
    assert sorted(actions(found)) == ["a", "a1", "a2", "a3"]
    assert found.overview.event_count == 4
    (sessions,) = [field for field in found.overview.fields if field.field == "session"]
    assert [(one.value, one.count) for one in sessions.values] == [("s2", 2), ("s1", 1)]
    by_name = actor(writer, "Doe")
    assert (by_name.overview.event_count, list(by_name.actors_of_this_name)) == (0, ["alice", "bob"])
    assert not actor(writer, "nobody").actors_of_this_name


def test_only_the_most_frequent_values_are_listed_and_all_are_counted(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write(
        [audit_event("a", at=number, target_id=f"t{number % 30:02}") for number in range(45)], received=START + 1
    )
    (targets,) = [field for field in actor(writer).overview.fields if field.field == "target"]
    assert (targets.value_count, len(targets.values)) == (30, 20)
    assert [(one.value, one.count) for one in targets.values[:15]] == [
        (f"t{number:02}", 2) for number in reversed(range(15))
    ]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"actor_id": ""}, "actor_id must be given"),
        ({"query": "actr:x"}, "query: column 1"),
        ({"page_token": "x"}, "page token"),
        ({"query": "evidence:verified", "check": pb.CHECK_SIGNATURES}, "evidence is not checked"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_answered_is_refused(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        actor(records, **request_)


def test_a_page_token_of_another_timeline_is_refused(records: Writer) -> None:
    token = actor(records, page_size=1).next_page_token
    with pytest.raises(InvalidArgumentError, match="belongs to another search"):
        actor(records, "bob", page_token=token)
    with pytest.raises(InvalidArgumentError, match="belongs to another search"):
        target(records, "alice", page_token=token)


def test_a_limit_that_is_reached_is_named(records: Writer) -> None:
    with pytest.raises(QueryTooExpensiveError, match="the query reads more than 1 rows"):
        actor_timeline(records.engine, records.keys, pb.ActorTimelineRequest(actor_id="alice"), QueryLimits(rows=1))
