"""Tampering with statements is found, and statements show tampering with logs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.notary.batch import LogState
from server.notary.findings import FindingKind as Kind
from server.notary.origin import LogName
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, StatementRow, open_statement, sign_statement
from storage.schema import RECORD_TABLES
from storage.statements import insert_statement
from tests.tamper.stated import (
    FIRST_OF_NEW_KEY,
    KEYS,
    LAST,
    TIMESTAMPED,
    WITNESSED,
    Stated,
    cosign,
)
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, Store, statement_row

NAMES = pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])
STRANGER = Signer.generate()
pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # on both engines: test_matrix


def only(stated: Stated, *checkpoints: str) -> tuple[Kind, str, int]:
    """Verify, and return what the only finding names: kind, log and number."""
    finding = stated.only(*checkpoints)
    return finding.kind, finding.log_id, finding.sequence


def delete(stated: Stated, name: LogName, *numbers: int) -> None:
    for number in numbers:
        stated.tamper(f"ALTER TABLE log_statements DELETE WHERE {statement_row(name, number)}")


def insert(stated: Stated, *rows: StatementRow) -> None:
    stated.touch("log_statements")
    for row in rows:
        insert_statement(stated.engine, row)


def put(stated: Stated, name: LogName, number: int, row: StatementRow) -> None:
    """Put another row in the place of a statement's."""
    delete(stated, name, number)
    insert(stated, row)


def truncate(stated: Stated, name: LogName, place: int) -> None:
    """Delete the batches of a log from a place on, with all that belongs to them."""
    for batch in stated.batches[name][place:]:
        for table in ("log_batches", RECORD_TABLES[name.stream], "log_tiles"):
            stated.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")


def said(stated: Stated, name: LogName, number: int) -> Statement:
    return open_statement(stated.statement(name, number).note)[0]


def test_an_untouched_store_gives_no_finding_with_either_key(stated: Stated) -> None:
    for signers in (stated.signers[:1], stated.signers[1:], stated.signers):
        assert stated.findings(keys=stated.keys_of(*signers)) == []


def test_an_untouched_store_gives_no_finding_against_any_of_its_checkpoints_and_statements(stated: Stated) -> None:
    kept = [batch.checkpoint for batches in stated.batches.values() for batch in batches]
    kept += [row.note for rows in stated.statements.values() for row in rows]
    assert stated.findings(*kept, keys=stated.keys_of(*stated.signers)) == []


@NAMES
@pytest.mark.parametrize("number", [1, TIMESTAMPED, 8])
def test_a_deleted_statement_is_missing(stated: Stated, name: LogName, number: int) -> None:
    delete(stated, name, number)
    assert only(stated) == (Kind.STATEMENT_MISSING, name.log_id, number)


def test_a_deleted_last_statement_is_missing_against_one_that_was_kept(stated: Stated, name: LogName) -> None:
    delete(stated, name, LAST)
    assert stated.findings() == []  # nothing stored says that there was more
    kept = stated.statement(name, LAST).note
    finding = stated.only(kept, keys=stated.keys_of(*stated.signers))
    assert (finding.kind, finding.log_id, finding.sequence) == (Kind.STATEMENT_MISSING, name.log_id, LAST)


def test_deleted_statements_side_by_side_are_one_finding(stated: Stated, name: LogName) -> None:
    delete(stated, name, 2, 3, 4)
    assert only(stated) == (Kind.STATEMENT_MISSING, name.log_id, 2)


def test_without_any_statement_a_kept_one_is_missing(stated: Stated, name: LogName) -> None:
    stated.tamper("TRUNCATE TABLE log_statements")
    found = stated.findings(stated.statement(name, LAST).note, keys=stated.keys_of(*stated.signers))
    assert {finding.kind for finding in found} == {Kind.STATEMENT_MISSING}
    assert sorted(finding.log_id for finding in found) == sorted(name.log_id for name in stated.batches)


def test_without_any_statement_each_log_has_a_finding(store: Store) -> None:
    store.tamper("TRUNCATE TABLE log_statements")
    found = store.findings()
    assert {finding.kind for finding in found} == {Kind.STATEMENT_MISSING}
    assert sorted(finding.log_id for finding in found) == sorted(name.log_id for name in store.batches)


@pytest.mark.parametrize("number", [1, KEYS, LAST])
def test_a_doubled_statement_is_duplicated(stated: Stated, name: LogName, number: int) -> None:
    stated.tamper(f"INSERT INTO log_statements SELECT * FROM log_statements WHERE {statement_row(name, number)}")
    assert only(stated) == (Kind.STATEMENT_DUPLICATED, name.log_id, number)


