"""Complete answers of a store that was changed: an answer is still right, or says that it is not complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1.correlation_pb2 import CompleteSearchRequest
from server.api.backend import Backend
from server.api.messages import from_nanos
from server.notary.origin import LogName
from server.notary.statement import StatementKind
from storage.errors import StorageError
from storage.schema import RECORD_TABLES
from tests.effort import effort
from tests.tamper.complete import NAMES, Answer, answer, ask, everything
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, SECOND, TABLES, Store, batch_row, row
from tests.tamper.test_matrix import copy
from tests.tamper.test_random_mutations import CHANGES, Subject

LEAF = 50
BOTH = pytest.mark.parametrize("name", NAMES, ids=["operational", "audit"])


@dataclass(frozen=True)
class Change:
    """A change of the record LEAF, or of its log.

    Attributes:
        sql: statements.
        kind: kind of a finding.
        gives: True if the answer still has the record.
    """

    sql: tuple[str, ...]
    kind: int
    gives: bool = False


def changes_of(store: Store, name: LogName) -> dict[str, Change]:
    table, where, batch = RECORD_TABLES[name.stream], row(name, LEAF), store.batch_of(name, LEAF)
    of_log = f"LogId = '{name.log_id}'"
    tail = store.batches[name][2].first_leaf  # before the checkpoint that is kept
    cut = tuple(
        f"ALTER TABLE {each} DELETE WHERE {of_log} AND {column} > {tail}"
        for each, column in ((table, "LeafIndex + 1"), ("log_batches", "TreeSize"))
    )
    unstated = f"ALTER TABLE log_statements DELETE WHERE {of_log} AND TreeSize > {tail}"
    return {
        "deleted": Change((f"ALTER TABLE {table} DELETE WHERE {where}",), pb.RECORD_MISSING),
        "masked": Change((f"DELETE FROM {table} WHERE {where}",), pb.RECORD_MISSING),
        "changed": Change((f"ALTER TABLE {table} UPDATE Body = 'x' WHERE {where}",), pb.RECORD_CHANGED),
        "copied": Change((copy(table, where),), pb.RECORD_CHANGED, gives=True),
        "joined by another": Change((copy(table, where, SpanId="'false'"),), pb.RECORD_CHANGED, gives=True),
        "moved": Change((f"ALTER TABLE {table} UPDATE LeafIndex = {LEAF + 1} WHERE {where}",), pb.RECORD_MISSING),
        "moved out": Change((f"ALTER TABLE {table} UPDATE LeafIndex = 5000 WHERE {where}",), pb.RECORD_MISSING),
        "taken from its batch": Change(
            (f"ALTER TABLE {table} UPDATE BatchId = generateUUIDv4() WHERE {where}",), pb.RECORD_CHANGED, gives=True
        ),
        "put into another log": Change((f"ALTER TABLE {table} UPDATE LogId = 'x' WHERE {where}",), pb.RECORD_MISSING),
        "without its batch": Change((f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",), pb.BATCH_MISSING),
        "in an altered batch": Change(
            (f"ALTER TABLE log_batches UPDATE RootHash = reverse(RootHash) WHERE {batch_row(batch)}",),
            pb.BATCH_ALTERED,
            gives=True,
        ),
        "without batch and records": Change(
            (
                f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
                f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')",
            ),
            pb.BATCH_MISSING,
        ),
        "in a log whose last batch is out of sight": Change(
            (
                f"INSERT INTO log_batches SELECT * REPLACE(toUInt64(1000000) AS Sequence) "
                f"FROM (SELECT * FROM log_batches WHERE {batch_row(store.batches[name][1])})",
            ),
            pb.BATCH_ALTERED,
            gives=True,
        ),
        "in a log that is cut off": Change((*cut, unstated), pb.LOG_TRUNCATED, gives=tail > LEAF),
        "in a log that is gone": Change(
            tuple(f"ALTER TABLE {each} DELETE WHERE {of_log}" for each in (table, "log_batches", "log_statements")),
            pb.LOG_TRUNCATED,
        ),
    }


@BOTH
@pytest.mark.parametrize(
    "what",
    [
        *("deleted", "masked", "changed", "copied", "joined by another", "moved", "moved out", "taken from its batch"),
        *("put into another log", "without its batch", "in an altered batch", "without batch and records"),
        *("in a log whose last batch is out of sight", "in a log that is cut off", "in a log that is gone"),
    ],
)
def test_an_answer_from_a_store_that_was_changed_is_not_complete_and_says_why(
    stated: Stated, name: LogName, what: str
) -> None:
    change = changes_of(stated, name)[what]
    stated.tamper(*change.sql)
    found = ask(stated, "", name.stream.value)
    assert not found.summary.complete
    assert change.kind in [finding.kind for finding in found.findings], found.findings
    assert {finding.origin for finding in found.findings} == {name.origin}
    assert ((name.origin, LEAF) in found.leaves) == change.gives
    assert len(set(found.leaves)) == len(found.leaves)


@BOTH
def test_the_other_records_of_a_batch_are_given_if_the_hashes_of_the_tree_prove_them(
    stated: Stated, name: LogName
) -> None:
    stated.tamper(f"ALTER TABLE {RECORD_TABLES[name.stream]} DELETE WHERE {row(name, LEAF)}")
    found = ask(stated, "", name.stream.value)
    (finding,) = found.findings
    assert (finding.kind, finding.leaf_index, finding.origin) == (pb.RECORD_MISSING, LEAF, name.origin)
    assert found.leaves == [each for each in everything(stated, name) if each != (name.origin, LEAF)]


@BOTH
def test_no_record_of_a_batch_is_given_if_nothing_proves_it(stated: Stated, name: LogName) -> None:
    batch = stated.batch_of(name, LEAF)
    stated.tamper(
        f"ALTER TABLE {RECORD_TABLES[name.stream]} DELETE WHERE {row(name, LEAF)}",
        f"ALTER TABLE log_tiles DELETE WHERE BatchId = toUUID('{batch.batch_id}')",
    )
    found = ask(stated, "", name.stream.value)
    (finding,) = found.findings
    assert (finding.kind, finding.batch_id) == (pb.RECORD_MISSING, str(batch.batch_id))
    lost = range(batch.first_leaf, batch.tree_size)
    assert found.leaves == [each for each in everything(stated, name) if each[1] not in lost]


def _insert_row_of_size(stated: Stated, size: int) -> None:
    """Insert a copy of a batch's row with another size, which requires no key."""
    stated.tamper(
        f"INSERT INTO log_batches SELECT * REPLACE(toUInt64({size}) AS TreeSize) "
        f"FROM (SELECT * FROM log_batches WHERE LogId = '{AUDIT.log_id}' AND Sequence = 1)"
    )


