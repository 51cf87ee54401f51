"""Kinds of changes that need no key, each in several forms: all are named, by every way to verify, in every range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.notary.batch import Batch, compute_batch_id
from server.notary.findings import FindingKind as Kind
from server.notary.origin import LogName
from server.verification.read_limits import ReadLimits
from storage.commit import insert_batches
from storage.schema import RECORD_TABLES
from tests.tamper.routes import EVERYTHING, RANGES, CountingEngine, verified
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, TABLES, batch_row, row
from tests.tamper.test_matrix import copy

DAY = 86_400 * SECOND
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


OTHER_LEAVES = {
    "Int64": ("-1", "-9223372036854775808"),
    "Int128": ("-5", "18446744073709551616", "18446744073709551621"),
    "UInt128": ("18446744073709551616", "18446744073709551621"),
    "Float64": ("-1", "5.5", "1e30", "nan", "-inf"),
    "Decimal(30, 3)": ("-0.5", "5.125"),
    "Nullable(UInt64)": ("NULL",),
    "Nullable(Int64)": ("NULL", "-1"),
    "String": ("''", "'x'", "'05'"),
}


@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
@pytest.mark.parametrize(
    ("kind", "leaf"), [(kind, leaf) for kind, leaves in OTHER_LEAVES.items() for leaf in leaves], ids=str
)
def test_rows_beside_the_leaves_of_a_log_are_named_whatever_type_leaves_have(
    stated: Stated, kind: str, leaf: str, name: LogName
) -> None:
    table = RECORD_TABLES[name.stream]
    stated.tamper(f"ALTER TABLE {table} MODIFY COLUMN LeafIndex {kind}")
    where = f"LogId = '{name.log_id}' AND toString(LeafIndex) = '5'"
    stated.tamper(copy(table, where, LeafIndex=f"CAST({leaf} AS {kind})"))
    for within in (EVERYTHING["whole"], EVERYTHING["since"]):
        assert verified(stated, **within), within


def rebatch(stated: Stated, name: LogName, number: int, **fields: Any) -> Batch:
    """Change unsigned columns of a batch's row, and the batch ID everywhere."""
    batch = stated.batches[name][number]
    changed = replace(batch, **fields)
    changed = replace(changed, batch_id=compute_batch_id(changed))
    for table in (RECORD_TABLES[name.stream], "log_tiles"):
        stated.tamper(
            f"ALTER TABLE {table} UPDATE BatchId = toUUID('{changed.batch_id}') "
            f"WHERE LogId = '{name.log_id}' AND BatchId = toUUID('{batch.batch_id}')"
        )
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}")
    insert_batches(stated.engine, [changed])
    return changed


TIMES: dict[str, Callable[[Batch], dict[str, int]]] = {
    "received a nanosecond later": lambda batch: {"ingested_at": batch.ingested_at + 1},
    "received a nanosecond earlier": lambda batch: {"ingested_at": batch.ingested_at - 1},
    "received an hour earlier": lambda batch: {"ingested_at": batch.ingested_at - 3600 * SECOND},
    "received two days earlier": lambda batch: {"ingested_at": batch.ingested_at - 2 * DAY},
    "received two days later": lambda batch: {"ingested_at": batch.ingested_at + 2 * DAY},
    "received in 1970": lambda _: {"ingested_at": 0},
    "the first event earlier": lambda batch: {"min_timestamp": batch.min_timestamp - 1},
    "the first event later": lambda batch: {"min_timestamp": batch.min_timestamp + 1},
    "the last event earlier": lambda batch: {"max_timestamp": batch.max_timestamp - 1},
    "the last event later": lambda batch: {"max_timestamp": batch.max_timestamp + 1},
    "events exchanged": lambda batch: {
        "min_timestamp": batch.max_timestamp + 1,
        "max_timestamp": batch.min_timestamp,
    },
}