@pytest.mark.parametrize("number", [1, 4, LAST + 1, 99])
def test_a_statement_replayed_under_another_number_is_altered(stated: Stated, name: LogName, number: int) -> None:
    insert(stated, replace(stated.statement(name, 3), number=number))
    assert only(stated) == (Kind.STATEMENT_ALTERED, name.log_id, 3)


@pytest.mark.parametrize("number", [4, 99])
def test_a_renumbered_statement_is_altered(stated: Stated, name: LogName, number: int) -> None:
    put(stated, name, 3, replace(stated.statement(name, 3), number=number))
    assert only(stated) == (Kind.STATEMENT_ALTERED, name.log_id, 3)


def test_statements_that_changed_places_are_both_altered(stated: Stated, name: LogName) -> None:
    one, other = stated.statement(name, 2), stated.statement(name, 3)
    delete(stated, name, 2, 3)
    insert(stated, replace(one, number=3), replace(other, number=2))
    found = [(finding.kind, finding.log_id, finding.sequence) for finding in stated.findings()]
    assert sorted(found, key=str) == [(Kind.STATEMENT_ALTERED, name.log_id, number) for number in (2, 3)]


def test_what_two_statements_are_about_cannot_be_exchanged(stated: Stated, name: LogName) -> None:
    one, other = (stated.statement(name, number) for number in WITNESSED)
    for row, data in ((one, other.data), (other, one.data)):
        put(stated, name, row.number, replace(row, data=data))
    found = [(finding.kind, finding.log_id, finding.sequence) for finding in stated.findings()]
    assert sorted(found, key=str) == [(Kind.STATEMENT_ALTERED, name.log_id, number) for number in WITNESSED]


