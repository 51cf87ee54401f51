"""Every kind of change of rows, batches and whole logs, in both streams at once: each is told once and named right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from server.notary.batch import Batch, LogState, compute_batch_id
from server.notary.checkpoint import open_checkpoint, sign_checkpoint
from server.notary.findings import FindingKind as Kind
from server.notary.merkle import CompactRange
from server.notary.origin import LogName
from server.notary.signers import Signer
from server.notary.statement import open_statement, sign_statement
from storage.commit import insert_batches
from storage.schema import RECORD_TABLES
from storage.statements import insert_statement
from tests.tamper.stated import LAST, Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, batch_row, row, statement_row

STRANGER = Signer.generate()
NAMES = (OPERATIONAL, AUDIT)
PLACE = {OPERATIONAL: 1, AUDIT: 2}  # of the batch that most is done to: each log's largest
NO_ID = "toUUID('00000000-0000-0000-0000-000000000007')"

Change = Callable[[Stated, LogName], object]


def of(batch: Batch) -> str:
    return f"BatchId = toUUID('{batch.batch_id}')"


def batch_of(stated: Stated, name: LogName) -> Batch:
    return stated.batches[name][PLACE[name]]


def next_of(stated: Stated, name: LogName) -> Batch:
    return stated.batches[name][PLACE[name] + 1]


def copy(table: str, where: str, **columns: object) -> str:
    """Return the SQL that inserts a copy of rows in which columns are replaced."""
    # The subquery, because WHERE would see the replaced columns.
    replaced = ", ".join(f"{value} AS {column}" for column, value in columns.items())
    source = f"SELECT * REPLACE({replaced})" if replaced else "SELECT *"
    return f"INSERT INTO {table} {source} FROM (SELECT * FROM {table} WHERE {where})"


def record(statement: str) -> Change:
    """Run SQL on a log's table of records; ``leaf`` and ``batch`` are a record, ``other`` the next batch."""

    def change(stated: Stated, name: LogName) -> None:
        batch = batch_of(stated, name)
        leaf = batch.first_leaf + 1
        table, log = RECORD_TABLES[name.stream], f"LogId = '{name.log_id}'"
        other = f"toUUID('{next_of(stated, name).batch_id}')"
        if statement.startswith(("ALTER", "DELETE")):
            stated.tamper(statement.format(table=table, log=log, leaf=leaf, after=leaf + 1, sum=2 * leaf + 1))
        else:
            columns = dict(pair.split("=") for pair in statement.split())
            stated.tamper(
                copy(table, row(name, leaf), **{key: value.format(other=other) for key, value in columns.items()})
            )

    return change


def put_batch(number: int | None, *, keep: bool, signer: Signer | None = None) -> Change:
    """Store a batch's row under another number, or signed by another key, beside its own or in its place."""

    def change(stated: Stated, name: LogName) -> None:
        batch = batch_of(stated, name)
        new = replace(batch, sequence=number or batch.sequence)
        if signer is not None:
            new = replace(new, checkpoint=str(sign_checkpoint(open_checkpoint(batch.checkpoint)[0], signer)))
        if not keep:
            stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}")
        stated.touch("log_batches")
        insert_batches(stated.engine, [replace(new, batch_id=compute_batch_id(new))])

    return change


def append_batch(signer: Signer, *, fork: bool) -> Change:
    """Append a batch where the log ends; or where it ended earlier, as a second server of that name would."""

    def change(stated: Stated, name: LogName) -> None:
        stated.touch("log_batches", "log_tiles", RECORD_TABLES[name.stream])
        earlier = stated.batches[name][-1]
        state = CompactRange.from_bytes(earlier.first_leaf, earlier.frontier)
        stated.write(
            name,
            9,
            ingested_at=NEXT_DAY + 60 * SECOND,
            signer=signer,
            state=LogState(name, earlier.sequence - 1, state) if fork else None,
        )

    return change