@pytest.mark.parametrize("within", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_times_of_a_batch_that_are_not_its_records_are_named(
    stated: Stated, times: Callable[[Batch], dict[str, int]], name: LogName, within: dict[str, int]
) -> None:
    changed = rebatch(stated, name, 2, **times(stated.batches[name][2]))
    found = verified(stated, **within)
    assert str(changed.batch_id) in {finding.batch_id for finding in found}, found


HIDDEN: dict[str, Callable[[Stated, LogName, int], str]] = {
    "deleted": lambda _, name, leaf: f"DELETE WHERE {row(name, leaf)}",
    "changed": lambda _, name, leaf: f"UPDATE Body = 'other' WHERE {row(name, leaf)}",
    "all deleted": lambda stated, name, leaf: (
        f"DELETE WHERE LogId = '{name.log_id}' AND LeafIndex >= {stated.batch_of(name, leaf).first_leaf}"
    ),
    "given to nobody": lambda _, name, leaf: f"UPDATE LogId = '' WHERE {row(name, leaf)}",
}


@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("by", [-2 * DAY, 20 * DAY], ids=["earlier", "later"])
@pytest.mark.parametrize("numbers", [(7,), (4, 5, 6, 7), (5,)], ids=["last", "all", "between"])
def test_records_do_not_leave_a_range_with_a_batch_that_says_another_time(
    stated: Stated, numbers: tuple[int, ...], by: int, hidden: Callable[[Stated, LogName, int], str], name: LogName
) -> None:
    for number in numbers:
        leaf = stated.batches[name][number].first_leaf
        rebatch(stated, name, number, ingested_at=stated.batches[name][number].ingested_at + by)
        stated.tamper(f"ALTER TABLE {RECORD_TABLES[name.stream]} {hidden(stated, name, leaf)}")
    for within in ({}, {"since": NEXT_DAY}, {"since": NEXT_DAY, "until": NEXT_DAY + DAY}):
        assert verified(stated, **within), within


@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
def test_records_do_not_leave_a_range_that_has_an_end_with_a_batch_that_says_a_later_time(
    stated: Stated, name: LogName
) -> None:
    batch = stated.batches[name][1]
    rebatch(stated, name, 1, ingested_at=batch.ingested_at + 2 * DAY)
    stated.tamper(f"ALTER TABLE {RECORD_TABLES[name.stream]} UPDATE Body = 'other' WHERE {row(name, batch.first_leaf)}")
    assert verified(stated, until=NEXT_DAY)


MOVED: dict[str, dict[str, str]] = {
    "leaf": {"LeafIndex": "900000"},
    "batch": {"BatchId": NO_ID},
    "log": {"LogId": "'nonsense'"},
    "trace": {"TraceId": "'nonsense'"},
    "all": {"LeafIndex": "900000", "BatchId": NO_ID, "LogId": "'nonsense'", "TraceId": "'nonsense'"},
}


@pytest.mark.parametrize("within", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
@pytest.mark.parametrize("moved", MOVED.values(), ids=MOVED)
def test_a_forged_copy_that_a_patch_puts_beside_its_record_is_named(
    stated: Stated, moved: dict[str, str], name: LogName, within: dict[str, int]
) -> None:
    # The indexes of its part still say where it was inserted.
    table, where = RECORD_TABLES[name.stream], row(name, 50)
    back = ", ".join(
        f"{column} = (SELECT any({column}) FROM {stated.prefix}_{table} WHERE {where})" for column in moved
    )
    stated.tamper(
        f"ALTER TABLE {table} MODIFY SETTING enable_block_number_column = 1, enable_block_offset_column = 1",
        f"OPTIMIZE TABLE {table} FINAL",
        copy(table, where, Body="'forged'", **moved),
        f"UPDATE {table} SET {back} WHERE Body = 'forged' SETTINGS enable_lightweight_update = 1",
    )
    assert any(finding.leaf_index == 50 for finding in verified(stated, **within))


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
        f"INSERT INTO log_tiles SELECT '{AUDIT.log_id}', 0, number, 0, repeat('x', 32), generateUUIDv4(number), number "
        f"FROM numbers({JUNK})",
    ),
    "statements of unknown logs": (
        f"INSERT INTO log_statements SELECT lower(hex(number)), 1, 'heartbeat', 5, now(), 'nonsense', '' "
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
    assert counting.queries < 400, "for both ways to verify together"


def replace_engine(stated: Stated, engine: CountingEngine) -> Stated:
    """Return a store with another engine on the same tables."""
    tables = replace(stated.tables, engine=engine)
    return Stated(tables, stated.signers, stated.prefix, stated.batches, stated.statements)


DEFINITIONS: dict[str, tuple[str, ...]] = {
    "a computed column may be empty": (
        "ALTER TABLE audit_logs MODIFY COLUMN `__otel_materialized_k8s.pod.name` Nullable(String)",
    ),
    "a column is an enumeration": ("ALTER TABLE audit_logs MODIFY COLUMN Outcome Enum8('success' = 1, '' = 2)",),
    "a column is computed by who asks": (
        "ALTER TABLE audit_logs DROP COLUMN ActorType",
        "ALTER TABLE audit_logs ADD COLUMN ActorType String ALIAS if(currentUser() = 'default', 'user', 'other')",
    ),
    "a column is gone": ("ALTER TABLE audit_logs DROP COLUMN Outcome",),
    "the keys of a map are plain strings": ("ALTER TABLE otel_logs MODIFY COLUMN LogAttributes Map(String, String)",),
    "a view": ("RENAME TABLE audit_logs TO aside", "CREATE VIEW audit_logs AS SELECT * FROM aside"),
    "a view with all columns": (
        "RENAME TABLE audit_logs TO aside",
        "CREATE VIEW audit_logs AS SELECT *, "
        + ", ".join(
            f"`__otel_materialized_{name}`"
            for name in (
                *(f"k8s.{part}.name" for part in ("cluster", "container", "deployment", "namespace", "node", "pod")),
                "k8s.pod.uid",
                "deployment.environment.name",
            )
        )
        + " FROM aside",
    ),
    "a merge of tables": (
        "RENAME TABLE audit_logs TO aside",
        "CREATE TABLE audit_logs AS aside ENGINE = Merge(currentDatabase(), '^aside$')",
    ),
    "a table in memory": (
        "CREATE TABLE aside ENGINE = Memory AS SELECT * FROM audit_logs",
        "EXCHANGE TABLES aside AND audit_logs",
    ),
    "no table of records": ("DROP TABLE audit_logs SYNC",),
    "no table of hashes": ("DROP TABLE log_tiles SYNC",),
    "no table of statements": ("DROP TABLE log_statements SYNC",),
    "no table of batches": ("DROP TABLE log_batches SYNC",),
    "hashes in numbers": ("ALTER TABLE log_tiles MODIFY COLUMN Sequence Int64",),
    "a batch ID in text": ("ALTER TABLE log_tiles MODIFY COLUMN BatchId String",),
    "rows that expire": ("ALTER TABLE audit_logs MODIFY TTL toDateTime(IngestedAt) + INTERVAL 100 YEAR",),
}


@pytest.mark.parametrize("within", [RANGES["whole"], RANGES["since"]], ids=["whole", "since"])
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_another_definition_of_a_table_is_named_and_the_rest_is_verified(
    stated: Stated, definition: str, within: dict[str, int]
) -> None:
    stated.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 100)}")
    stated.touch(*TABLES)
    try:
        stated.tamper(*DEFINITIONS[definition])
        found = verified(stated, **within)
        assert [finding for finding in found if finding.leaf_index != 100], "the definition is a finding"
        if definition != "no table of batches":  # without it nobody knows what was signed
            # Without the hashes of the log nobody knows which record of the batch was changed.
            batch = stated.batch_of(OPERATIONAL, 100).sequence
            of_batch = [
                finding for finding in found if (finding.origin, finding.sequence) == (OPERATIONAL.origin, batch)
            ]
            assert {pb.FindingKind.Name(finding.kind) for finding in of_batch} == {"RECORD_CHANGED"}, "it is verified"
    finally:
        for table in ("aside", *TABLES):
            stated.engine.execute(f"DROP TABLE IF EXISTS {table} SYNC")


