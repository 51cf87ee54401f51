"""The summary of a verification says what was verified and what was not, in numbers that are true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.notary.checkpoint import open_checkpoint
from server.notary.findings import FindingKind as Kind
from server.notary.statement import StatementKind
from server.verification.scope import Entries, Scope, Summary
from server.verification.section_check import check_outside
from server.verification.sections import read_context
from server.verification.verification import verify
from storage.schema import RECORD_TABLES
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, row

_FIFTY_YEARS = 18_250  # days


def summary(stated: Stated, scope: Scope) -> Summary:
    *_, last = verify(stated.engine, stated.keys, scope)
    assert isinstance(last, Summary)
    return last


@pytest.fixture
def ttl(stated: Stated) -> Iterator[None]:
    """Table of audit events with a TTL that drops nothing yet."""
    table = RECORD_TABLES[AUDIT.stream]
    stated.engine.execute(f"ALTER TABLE {table} MODIFY TTL toDateTime(IngestedAt) + toIntervalDay({_FIFTY_YEARS})")
    yield
    stated.engine.execute(f"ALTER TABLE {table} REMOVE TTL")


def test_a_range_in_which_nothing_was_received_is_said_to_be_empty(stated: Stated) -> None:
    last = stated.batches[AUDIT][-1].ingested_at
    idle = summary(stated, Scope(since=last + 3600 * SECOND))
    assert (idle.findings, idle.nothing_received) == (0, True)
    between = Scope(since=START + 100 * SECOND, until=NEXT_DAY)
    assert summary(stated, between).nothing_received  # though records around it are read
    assert summary(stated, Scope(until=START)).nothing_received
    assert not summary(stated, Scope(since=NEXT_DAY)).nothing_received
    assert not summary(stated, Scope()).nothing_received


def test_a_range_within_one_batch_has_the_records_that_were_received_then(stated: Stated) -> None:
    batch = stated.batches[OPERATIONAL][1]  # whose records were received one nanosecond after the other
    first, last = batch.ingested_at - batch.record_count + 1, batch.ingested_at
    assert not summary(stated, Scope(since=last, until=last + 1)).nothing_received
    if first < last:
        assert not summary(stated, Scope(since=first, until=last)).nothing_received
    assert summary(stated, Scope(since=last + 1, until=last + 2)).nothing_received


def test_a_range_names_the_entries_that_were_read_in_each_log(stated: Stated) -> None:
    assert summary(stated, Scope()).entries == ()
    for scope in (Scope(since=NEXT_DAY), Scope(until=NEXT_DAY - 3600 * SECOND)):
        found = summary(stated, scope)
        assert [entries.origin for entries in found.entries] == sorted([AUDIT.origin, OPERATIONAL.origin])
        assert sum(entries.end - entries.first for entries in found.entries) == found.records


def test_a_resumed_verification_says_how_many_entries_were_not_read(stated: Stated) -> None:
    resume = [open_checkpoint(batches[3].checkpoint)[0] for batches in stated.batches.values()]
    found = summary(stated, Scope(resume=resume))
    assert found.resumed == sum(checkpoint.size for checkpoint in resume)
    ends = {name.origin: batches[-1].tree_size for name, batches in stated.batches.items()}
    assert set(found.entries) == {Entries(kept.origin, kept.size, ends[kept.origin]) for kept in resume}
    assert found.records == sum(ends.values()) - found.resumed
    assert summary(stated, Scope()).resumed == 0


def test_records_that_are_missing_or_changed_are_counted_as_such(stated: Stated) -> None:
    stated.tamper(
        f"ALTER TABLE audit_logs DELETE WHERE {row(AUDIT, 20)} OR {row(AUDIT, 21)}",
        f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 7)}",
    )
    found = summary(stated, Scope())
    assert (found.findings, found.mismatched) == (3, 3)
    whole = sum(batches[-1].tree_size for batches in stated.batches.values())
    assert found.records == whole


@pytest.mark.usefixtures("ttl")
def test_a_ttl_that_drops_records_earlier_than_was_signed_is_a_finding(stated: Stated) -> None:
    days = _FIFTY_YEARS
    for seconds, early in ((str(days * 86_400), False), ("forever", True), (str((days + 1) * 86_400), True)):
        stated.state(AUDIT, StatementKind.RETENTION, seconds, at=NEXT_DAY + 100 * SECOND)
        context = read_context(stated.engine, stated.keys, tuple)
        for found in (stated.findings(), list(check_outside(stated.engine, context))):
            assert [finding.kind for finding in found] == [Kind.TABLE_ALTERED] * early
            assert all("audit_logs drops records after 18,250 days" in finding.message for finding in found)
        stated.restore()


@pytest.mark.usefixtures("ttl")
def test_a_ttl_for_longer_than_was_signed_is_no_finding(stated: Stated) -> None:
    stated.state(AUDIT, StatementKind.RETENTION, str(10_000 * 86_400), at=NEXT_DAY + 100 * SECOND)
    assert stated.findings() == []
