"""Limits of a query, in storage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.query.errors import QueryTooExpensiveError
from server.query.limits import LimitedEngine, QueryLimits
from storage.engine import Engine
from storage.errors import LimitExceededError, SettingRefusedError
from storage.rowbinary import read_one, uint64


def test_storage_ends_a_statement_that_takes_too_long(module_engine: Engine) -> None:
    limited = LimitedEngine(module_engine, QueryLimits(seconds=1))
    with pytest.raises(QueryTooExpensiveError, match="the query takes longer than 1 s: give a shorter range of time"):
        limited.query("SELECT sleepEachRow(0.2) FROM numbers(60)", settings={"max_block_size": 1})


def test_all_statements_of_a_query_have_one_limit_of_time() -> None:
    now = [0.0]
    seen = Settings()
    limited = LimitedEngine(seen, QueryLimits(seconds=10), lambda: now[0])  # type: ignore[arg-type]
    limited.query("SELECT 1")
    now[0] = 7.5
    limited.query("SELECT 1")
    assert [settings["max_execution_time"] for settings in seen.sent] == [10, 3]
    now[0] = 10.0
    with pytest.raises(QueryTooExpensiveError, match="takes longer than 10"):
        limited.query("SELECT 1")


def test_a_limit_of_the_user_is_not_taken_for_one_of_the_query(module_engine: Engine) -> None:
    limited = LimitedEngine(module_engine, QueryLimits())
    with pytest.raises(LimitExceededError, match="max_result_rows"):
        limited.query("SELECT number FROM numbers(100)", settings={"max_result_rows": 10})


def test_a_user_who_may_not_send_limits_asks_without_them() -> None:
    seen = Settings(refuse=True)
    limited = LimitedEngine(seen, QueryLimits())  # type: ignore[arg-type]
    assert read_one(limited.query("SELECT 1"), uint64) == 1
    assert read_one(limited.query("SELECT 1"), uint64) == 1
    assert [settings is None for settings in seen.sent] == [False, True, True]


def test_statements_whose_answers_come_in_pieces_have_the_limits_too(module_engine: Engine) -> None:
    limited = LimitedEngine(module_engine, QueryLimits(seconds=1))
    slow = limited.query_in_pieces("SELECT sleepEachRow(0.2) FROM numbers(60)", settings={"max_block_size": 1})
    with pytest.raises(QueryTooExpensiveError, match="the query takes longer than 1 s"):
        list(slow)
    limited = LimitedEngine(module_engine, QueryLimits(rows=1_000_000))
    with pytest.raises(QueryTooExpensiveError, match="reads more than 1,000,000 rows"):
        list(limited.query_in_pieces("SELECT number FROM numbers(2000000)"))
    assert b"".join(limited.query_in_pieces("SELECT toUInt8(7)")).endswith(b"UInt8\7")


def test_a_user_who_may_not_send_limits_reads_in_pieces_without_them() -> None:
    seen = Settings(refuse=True)
    limited = LimitedEngine(seen, QueryLimits())  # type: ignore[arg-type]
    assert list(limited.query_in_pieces("SELECT 1")) == [(1).to_bytes(8, "little")]
    assert [bool(settings) for settings in seen.sent] == [True, False]


class Settings:
    """Stands for a storage whose user may perhaps not change settings, and keeps the settings that are sent."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.sent: list[dict[str, object]] = []
        self._refuse = refuse

    def query(self, _select: str, _parameters: object = None, /, *, settings: dict[str, object]) -> bytes:
        self.sent.append(settings)
        if self._refuse and settings:
            raise SettingRefusedError("no")
        return (1).to_bytes(8, "little")

    def query_in_pieces(
        self, select: str, parameters: object = None, /, *, settings: dict[str, object]
    ) -> Iterator[bytes]:
        yield self.query(select, parameters, settings=settings)