EMPTIED: dict[str, tuple[str, ...]] = {
    "all tables": tuple(f"TRUNCATE TABLE {table}" for table in TABLES),
    "one log": tuple(f"ALTER TABLE {table} DELETE WHERE LogId = '{AUDIT.log_id}'" for table in TABLES),
    "all but the records": tuple(f"TRUNCATE TABLE {table}" for table in TABLES[3:]),
    "batches": ("TRUNCATE TABLE log_batches",),
}


@pytest.mark.parametrize("emptied", EMPTIED.values(), ids=EMPTIED)
@pytest.mark.parametrize("within", RANGES.values(), ids=RANGES)
def test_a_log_that_was_wiped_is_named_by_who_kept_a_checkpoint(
    stated: Stated, emptied: tuple[str, ...], within: dict[str, int]
) -> None:
    kept = [stated.batches[AUDIT][2].checkpoint, stated.statement(AUDIT, 2).note]
    stated.tamper(*emptied)
    for note in kept:
        assert stated.findings(note, since=within.get("since"), until=within.get("until")), within


def test_junk_before_a_logs_first_batches_does_not_make_it_a_log_of_nobody(stated: Stated) -> None:
    # If there are too many names, only logs with something valid count: batches, or the log's statements.
    stated.tamper(
        *(copy("log_batches", batch_row(stated.batches[AUDIT][2]), Sequence=0, BatchId=NO_ID) for _ in range(5))
    )
    few = {(finding.kind, finding.sequence) for finding in stated.findings()}
    many = {(finding.kind, finding.sequence) for finding in stated.findings(limits=ReadLimits(logs=1))}
    assert few == many == {(Kind.BATCH_ALTERED, 0)}
