from __future__ import annotations

from dataclasses import replace

import pytest

from lognotary.v1.evidence_pb2 import BATCH_ALTERED, VerifyRequest
from server.api.backend import Backend
from server.notary.batch import Batch, LogState, compute_batch_id
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.findings import FindingKind as Kind
from server.notary.merkle import CompactRange
from server.notary.signers import Signer
from server.verification.read_limits import READ_LIMITS
from storage.commit import insert_batches
from storage.schema import BATCH_COLUMNS
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, Store, batch_row, named, row

CHANGED = {
    "LogId": "'ffffffffffffffff'",
    "Origin": "'shop/operational/node-2'",
    "BatchId": "toUUID('00000000-0000-0000-0000-000000000007')",
    "Sequence": "Sequence + 1000",
    "FirstLeaf": "FirstLeaf + 1",
    "TreeSize": "TreeSize + 1",
    "RecordCount": "RecordCount + 1",
    "MinTimestamp": "MinTimestamp + toIntervalNanosecond(1)",
    "MaxTimestamp": "MaxTimestamp + toIntervalNanosecond(1)",
    "IngestedAt": "IngestedAt + toIntervalDay(1)",
    "RootHash": "unhex(repeat('00', 32))",
    "Frontier": "concat(Frontier, unhex(repeat('00', 32)))",
    "Checkpoint": "concat(Checkpoint, 'x')",
    "CanonicalVersion": "1",
}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# The last character of a signature's base64 stands for 4 bits, and the next in the alphabet for the same.
UNUSED_BIT = (
    "concat(substring(Checkpoint, 1, length(Checkpoint) - 3), "
    f"substring('{_ALPHABET}', position('{_ALPHABET}', substring(Checkpoint, -3, 1)) + 1, 1), '=\\n')"
)
MIDDLE, LAST = 2, 6
OTHER_KEY = Signer.generate()


def replace_rows(store: Store, batch: Batch, *rows: Batch) -> None:
    """Put other rows in the place of a batch's own."""
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}")
    for other in rows:
        insert_batches(store.engine, [other])


def change(store: Store, batch: Batch, column: str, value: str) -> None:
    """Change one column of a batch's row."""
    if column in ("LogId", "Sequence"):  # of the sorting key: no UPDATE
        where = batch_row(batch)
        store.tamper(
            f"INSERT INTO log_batches SELECT * REPLACE({value} AS {column}) "
            f"FROM (SELECT * FROM log_batches WHERE {where})",
            f"ALTER TABLE log_batches DELETE WHERE {where}",
        )
    else:
        store.tamper(f"ALTER TABLE log_batches UPDATE {column} = {value} WHERE {batch_row(batch)}")


def with_id(batch: Batch) -> Batch:
    return replace(batch, batch_id=compute_batch_id(batch))


def test_every_column_is_tampered_with() -> None:
    assert list(CHANGED) == [column.name for column in BATCH_COLUMNS]


@pytest.mark.parametrize("written", ["embedded"], indirect=True)  # on both engines: test_bits
@pytest.mark.parametrize("number", [MIDDLE, LAST], ids=["middle", "last"])
@pytest.mark.parametrize("column", list(CHANGED))
def test_a_changed_column_is_an_altered_batch_whose_records_are_checked_still(
    store: Store, column: str, number: int
) -> None:
    batch = store.batches[OPERATIONAL][number]
    change(store, batch, column, CHANGED[column])
    finding = store.only(batch.checkpoint)
    assert finding.kind is Kind.BATCH_ALTERED
    cannot_be_checked = number == LAST and column == "Checkpoint"  # nothing signed covers them then
    assert ("cannot be checked" in finding.message) == cannot_be_checked
    if not cannot_be_checked:
        store.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, batch.first_leaf)}")
        kinds = [(kind, leaf) for kind, _, leaf in named(store.findings())]
        assert kinds == [(Kind.BATCH_ALTERED, None), (Kind.RECORD_CHANGED, batch.first_leaf)]


@pytest.mark.parametrize(
    "change_of",
    [
        "concat('x', Checkpoint)",
        "replaceOne(Checkpoint, 'node-1', 'node-2')",
        "''",
        "concat(substring(Checkpoint, 1, length(Checkpoint) - 9), 'AAAAAAA=\\n')",
        UNUSED_BIT,
        "replaceOne(Checkpoint, '=\\n\\n', '\\n\\n')",
        "concat(Checkpoint, splitByString('\\n\\n', Checkpoint)[2])",
    ],
    ids=["text", "origin", "empty", "signature", "unused bit", "padding", "signature twice"],
)
def test_any_change_of_a_checkpoint_is_an_altered_batch(store: Store, change_of: str) -> None:
    change(store, store.batches[OPERATIONAL][MIDDLE], "Checkpoint", change_of)
    assert store.only().kind is Kind.BATCH_ALTERED


