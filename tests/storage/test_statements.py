from __future__ import annotations

import pytest

from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import Statement, StatementKind, StatementRow, data_digest, sign_statement
from storage.engine import Engine
from storage.rowbinary import read_rows, text
from storage.statements import (
    are_stated,
    insert_statement,
    last_statement,
    last_statements,
    last_witnessed_size,
    read_numbered_statements,
    read_statements,
    read_statements_of_logs,
)

AUDIT, OPERATIONAL = (LogName("shop", stream, "node-1") for stream in (Stream.AUDIT, Stream.OPERATIONAL))
SIGNER = Signer.generate()
ALL_BYTES = bytes(range(256))


def row(
    number: int,
    kind: StatementKind = StatementKind.HEARTBEAT,
    *,
    name: LogName = AUDIT,
    size: int = 0,
    time: int = 1_790_000_000,
    data: bytes = b"",
) -> StatementRow:
    words = (data_digest(data),) if data else ()
    said = Statement(Checkpoint(name.origin, size, bytes(32)), number, time, kind, words)
    return sign_statement(said, [SIGNER], data)


def stored(engine: Engine, *rows: StatementRow) -> list[StatementRow]:
    for some in rows:
        insert_statement(engine, some)
    return list(rows)


@pytest.mark.parametrize(
    "statement",
    [
        row(1),
        row(10**19 - 1, StatementKind.RETENTION, size=2**63 - 1, time=2**32 - 1),
        row(1, StatementKind.TIMESTAMPED, data=ALL_BYTES, time=0),
    ],
    ids=["plain", "greatest", "binary"],
)
def test_a_statement_is_read_as_it_was_stored(engine: Engine, statement: StatementRow) -> None:
    assert not are_stated(engine, [statement])
    insert_statement(engine, statement)
    assert list(read_statements(engine)) == [statement]
    assert are_stated(engine, [statement])
    assert last_statement(engine, AUDIT.log_id) == statement


def test_a_statement_is_stored_once_for_each_token(engine: Engine) -> None:
    for renewed in (0, 0, 1, 1, 0):
        insert_statement(engine, row(1), renewed=renewed)
    assert len(list(read_statements(engine))) == 2


def test_another_statement_of_the_same_number_is_not_taken_for_a_repetition(engine: Engine) -> None:
    one, other = row(1), row(1, StatementKind.RETENTION)
    insert_statement(engine, one)
    assert not are_stated(engine, [other])
    insert_statement(engine, other)
    assert len(list(read_statements(engine))) == 2


def test_statements_are_read_by_log_and_number(engine: Engine) -> None:
    rows = stored(engine, row(2), row(10), row(1), row(1, name=OPERATIONAL))
    assert list(read_statements(engine)) == sorted(rows, key=lambda row: (row.log_id, row.number))
    assert [row.number for row in read_statements(engine, AUDIT.log_id)] == [1, 2, 10]
    assert last_statement(engine, AUDIT.log_id) == rows[1]
    assert last_statement(engine, OPERATIONAL.log_id) == rows[3]
    assert last_statement(engine, "nowhere") is None
    ids = [AUDIT.log_id, OPERATIONAL.log_id, "nowhere"]
    assert last_statements(engine, ids) == {AUDIT.log_id: rows[1], OPERATIONAL.log_id: rows[3]}
    assert last_statements(engine, []) == {}
    places = [(AUDIT.log_id, 10), (OPERATIONAL.log_id, 1), (OPERATIONAL.log_id, 2), ("nowhere", 1)]
    assert set(read_numbered_statements(engine, places)) == {rows[1], rows[3]}


def test_of_statements_with_one_number_the_same_is_the_last_of_a_log_and_of_many(engine: Engine) -> None:
    stored(engine, row(1), row(2), *(row(2, kind) for kind in (StatementKind.RETENTION, StatementKind.KEYS)))
    assert last_statements(engine, [AUDIT.log_id]) == {AUDIT.log_id: last_statement(engine, AUDIT.log_id)}


def test_statements_of_a_kind_are_read_of_many_logs(engine: Engine) -> None:
    names = [LogName("shop", Stream.AUDIT, "node-1", f"tenant-{number}") for number in range(3)]
    kinds = StatementKind.RETENTION, StatementKind.HEARTBEAT, StatementKind.RETENTION
    rows = stored(engine, *(row(at, kind, name=name) for name in names for at, kind in enumerate(kinds, 1)))
    ids = [names[0].log_id, names[2].log_id, "nowhere"]
    found = read_statements_of_logs(engine, ids, StatementKind.RETENTION)
    assert found == {names[0].log_id: [rows[0], rows[2]], names[2].log_id: [rows[6], rows[8]]}
    assert found == {
        log_id: list(read_statements(engine, log_id, StatementKind.RETENTION)) for log_id in ids if log_id != "nowhere"
    }


def test_statements_of_some_kinds_or_of_a_size_are_read(engine: Engine) -> None:
    rows = stored(
        engine,
        row(1, StatementKind.RETENTION),
        row(2, StatementKind.WITNESSED, size=5, data=b"a"),
        row(3, size=5),
        row(4, StatementKind.KEYS, size=6),
        row(5, StatementKind.WITNESSED, size=6, data=b"b"),
    )
    assert list(read_statements(engine, AUDIT.log_id, StatementKind.WITNESSED)) == [rows[1], rows[4]]
    assert list(read_statements(engine, None, StatementKind.KEYS, StatementKind.RETENTION)) == [rows[0], rows[3]]
    assert list(read_statements(engine, AUDIT.log_id, tree_size=5)) == rows[1:3]
    assert list(read_statements(engine, None, StatementKind.WITNESSED, tree_size=6)) == [rows[4]]


def test_the_largest_witnessed_checkpoint_is_found(engine: Engine) -> None:
    assert last_witnessed_size(engine, AUDIT.log_id) == 0
    stored(
        engine,
        row(1, StatementKind.WITNESSED, size=5, data=b"a"),
        row(2, size=7),
        row(1, StatementKind.WITNESSED, size=9, data=b"b", name=OPERATIONAL),
    )
    assert last_witnessed_size(engine, AUDIT.log_id) == 5


def test_what_is_in_the_columns_is_what_people_read(engine: Engine) -> None:
    insert_statement(engine, row(7, StatementKind.RETENTION, size=3))
    select = "SELECT concat(LogId, ' ', toString(Number), ' ', Kind, ' ', toString(TreeSize), ' ', toString(SignedAt))"
    assert list(read_rows(engine.query(f"{select} FROM log_statements"), (text,))) == [
        (f"{AUDIT.log_id} 7 retention 3 2026-09-21 14:13:20",)
    ]