def test_an_inserted_row_does_not_hide_that_batches_within_a_range_of_receipt_are_gone(stated: Stated) -> None:
    stated.touch("audit_logs", "log_batches", "log_statements", "log_tiles")
    at = NEXT_DAY + 1000 * SECOND
    gone = [stated.write(AUDIT, 5, ingested_at=at + number * SECOND, signer=stated.signers[-1]) for number in range(3)]
    stated.state(AUDIT, StatementKind.HEARTBEAT, at=at + 4000 * SECOND)
    stated.write(AUDIT, 4, ingested_at=at + 4001 * SECOND, signer=stated.signers[-1])
    until = from_nanos(at + 10 * SECOND)
    whole = answer(stated.reader, stated.keys, "", "audit", received_until=until)
    assert whole.summary.complete
    _insert_row_of_size(stated, 10**9)
    stated.tamper(
        f"ALTER TABLE log_batches DELETE WHERE LogId = '{AUDIT.log_id}' AND FirstLeaf >= {gone[0].first_leaf} "
        f"AND TreeSize <= {gone[-1].tree_size}",
        f"ALTER TABLE audit_logs DELETE WHERE LogId = '{AUDIT.log_id}' AND LeafIndex >= {gone[0].first_leaf} "
        f"AND LeafIndex < {gone[-1].tree_size}",
    )
    found = answer(stated.reader, stated.keys, "", "audit", received_until=until)
    assert not found.summary.complete
    assert "the batches that signed the records" in " ".join(finding.message for finding in found.findings)
    assert found.summary.leaves == whole.summary.leaves


