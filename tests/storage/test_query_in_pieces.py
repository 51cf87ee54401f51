"""Answers without limit come in pieces; one that breaks off is an error and not a short answer."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from server.notary.canonical import Kind
from server.notary.row_blocks import rows_of_blocks
from storage.engine import Engine
from storage.errors import StorageError

_ROWS = 1_000_000
# The columns before a record, and a record of one column.
_MANY = f"SELECT toUUID('{UUID(int=7)}'), number, true, 'row ' || toString(number) AS what FROM numbers({_ROWS})"
_CONNECTIONS = 4


def test_the_pieces_are_the_answer(engine: Engine) -> None:
    pieces = list(engine.query_in_pieces(_MANY))
    assert len(pieces) > 3
    assert all(pieces)
    assert b"".join(rows_of_blocks(pieces, [Kind.STRING])) == engine.query(_MANY)


def test_an_answer_without_rows_has_no_pieces(engine: Engine) -> None:
    assert list(engine.query_in_pieces("SELECT 1 WHERE 0")) == []


def test_parameters_are_filled_in(engine: Engine) -> None:
    pieces = engine.query_in_pieces("SELECT {number:UInt8} AS n, {word:String} AS w", {"number": 7, "word": "a'b"})
    assert b"".join(pieces) == b"\x02\x01" + b"\x01n\x05UInt8\x07" + b"\x01w\x06String\x03a'b"


def test_a_query_that_cannot_be_answered_is_an_error(engine: Engine) -> None:
    with pytest.raises(StorageError, match="no_such_column"):
        list(engine.query_in_pieces("SELECT no_such_column"))


def test_an_answer_that_breaks_off_is_an_error_after_its_pieces(engine: Engine) -> None:
    pieces = engine.query_in_pieces(f"SELECT number, throwIf(number = {_ROWS}) FROM numbers({_ROWS} + 1)")
    assert next(pieces)
    with pytest.raises(StorageError):
        list(pieces)


def test_answers_that_are_not_taken_to_their_end_leave_the_connections_to_others(engine: Engine) -> None:
    for _ in range(2 * _CONNECTIONS):
        pieces = engine.query_in_pieces(_MANY)
        next(pieces)
        pieces.close()
    assert engine.query("SELECT 1") == b"\x01"


def test_several_answers_are_taken_at_the_same_time(engine: Engine) -> None:
    expected = sum(map(len, engine.query_in_pieces(_MANY)))
    sizes: list[int] = []
    threads = [
        threading.Thread(target=lambda: sizes.append(sum(map(len, engine.query_in_pieces(_MANY)))))
        for _ in range(2 * _CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [expected] * len(threads)
