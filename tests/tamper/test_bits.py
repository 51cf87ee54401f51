"""One bit is flipped in each column of each table: each is one finding, that names what was changed.

Many bits are flipped at once, each in a row of its own, and all findings are told: none hides another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import ne
from uuid import UUID

import pytest

from server.notary.errors import MalformedError
from server.notary.findings import Finding
from server.notary.findings import FindingKind as Kind
from server.notary.note import parse_note
from storage.schema import (
    BATCH_COLUMNS,
    RECORD_TABLES,
    STATEMENT_COLUMNS,
    TILE_COLUMNS,
    TableColumn,
    record_columns,
)
from tests.tamper.bits import FLIPS, Flip
from tests.tamper.stated import KEYS, LAST, TIMESTAMPED, WITNESSED, Stated
from tests.tamper.store import AUDIT, OPERATIONAL, batch_row, row, statement_row

NAMES = (OPERATIONAL, AUDIT)
# Of the sorting and the partition key: no UPDATE.
KEY_COLUMNS = {
    "otel_logs": ("Timestamp", "ServiceName", "IngestedAt"),
    "audit_logs": ("Timestamp", "ServiceName", "IngestedAt"),
    "log_batches": ("LogId", "Sequence"),
    "log_tiles": ("LogId", "Level", "TileIndex", "Offset"),
    "log_statements": ("LogId", "Number"),
}
# All bits with the embedded engine, some with the server's.
EVERY_FLIP = pytest.mark.parametrize(
    ("written", "flip"),
    [*(("embedded", flip) for flip in FLIPS), ("server", FLIPS[0]), ("server", FLIPS[-1])],
    indirect=["written"],
    ids=str,
)
SAMPLE = ("LogId", "TreeSize", "IngestedAt", "RootHash", "Checkpoint")
EVERY_COLUMN = pytest.mark.parametrize(
    ("written", "column"),
    [
        *(("embedded", column) for column in BATCH_COLUMNS),
        *(("server", column) for column in BATCH_COLUMNS if column.name in SAMPLE),
    ],
    indirect=["written"],
    ids=lambda value: value.name if isinstance(value, TableColumn) else value,
)


@dataclass(frozen=True, slots=True)
class Change:
    """A bit of one column in one row, which an SQL condition names."""

    where: str
    column: TableColumn
    flip: Flip

    @property
    def value(self) -> str:
        """The flipped value."""
        return self.flip.of(f"`{self.column.name}`", self.column.type)


def flip_bits(store: Stated, table: str, changes: Sequence[Change]) -> None:
    """Flip bits, each in a row of its own."""
    updated = [change for change in changes if change.column.name not in KEY_COLUMNS[table]]
    if updated:
        values = ", ".join(f"`{column}` = {value}" for column, value in _values(updated).items())
        store.tamper(f"ALTER TABLE {table} UPDATE {values} WHERE {_any_of(updated)}")
    moved = [change for change in changes if change not in updated]
    if moved:
        replaced = ", ".join(f"{value} AS `{column}`" for column, value in _values(moved).items())
        store.tamper(
            f"ALTER TABLE {table} DELETE WHERE {_any_of(moved)}",
            # The subquery, because conditions would see the replaced columns.
            f"INSERT INTO {table} SELECT * REPLACE({replaced}) "
            f"FROM (SELECT * FROM {store.prefix}_{table} WHERE {_any_of(moved)})",
        )


def _any_of(changes: Sequence[Change]) -> str:
    return " OR ".join(f"({change.where})" for change in changes)


def _values(changes: Sequence[Change]) -> dict[str, str]:
    """Return by column what its values become."""
    cases: defaultdict[str, str] = defaultdict(str)
    for change in changes:
        cases[change.column.name] += f"{change.where}, {change.value}, "
    return {column: f"multiIf({some}`{column}`)" for column, some in cases.items()}


def assert_found(found: Sequence[Finding], expected: Collection[tuple[Kind, str, UUID | None, int | None]]) -> None:
    """Check what findings name: kind, log, batch and leaf."""
    got = [(finding.kind, finding.log_id, finding.batch_id, finding.leaf_index) for finding in found]
    assert sorted(got, key=str) == sorted(expected, key=str), [finding.message for finding in found]


@EVERY_FLIP
def test_a_bit_in_any_column_of_a_record_is_a_changed_record(stated: Stated, flip: Flip) -> None:
    expected = []
    for name in NAMES:
        leaves = {column: 10 + 2 * number for number, column in enumerate(record_columns(name.stream))}
        flip_bits(stated, RECORD_TABLES[name.stream], [Change(row(name, leaf), c, flip) for c, leaf in leaves.items()])
        for column, leaf in leaves.items():
            kind, at = Kind.RECORD_CHANGED, leaf
            if column.name == "LeafIndex":
                kind, at = Kind.RECORD_REORDERED, leaf ^ (1 << 63 if flip.high else 1)
            expected.append((kind, name.log_id, stated.batch_of(name, leaf).batch_id, at))
    assert_found(stated.findings(), expected)


@EVERY_COLUMN
def test_a_bit_in_any_column_of_a_batch_is_an_altered_batch(stated: Stated, column: TableColumn) -> None:
    for places, flips in (((0, 2, 4, 7), FLIPS[:4]), ((1, 3, 6), FLIPS[-3:])):  # no neighbours
        batches = [
            (stated.batches[name][place], flip) for name in NAMES for place, flip in zip(places, flips, strict=True)
        ]
        flip_bits(stated, "log_batches", [Change(batch_row(batch), column, flip) for batch, flip in batches])
        found = stated.findings()
        assert len(found) == len(batches), found
        for batch, flip in batches:
            right = (batch.log_id, batch.origin, batch.batch_id, batch.sequence)
            # All that the row says is named as it says it, but for what was flipped.
            kinds = [
                finding.kind
                for finding in found
                if sum(map(ne, right, (finding.log_id, finding.origin, finding.batch_id, finding.sequence))) <= 1
            ]
            renamed = column.name == "Checkpoint" and names_another_key(batch.checkpoint, flip)
            assert kinds == [Kind.BATCH_FOREIGN_SIGNED if renamed else Kind.BATCH_ALTERED], batch
        stated.restore()


def names_another_key(note: str, flip: Flip) -> bool:
    """Tell whether a flipped bit is one of the key's name in a note's signature line, or of its ID."""
    flipped = bytearray(note.encode())
    flipped[{"first": 0, "middle": (len(flipped) + 1) // 2 - 1, "last": -1}[flip.byte]] ^= 128 if flip.high else 1
    try:
        new = parse_note(flipped.decode(errors="replace"))
    except MalformedError:
        return False
    old = parse_note(note)
    return new.text == old.text and new.signatures[0].signature == old.signatures[0].signature


@EVERY_FLIP
def test_a_bit_in_any_column_of_the_trees_hashes_is_an_altered_tile(stated: Stated, flip: Flip) -> None:
    changes, expected = [], []
    for name in NAMES:
        for batch, column in zip(stated.batches[name], TILE_COLUMNS, strict=False):
            first = f"Level = 0 AND Offset = {batch.first_leaf % 256}"
            where = f"LogId = '{name.log_id}' AND BatchId = toUUID('{batch.batch_id}') AND {first}"
            changes.append(Change(where, column, flip))
            expected.append((Kind.TILE_ALTERED, name.log_id, batch.batch_id, None))
    flip_bits(stated, "log_tiles", changes)
    assert_found(stated.findings(), expected)


@EVERY_FLIP
def test_a_bit_in_any_column_of_a_statement_is_an_altered_statement(stated: Stated, flip: Flip) -> None:
    rows = dict(zip((c.name for c in STATEMENT_COLUMNS), (KEYS, 2, LAST, 7, 1, WITNESSED[0], TIMESTAMPED), strict=True))
    changes = [
        Change(statement_row(name, rows[column.name]), column, flip) for name in NAMES for column in STATEMENT_COLUMNS
    ]
    flip_bits(stated, "log_statements", changes)
    found = [(finding.kind, finding.log_id, finding.sequence) for finding in stated.findings()]
    expected = [(Kind.STATEMENT_ALTERED, name.log_id, number) for name in NAMES for number in rows.values()]
    assert sorted(found, key=str) == sorted(expected, key=str)
