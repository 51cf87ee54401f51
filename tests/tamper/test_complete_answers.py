"""Complete answers: after any change in storage, an answer is still right, or says that it is not complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1.correlation_pb2 import CompleteSearchRequest, CompleteSearchResponse
from server.api.backend import Backend
from server.api.complete import answer_completely
from server.api.messages import from_nanos
from server.notary import hashing
from server.notary.batch import compute_batch_id
from server.notary.checkpoint import open_checkpoint
from server.notary.origin import LogName, Stream
from server.notary.statement import StatementKind
from server.notary.trust import TrustedKeys
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from server.verification import complete_check
from storage.errors import StorageError
from storage.interrupt import Interrupt, InterruptedQueryError
from storage.schema import RECORD_TABLES
from tests.effort import effort
from tests.tamper.complete import Answer, answer
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, TABLES, Store, batch_row, row
from tests.tamper.test_matrix import copy
from tests.tamper.test_random_mutations import CHANGES, Subject

LEAF = 50
NAMES = (OPERATIONAL, AUDIT)
BOTH = pytest.mark.parametrize("name", NAMES, ids=["operational", "audit"])


def size(store: Store, name: LogName) -> int:
    return store.batches[name][-1].tree_size


def everything(store: Store, *names: LogName) -> list[tuple[str, int]]:
    return [(name.origin, leaf) for name in names for leaf in range(size(store, name))]


def kept(store: Store) -> list[str]:
    """Return kept checkpoints, signed by keys that a verifier knows without statements."""
    return [batches[3].checkpoint for batches in store.batches.values()]


def ask(store: Store, query: str = "", *streams: str, **fields: object) -> Answer:
    return answer(store.reader, store.keys, query, *streams, checkpoints=kept(store), **fields)


def test_an_untouched_store_is_answered_completely(stated: Stated) -> None:
    found = ask(stated)
    assert found.leaves == everything(stated, AUDIT, OPERATIONAL)
    assert found.summary.complete
    assert found.summary.leaves == found.summary.matched == len(found.leaves) == found.extent.leaves
    assert [log.origin for log in found.summary.logs] == [AUDIT.origin, OPERATIONAL.origin]
    assert [log.checkpoint for log in found.extent.logs] == [
        stated.batches[name][-1].checkpoint for name in (AUDIT, OPERATIONAL)
    ]


def test_only_logs_that_can_have_a_match_are_read(stated: Stated) -> None:
    found = ask(stated, f"target:user-{LEAF}")
    assert found.leaves == [(AUDIT.origin, LEAF)]
    assert [(log.origin, log.end_leaf) for log in found.extent.logs] == [(AUDIT.origin, size(stated, AUDIT))]
    assert found.summary.complete


def test_a_limit_bounds_what_is_given_and_not_what_is_read(stated: Stated) -> None:
    found = ask(stated, limit=7)
    assert len(found.leaves) == 7
    assert found.summary.matched == len(everything(stated, *NAMES))
    assert found.summary.complete


def test_records_received_later_are_read_without_those_before_what_was_signed_in_between(stated: Stated) -> None:
    found = answer(stated.reader, stated.keys, "", "audit", received_since=from_nanos(NEXT_DAY))
    (log,) = found.extent.logs
    assert 0 < log.first_leaf < log.end_leaf == size(stated, AUDIT)
    assert found.summary.complete
    assert found.summary.leaves == log.end_leaf - log.first_leaf
    first = stated.batches[AUDIT][4].first_leaf  # the first batch of the next day
    assert found.leaves == [(AUDIT.origin, leaf) for leaf in range(first, log.end_leaf)]


def test_records_from_senders_whose_clock_is_ahead_are_read(stated: Stated) -> None:
    first = stated.batches[AUDIT][4].first_leaf  # the first batch of the next day
    assert first
    for since, leaf in ((NEXT_DAY, 0), (NEXT_DAY + 86_400 * SECOND, first)):
        (log,) = answer(stated.reader, stated.keys, "", "audit", since=from_nanos(since)).extent.logs
        assert (log.first_leaf == 0) == (leaf == 0)
        assert log.first_leaf <= leaf


def test_the_checkpoint_in_the_summary_signs_all_leaves_that_were_read_whatever_row_is_the_last_by_number(
    stated: Stated,
) -> None:
    batch = stated.batches[AUDIT][0]
    number = 1_000_000
    own = compute_batch_id(replace(batch, sequence=number))
    stated.tamper(
        f"INSERT INTO log_batches SELECT * REPLACE(toUInt64({number}) AS Sequence, toUUID('{own}') AS BatchId) "
        f"FROM (SELECT * FROM log_batches WHERE {batch_row(batch)})"
    )
    found = answer(stated.reader, stated.keys, "", "audit", received_since=from_nanos(NEXT_DAY))
    (log,) = found.summary.logs
    assert log.first_leaf >= batch.tree_size
    assert open_checkpoint(log.checkpoint)[0].size >= log.end_leaf == size(stated, AUDIT)


def test_streams_with_records_that_nobody_signed_are_named(stated: Stated) -> None:
    assert not ask(stated).summary.unsigned_streams
    stated.tamper(
        "INSERT INTO otel_logs SELECT * REPLACE('' AS LogId, toUUID('00000000-0000-0000-0000-000000000000') AS BatchId)"
        f" FROM (SELECT * FROM otel_logs WHERE {row(OPERATIONAL, LEAF)})"
    )
    found = ask(stated)
    assert found.leaves == everything(stated, AUDIT, OPERATIONAL)
    assert found.summary.complete
    assert found.extent.unsigned_streams == found.summary.unsigned_streams == ["operational"]
    assert not ask(stated, "", "audit").summary.unsigned_streams
    keys = stated.keys + TrustedKeys(unsigned_streams=frozenset({Stream.SPANS}))
    found = answer(stated.reader, keys, "", "spans", "operational", checkpoints=kept(stated)[:1])
    assert sorted(found.summary.unsigned_streams) == ["operational", "spans"]


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


def test_hashes_of_the_tree_that_were_altered_do_not_matter_where_the_records_are_there(stated: Stated) -> None:
    stated.tamper("TRUNCATE TABLE log_tiles")
    found = ask(stated)
    assert found.leaves == everything(stated, AUDIT, OPERATIONAL)
    assert found.summary.complete


@pytest.mark.parametrize(
    "query",
    [
        "",
        "record OR user",
        "LogAttributes.a:first*",
        f"target:user-{LEAF}",
        "LogAttributes.count:[3 TO 70]",
        "timestamp:<2025-06-15",
    ],
)
def test_python_filters_as_the_compiled_code_does(stated: Stated, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = ask(stated, query)
    monkeypatch.setattr(hashing, "COMPILED", False)
    assert ask(stated, query) == compiled
    assert compiled.summary.complete


def test_what_matches_is_read_in_parts_if_it_is_much(stated: Stated, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ask(stated)
    monkeypatch.setattr(complete_check, "_MOST_KEPT", 5000)
    assert ask(stated) == whole
    monkeypatch.setattr(complete_check, "_FIRST_WINDOW", 1)
    assert ask(stated) == whole


def test_records_that_retention_has_dropped_are_counted_and_leave_the_answer_complete(stated: Stated) -> None:
    stated.state(AUDIT, StatementKind.RETENTION, "86400", at=NEXT_DAY + 100 * SECOND)
    gone = stated.batches[AUDIT][:2]
    ids = ", ".join(f"toUUID('{batch.batch_id}')" for batch in gone)
    stated.tamper(f"ALTER TABLE audit_logs DELETE WHERE BatchId IN ({ids})")
    found = ask(stated, "", "audit")
    assert found.summary.complete, found.findings
    assert found.summary.expired == gone[-1].tree_size
    assert found.leaves == everything(stated, AUDIT)[gone[-1].tree_size :]


def steps(store: Store, interrupt: Interrupt, limits: QueryLimits) -> Iterator[CompleteSearchResponse]:
    return answer_completely(store.reader, store.keys, CompleteSearchRequest(), interrupt, tuple, limits)


def test_an_answer_ends_once_its_caller_has_gone(stated: Stated) -> None:
    interrupt = Interrupt()
    begun = steps(stated, interrupt, QueryLimits())
    assert next(begun).HasField("extent")
    interrupt.set()
    with pytest.raises(InterruptedQueryError):
        next(begun)


def test_an_answer_that_takes_too_long_ends_with_an_error_that_says_so(stated: Stated) -> None:
    with pytest.raises(QueryTooExpensiveError, match="the query takes longer than 0 s"):
        list(steps(stated, Interrupt(), QueryLimits(seconds=0)))


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
