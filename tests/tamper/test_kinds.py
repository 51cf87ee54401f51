"""Kinds of changes that need no key, each in several forms: all are named, by every way to verify, in every range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.notary.batch import Batch, compute_batch_id
from server.notary.origin import LogName
from storage.commit import insert_batches
from storage.schema import RECORD_TABLES
from tests.tamper.routes import EVERYTHING, RANGES, verified
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, TABLES, batch_row, row
from tests.tamper.test_matrix import copy

DAY = 86_400 * SECOND
NO_ID = "toUUID('00000000-0000-0000-0000-000000000007')"

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
