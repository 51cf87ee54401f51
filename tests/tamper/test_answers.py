"""Answers to lookups after tampering: no record is hidden, and no other row is taken for a record."""

from __future__ import annotations

from typing import Any

import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import get_trace, search_audit
from server.notary.findings import FindingKind
from server.query.side_by_side import SideBySide
from tests.tamper.store import AUDIT, OPERATIONAL, Store, row

RECORDS = 39
TRACE = f"{17 + 1:032x}"  # of record 17

# Columns of inserted rows, which are later than all records, and earlier in a trace.
JUNK = {
    "of no log": "'' AS LogId, number AS LeafIndex",
    "of an unknown log": "toString(number) AS LogId, number AS LeafIndex",
    "of an unknown batch": "generateUUIDv4(number) AS BatchId, 30 AS LeafIndex",
    "beyond the log": "generateUUIDv4(number) AS BatchId, 1000 + number AS LeafIndex",
    "at a leaf outside of its batch": "1000 + number AS LeafIndex",
    "at one committed leaf": "toString(number) AS AuditRule",
    "at all committed leaves": "number % 39 AS LeafIndex",
    "copies": "",
}


def insert_junk(store: Store, what: str, times: int, *, seconds: int) -> None:
    """Insert rows like record 17, all of which are some seconds later, with other content unless they are copies."""
    columns = JUNK[what]
    if what == "copies":
        replaced = ""
    else:
        replaced = f"REPLACE({columns}, "
        replaced += f"Timestamp + toIntervalSecond({seconds}) AS Timestamp, concat('junk ', toString(number)) AS Body)"
    store.tamper(
        f"INSERT INTO audit_logs SELECT * EXCEPT number {replaced} "
        f"FROM (SELECT * FROM audit_logs WHERE {row(AUDIT, 17)}) AS record, numbers({times}) AS copies"
    )


def search(store: Store, **request: Any) -> pb.SearchAuditEventsResponse:
    return search_audit(store.engine, store.keys, pb.SearchAuditEventsRequest(actor_id="alice", **request))


def pages(store: Store, size: int, **request: Any) -> list[pb.SearchAuditEventsResponse]:
    found = [search(store, page_size=size, **request)]
    while found[-1].next_page_token:
        assert len(found) < 200
        found.append(search(store, page_size=size, page_token=found[-1].next_page_token, **request))
    assert all(len(page.events) <= size for page in found)
    return found


def sound(page: pb.SearchAuditEventsResponse) -> list[int]:
    """Return the leaves of the events that are told to be as they were signed."""
    return [
        event.evidence.leaf_index
        for event in page.events
        if event.evidence.state in (evidence_pb2.VERIFIED, evidence_pb2.SIGNED)
    ]


@pytest.mark.parametrize("what", JUNK)
def test_inserted_rows_do_not_push_records_out_of_a_page(store: Store, what: str) -> None:
    insert_junk(store, what, 150, seconds=60)
    first = search(store)
    assert sound(first) == list(range(RECORDS - 1, -1, -1))
    # Of equal rows two are shown.
    assert (first.unproved_omitted, len(first.events)) == ((False, RECORDS + 1) if what == "copies" else (True, 100))


