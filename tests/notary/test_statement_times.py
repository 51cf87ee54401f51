"""Times in statements: what has expired, and when entries were received."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.findings import FindingKind
from server.notary.statement import ReceiptBound, StatementKind, StatementRow, data_digest
from server.notary.statement_check import LogStatements, check_statements
from tests.notary.checked_statements import DAY, KEYS, NAME, SECOND, T0, check, kinds, row, said


class TestRetention:
    def stated(self, *said_of_it: tuple[int, int | None]) -> LogStatements:
        rows = [
            row(number, StatementKind.RETENTION, "forever" if days is None else str(days * DAY), time=time)
            for number, (time, days) in enumerate(said_of_it, start=1)
        ]
        return check_statements(rows, KEYS).get(NAME.log_id, LogStatements())

    def test_nothing_expires_before_something_is_said_of_it(self) -> None:
        assert LogStatements().expired_before(T0 * SECOND) == 0
        assert self.stated((T0, None)).expired_before((T0 + 999 * DAY) * SECOND) == 0

    def test_what_is_older_than_was_said_has_expired(self) -> None:
        now = T0 + 100 * DAY
        assert self.stated((T0, 30)).expired_before(now * SECOND) == (now - 30 * DAY) * SECOND

    def test_what_a_shorter_time_has_dropped_does_not_come_back(self) -> None:
        stated = self.stated((T0, 1), (T0 + 10 * DAY, 30))
        assert stated.expired_before((T0 + 11 * DAY) * SECOND) == (T0 + 9 * DAY) * SECOND
        assert stated.expired_before((T0 + 90 * DAY) * SECOND) == (T0 + 60 * DAY) * SECOND
        stated = self.stated((T0, 1), (T0 + 10 * DAY, None))
        assert stated.expired_before((T0 + 90 * DAY) * SECOND) == (T0 + 9 * DAY) * SECOND

    def test_a_log_that_was_dropped_has_stated_one_second(self) -> None:
        words = (str(DAY), "1", str(DAY))
        rows = [row(n, StatementKind.RETENTION, word, time=T0 + 10) for n, word in enumerate(words, 1)]
        log = check_statements([*rows, row(4, time=T0 + 11)], KEYS)[NAME.log_id]
        assert log.drops == (T0 + 10,)
        assert log.expired_before((T0 + 20) * SECOND) == (T0 + 9) * SECOND
        assert log.expired_before((T0 + 20) * SECOND, with_drops=False) == (T0 + 20 - DAY) * SECOND
        assert self.stated((T0, 1), (T0 + 1, None)).drops == ()
        assert LogStatements().drops == ()

    @given(
        st.lists(st.tuples(st.integers(0, 400), st.one_of(st.none(), st.integers(1, 400))), min_size=1, max_size=6),
        st.integers(0, 500),
        st.integers(0, 500),
    )
    def test_what_has_expired_stays_so(self, said_of_it: list[tuple[int, int | None]], now: int, later: int) -> None:
        in_order = sorted(said_of_it, key=lambda pair: pair[0])
        log = LogStatements(
            {
                number: said(
                    number,
                    StatementKind.RETENTION,
                    "forever" if days is None else str(days * DAY),
                    time=T0 + day * DAY,
                )
                for number, (day, days) in enumerate(in_order, start=1)
            }
        )
        start = in_order[-1][0]
        first, second = sorted((start + now, start + later))
        assert log.expired_before((T0 + first * DAY) * SECOND) <= log.expired_before((T0 + second * DAY) * SECOND)


class TestReceiptBounds:
    def bounds(self, *rows: StatementRow) -> list[ReceiptBound]:
        assert check(*rows) == []
        [log] = check_statements(rows, KEYS).values()
        return log.receipt_bounds()

    def test_the_signed_bounds_count_and_no_others_once_there_is_one(self) -> None:
        rows = (
            row(1, StatementKind.RETENTION, str(DAY), "0", str(T0 - 5), time=T0),
            row(2, size=4, time=T0 + 10),
            row(3, StatementKind.HEARTBEAT, "9", str(T0 + 20), size=5, time=T0 + 30),
            row(4, StatementKind.RETENTION, "forever", size=6, time=T0 + 9 * DAY),
        )
        assert self.bounds(*rows) == [ReceiptBound(0, T0 - 5), ReceiptBound(9, T0 + 20)]

    def test_they_take_over_from_statements_that_have_none(self) -> None:
        rows = (row(1, size=3, time=T0), row(2, StatementKind.HEARTBEAT, "3", str(T0 + 50), size=3, time=T0 + 60))
        assert self.bounds(*rows) == [ReceiptBound(3, T0 - 3600), ReceiptBound(3, T0 + 50)]

    def test_an_entry_is_bound_by_the_latest_time_of_those_before_it(self) -> None:
        rows = (
            row(1, StatementKind.HEARTBEAT, "9", str(T0), size=5, time=T0),
            row(2, StatementKind.HEARTBEAT, "7", str(T0 + 8), size=5, time=T0 + 10),  # a batch was refused
        )
        assert self.bounds(*rows) == [ReceiptBound(7, T0 + 8), ReceiptBound(9, T0 + 8)]

    @pytest.mark.parametrize("words", [("9",), ("9", "1", "1"), ("9", "x"), ("9", str(T0 + 1))])
    @pytest.mark.parametrize("before", [(StatementKind.HEARTBEAT,), (StatementKind.RETENTION, "forever")])
    def test_a_signed_bound_that_says_nothing_is_found(
        self, before: tuple[object, ...], words: tuple[str, ...]
    ) -> None:
        assert kinds(row(1, *before, *words, time=T0)) == [FindingKind.STATEMENT_ALTERED]

    def test_without_any_what_is_said_of_the_present_bounds_when_later_entries_came(self) -> None:
        rows = (
            row(1, size=3, time=T0 + 10),
            row(2, StatementKind.WITNESSED, data_digest(b""), size=1, time=T0 + 20),  # of an earlier checkpoint
            row(3, size=5, time=T0 + 30),
        )
        assert self.bounds(*rows) == [ReceiptBound(3, T0 + 10 - 3600), ReceiptBound(5, T0 + 30 - 3600)]

    def test_times_never_go_back(self) -> None:
        rows = (row(1, size=3, time=T0 + 10), row(2, size=4, time=T0 + 5))
        assert self.bounds(*rows) == [ReceiptBound(3, T0 + 10 - 3600), ReceiptBound(4, T0 + 10 - 3600)]