def test_a_changed_frontier_of_the_right_size_is_an_altered_batch(store: Store) -> None:
    batch = store.batches[OPERATIONAL][MIDDLE]
    change(store, batch, "Frontier", f"unhex('{'00' * len(batch.frontier)}')")
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (Kind.BATCH_ALTERED, batch.batch_id)
    assert "cannot be checked" not in finding.message


def test_two_altered_batches_side_by_side_are_two_findings(store: Store) -> None:
    for number in (2, 3):
        change(store, store.batches[OPERATIONAL][number], "RecordCount", "77")
    assert [(finding.kind, finding.sequence) for finding in store.findings()] == [
        (Kind.BATCH_ALTERED, 3),
        (Kind.BATCH_ALTERED, 4),
    ]


@pytest.mark.parametrize("changes", [{"min_timestamp": 5}, {"max_timestamp": 5}, {"ingested_at": 5}, {"sequence": 99}])
@pytest.mark.parametrize("number", [0, MIDDLE, LAST], ids=["first", "middle", "last"])
def test_a_row_that_was_made_consistent_again_is_an_altered_batch(
    store: Store, changes: dict[str, int], number: int
) -> None:
    batch = store.batches[OPERATIONAL][number]
    replace_rows(store, batch, with_id(replace(batch, **changes)))  # type: ignore[arg-type]
    finding = store.only()
    assert (finding.kind, finding.origin) == (Kind.BATCH_ALTERED, OPERATIONAL.origin)


@pytest.mark.parametrize("number", [0, MIDDLE, 5], ids=["first", "middle", "last but one"])
def test_a_deleted_batch_is_missing(store: Store, number: int) -> None:
    batch = store.batches[OPERATIONAL][number]
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}")
    finding = store.only()
    assert (finding.kind, finding.origin, finding.sequence) == (Kind.BATCH_MISSING, OPERATIONAL.origin, number + 1)
    assert finding.record_count == batch.record_count
    assert "unchanged" in finding.message
    store.tamper(f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, batch.first_leaf)}")
    assert "not all of these records can be checked" in store.only().message


def test_deleted_batches_side_by_side_are_one_finding(store: Store) -> None:
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE LogId = '{OPERATIONAL.log_id}' AND Sequence IN (2, 3, 4)")
    finding = store.only()
    assert (finding.kind, finding.sequence, finding.record_count) == (Kind.BATCH_MISSING, 2, 301)


def test_a_batch_deleted_with_all_that_belongs_to_it_is_one_finding(store: Store) -> None:
    batch = store.batches[OPERATIONAL][MIDDLE]
    for table in ("log_batches", "otel_logs", "log_tiles"):
        store.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    finding = store.only()
    assert (finding.kind, finding.sequence) == (Kind.BATCH_MISSING, MIDDLE + 1)


@pytest.mark.parametrize("number", [0, MIDDLE, LAST], ids=["first", "middle", "last"])
def test_a_doubled_row_is_a_duplicated_batch(store: Store, number: int) -> None:
    batch = store.batches[OPERATIONAL][number]
    store.tamper(f"INSERT INTO log_batches SELECT * FROM log_batches WHERE {batch_row(batch)}")
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (Kind.BATCH_DUPLICATED, batch.batch_id)


@pytest.mark.parametrize("sequence", [1, 4, 99])
def test_a_row_replayed_under_another_number_is_an_altered_batch(store: Store, sequence: int) -> None:
    batch = store.batches[OPERATIONAL][MIDDLE]
    store.tamper(
        f"INSERT INTO log_batches SELECT * REPLACE({sequence} AS Sequence) "
        f"FROM (SELECT * FROM log_batches WHERE {batch_row(batch)})"
    )
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (Kind.BATCH_ALTERED, batch.batch_id)


@pytest.mark.parametrize("sequence", [1, 4, 99])
def test_a_row_replayed_under_another_number_and_id_is_a_duplicated_batch(store: Store, sequence: int) -> None:
    store.touch("log_batches")
    replayed = with_id(replace(store.batches[OPERATIONAL][MIDDLE], sequence=sequence))
    insert_batches(store.engine, [replayed])
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (Kind.BATCH_DUPLICATED, replayed.batch_id)


def test_batches_that_changed_numbers_are_both_altered(store: Store) -> None:
    one, other = store.batches[OPERATIONAL][2:4]
    for batch, number in ((one, 99), (other, 3), (replace(one, sequence=99), 4)):
        change(store, batch, "Sequence", str(number))
    assert [finding.kind for finding in store.findings()] == 2 * [Kind.BATCH_ALTERED]


