"""Errors about stored records that cannot be hashed say what to do."""

from __future__ import annotations

import pytest

from server.notary.leaf_rows import LeafRange
from server.notary.origin import LogName, Stream
from server.notary.row_blocks import BlockLimits
from server.verification.stored_leaves import hash_records
from storage.engine import Engine
from storage.errors import LongRowError, StorageError
from storage.rowbinary import read_rows, uint64, uuid

LOG = LogName("shop", Stream.AUDIT, "node-1")


def test_blocks_of_an_altered_table_are_an_error_that_says_what_to_do(engine: Engine) -> None:
    engine.execute(f"INSERT INTO audit_logs (LogId, LeafIndex) VALUES ('{LOG.log_id}', 3)")
    engine.execute("ALTER TABLE audit_logs MODIFY COLUMN SeverityNumber UInt16")
    with pytest.raises(StorageError, match="a type that records do not have") as raised:
        hash_records(engine, LOG, 0, [LeafRange(9, None)], 1)
    assert not isinstance(raised.value, LongRowError)
    assert "undo the changes of the table audit_logs that 'lognotary verify' names" in str(raised.value)


def test_a_row_that_is_too_long_is_an_error_with_a_statement_that_finds_it(engine: Engine) -> None:
    for leaf, size in ((3, 10), (4, 200_000), (5, 10)):
        engine.execute(
            f"INSERT INTO audit_logs (LogId, LeafIndex, Body) SELECT '{LOG.log_id}', {leaf}, repeat('x', {size})"
        )
    limits = BlockLimits(row_bytes=100_000)
    with pytest.raises(LongRowError, match="a row is longer than 100000 bytes") as raised:
        hash_records(engine, LOG, 0, [LeafRange(9, None)], 1, limits=limits)
    _, query = str(raised.value).split("to find the row, run: ")
    ((leaf, _, _),) = read_rows(engine.query(query), (uint64, uuid, uint64))
    assert leaf == 4
    hash_records(engine, LOG, 0, [LeafRange(4, None)], 1, limits=limits)