@pytest.mark.parametrize("inserted", [False, True])
def test_batches_that_are_deleted_while_an_answer_is_read_are_missed(stated: Stated, inserted: bool) -> None:
    stated.touch("audit_logs", "log_batches")
    last = stated.batches[AUDIT][-1]
    if inserted:
        _insert_row_of_size(stated, last.tree_size + 1)
    request = CompleteSearchRequest(streams=["audit"])
    steps = Backend(stated.reader, stated.keys).complete_search(request)
    next(steps)
    stated.tamper(
        f"ALTER TABLE log_batches DELETE WHERE LogId = '{AUDIT.log_id}' "
        f"AND (FirstLeaf >= {last.first_leaf} OR TreeSize > {last.tree_size})",
        f"ALTER TABLE audit_logs DELETE WHERE LogId = '{AUDIT.log_id}' AND LeafIndex >= {last.first_leaf}",
    )
    *rest, end = steps
    assert not end.summary.complete
    assert [step.finding.kind for step in rest if step.HasField("finding")] == [pb.BATCH_MISSING]
    assert end.summary.leaves == last.tree_size


def test_a_store_without_any_log_is_not_answered_completely(stated: Stated) -> None:
    stated.tamper(*(f"TRUNCATE TABLE {table}" for table in TABLES))
    found = answer(stated.reader, stated.keys)
    assert (found.leaves, list(found.extent.logs)) == ([], [])
    assert not found.summary.complete


def _contents(found: Answer) -> dict[tuple[str, int], bytes]:
    """Return the records of an answer by log and leaf, without the ID of their batch, which is not signed."""
    contents = {}
    for leaf, entry in zip(found.leaves, found.entries, strict=True):
        getattr(entry, entry.WhichOneof("entry") or "log").evidence.ClearField("batch_id")
        contents[leaf] = entry.SerializeToString(deterministic=True)
    return contents


@dataclass(frozen=True)
class Whole:
    """A store to change, and the original contents of its logs.

    Attributes:
        subject: the store.
        contents: the records, by log and leaf.
    """

    subject: Subject
    contents: dict[tuple[str, int], bytes] = field(repr=False)


@pytest.fixture(scope="module")
def whole(written_stated: Stated) -> Iterator[Whole]:
    """The store with statements; restored after the tests."""
    written_stated.restore()
    subject = Subject(written_stated, {}, ())
    subject.reset()
    try:
        yield Whole(subject, _contents(ask(written_stated)))
    finally:
        subject.reset()
        written_stated.touch(*TABLES)


@pytest.mark.parametrize("kind", CHANGES)
@settings(max_examples=effort(16), suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_after_any_change_an_answer_that_says_that_it_is_complete_has_every_record_and_no_other(
    whole: Whole, kind: str, data: st.DataObject
) -> None:
    sql = data.draw(CHANGES[kind](whole.subject.stated), label="SQL")
    whole.subject.reset()
    whole.subject.change(sql)
    try:
        found = ask(whole.subject.stated)
    except StorageError:
        event("no answer")
        return
    given = _contents(found)
    assert given.items() <= whole.contents.items()
    assert len(given) == len(found.leaves)
    if found.summary.complete:
        # Only a kept checkpoint or a statement shows that the end of a log is gone; the answer says where the log ends.
        ends = {log.origin: log.end_leaf for log in found.summary.logs}
        assert given == {place: one for place, one in whole.contents.items() if place[1] < ends.get(place[0], 0)}
        batches = whole.subject.stated.batches
        assert all(ends.get(name.origin, 0) >= batches[name][3].tree_size for name in batches)
    event("complete" if found.summary.complete else "not complete")
