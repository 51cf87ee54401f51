"""A query that fails after it has sent a part of its answer leaves nothing to the next one, with both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from storage.clickhouse import connect
from storage.engine import Engine
from storage.errors import StorageError
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

Failing = tuple[str, dict[str, str | int]]

FAILING: dict[str, Failing] = {
    "time": (
        "SELECT number, sleepEachRow(0.005) FROM numbers(1000)",
        {"max_execution_time": 1, "max_block_size": 10},
    ),
    "an exception": ("SELECT number, throwIf(number = 500000) FROM numbers(1000000)", {"max_block_size": 1000}),
    "memory": (
        "SELECT repeat(repeat('y', 1000), if(number = 900, 400000, 1)) FROM numbers(1000)",
        {"max_memory_usage": 1_000_000_000, "max_block_size": 10},
    ),
    "syntax": ("SELEC 1", {}),
}


@pytest.fixture
def single(storage_url: str) -> Iterator[Engine]:
    """An engine with one client, so that each query follows the one before."""
    with closing(connect(parse_storage_url(storage_url), clients=1)) as engine:
        yield engine


def assert_answers_are_its_own(engine: Engine) -> None:
    for number in range(3):
        rows = engine.query(f"SELECT 'own {number}' AS Text")
        assert list(read_rows(rows, (text,))) == [(f"own {number}",)]
        assert b"".join(engine.query_in_pieces(f"SELECT 'own {number}' AS Text")).endswith(b"\x05own %d" % number)


@pytest.mark.parametrize("reason", FAILING)
def test_the_next_answers_are_whole_after_a_query_that_failed(single: Engine, reason: str) -> None:
    select, settings = FAILING[reason]
    with pytest.raises(StorageError):
        single.query(select, settings=settings)
    assert_answers_are_its_own(single)


@pytest.mark.parametrize("reason", [reason for reason in FAILING if reason != "memory"])
def test_the_next_answers_are_whole_after_pieces_that_failed(single: Engine, reason: str) -> None:
    select, settings = FAILING[reason]
    with pytest.raises(StorageError):
        b"".join(single.query_in_pieces(select, settings=settings))
    assert_answers_are_its_own(single)


def test_the_next_answers_are_whole_after_pieces_that_nobody_takes(single: Engine) -> None:
    with closing(single.query_in_pieces("SELECT number, repeat('x', 1000) FROM numbers(100000)")) as pieces:
        next(pieces)
    assert_answers_are_its_own(single)
