"""Rows of logs that nobody has, and much junk: all is named, and what is real is verified all the same."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.notary.batch import Batch, compute_batch_id
from server.notary.findings import FindingKind as Kind
from server.notary.origin import LogName
from server.verification.read_limits import ReadLimits
from storage.commit import insert_batches
from tests.counting_engine import CountingEngine
from tests.tamper.routes import EVERYTHING, verified
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, OPERATIONAL, batch_row, row
from tests.tamper.test_matrix import copy

NO_ID = "toUUID('00000000-0000-0000-0000-000000000007')"
JUNK = 20_000
MANY = " SETTINGS max_partitions_per_insert_block = 0, max_insert_block_size = 1048576"


def id_of(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()[:16]


def kinds_of(findings: list[pb.Finding]) -> set[str]:
    return {pb.FindingKind.Name(finding.kind) for finding in findings}


def put_row(
    stated: Stated, origin: str, *, log_id: str = "", adds_entries: bool = True, like: LogName = AUDIT
) -> Batch:
    """Store a batch's row of a log that nobody signed, with a batch ID that is right."""
    stated.touch("log_batches")
    known = stated.batches[like][2]
    batch = replace(known, log_id=log_id or id_of(origin), origin=origin, first_leaf=0, frontier=b"", sequence=1)
    batch = replace(batch, tree_size=batch.record_count if adds_entries else 0)
    if not adds_entries:
        batch = replace(batch, record_count=0)
    batch = replace(batch, batch_id=compute_batch_id(batch))
    insert_batches(stated.engine, [batch])
    return batch


def put_records(stated: Stated, batch: Batch, table: str = "audit_logs") -> None:
    """Store records that name a batch."""
    source = f"(SELECT * FROM audit_logs WHERE LogId = '{AUDIT.log_id}' AND LeafIndex BETWEEN 4 AND 83)"
    columns = (
        ""
        if table == "audit_logs"
        else ", ".join(f"`{column}`" for column in ("Timestamp", "TraceId", "Body", "IngestedAt", "LogAttributes"))
    )
    replaced = (
        f"'{batch.log_id}' AS LogId, toUUID('{batch.batch_id}') AS BatchId, LeafIndex - 4 AS LeafIndex, "
        "'mallory' AS ActorId"
    )
    if columns:
        names = f"({columns}, LogId, BatchId, LeafIndex)"
        chosen = f"SELECT {columns}, '{batch.log_id}', toUUID('{batch.batch_id}'), LeafIndex - 4"
        stated.tamper(f"INSERT INTO {table} {names} {chosen} FROM {source}")
    else:
        stated.tamper(f"INSERT INTO {table} SELECT * REPLACE({replaced}) FROM {source}")


FOREIGN = {
    "a name that is no origin": "nonsense",
    "no name": "",
    "an origin that has no log": "shop/audit/ghost",
    "an origin of another deployment": "other/audit/node-1",
    "an unknown stream": "shop/spans/node-1",
    "an origin with a line break": "shop/audit/node-1\n",
    "an origin with a terminal escape": "shop/audit/\x1b[2J",
    "an origin in another case": "Shop/Audit/Node-1",
    "too many parts": "shop/audit/node-1/more",
}