def swap_batches(stated: Stated, name: LogName) -> None:
    one, other = batch_of(stated, name), next_of(stated, name)
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(one)} OR {batch_row(other)}")
    for batch, number in ((one, other.sequence), (other, one.sequence)):
        moved = replace(batch, sequence=number)
        insert_batches(stated.engine, [replace(moved, batch_id=compute_batch_id(moved))])


def swap_hashes(stated: Stated, name: LogName) -> None:
    one, other = batch_of(stated, name), next_of(stated, name)
    stated.tamper(
        f"ALTER TABLE log_tiles UPDATE BatchId = if({of(one)}, toUUID('{other.batch_id}'), toUUID('{one.batch_id}')) "
        f"WHERE {of(one)} OR {of(other)}"
    )


def put_statement(number: int | None, *, keep: bool, signer: Signer | None = None) -> Change:
    """Store statement 2 under another number, or signed by another key, beside its own or in its place."""

    def change(stated: Stated, name: LogName) -> None:
        old = stated.statement(name, 2)
        new = sign_statement(open_statement(old.note)[0], [signer]) if signer else old
        if not keep:
            stated.tamper(f"ALTER TABLE log_statements DELETE WHERE {statement_row(name, 2)}")
        stated.touch("log_statements")
        insert_statement(stated.engine, replace(new, number=number or new.number))

    return change


def swap_statements(stated: Stated, name: LogName) -> None:
    one, other = stated.statement(name, 2), stated.statement(name, 3)
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE LogId = '{name.log_id}' AND Number IN (2, 3)")
    for statement, number in ((one, 3), (other, 2)):
        insert_statement(stated.engine, replace(statement, number=number))


def sql(statement: str) -> Change:
    """Run SQL; ``batch`` and ``next`` are conditions for rows of two batches, ``statement`` for one of statement 2."""

    def change(stated: Stated, name: LogName) -> None:
        batch = batch_of(stated, name)
        first = f"{of(batch)} AND Level = 0 AND Offset = {batch.first_leaf % 256}"
        stated.tamper(statement.format(batch=batch_row(batch), hashes=first, statement=statement_row(name, 2)))

    return change


def roll_back(stated: Stated, name: LogName) -> None:
    for batch in stated.batches[name][5:]:
        for table in ("log_batches", "log_tiles", RECORD_TABLES[name.stream]):
            stated.tamper(f"ALTER TABLE {table} DELETE WHERE {of(batch)}")
    stated.tamper(f"ALTER TABLE log_statements DELETE WHERE LogId = '{name.log_id}' AND Number > 5")


def rewrite(stated: Stated, name: LogName) -> None:
    for table in ("log_batches", "log_tiles", RECORD_TABLES[name.stream]):
        stated.tamper(f"ALTER TABLE {table} DELETE WHERE LogId = '{name.log_id}'")
    size = stated.batches[name][-1].tree_size
    stated.write(name, size, ingested_at=NEXT_DAY, state=LogState(name))


def copied(table: str, where: str, **columns: object) -> Change:
    return sql(copy(table, where, **columns))


