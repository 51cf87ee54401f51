"""The records around a record, with both engines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.access.callers import Grant, Role
from server.access.scopes import scope_of
from server.api.correlation import search_records
from server.api.errors import InvalidArgumentError, NotFoundError
from server.api.neighbours import find_neighbours
from server.log.journal import Journal
from server.notary.origin import Stream
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.bound import BoundEngine, reading_as
from storage.engine import Engine
from tests.api.store import LOGS, OTHER_TRACE, Writer, audit_event, log_record, span

DAY = 86_400 * 10**9
AUDIT, LOG = LOGS[Stream.AUDIT].origin, LOGS[Stream.OPERATIONAL].origin
AUDIT_ID = LOGS[Stream.AUDIT].log_id


def names(entries: object) -> list[str]:
    return [entry.audit_event.audit.action or entry.log.body for entry in entries]  # type: ignore[attr-defined]


def find(writer: Writer, **request: Any) -> pb.NeighboursResponse:
    return find_neighbours(writer.engine, writer.keys, pb.NeighboursRequest(**request))


def around(writer: Writer, **request: Any) -> tuple[list[str], list[str]]:
    found = find(writer, **request)
    return names(found.before), names(found.after)


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Records of both logs, received in another order than the order of their times."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        writer.write(
            [
                audit_event("e0", at=DAY, source_id="10.0.0.1", target_id="u1"),
                audit_event("e1", at=2, actor="bob", target_id="u1"),
                audit_event("e2", at=0, source_id="10.0.0.1"),
                log_record("o0", at=1),
                log_record("o1", at=400 * DAY, trace=OTHER_TRACE),
            ]
        )
        writer.write([audit_event("e3", at=3), log_record("o2", at=2)], service="crm")
        untimed = log_record("o3", trace=OTHER_TRACE)
        untimed.time_unix_nano = 0
        writer.write([untimed], received=3 + 1_750_000_000 * 10**9)
        yield writer


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        # e2 at 0, o0 at 1, o2 and e1 at 2, e3 and o3 at 3, e0 after a day, o1 after 400 days
        ({"log": AUDIT, "leaf_index": 3}, (["e2", "o0", "e1", "o2"], ["o3", "e0", "o1"])),
        ({"log": AUDIT, "leaf_index": 3, "before": 1, "after": 1}, (["o2"], ["o3"])),
        ({"log": AUDIT, "leaf_index": 3, "streams": ["audit"]}, (["e2", "e1"], ["e0"])),
        ({"log": AUDIT, "leaf_index": 3, "query": "trace:*  -action:e1"}, (["e2", "o0", "o2"], ["o3", "e0", "o1"])),
        ({"log": AUDIT_ID, "leaf_index": 1}, (["e2", "o0"], ["o2", "e3", "o3", "e0", "o1"])),
        ({"log": AUDIT, "leaf_index": 1, "by": "leaf"}, (["e0"], ["e2", "e3"])),
        ({"log": AUDIT, "leaf_index": 1, "by": "leaf", "query": "e3"}, ([], ["e3"])),
        ({"log": AUDIT, "leaf_index": 3, "by": "leaf", "query": "actor:alice", "before": 1}, (["e2"], [])),
        ({"log": LOG, "leaf_index": 0, "by": "leaf", "after": 1}, ([], ["o1"])),
        ({"log": AUDIT, "leaf_index": 2, "by": "actor"}, ([], ["e3", "e0"])),
        ({"log": AUDIT, "leaf_index": 2, "by": "source"}, ([], ["e0"])),
        ({"log": AUDIT, "leaf_index": 0, "by": "target"}, (["e1"], [])),
        ({"log": AUDIT, "leaf_index": 3, "by": "service"}, (["o2"], [])),
        ({"log": LOG, "leaf_index": 3}, (["e2", "o0", "e1", "o2", "e3"], ["e0", "o1"])),
        ({"record_id": "e3-3", "before": 1}, (["o2"], [])),
    ],
    ids=str,
)
def test_records_around_a_record(
    records: Writer, request_: dict[str, Any], expected: tuple[list[str], list[str]]
) -> None:
    assert around(records, **request_) == expected


def test_each_neighbour_has_its_evidence_and_more_is_said(records: Writer) -> None:
    found = find(records, log=AUDIT, leaf_index=1, by="leaf", before=5, after=1)
    assert (found.more_before, found.more_after, found.value, found.by) == (False, True, AUDIT, "leaf")
    assert {entry.audit_event.evidence.state for entry in (found.record, *found.before, *found.after)} == {
        evidence_pb2.VERIFIED
    }
    assert find(records, log=AUDIT, leaf_index=0, by="source").value == "10.0.0.1"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "log and leaf_index must be given"),
        ({"log": "x"}, "names no log"),
        ({"log": AUDIT, "by": "acto"}, "by: 'acto' is not time, .* did you mean 'actor'"),
        ({"log": LOG, "by": "actor"}, "by: the record has no actor"),
        ({"log": AUDIT, "leaf_index": 3, "by": "host"}, "by: the record has no host"),
        ({"log": AUDIT, "record_id": "e3-3"}, "either"),
        ({"log": AUDIT, "query": "actr:x"}, "query: column 1"),
        (
            {"log": AUDIT, "by": "leaf", "streams": ["operational"]},
            "streams: the record's log has the stream audit only",
        ),
        ({"log": AUDIT, "by": "leaf", "query": "status:Error"}, "query: only spans have the fields of this query"),
        (
            {"log": AUDIT, "leaf_index": 2, "by": "actor", "streams": ["spans"]},
            "by: only audit events have the field actor",
        ),
        ({"log": AUDIT, "before": 501}, "before: 501 is more than 500"),
        ({"log": AUDIT, "after": 501}, "after: 501 is more than 500"),
    ],
    ids=str,
)
def test_what_has_no_neighbours_is_refused(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        find(records, **request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"log": AUDIT, "leaf_index": 4}, "record 4 of shop/audit/node-1 is not stored: the log has 4 entries"),
        ({"log": "shop/audit/node-9"}, "there is no log shop/audit/node-9"),
        ({"record_id": "none"}, "no audit record has the ID 'none'"),
    ],
    ids=str,
)
def test_a_record_that_is_not_stored_is_not_found(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(NotFoundError, match=message):
        find(records, **request_)


def test_a_limit_that_is_reached_is_named(records: Writer) -> None:
    with pytest.raises(QueryTooExpensiveError, match="the query takes longer than 0 s"):
        find_neighbours(
            records.engine, records.keys, pb.NeighboursRequest(log=AUDIT, leaf_index=1), QueryLimits(seconds=0)
        )


def test_neighbours_by_time_are_those_beside_the_record_in_a_search(engine: Engine, journal: Journal) -> None:
    chosen = random.Random(5)
    writer = Writer(engine, journal)
    for _ in range(3):
        made = []
        for number in range(20):
            at = chosen.choice([0, 1, 2, 60 * 10**9, DAY])
            made.append(log_record("red", at=at) if number % 3 else audit_event("blue", at=at))
        writer.write(made)
    whole = search_records(writer.engine, writer.keys, pb.SearchRequest(oldest_first=True, page_size=1000)).entries
    for number in chosen.sample(range(len(whole)), 8):
        evidence = getattr(whole[number], whole[number].WhichOneof("entry")).evidence
        found = find(writer, log=evidence.origin, leaf_index=evidence.leaf_index, before=7, after=9)
        assert found.record == whole[number]
        assert list(found.before) == whole[max(0, number - 7) : number]
        assert list(found.after) == whole[number + 1 : number + 10]
        assert (found.more_before, found.more_after) == (number > 7, number + 10 < len(whole))


def test_rows_that_claim_a_leaf_do_not_hide_its_record_and_missing_leaves_are_named(
    engine: Engine, journal: Journal
) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event(f"e{number}", at=number) for number in range(6)])
    engine.execute(
        "INSERT INTO audit_logs (Timestamp, Body, Action, LogId, BatchId, LeafIndex, IngestedAt) "
        "SELECT Timestamp, 'forged', 'forged', LogId, toUUID('00000000-0000-0000-0000-000000000000'), LeafIndex, "
        "IngestedAt FROM audit_logs CROSS JOIN numbers(9) AS n WHERE LeafIndex IN (2, 3)"
    )
    engine.execute("ALTER TABLE audit_logs DELETE WHERE LeafIndex = 4 SETTINGS mutations_sync = 2")
    found = find(writer, log=AUDIT, leaf_index=3, by="leaf")
    assert (names(found.before), names(found.after), list(found.missing_leaves)) == (["e0", "e1", "e2"], ["e5"], [4])
    assert {entry.audit_event.evidence.state for entry in (found.record, *found.before)} == {evidence_pb2.VERIFIED}
    with pytest.raises(NotFoundError, match="record 4 of shop/audit/node-1 is not stored: it has expired or was"):
        find(writer, log=AUDIT, leaf_index=4)


def test_no_deletion_is_claimed_to_callers_who_may_not_read_the_record(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event("e", at=0), log_record("l", at=0)])
    bound = BoundEngine(engine)
    request = pb.NeighboursRequest(log=AUDIT, leaf_index=0)
    for grant in (Grant(Role.VIEWER), Grant(Role.AUDITOR, services=frozenset({"another"}))):
        with (
            reading_as(scope_of([grant])),
            pytest.raises(NotFoundError, match="record 0 of shop/audit/node-1 is not stored, or these credentials do"),
        ):
            find_neighbours(bound, writer.keys, request)
    with reading_as(scope_of([Grant(Role.AUDITOR)])):
        assert find_neighbours(bound, writer.keys, request).record


def test_an_id_that_several_records_have_is_refused_with_their_places(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event("e", at=0), audit_event("e", at=0)])
    with pytest.raises(InvalidArgumentError, match=r"several records have this ID.*node-1#0, shop/audit/node-1#1"):
        find(writer, record_id="e-0")


def test_records_of_a_session_or_a_host_are_neighbours(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([audit_event("e0", at=0)])
    for at, session, host in ((1, "s1", "h1"), (2, "s2", "h1"), (3, "s1", "h2")):
        engine.execute(
            "INSERT INTO audit_logs (Timestamp, Action, AuditRecordId, SessionId, SourceHost) "
            f"VALUES (fromUnixTimestamp64Nano({at}), 'a{at}', 'a{at}', '{session}', '{host}')"
        )
    engine.execute("INSERT INTO otel_logs (Timestamp, Body, ResourceAttributes) VALUES (4, 'o', {'host.name': 'h1'})")
    assert around(writer, record_id="a1", by="session") == ([], ["a3"])
    assert around(writer, record_id="a2", by="host") == (["a1"], ["o"])


def test_spans_have_neighbours_in_their_own_log_and_by_time(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write([log_record("o0", at=1)])
    writer.write_spans([span("s0", at=2), span("s1", at=0, failed=True), span("s2", at=1)])

    def around(**request: Any) -> tuple[list[str], list[str]]:
        found = find(writer, log=LOGS[Stream.SPANS].origin, leaf_index=1, **request)
        assert found.record.span.evidence.state == evidence_pb2.VERIFIED
        before, after = ([entry.span.name or entry.log.body for entry in each] for each in (found.before, found.after))
        return before, after

    assert around(by="leaf") == around(by="leaf", streams=["spans", "audit"]) == (["s0"], ["s2"])
    assert around(by="leaf", query="status:Ok name:s2") == ([], ["s2"])
    assert around() == ([], ["o0"])
    assert around(streams=["spans"]) == around(streams=["spans"], by="service") == ([], ["s2", "s0"])


def test_spans_that_a_collector_wrote_are_neighbours_without_evidence(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write_spans([span("signed", at=0)])
    writer.write_spans_of_a_collector((1, OTHER_TRACE, "collected"))
    (after,) = find(writer, log=LOGS[Stream.SPANS].origin, streams=["spans"]).after
    assert (after.span.name, after.span.HasField("evidence")) == ("collected", False)
