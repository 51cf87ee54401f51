"""Every column of a span, what becomes of spans and batches, and the table itself: verification tells each change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.notary.findings import Finding, FindingKind
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.verification.scope import Scope, Summary
from server.verification.verification import verify
from storage.schema import TableColumn, record_columns
from tests.log.writers import begin_log
from tests.tamper.complete import answer
from tests.tamper.store import NEXT_DAY, SECOND, SPANS, START, TABLES, Store, Tables, batch_row, row

_SIZES = (1, 300, 4)
_LEAF = 230  # in the middle of a batch
_KEY_COLUMNS = ("Timestamp", "ServiceName", "SpanName", "IngestedAt")  # of the sorting and the partition key: no UPDATE
_NESTED = ("Events", "Links")
COLUMNS = record_columns(Stream.SPANS)


def write_spans(tables: Tables) -> Store:
    """Write a store with one log of spans."""
    for table in TABLES:
        tables.engine.execute(f"TRUNCATE TABLE {table}")
    store = Store(tables, (Signer.generate(),), "spans")
    begin_log(tables.engine, tables.journal, SPANS, store.signers[0], START / SECOND)
    store.batches[SPANS] = [
        store.write(SPANS, size, ingested_at=(NEXT_DAY if number == 2 else START) + number * SECOND)
        for number, size in enumerate(_SIZES)
    ]
    tables.keep(store.prefix)
    return store


@pytest.fixture(scope="module")
def written_spans(written: Store) -> Store:
    return write_spans(written.tables)


@pytest.fixture
def store(written_spans: Store) -> Iterator[Store]:
    written_spans.restore()
    try:
        yield written_spans
    finally:
        written_spans.restore()


def change(store: Store, column: str, value: str) -> None:
    """Change one column of one span."""
    where = row(SPANS, _LEAF)
    if column in _KEY_COLUMNS:
        store.tamper(
            f"ALTER TABLE otel_traces DELETE WHERE {where}",
            f"INSERT INTO otel_traces SELECT * REPLACE({value} AS {column}) "
            f"FROM (SELECT * FROM {store.prefix}_otel_traces WHERE {where})",
        )
    else:
        store.tamper(f"ALTER TABLE otel_traces UPDATE `{column}` = {value} WHERE {where}")


def other_value(column: TableColumn) -> str:
    """Return SQL of a value of a column's type that the span has not."""
    name, kind = f"`{column.name}`", column.type
    last = f"arrayResize({name}, length({name}) - 1)"
    by_kind = {
        "UUID": "toUUID('00000000-0000-0000-0000-000000000007')",
        "Array(String)": f"arrayPushBack({last}, 'x')",
        "Array(LowCardinality(String))": f"arrayPushBack({last}, 'x')",
        "Array(DateTime64(9))": f"arrayPushBack({last}, fromUnixTimestamp64Nano(7))",
    }
    if kind in by_kind:
        return by_kind[kind]
    if kind.startswith("Array(Map"):
        return f"arrayPushBack({last}, mapUpdate({name}[-1], map('b', 'x')))"
    if kind.startswith("Map"):
        return f"mapUpdate({name}, map('b', 'x'))"
    if kind.startswith("DateTime64"):
        return f"fromUnixTimestamp64Nano(toUnixTimestamp64Nano({name}) + 1)"
    return f"{name} + 1" if kind.startswith("UInt") else "'x'"


def assert_changed(store: Store) -> None:
    finding = store.only()
    batch = store.batch_of(SPANS, _LEAF)
    assert finding.kind is FindingKind.RECORD_CHANGED
    assert (finding.origin, finding.batch_id, finding.leaf_index) == (SPANS.origin, batch.batch_id, _LEAF)


def test_complete_answers_have_all_spans_or_say_which_are_missing(store: Store) -> None:
    every = [(SPANS.origin, leaf) for leaf in range(sum(_SIZES))]
    assert (whole := answer(store.reader, store.keys, "", "spans")).leaves == every
    assert whole.summary.complete
    assert answer(store.reader, store.keys, "status:Error kind:Server duration:250000000", "spans").leaves == every
    assert answer(store.reader, store.keys, f"trace:{_LEAF + 1:032x}", "spans").leaves == [(SPANS.origin, _LEAF)]
    store.tamper(f"ALTER TABLE otel_traces DELETE WHERE {row(SPANS, _LEAF)}")
    found = answer(store.reader, store.keys, f"trace:{_LEAF + 1:032x}", "spans")
    assert (found.leaves, found.summary.complete) == ([], False)
    assert [finding.leaf_index for finding in found.findings] == [_LEAF]