@pytest.mark.parametrize("number", [2, LAST + 1], ids=["a number that is taken", "the next number"])
def test_a_statement_signed_by_a_stranger_is_foreign_signed(stated: Stated, name: LogName, number: int) -> None:
    statement = Statement(stated.checkpoint(name), number, NEXT_DAY // SECOND, StatementKind.HEARTBEAT)
    insert(stated, sign_statement(statement, [STRANGER]))
    assert only(stated) == (Kind.STATEMENT_FOREIGN_SIGNED, name.log_id, number)


@pytest.mark.parametrize("number", [1, TIMESTAMPED, LAST])
def test_a_statement_signed_again_by_a_stranger_is_foreign_signed(stated: Stated, name: LogName, number: int) -> None:
    row = stated.statement(name, number)
    put(stated, name, number, sign_statement(said(stated, name, number), [STRANGER], row.data))
    assert only(stated) == (Kind.STATEMENT_FOREIGN_SIGNED, name.log_id, number)


@pytest.mark.parametrize("number", [2, LAST], ids=["with the first key", "with the second key"])
def test_a_second_statement_of_a_number_signed_by_the_log_itself_is_a_fork(
    stated: Stated, name: LogName, number: int
) -> None:
    other = replace(said(stated, name, number), time=NEXT_DAY // SECOND + 99)
    insert(stated, sign_statement(other, [stated.signers[number > KEYS]]))
    assert only(stated) == (Kind.LOG_FORKED, name.log_id, number)


def test_a_statement_that_was_replaced_is_a_fork_against_the_one_that_was_kept(stated: Stated, name: LogName) -> None:
    kept = stated.statement(name, LAST).note
    other = replace(said(stated, name, LAST), time=NEXT_DAY // SECOND + 99)
    put(stated, name, LAST, sign_statement(other, stated.signers[1:]))
    assert stated.findings() == []
    finding = stated.only(kept, keys=stated.keys_of(*stated.signers))
    assert (finding.kind, finding.log_id, finding.sequence) == (Kind.LOG_FORKED, name.log_id, LAST)


@pytest.mark.parametrize(("number", "signer"), [(2, 1), (6, 0)], ids=["early", "late"])
def test_a_statement_signed_by_the_logs_other_key_is_foreign_signed(
    stated: Stated, name: LogName, number: int, signer: int
) -> None:
    put(stated, name, number, sign_statement(said(stated, name, number), [stated.signers[signer]]))
    assert only(stated) == (Kind.STATEMENT_FOREIGN_SIGNED, name.log_id, number)


@pytest.mark.parametrize("number", [2, LAST])
def test_a_statement_of_another_log_put_under_this_one_is_altered(stated: Stated, number: int) -> None:
    insert(stated, replace(stated.statement(AUDIT, number), log_id=OPERATIONAL.log_id))
    # It is the other log's still, where it is stored twice now: once altered.
    assert only(stated) == (Kind.STATEMENT_ALTERED, AUDIT.log_id, number)
    put(stated, AUDIT, number, replace(stated.statement(AUDIT, number), log_id=OPERATIONAL.log_id))
    found = [(finding.kind, finding.log_id, finding.sequence) for finding in stated.findings()]
    assert found[:1] == [(Kind.STATEMENT_ALTERED, AUDIT.log_id, number)]


@pytest.mark.parametrize("bit", [1, 2])
def test_bits_of_base64_that_stand_for_nothing_cannot_be_changed(stated: Stated, name: LogName, bit: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    row = stated.statement(name, 2)
    last = row.note[-3]  # before "=" and the newline
    note = f"{row.note[:-3]}{alphabet[alphabet.index(last) ^ bit]}=\n"
    put(stated, name, 2, replace(row, note=note))
    assert only(stated) == (Kind.STATEMENT_ALTERED, name.log_id, 2)


def test_a_signature_that_is_added_to_a_statement_is_altered(stated: Stated, name: LogName) -> None:
    row = stated.statement(name, 2)
    cosignature = cosign(said(stated, name, 2).checkpoint, 1).decode()
    put(stated, name, 2, replace(row, note=row.note + cosignature))
    assert only(stated) == (Kind.STATEMENT_ALTERED, name.log_id, 2)


@NAMES
@pytest.mark.parametrize("place", [0, FIRST_OF_NEW_KEY, 6])
def test_batches_cut_off_at_the_end_are_missed_by_a_statement(stated: Stated, name: LogName, place: int) -> None:
    truncate(stated, name, place)
    finding = stated.only()
    assert (finding.kind, finding.log_id, finding.origin) == (Kind.LOG_TRUNCATED, name.log_id, name.origin)
    before = stated.batches[name][place - 1].tree_size if place else 0
    assert finding.record_count == stated.batches[name][6].tree_size - before  # the last statement is of batch 7


@NAMES
@pytest.mark.parametrize("left", ["log_tiles", "records"])
def test_of_batches_cut_off_in_part_what_is_left_is_no_second_finding(stated: Stated, name: LogName, left: str) -> None:
    kept = "log_tiles" if left == "log_tiles" else RECORD_TABLES[name.stream]
    for batch in stated.batches[name][1:]:
        for table in {"log_batches", RECORD_TABLES[name.stream], "log_tiles"} - {kept}:
            stated.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    assert stated.only().kind is Kind.LOG_TRUNCATED


def test_a_last_batch_cut_off_after_the_last_statement_is_missed_by_none(stated: Stated, name: LogName) -> None:
    truncate(stated, name, 7)
    assert stated.findings() == []
    checkpoint = stated.batches[name][7].checkpoint
    assert stated.only(checkpoint, keys=stated.keys_of(*stated.signers)).kind is Kind.LOG_TRUNCATED


def test_a_history_that_was_replaced_does_not_fit_the_statements(stated: Stated, name: LogName) -> None:
    size = stated.batches[name][-1].tree_size
    truncate(stated, name, 0)
    batch = stated.write(name, size, ingested_at=NEXT_DAY, state=LogState(name), signer=stated.signers[1])
    assert batch.tree_size == size
    finding = stated.only()
    assert (finding.kind, finding.log_id, finding.origin) == (Kind.LOG_FORKED, name.log_id, name.origin)


@NAMES
def test_an_end_that_was_written_anew_does_not_fit_the_statements(stated: Stated, name: LogName) -> None:
    sizes = [batch.record_count for batch in stated.batches[name][6:]]
    truncate(stated, name, 6)
    for number, size in enumerate(sizes):
        stated.write(name, size, ingested_at=NEXT_DAY + (90 + number) * SECOND)
    finding = stated.only()
    assert (finding.kind, finding.log_id, finding.origin) == (Kind.LOG_FORKED, name.log_id, name.origin)


def test_a_whole_storage_rolled_back_to_a_backup_is_missed_by_what_was_kept_only(stated: Stated) -> None:
    for name in stated.batches:
        truncate(stated, name, 6)
        delete(stated, name, LAST)
    keys = stated.keys_of(*stated.signers)
    assert stated.findings() == []
    kept = [rows[-1].note for rows in stated.statements.values()]
    found = stated.findings(*kept, keys=keys)
    assert [(finding.kind, finding.log_id) for finding in found] == [
        (Kind.LOG_TRUNCATED, name.log_id) for name in stated.batches
    ]