@pytest.mark.parametrize("what", JUNK)
@pytest.mark.parametrize("size", [7, 39, 40])
def test_pages_have_each_record_once_and_then_each_other_row(store: Store, what: str, size: int) -> None:
    insert_junk(store, what, 60, seconds=60)
    found = pages(store, size)
    shown = [leaf for page in found for leaf in sound(page)]
    assert sorted(shown) == list(range(RECORDS))
    assert [leaf for page in found[: RECORDS // size] for leaf in sound(page)][: size * (RECORDS // size)] == list(
        range(RECORDS - 1, -1, -1)
    )[: size * (RECORDS // size)]
    others = [event.body for page in found for event in page.events if event.evidence.state == evidence_pb2.TAMPERED]
    others += [event.body for page in found for event in page.events if event.evidence.state == evidence_pb2.UNSIGNED]
    if what == "copies":
        assert set(others) == {"audit record 17"}
    else:
        assert sorted(others) == sorted(f"junk {number}" for number in range(60))
    assert not found[-1].unproved_omitted


@pytest.mark.parametrize("check", [pb.CHECK_RECORDS, pb.CHECK_SIGNATURES])
@pytest.mark.parametrize("what", JUNK)
def test_inserted_rows_do_not_push_records_out_of_a_trace(store: Store, what: str, check: pb.EvidenceCheck) -> None:
    insert_junk(store, what, 1500, seconds=-60)
    trace = get_trace(store.engine, store.keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE, check=check))
    states = [entry.audit_event.evidence.state for entry in trace.entries if entry.HasField("audit_event")]
    assert states.count(evidence_pb2.VERIFIED if check == pb.CHECK_RECORDS else evidence_pb2.SIGNED) == 1
    # Of equal rows two are shown.
    assert (trace.truncated, trace.unproved_omitted, len(states)) == (
        (False, False, 2) if what == "copies" else (True, True, 1000)
    )


def test_a_tampered_record_is_shown_on_some_page(store: Store) -> None:
    store.tamper(f"ALTER TABLE audit_logs UPDATE Body = 'other' WHERE {row(AUDIT, 20)}")
    found = pages(store, 10)
    assert [page.unproved_omitted for page in found] == [False, True, True, False]
    assert sorted(leaf for page in found for leaf in sound(page)) == [leaf for leaf in range(RECORDS) if leaf != 20]
    assert [event.evidence.leaf_index for event in found[-1].events if event.body == "other"] == [20]


def test_records_are_on_pages_whatever_happened_to_the_trees_hashes(store: Store) -> None:
    store.tamper("TRUNCATE TABLE log_tiles")
    found = pages(store, 10)
    assert [leaf for page in found for leaf in sound(page)] == list(range(RECORDS - 1, -1, -1))


def test_hashes_that_fit_inserted_rows_do_not_make_them_records(store: Store) -> None:
    insert_junk(store, "at all committed leaves", 39, seconds=60)
    # The tree's hashes become those of the inserted rows.
    store.tamper(
        "INSERT INTO log_tiles SELECT LogId, 0, 0, LeafIndex, "
        "SHA256(concat(unhex('00'), SHA256(Body))), BatchId, 1, '' FROM audit_logs WHERE startsWith(Body, 'junk')"
    )
    shown = [leaf for page in pages(store, 10) for leaf in sound(page)]
    assert sorted(shown) == list(range(RECORDS))


def test_the_order_of_different_attributes_has_no_meaning(store: Store) -> None:
    for table, name in (("audit_logs", AUDIT), ("otel_logs", OPERATIONAL)):
        store.tamper(
            f"ALTER TABLE {table} UPDATE LogAttributes = mapFromArrays(arrayReverse(mapKeys(LogAttributes)), "
            f"arrayReverse(mapValues(LogAttributes))) WHERE {row(name, 2)}"
        )
    assert store.findings() == []
    assert len(sound(search(store))) == RECORDS


def test_a_rewrite_with_patch_parts_hides_no_record_from_a_trace(store: Store) -> None:
    store.touch("audit_logs")
    store.tamper(
        "ALTER TABLE audit_logs MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1",
        "OPTIMIZE TABLE audit_logs FINAL",
        f"UPDATE audit_logs SET Body = Body, ActorId = ActorId WHERE {row(AUDIT, 17)}",
    )
    trace = get_trace(store.engine, store.keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE))
    bodies = [entry.audit_event.body for entry in trace.entries if entry.HasField("audit_event")]
    assert bodies == ["audit record 17"]
    assert sound(search(store)) == list(range(RECORDS - 1, -1, -1))


def test_findings_name_what_answers_call_tampered(store: Store) -> None:
    insert_junk(store, "copies", 1, seconds=0)
    assert store.only().kind is FindingKind.RECORD_DUPLICATED