MATRIX: dict[str, tuple[Change, dict[Kind, int]]] = {
    "record deleted": (
        record("ALTER TABLE {table} DELETE WHERE {log} AND LeafIndex = {leaf}"),
        {Kind.RECORD_MISSING: 1},
    ),
    "record inserted": (record("Body='new'"), {Kind.RECORD_INSERTED: 1}),
    "records swapped": (
        record(
            "ALTER TABLE {table} UPDATE LeafIndex = {sum} - LeafIndex WHERE {log} AND LeafIndex IN ({leaf}, {after})"
        ),
        {Kind.RECORD_REORDERED: 2},
    ),
    "record duplicated": (record("LeafIndex=LeafIndex"), {Kind.RECORD_DUPLICATED: 1}),
    "record replayed in another batch": (record("BatchId={other}"), {Kind.RECORD_INSERTED: 1}),
    "record inserted under no batch": (record(f"Body='new' BatchId={NO_ID}"), {Kind.RECORDS_UNSIGNED: 1}),
    "batch dropped": (sql("ALTER TABLE log_batches DELETE WHERE {batch}"), {Kind.BATCH_MISSING: 1}),
    "batch appended by a stranger": (append_batch(STRANGER, fork=False), {Kind.BATCH_FOREIGN_SIGNED: 1}),
    "batches swapped": (swap_batches, {Kind.BATCH_ALTERED: 2}),
    "batch duplicated": (copied("log_batches", "{batch}"), {Kind.BATCH_DUPLICATED: 1}),
    "batch replayed": (put_batch(99, keep=True), {Kind.BATCH_DUPLICATED: 1}),
    "batch renumbered": (put_batch(99, keep=False), {Kind.BATCH_ALTERED: 1}),
    "batch signed again": (put_batch(None, keep=False, signer=STRANGER), {Kind.BATCH_FOREIGN_SIGNED: 1}),
    "hashes deleted": (sql("ALTER TABLE log_tiles DELETE WHERE {hashes}"), {Kind.TILE_ALTERED: 1}),
    "hashes inserted": (copied("log_tiles", "{hashes}", BatchId=NO_ID, TileIndex=77), {Kind.TILE_ALTERED: 1}),
    "hashes swapped": (swap_hashes, {Kind.TILE_ALTERED: 2}),
    "hashes duplicated": (copied("log_tiles", "{hashes}"), {Kind.TILE_ALTERED: 1}),
    "hashes replayed in another place": (copied("log_tiles", "{hashes}", TileIndex=77), {Kind.TILE_ALTERED: 1}),
    "statement deleted": (sql("ALTER TABLE log_statements DELETE WHERE {statement}"), {Kind.STATEMENT_MISSING: 1}),
    "statement inserted by a stranger": (
        put_statement(None, keep=True, signer=STRANGER),
        {Kind.STATEMENT_FOREIGN_SIGNED: 1},
    ),
    "statements swapped": (swap_statements, {Kind.STATEMENT_ALTERED: 2}),
    "statement duplicated": (copied("log_statements", "{statement}"), {Kind.STATEMENT_DUPLICATED: 1}),
    "statement replayed": (put_statement(99, keep=True), {Kind.STATEMENT_ALTERED: 1}),
    "statement renumbered": (put_statement(99, keep=False), {Kind.STATEMENT_ALTERED: 1}),
    "statement signed again": (put_statement(None, keep=False, signer=STRANGER), {Kind.STATEMENT_FOREIGN_SIGNED: 1}),
    "log rolled back to a backup": (roll_back, {Kind.LOG_TRUNCATED: 1}),
    "log written anew": (rewrite, {Kind.LOG_FORKED: 1}),
}


@pytest.mark.parametrize("what", MATRIX)
def test_each_kind_of_change_is_told_once_and_named_right(stated: Stated, what: str) -> None:
    change, kinds = MATRIX[what]
    for name in NAMES:
        change(stated, name)
    kept = [stated.statement(name, LAST).note for name in NAMES] if what.startswith("log rolled") else []
    found = stated.findings(*kept, keys=stated.keys_of(*stated.signers))
    expected = {(name.log_id, kind): count for name in NAMES for kind, count in kinds.items()}
    assert Counter((finding.log_id, finding.kind) for finding in found) == expected, found


def test_a_fork_by_a_second_server_of_one_name_is_told_once(stated: Stated) -> None:
    for name in NAMES:
        append_batch(stated.signers[1], fork=True)(stated, name)
    found = [(finding.log_id, finding.kind) for finding in stated.findings()]
    assert found == [(name.log_id, Kind.LOG_FORKED) for name in sorted(NAMES, key=lambda name: name.origin)]
