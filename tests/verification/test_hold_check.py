"""The table of legal holds is compared with the signed records of holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.verification.hold_check import check_holds, compare_holds
from storage.engine import Engine
from storage.hold_records import HOLD_ADDED, HOLD_RELEASED, HoldRecord
from storage.hold_scope import HoldScope
from storage.holds import Hold, Release

NOW = 1_800_000_000_000
HOUR = 3_600_000
ALICE = HoldScope(actor="alice")
HOLD = Hold("case-1", ALICE, "a lawsuit", "eve", "::1", NOW - 2 * HOUR)
RELEASED = replace(HOLD, released=Release("settled", "eve", "::1", NOW - HOUR))
ABOUT = HoldRecord("case-1", HOLD_ADDED, is_done=False, scope=ALICE.text())
ADDED = replace(ABOUT, is_done=True)
ENDING = HoldRecord("case-1", HOLD_RELEASED, is_done=False, scope="")
ENDED = replace(ENDING, is_done=True)


def found(said: list[HoldRecord], stored: list[Hold], kept_since: int = 0) -> list[str]:
    findings = compare_holds(said, stored, kept_since, NOW)
    return [finding.message.removeprefix("the legal hold case-1 ").partition(":")[0] for finding in findings]


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ([ABOUT, ADDED], [HOLD]),
        ([ABOUT], [HOLD]),  # the server was killed
        ([ABOUT], []),
        ([ABOUT, ADDED, ENDING], [HOLD]),
        ([ABOUT, ADDED, ENDING], [RELEASED]),
        ([ABOUT, ADDED, ENDING, ENDED], [RELEASED]),
        ([], []),
    ],
)
def test_holds_whose_records_say_what_the_table_has_are_no_finding(said: list[HoldRecord], stored: list[Hold]) -> None:
    assert found(said, stored) == []


@pytest.mark.parametrize(
    ("said", "stored", "message"),
    [
        ([ABOUT, ADDED], [], "has signed records, but is not in the table legal_holds, so it keeps nothing"),
        ([ABOUT, ADDED], [RELEASED], "is released in the table legal_holds, but no signed record says so"),
        ([], [HOLD], "is in the table legal_holds, but no signed record says that it was added"),
        (
            [ABOUT, ADDED, ENDED],
            [HOLD],
            "was released, as a signed record says, but is in force in the table legal_holds",
        ),
    ],
)
def test_a_hold_that_was_changed_by_hand_is_a_finding(said: list[HoldRecord], stored: list[Hold], message: str) -> None:
    assert found(said, stored) == [message]


def test_a_hold_with_another_scope_is_a_finding() -> None:
    (finding,) = compare_holds([ABOUT, ADDED], [replace(HOLD, scope=HoldScope(actor="bob"))], 0, NOW)
    assert 'with the scope {"actor":"alice"}, but has {"actor":"bob"}' in finding.message


def test_records_that_may_have_expired_or_are_on_their_way_are_not_missed() -> None:
    assert found([], [RELEASED], kept_since=NOW) == []
    assert len(found([], [RELEASED], kept_since=NOW - HOUR - HOUR // 2)) == 1
    assert found([ADDED], [replace(HOLD, released=Release("", "", "", NOW - 1000))]) == []
    assert len(found([ADDED], [replace(HOLD, released=Release("", "", "", NOW + HOUR))])) == 1


def test_a_storage_without_the_table_and_without_records_is_no_finding(engine: Engine) -> None:
    assert list(check_holds(engine, 0, NOW * 10**6)) == []
    engine.execute("DROP TABLE legal_holds SYNC")
    assert list(check_holds(engine, 0, NOW * 10**6)) == []
