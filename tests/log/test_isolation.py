"""Logs whose records storage refuses: found with few attempts, and none keeps the others out for ever."""

from __future__ import annotations

from collections.abc import Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.log.isolation import Isolation
from server.notary.origin import LogName, Stream
from storage.errors import AccessDeniedError, NotAppliedError, StorageFullError

NAMES = [LogName("example.org", Stream.AUDIT, f"w{number}") for number in range(300)]


def commit(
    isolation: Isolation, names: list[LogName], bad: Set[LogName], error: NotAppliedError | None = None
) -> tuple[list[list[LogName]], set[LogName], set[LogName]]:
    """Return the attempts of a commit, whose batches were accepted, and whose were refused."""
    attempts, tried = isolation.attempts(names), []
    accepted: set[LogName] = set()
    refused: set[LogName] = set()
    while some := attempts.next():
        tried.append(list(some))
        if bad & set(some):
            refused |= set(attempts.refused(some, error or NotAppliedError("no")))
        else:
            attempts.accepted(some)
            accepted |= set(some)
    isolation.learn(attempts)
    assert accepted | refused == set(names)
    assert not accepted & refused
    return tried, accepted, refused


def test_without_refusals_all_go_together() -> None:
    assert commit(Isolation(), NAMES, set()) == ([NAMES], set(NAMES), set())


def test_a_log_is_found_by_halves_and_goes_alone_from_then_on() -> None:
    isolation, bad = Isolation(), {NAMES[123]}
    tried, accepted, refused = commit(isolation, NAMES, bad)
    assert (accepted, refused) == (set(NAMES) - bad, bad)
    assert len(tried) <= 2 * 9 + 1
    tried, _, refused = commit(isolation, NAMES, bad)
    assert (tried, refused) == ([[name for name in NAMES if name not in bad], *([name] for name in bad)], bad)


def test_a_log_whose_records_are_accepted_goes_with_the_others_again() -> None:
    isolation = Isolation()
    commit(isolation, NAMES, {NAMES[0]})
    assert len(commit(isolation, NAMES, set())[0]) == 2
    assert len(commit(isolation, NAMES, set())[0]) == 1


def test_storage_that_refuses_everything_is_asked_a_few_times() -> None:
    tried, accepted, refused = commit(Isolation(), NAMES, set(NAMES))
    assert (accepted, refused) == (set(), set(NAMES))
    assert len(tried) <= 9 + 2


@pytest.mark.parametrize("error", [AccessDeniedError("no right"), StorageFullError("no space")])
def test_where_no_records_could_be_the_reason_storage_is_asked_once(error: NotAppliedError) -> None:
    assert len(commit(Isolation(), NAMES, set(NAMES), error)[0]) == 1


def test_a_log_alone_is_tried_once() -> None:
    isolation = Isolation()
    for _ in range(3):
        assert len(commit(isolation, NAMES[:1], set(NAMES))[0]) == 1


def test_storage_that_begins_to_refuse_everything_is_asked_a_few_times_more() -> None:
    attempts = Isolation().attempts(NAMES)
    assert not attempts.refused(attempts.next(), NotAppliedError("no"))
    attempts.accepted(attempts.next())
    tried = 0
    while some := attempts.next():
        attempts.refused(some, NotAppliedError("no"))
        tried += 1
    assert tried <= 9 + 8 + 8


@given(st.sets(st.sampled_from(NAMES[:40])), st.sets(st.sampled_from(NAMES[:40])))
def test_every_other_log_gets_its_turn_whatever_logs_are_refused(bad: set[LogName], mended: set[LogName]) -> None:
    isolation, names = Isolation(), NAMES[:40]
    for now in (bad, bad - mended):
        stored: set[LogName] = set()
        for _ in range(25):
            _, accepted, _ = commit(isolation, names, now)
            stored |= accepted
        assert stored == set(names) - now
    assert accepted >= set(names) - bad