@pytest.mark.parametrize("within", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
def test_a_batch_of_no_log_commits_nothing(stated: Stated, origin: str, within: dict[str, int]) -> None:
    put_records(stated, put_row(stated, origin))
    found = verified(stated, **within)
    assert any(finding.record_count >= 80 for finding in found), "its records are named"
    assert {"BATCH_ALTERED", "BATCH_FOREIGN_SIGNED"} & kinds_of(found), "and so is its row"


@pytest.mark.parametrize("within", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
def test_a_batch_of_no_log_is_named_even_if_it_adds_no_entries(
    stated: Stated, origin: str, within: dict[str, int]
) -> None:
    put_row(stated, origin, adds_entries=False)
    assert {"BATCH_ALTERED", "BATCH_FOREIGN_SIGNED"} & kinds_of(verified(stated, **within))


@pytest.mark.parametrize("within", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
def test_a_batch_of_a_known_log_that_adds_no_entries_is_named(
    stated: Stated, name: LogName, within: dict[str, int]
) -> None:
    last = stated.batches[name][-1]
    empty = replace(last, first_leaf=last.tree_size, record_count=0, sequence=last.sequence + 1)
    stated.touch("log_batches")
    insert_batches(stated.engine, [replace(empty, batch_id=compute_batch_id(empty))])
    assert verified(stated, **within)


@pytest.mark.parametrize("within", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("table", ["audit_logs", "otel_logs"])
def test_records_of_no_log_are_named_whatever_batch_they_claim(
    stated: Stated, table: str, origin: str, within: dict[str, int]
) -> None:
    for batch in (stated.batches[AUDIT][2], put_row(stated, "nonsense")):
        put_records(stated, replace(batch, log_id=id_of(origin)), table)
    assert any(finding.record_count >= 80 for finding in verified(stated, **within))


@pytest.mark.parametrize("log_id", ["", id_of("nonsense"), id_of(""), AUDIT.log_id.upper(), f"{AUDIT.log_id}\\0"])
@pytest.mark.parametrize("batch", ["its own", "an unknown one", "none"])
def test_hashes_of_no_log_are_named(stated: Stated, log_id: str, batch: str) -> None:
    own = put_row(stated, "nonsense").batch_id
    named = {"its own": f"toUUID('{own}')", "an unknown one": NO_ID, "none": "BatchId"}[batch]
    stated.tamper(copy("log_tiles", f"LogId = '{AUDIT.log_id}' AND Sequence = 2", LogId=f"'{log_id}'", BatchId=named))
    assert "TILE_ALTERED" in kinds_of(verified(stated))


@pytest.mark.parametrize("log_id", ["", id_of("nonsense"), id_of(""), AUDIT.log_id.upper(), f"{AUDIT.log_id}\\0"])
@pytest.mark.parametrize("note", ["Note", "'nonsense'", "''", "replaceOne(Note, 'shop/audit', 'other/audit')"])
def test_statements_of_no_log_are_named(stated: Stated, log_id: str, note: str) -> None:
    where = f"LogId = '{AUDIT.log_id}' AND Number = 2"
    stated.tamper(copy("log_statements", where, LogId=f"'{log_id}'", Note=note))
    assert {"STATEMENT_ALTERED", "STATEMENT_FOREIGN_SIGNED"} & kinds_of(verified(stated))


JUNK_ROWS: dict[str, tuple[str, ...]] = {
    "records that name unknown batches": (
        *(
            f"INSERT INTO {table} (Timestamp, IngestedAt, LogId, BatchId, LeafIndex) "
            f"SELECT now64(9), now64(9), '{log}', generateUUIDv4(number), number FROM numbers({JUNK})"
            for table, log in (("audit_logs", AUDIT.log_id), ("otel_logs", OPERATIONAL.log_id))
        ),
    ),
    "records that name unknown logs": (
        f"INSERT INTO audit_logs (Timestamp, IngestedAt, LogId, BatchId, LeafIndex) "
        f"SELECT now64(9), now64(9), lower(hex(number)), generateUUIDv4(number), number FROM numbers({JUNK})",
    ),
    "batches of unknown logs": (
        f"INSERT INTO log_batches SELECT * EXCEPT (number) REPLACE(concat('log ', toString(number)) AS Origin, "
        f"substring(lower(hex(SHA256(concat('log ', toString(number))))), 1, 16) AS LogId, "
        f"generateUUIDv4(number) AS BatchId) FROM (SELECT * FROM log_batches WHERE Sequence = 2 LIMIT 1) AS one, "
        f"(SELECT number FROM numbers({JUNK})) AS many",
    ),
    "batches of a known log": (
        f"INSERT INTO log_batches SELECT * EXCEPT (number) "
        f"REPLACE(generateUUIDv4(number) AS BatchId, number + 100 AS Sequence) FROM "
        f"(SELECT * FROM log_batches WHERE LogId = '{AUDIT.log_id}' AND Sequence = 2) AS one, "
        f"(SELECT number FROM numbers({JUNK})) AS many",
    ),
    "hashes of unknown batches": (
        f"INSERT INTO log_tiles SELECT '{AUDIT.log_id}', 0, number, 0, repeat('x', 32), generateUUIDv4(number), "
        "number, '' "
        f"FROM numbers({JUNK})",
    ),
    "statements of unknown logs": (
        f"INSERT INTO log_statements SELECT lower(hex(number)), 1, 'heartbeat', 5, now(), 'nonsense', '', '' "
        f"FROM numbers({JUNK})",
    ),
}


@pytest.mark.parametrize("junk", JUNK_ROWS.values(), ids=JUNK_ROWS)
def test_a_changed_record_beside_much_junk_is_named_first_and_the_work_is_bounded(
    stated: Stated, junk: tuple[str, ...]
) -> None:
    stated.tamper(*(sql + MANY for sql in junk))
    stated.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 100)}")
    counting = CountingEngine(stated.engine)
    whole = replace_engine(stated, counting)
    found = verified(whole)
    changed = [number for number, finding in enumerate(found) if finding.leaf_index == 100]
    assert changed, "the changed record is named"
    assert pb.FindingKind.Name(found[changed[0]].kind) == "RECORD_CHANGED"
    assert len(found) < 1000, "junk is grouped"
    assert sum(finding.record_count or 1 for finding in found) >= 1
    assert len(counting.queries) < 400, "for both ways to verify together"


def replace_engine(stated: Stated, engine: CountingEngine) -> Stated:
    """Return a store with another engine on the same tables."""
    tables = replace(stated.tables, engine=engine)
    return Stated(tables, stated.signers, stated.prefix, stated.batches, stated.statements)


def test_junk_before_a_logs_first_batches_does_not_make_it_a_log_of_nobody(stated: Stated) -> None:
    # If there are too many names, only logs with something valid count: batches, or the log's statements.
    stated.tamper(
        *(copy("log_batches", batch_row(stated.batches[AUDIT][2]), Sequence=0, BatchId=NO_ID) for _ in range(5))
    )
    few = {(finding.kind, finding.sequence) for finding in stated.findings()}
    many = {(finding.kind, finding.sequence) for finding in stated.findings(limits=ReadLimits(logs=1))}
    assert few == many == {(Kind.BATCH_ALTERED, 0)}
