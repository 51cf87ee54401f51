"""Ranges of time become ranges of leaves by what is signed."""

from __future__ import annotations

import pytest

from server.notary.checkpoint import Checkpoint
from server.notary.statement import Statement, StatementKind
from server.notary.statement_check import LogStatements
from server.verification.leaf_span import LeafSpan, leaf_span

ORIGIN = "shop/audit/node-1"
SECOND = 10**9


def heartbeat(number: int, size: int, time: int, *, first: int | None = None, earliest: int = 0) -> Statement:
    """Return a heartbeat at a time in seconds; with a receipt bound if ``first`` is given."""
    words = () if first is None else (str(first), str(earliest))
    checkpoint = Checkpoint(ORIGIN, size, size.to_bytes(32, "big"))
    return Statement(checkpoint, number, time, StatementKind.HEARTBEAT, words)


def stated(*statements: Statement) -> LogStatements:
    return LogStatements({statement.number: statement for statement in statements})


LOG = stated(
    heartbeat(1, 0, 100, first=0, earliest=100),
    heartbeat(2, 10, 200, first=10, earliest=190),
    heartbeat(3, 25, 300, first=20, earliest=290),
    heartbeat(4, 40, 400, first=40, earliest=400),
)


@pytest.mark.parametrize(
    ("since", "until", "first", "end"),
    [
        (None, None, 0, None),
        (99, None, 0, None),  # before the first statement
        (200, None, 0, None),  # the second statement may have been signed at 200.9
        (201, None, 10, None),
        (299, None, 10, None),
        (10_000, None, 40, None),
        (None, 190, 0, 10),
        (None, 191, 0, 25),  # entries 10 to 19 may have been received by then, and 20 is within a batch
        (None, 291, 0, 40),
        (None, 401, 0, None),  # nothing is signed about so late a time
        (250, 280, 10, 25),
    ],
)
def test_a_range_has_all_entries_of_its_time_and_as_few_others_as_is_signed(
    since: int | None, until: int | None, first: int, end: int | None
) -> None:
    span = leaf_span(LOG, since and since * SECOND, until and until * SECOND)
    assert (span.first, span.end) == (first, end)


def test_without_statements_a_range_has_the_whole_log() -> None:
    assert leaf_span(LogStatements(), 1, 2) == LeafSpan()


def test_after_a_clock_was_set_back_later_statements_do_not_shorten_a_range() -> None:
    back = stated(heartbeat(1, 10, 100), heartbeat(2, 20, 500), heartbeat(3, 30, 120), heartbeat(4, 40, 600))
    assert leaf_span(back, 200 * SECOND, None).first == 10


@pytest.mark.parametrize(
    ("lowest", "highest", "misses"), [(0, 9, True), (0, 10, False), (24, 30, False), (25, 30, True)]
)
def test_a_range_misses_leaves_before_and_after_it(lowest: int, highest: int, misses: bool) -> None:
    assert leaf_span(LOG, 250 * SECOND, 280 * SECOND).misses(lowest, highest) is misses