def test_spans_that_nobody_touched_are_verified(store: Store) -> None:
    *steps, summary = verify(store.reader, store.keys, Scope())
    assert [step for step in steps if isinstance(step, Finding)] == []
    assert isinstance(summary, Summary)
    assert (summary.logs, summary.batches, summary.records) == (1, len(_SIZES), sum(_SIZES))


@pytest.mark.parametrize("column", [c for c in COLUMNS if c.name != "LeafIndex"], ids=lambda column: column.name)
def test_a_change_of_any_column_of_a_span_is_a_changed_record(store: Store, column: TableColumn) -> None:
    change(store, column.name, other_value(column))
    assert_changed(store)


@pytest.mark.parametrize("name", ["Events.Attributes", "Links.Attributes"])
def test_the_order_in_which_a_map_within_an_array_is_stored_is_no_content(store: Store, name: str) -> None:
    turned = "mapFromArrays(arrayReverse(mapKeys(m)), arrayReverse(mapValues(m)))"
    change(store, name, f"arrayMap(m -> {turned}, `{name}`)")
    assert store.findings() == []
    # But readers see the first of the values of a key.
    double = "mapFromArrays(['a', 'a'], ['{}', '{}'])"
    for one, other in (("1", "2"), ("2", "1")):
        change(store, name, f"arrayMap(m -> {double.format(one, other)}, `{name}`)")
        assert_changed(store)


@pytest.mark.parametrize("array", _NESTED)
def test_an_element_less_or_more_is_a_changed_record(store: Store, array: str) -> None:
    columns = [column.name for column in COLUMNS if column.name.startswith(f"{array}.")]
    for changed in ("arrayPopBack({0})", "arrayConcat({0}, {0})", "arrayReverse({0})"):
        values = ", ".join(f"`{name}` = {changed.format(f'`{name}`')}" for name in columns)
        store.tamper(f"ALTER TABLE otel_traces UPDATE {values} WHERE {row(SPANS, _LEAF)}")
        if array == "Events" or "Reverse" not in changed:  # both links are the same
            assert_changed(store)
        store.restore()


def test_spans_that_are_deleted_inserted_or_moved_are_named(store: Store) -> None:
    where = row(SPANS, _LEAF)
    span = f"FROM (SELECT * FROM otel_traces WHERE {where})"
    for statement, kind in (
        (f"ALTER TABLE otel_traces DELETE WHERE {where}", FindingKind.RECORD_MISSING),
        (f"INSERT INTO otel_traces SELECT * {span}", FindingKind.RECORD_DUPLICATED),
        (
            f"INSERT INTO otel_traces SELECT * REPLACE('forged' AS StatusMessage) {span}",
            FindingKind.RECORD_INSERTED,
        ),
        (
            f"INSERT INTO otel_traces SELECT * REPLACE('ffffffffffffffff' AS LogId) {span}",
            FindingKind.RECORDS_UNSIGNED,
        ),
    ):
        store.tamper(statement)
        assert store.only().kind is kind
        store.restore()


def test_spans_that_a_collector_wrote_are_no_finding(store: Store) -> None:
    store.tamper("INSERT INTO otel_traces (Timestamp, TraceId, SpanName) VALUES (now64(9), 'ab', 'of a Collector')")
    assert store.findings() == []
    # But one that was signed, and now pretends to be such a span, is missing where it was.
    nothing = "LogId = '', BatchId = toUUID('00000000-0000-0000-0000-000000000000'), LeafIndex = 0"
    store.tamper(f"ALTER TABLE otel_traces UPDATE {nothing} WHERE {row(SPANS, _LEAF)}")
    assert_changed(store)


def test_a_batch_of_spans_that_claims_a_version_that_no_span_has_is_altered(store: Store) -> None:
    batch = store.batches[SPANS][1]
    store.tamper(f"ALTER TABLE log_batches UPDATE CanonicalVersion = 1 WHERE {batch_row(batch)}")
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (FindingKind.BATCH_ALTERED, batch.batch_id)


def test_a_changed_definition_of_the_table_is_named(store: Store) -> None:
    store.tamper("ALTER TABLE otel_traces ADD COLUMN Extra String DEFAULT 'x'")
    finding = store.only()
    assert finding.kind is FindingKind.TABLE_ALTERED
    assert "the column Extra of otel_traces was added" in finding.message
