"""Kinds of changes that show in answers to readers: the state of every record is exact, and none is left out unseen."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.evidence_pb2 import SIGNED, TAMPERED, UNSIGNED, VERIFIED
from server.api.backend import Backend
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.notary.origin import LogName
from storage.schema import RECORD_TABLES
from tests.log.writers import log_writer, open_log
from tests.tamper.answers import read_answers
from tests.tamper.routes import EVERYTHING, verified
from tests.tamper.row_changes import STORED_COLUMNS
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, Store, request, row
from tests.tamper.test_matrix import copy

LEAF = 50
NAMES = (OPERATIONAL, AUDIT)
BOTH = pytest.mark.parametrize("name", NAMES, ids=["operational", "audit"])
CHECKS = pytest.mark.parametrize("check", [pb.CHECK_RECORDS, pb.CHECK_SIGNATURES], ids=["content", "signatures"])
LATER = f"fromUnixTimestamp64Nano({NEXT_DAY + 3600 * SECOND})"


def trace(store: Store, number: int, check: pb.EvidenceCheck = pb.CHECK_RECORDS) -> list[pb.Record]:
    """Return the records of the trace of a leaf; both streams have one of each number."""
    answer = Backend(store.engine, store.keys).get_trace(pb.GetTraceRequest(trace_id=f"{number + 1:032x}", check=check))
    return [entry.audit_event if entry.HasField("audit_event") else entry.log for entry in answer.entries]


def of_log(records: list[pb.Record], name: LogName) -> list[pb.Record]:
    return [record for record in records if record.HasField("audit") == (name is AUDIT)]


def search(store: Store, **fields: object) -> list[pb.Record]:
    wanted = pb.SearchAuditEventsRequest(**{"page_size": 1000, **fields})  # type: ignore[arg-type]
    return list(Backend(store.engine, store.keys).search_audit_events(wanted).events)


def states(records: list[pb.Record]) -> list[int]:
    return [record.evidence.state for record in records]


def many(table: str, where: str, count: int, **columns: str) -> str:
    """Return the SQL that inserts copies of a record in which columns are replaced; ``number`` numbers them."""
    names = ", ".join(STORED_COLUMNS[table])
    values = ", ".join(columns.get(column, column) for column in STORED_COLUMNS[table])
    source = f"(SELECT * FROM {table} WHERE {where}) AS one CROSS JOIN (SELECT number FROM numbers({count})) AS many"
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {source}"


@CHECKS
@BOTH
@pytest.mark.parametrize("copies", [1, 2, 120])
def test_of_a_copied_record_no_more_than_one_counts_as_signed(
    stated: Stated, copies: int, name: LogName, check: pb.EvidenceCheck
) -> None:
    table = RECORD_TABLES[name.stream]
    stated.tamper(many(table, row(name, LEAF), copies))
    records = of_log(trace(stated, LEAF, check), name)
    assert len(records) == copies + 1
    good = [record for record in records if record.evidence.state in (VERIFIED, SIGNED)]
    assert len(good) <= 1
    assert all(record.evidence.reason for record in records if record not in good)
    assert states(of_log(trace(stated, LEAF + 1, check), name)) == [
        SIGNED if check == pb.CHECK_SIGNATURES else VERIFIED
    ]


FALSE_CLAIMS = {
    "a leaf of another batch": {"LeafIndex": "1"},
    "the leaf after the batch": {"LeafIndex": "84"},
    "a leaf beyond the log": {"LeafIndex": "5000"},
    "another batch": {"BatchId": "(SELECT BatchId FROM log_batches WHERE Sequence = 2 AND LogId = '{log}')"},
    "an unknown batch at its leaf": {"BatchId": "toUUID('00000000-0000-0000-0000-000000000007')"},
    "no batch at its leaf": {"BatchId": "toUUID('00000000-0000-0000-0000-000000000000')"},
}


@CHECKS
@pytest.mark.parametrize("kept", [True, False], ids=["beside the record", "in its place"])
@pytest.mark.parametrize("claim", FALSE_CLAIMS)
def test_a_claim_to_a_committed_leaf_or_batch_that_does_not_hold_is_tampered(
    stated: Stated, claim: str, kept: bool, check: pb.EvidenceCheck
) -> None:
    columns = {column: value.format(log=AUDIT.log_id) for column, value in FALSE_CLAIMS[claim].items()}
    stated.tamper(copy("audit_logs", row(AUDIT, LEAF), SpanId="'false'", **columns))
    if not kept:
        stated.tamper(f"ALTER TABLE audit_logs DELETE WHERE {row(AUDIT, LEAF)} AND SpanId != 'false'")
    (false,) = (record for record in of_log(trace(stated, LEAF, check), AUDIT) if record.span_id == "false")
    assert false.evidence.state == TAMPERED, false.evidence.reason
    assert false.evidence.reason


@CHECKS
@BOTH
def test_a_record_whose_batch_was_changed_is_tampered(stated: Stated, name: LogName, check: pb.EvidenceCheck) -> None:
    table = RECORD_TABLES[name.stream]
    stated.tamper(
        f"ALTER TABLE {table} UPDATE BatchId = toUUID('{'7' * 8}-7777-7777-7777-777777777777') WHERE {row(name, LEAF)}"
    )
    (record,) = of_log(trace(stated, LEAF, check), name)
    assert record.evidence.state == TAMPERED


@CHECKS
@pytest.mark.parametrize("count", [100, 150, 2000])
@pytest.mark.parametrize("later", [LATER, "Timestamp"], ids=["later", "at the same time"])
def test_unsigned_rows_push_no_signed_event_out_of_a_page(
    stated: Stated, later: str, count: int, check: pb.EvidenceCheck
) -> None:
    unsigned = {"LogId": "''", "BatchId": "generateUUIDv4(number)", "LeafIndex": "number", "Timestamp": later}
    stated.tamper(many("audit_logs", row(AUDIT, LEAF), count, **unsigned))
    events = search(stated, target_id=f"user-{LEAF}", page_size=100, check=check)
    assert [event.evidence.leaf_index for event in events if event.evidence.state in (VERIFIED, SIGNED)] == [LEAF]
    assert UNSIGNED in states(events) or len(events) == 1
    records = of_log(trace(stated, LEAF, check), AUDIT)
    assert [record.evidence.leaf_index for record in records if record.evidence.state in (VERIFIED, SIGNED)] == [LEAF]


HASHES = {
    "a leaf's hash": "ALTER TABLE log_tiles UPDATE Hashes = concat(repeat('x', 32), substring(Hashes, 33)) "
    "WHERE {batch} AND Level = 0",
    "all hashes of a batch": "ALTER TABLE log_tiles UPDATE Hashes = repeat('x', length(Hashes)) WHERE {batch}",
    "hashes that are gone": "ALTER TABLE log_tiles DELETE WHERE {batch}",
    "a fragment that is too short": "ALTER TABLE log_tiles UPDATE Hashes = substring(Hashes, 1, 32) WHERE {batch}",
    "a hash of a higher level": "ALTER TABLE log_tiles UPDATE Hashes = repeat('x', 32) WHERE Level = 1",
    "a copied fragment": copy("log_tiles", "{batch}"),
}


@BOTH
@pytest.mark.parametrize("broken", HASHES)
def test_untouched_records_stay_verified_beside_broken_hashes(stated: Stated, broken: str, name: LogName) -> None:
    batch = stated.batches[name][2]
    stated.tamper(HASHES[broken].format(batch=f"LogId = '{name.log_id}' AND Sequence = 3"))
    for leaf in {
        0,
        2,
        batch.first_leaf - 1,
        batch.first_leaf,
        batch.first_leaf + 1,
        batch.tree_size,
        batch.tree_size + 1,
    }:
        (record,) = of_log(trace(stated, leaf), name)
        assert record.evidence.state == VERIFIED, (leaf, record.evidence.reason)


_PATCHES = "MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1"
PATCHED = {
    "text and actor": "Body = Body, ActorId = ActorId",
    "the trace": "TraceId = TraceId",
    "target and record": "TargetId = TargetId, AuditRecordId = AuditRecordId",
    "attributes": "LogAttributes = LogAttributes, ResourceAttributes = ResourceAttributes",
    "everything": "Body = Body, ActorId = ActorId, TargetId = TargetId, TraceId = TraceId, LeafIndex = LeafIndex",
    "place": "LeafIndex = LeafIndex, LogId = LogId, BatchId = BatchId",
}


@pytest.mark.parametrize("within", [EVERYTHING["whole"], EVERYTHING["since"]], ids=["whole", "since"])
@pytest.mark.parametrize(
    "where", [row(AUDIT, LEAF), "1", f"LogId = '{AUDIT.log_id}' AND LeafIndex % 5 = 0"], ids=["one", "all", "some"]
)
@pytest.mark.parametrize("columns", PATCHED)
def test_a_patch_that_changes_nothing_hides_no_event(
    stated: Stated, columns: str, where: str, within: dict[str, int]
) -> None:
    before = read_answers(stated)
    stated.tamper(
        f"ALTER TABLE audit_logs {_PATCHES}",
        "OPTIMIZE TABLE audit_logs FINAL",
        f"UPDATE audit_logs SET {PATCHED[columns]} WHERE {where} SETTINGS enable_lightweight_update = 1",
    )
    assert verified(stated, **within) or read_answers(stated) == before


REORDERED = {
    "values exchanged": "mapFromArrays(mapKeys({0}), arrayReverse(mapValues({0})))",
    "rotated": "mapFromArrays(arrayRotateLeft(mapKeys({0}), 1), arrayRotateLeft(mapValues({0}), 1))",
    "reversed": "mapFromArrays(arrayReverse(mapKeys({0})), arrayReverse(mapValues({0})))",
    "sorted by value": "mapFromArrays(arraySort((k, v) -> v, mapKeys({0}), mapValues({0})), arraySort(mapValues({0})))",
    "sorted from the end": "mapReverseSort((k, v) -> (v, k), {0})",
}


@pytest.fixture
def repeated(stated: Stated) -> tuple[Stated, dict[LogName, int]]:
    """The store, and in each log a record whose attributes are present twice or three times; their leaves."""
    leaves = {}
    for name in NAMES:
        data = ExportLogsServiceRequest.FromString(request(name.stream, 500, 1))
        resource = data.resource_logs[0]
        scope = resource.scope_logs[0]
        for attributes in (resource.resource.attributes, scope.scope.attributes, scope.log_records[0].attributes):
            for value in ("zebra", "apple", "mango"):
                attributes.append(KeyValue(key="twice", value=AnyValue(string_value=value)))
        keys = [known.verifier_key(name.origin) for known in stated.signers]
        state, *_ = open_log(stated.engine, name, keys, None, stated.tables.journal)
        stated.touch("log_batches", "log_tiles", RECORD_TABLES[name.stream])
        parts = ReferenceCodec(built_in_rules()).encode(data.SerializeToString(), NEXT_DAY + 60 * SECOND)
        batch = log_writer(stated.engine, stated.tables.journal, state, stated.signers[-1]).commit(parts)
        leaves[name] = batch.first_leaf
    return stated, leaves


@BOTH
@pytest.mark.parametrize("column", ["LogAttributes", "ResourceAttributes", "ScopeAttributes"])
@pytest.mark.parametrize("order", REORDERED)
def test_repeated_attributes_in_another_order_are_a_changed_record(
    repeated: tuple[Stated, dict[LogName, int]], order: str, column: str, name: LogName
) -> None:
    stated, leaves = repeated
    assert verified(stated) == []
    before = of_log(trace(stated, 500), name)
    assert states(before) == [VERIFIED]
    table = RECORD_TABLES[name.stream]
    value = f"CAST({REORDERED[order].format(column)} AS Map(LowCardinality(String), String))"
    values = f"arrayMap(p -> p.2, arrayFilter(p -> p.1 = 'twice', CAST({column} AS Array(Tuple(String, String)))))"
    shown = f"SELECT toString({values}) FROM {table} WHERE {row(name, leaves[name])}"
    order_before = stated.engine.query(shown)
    stated.tamper(f"ALTER TABLE {table} UPDATE {column} = {value} WHERE {row(name, leaves[name])}")
    found = verified(stated)
    if stated.engine.query(shown) != order_before:
        assert [finding.leaf_index for finding in found] == [leaves[name]]
        assert states(of_log(trace(stated, 500), name)) == [TAMPERED]
    else:
        assert found == [] or [finding.leaf_index for finding in found] == [leaves[name]]


@pytest.mark.parametrize("since", [START, NEXT_DAY])
def test_repeated_attributes_in_their_own_order_are_verified(
    repeated: tuple[Stated, dict[LogName, int]], since: int
) -> None:
    stated, _ = repeated
    assert verified(stated, since=since) == []
    assert set(states(trace(stated, 500))) == {VERIFIED}
