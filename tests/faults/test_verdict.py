"""The check finds what is wrong: one that cannot fail would be worthless."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.ledger import Bounds, Ledger, Outcome, SentRequest, bounds
from tests.faults.stored import StoredBatch, StoredRecords
from tests.faults.verdict import Verdict, judge

ACK, REFUSED, UNKNOWN, NOT_SENT = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT


def sent(*outcomes: Outcome, names: tuple[str, ...] = ("a",), sender: str = "raw-0") -> SentRequest:
    request = SentRequest(sender, names)
    for outcome in outcomes:
        request.note(outcome)
    return request


def stored(*names: str, unsigned: tuple[str, ...] = ()) -> StoredRecords:
    places = {name: ("log", leaf) for leaf, name in enumerate(names) if names.count(name) == 1}
    return StoredRecords(Counter(names), Counter(unsigned), places)


@pytest.mark.parametrize(
    ("outcomes", "allowed"),
    [
        ((), Bounds(0, 0)),
        ((ACK,), Bounds(1, 1)),
        ((ACK, ACK), Bounds(2, 2)),
        ((UNKNOWN,), Bounds(0, 1)),
        ((UNKNOWN, UNKNOWN, ACK), Bounds(1, 3)),
        # The retry takes over what a refused attempt left behind.
        ((REFUSED, ACK), Bounds(1, 1)),
        ((REFUSED, REFUSED, UNKNOWN), Bounds(0, 1)),
        # What nobody has sent again may be there.
        ((REFUSED,), Bounds(0, 1)),
        ((REFUSED, NOT_SENT), Bounds(0, 1)),
        ((ACK, REFUSED), Bounds(1, 2)),
        ((NOT_SENT, NOT_SENT), Bounds(0, 0)),
    ],
)
def test_how_often_a_record_may_be_stored_follows_from_what_its_sender_knows(
    outcomes: tuple[Outcome, ...], allowed: Bounds
) -> None:
    assert bounds(outcomes) == allowed
    assert bounds(outcomes, slack=2) == replace(allowed, most=allowed.most + 2)


def test_workers_do_not_take_over_what_another_left_behind() -> None:
    assert bounds((REFUSED, REFUSED, ACK), workers=2) == Bounds(1, 3)
    assert bounds((UNKNOWN, REFUSED), workers=2) == Bounds(0, 2)
    twice = stored("a", "a")
    assert judge([sent(REFUSED, ACK, names=("a",))], twice, []).doubled_refused
    verdict = judge([sent(REFUSED, ACK, names=("a",))], twice, [], workers=2)
    assert (verdict.good, verdict.repeats) == (True, 1)


def test_a_record_that_was_acknowledged_and_is_stored_once_is_good() -> None:
    verdict = judge([sent(ACK, names=("a", "b"))], stored("a", "b"), [])
    assert verdict == Verdict()
    assert verdict.good
    assert list(verdict.lines()) == []


def test_an_acknowledged_record_that_is_not_stored_is_lost() -> None:
    verdict = judge([sent(ACK, names=("a", "b"))], stored("a"), [])
    assert not verdict.good
    assert [line.split()[0] for line in verdict.lost] == ["b"]


def test_a_record_that_was_acknowledged_twice_and_is_stored_once_is_lost() -> None:
    assert judge([sent(ACK, ACK)], stored("a"), []).lost


def test_an_acknowledged_record_that_is_stored_without_signature_is_lost_and_unsigned() -> None:
    verdict = judge([sent(ACK)], stored(unsigned=("a",)), [])
    assert verdict.lost
    assert verdict.unsigned == ("a",)


def test_a_record_that_is_stored_oftener_than_its_sender_allows_is_doubled() -> None:
    assert judge([sent(ACK)], stored("a", "a"), []).doubled
    assert judge([sent(NOT_SENT)], stored("a"), []).doubled
    assert judge([sent(ACK)], stored("a", unsigned=("a",)), []).doubled


def test_a_record_that_was_refused_and_is_stored_beside_the_retry_is_told_apart() -> None:
    verdict = judge([sent(REFUSED, ACK)], stored("a", "a"), [])
    assert not verdict.good
    assert (len(verdict.doubled), len(verdict.doubled_refused)) == (0, 1)
    assert judge([sent(REFUSED, ACK)], stored("a", "a", "a"), []).doubled


def test_a_copy_that_an_unknown_outcome_explains_is_counted_and_no_fault() -> None:
    verdict = judge([sent(UNKNOWN, ACK)], stored("a", "a"), [])
    assert verdict.good
    assert verdict.repeats == 1
    assert judge([sent(UNKNOWN)], stored("a"), []).repeats == 0


def test_a_record_that_nobody_sent_is_found() -> None:
    assert judge([], stored("a"), []).unknown_sender == ("a",)


def test_records_of_a_sender_stand_in_the_order_in_which_they_were_acknowledged() -> None:
    first, second = sent(ACK, names=("a",)), sent(ACK, names=("b",))
    assert judge([first, second], stored("a", "b"), []).good
    assert judge([first, second], stored("b", "a"), []).disorder
    # Others send at the same time.
    assert judge([first, sent(ACK, names=("b",), sender="raw-1")], stored("b", "a"), []).good


BATCHES = [
    StoredBatch("x", 1, 0, 3, rows=3, leaves=3),
    StoredBatch("x", 2, 3, 4, rows=1, leaves=1),
    StoredBatch("y", 1, 0, 2, rows=2, leaves=2),
]


def test_batches_that_follow_one_another_in_each_log_are_in_order() -> None:
    assert judge([], stored(), BATCHES).good


@pytest.mark.parametrize(
    "broken",
    [
        BATCHES[1:],
        [BATCHES[0], BATCHES[0]],
        [replace(BATCHES[0], rows=2, leaves=2)],
        [replace(BATCHES[0], rows=4)],
        [BATCHES[0], replace(BATCHES[1], first_leaf=2)],
        [BATCHES[0], replace(BATCHES[1], sequence=3)],
    ],
    ids=["gap", "fork", "record missing", "record double", "overlap", "number missing"],
)
def test_batches_that_do_not_are_found(broken: list[StoredBatch]) -> None:
    assert judge([], stored(), broken).disorder


def test_what_verification_finds_and_what_comes_too_late_counts() -> None:
    assert not judge([], stored(), [], findings=["RECORDS_UNSIGNED"]).good
    assert not judge([], stored(), [], late=["not ready"]).good


def test_a_ledger_counts_records_by_outcome() -> None:
    ledger = Ledger()
    ledger.add(sent(UNKNOWN, ACK, names=("a", "b")))
    ledger.add(sent(REFUSED, names=("c",)))
    assert ledger.records() == 3
    assert ledger.sends() == {UNKNOWN: 2, ACK: 2, REFUSED: 1}