@pytest.mark.parametrize("number", [0, MIDDLE, LAST], ids=["first", "middle", "last"])
def test_a_batch_signed_again_with_another_key_is_foreign_signed(store: Store, number: int) -> None:
    batch = store.batches[OPERATIONAL][number]
    note = sign_checkpoint(Checkpoint(batch.origin, batch.tree_size, batch.root_hash), OTHER_KEY)
    replace_rows(store, batch, with_id(replace(batch, checkpoint=str(note))))
    finding = store.only()
    assert (finding.kind, finding.sequence) == (Kind.BATCH_FOREIGN_SIGNED, number + 1)
    assert ("cannot be checked" in finding.message) == (number == LAST)


def test_a_batch_appended_with_another_key_is_foreign_signed(store: Store) -> None:
    store.touch("log_batches", "log_tiles", "otel_logs")
    batch = store.write(OPERATIONAL, 4, ingested_at=NEXT_DAY + 60 * SECOND, signer=OTHER_KEY)
    finding = store.only()
    assert (finding.kind, finding.batch_id) == (Kind.BATCH_FOREIGN_SIGNED, batch.batch_id)


def state_after(store: Store, number: int) -> LogState:
    """Return where the log stood after a batch, from the frontier of the next."""
    batches = store.batches[OPERATIONAL]
    if number + 1 == len(batches):
        batch = batches[number]
        hashes = store.leaf_hashes(OPERATIONAL, batch)
        before = CompactRange.from_bytes(batch.first_leaf, batch.frontier)
        return LogState(OPERATIONAL, batch.sequence, before.extend(b"".join(hashes))[0])
    after = batches[number + 1]
    return LogState(OPERATIONAL, number + 1, CompactRange.from_bytes(after.first_leaf, after.frontier))


@pytest.mark.parametrize("sizes", [(4,), (1, 5), (300, 50, 2), (900,)], ids=str)
def test_a_second_history_with_the_same_key_is_one_fork(store: Store, sizes: tuple[int, ...]) -> None:
    # As two servers make it that write under one name: both went on from batch 3.
    store.touch("log_batches", "log_tiles", "otel_logs")
    state = state_after(store, 2)
    for size in sizes:
        batch = store.write(OPERATIONAL, size, ingested_at=NEXT_DAY + 60 * SECOND, state=state)
        before = CompactRange.from_bytes(batch.first_leaf, batch.frontier)
        hashes = store.leaf_hashes(OPERATIONAL, batch)
        state = LogState(OPERATIONAL, batch.sequence, before.extend(b"".join(hashes))[0])
    finding = store.only()
    assert (finding.kind, finding.origin, finding.sequence) == (Kind.LOG_FORKED, OPERATIONAL.origin, 4)


def test_a_record_changed_in_a_fork_is_named_too(store: Store) -> None:
    store.touch("log_batches", "log_tiles", "otel_logs")
    batch = store.write(OPERATIONAL, 4, ingested_at=NEXT_DAY + 60 * SECOND, state=state_after(store, 2))
    store.tamper(
        f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 303)} "
        f"AND BatchId = toUUID('{batch.batch_id}')"
    )
    found = named(store.findings())
    assert [kind for kind, _, _ in found] == [Kind.LOG_FORKED, Kind.RECORD_CHANGED]
    assert found[1] == (Kind.RECORD_CHANGED, batch.batch_id, 303)


def test_a_batch_under_another_logs_name_is_altered(store: Store) -> None:
    change(store, store.batches[OPERATIONAL][MIDDLE], "LogId", f"'{AUDIT.log_id}'")
    assert store.only().kind is Kind.BATCH_ALTERED


def test_a_row_of_the_largest_size_stops_no_verification(store: Store) -> None:
    for name in store.batches:
        store.tamper(
            f"INSERT INTO log_batches SELECT * REPLACE(18446744073709551615 AS TreeSize) "
            f"FROM (SELECT * FROM log_batches WHERE {batch_row(store.batches[name][0])})"
        )
    responses = list(Backend(store.engine, store.keys).verify(VerifyRequest()))
    assert [step.finding.kind for step in responses if step.HasField("finding")] == 2 * [BATCH_ALTERED]


def test_many_copies_of_a_row_are_counted(store: Store) -> None:
    store.tamper(
        "INSERT INTO log_batches SELECT * EXCEPT (number) FROM "
        f"(SELECT * FROM log_batches WHERE {batch_row(store.batches[OPERATIONAL][1])}) AS one, "
        "(SELECT number FROM numbers(2000)) AS many"
    )
    found = store.findings()
    assert {finding.kind for finding in found} == {Kind.BATCH_DUPLICATED}
    assert len(found) == READ_LIMITS.told + 1
    assert found[-1].message.startswith(f"{2000 - READ_LIMITS.told} further")
