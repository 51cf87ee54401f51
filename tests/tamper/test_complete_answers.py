"""Complete answers: what is read for them, what they have, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lognotary.v1.correlation_pb2 import CompleteSearchRequest, CompleteSearchResponse
from server.api.complete import answer_completely
from server.api.messages import from_nanos
from server.notary import hashing
from server.notary.batch import compute_batch_id
from server.notary.checkpoint import open_checkpoint
from server.notary.origin import Stream
from server.notary.statement import StatementKind
from server.notary.trust import TrustedKeys
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from server.verification import complete_check
from storage.interrupt import Interrupt, InterruptedQueryError
from tests.tamper.complete import NAMES, answer, ask, everything, kept, size
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, Store, batch_row, row

LEAF = 50


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


def test_a_batch_of_which_too_much_matches_is_refused_with_what_to_do(
    stated: Stated, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ask(stated)
    batch = stated.batches[AUDIT][2]
    monkeypatch.setattr(complete_check, "_MOST_KEPT", 1000)
    monkeypatch.setattr(complete_check, "_MOST_OF_BATCH", 100 << 10)
    assert ask(stated) == whole
    monkeypatch.setattr(complete_check, "_MOST_OF_BATCH", 4000)
    records = f"records {batch.first_leaf} to {batch.tree_size - 1} of"
    with pytest.raises(QueryTooExpensiveError, match=f"{records} .* add a term"):
        ask(stated, "", "audit")
    assert ask(stated, f"target:user-{LEAF}", "audit").summary.complete


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
