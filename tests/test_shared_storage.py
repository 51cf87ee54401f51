"""The storage that tests share is as new for each of them, whatever the one before did to it."""

from __future__ import annotations

import pytest

from storage.engine import Engine
from storage.migrate import load_migrations, migrate
from storage.rowbinary import read_rows, uint64

ROW = "SETTINGS insert_deduplication_token = 'token' SELECT 'log' AS LogId, 1 AS Number"


def count(engine: Engine, table: str) -> int:
    ((rows,),) = read_rows(engine.query(f"SELECT count() FROM {table}"), (uint64,))
    return int(rows)


@pytest.mark.parametrize("_time", range(2))
def test_it_is_empty_and_takes_the_insert_of_the_test_before(engine: Engine, _time: int) -> None:
    assert count(engine, "log_statements") == 0
    for _ in range(2):
        engine.execute(f"INSERT INTO log_statements (LogId, Number) {ROW}")
        assert count(engine, "log_statements") == 1


@pytest.mark.parametrize("_time", range(2))
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE otel_logs MODIFY TTL toDateTime(IngestedAt) + INTERVAL 1 DAY",
        "ALTER TABLE otel_logs ADD COLUMN Other String",
        "ALTER TABLE log_tiles MODIFY SETTING parts_to_throw_insert = 1",
        "RENAME TABLE log_statements TO away",
        "DROP TABLE otel_traces SYNC",
        "CREATE TABLE other (A String) ENGINE = MergeTree ORDER BY A",
        "TRUNCATE TABLE lognotary_migrations",
        "DROP TABLE lognotary_migrations SYNC",
    ],
)
def test_it_has_the_tables_that_migrations_make(engine: Engine, change: str, _time: int) -> None:
    assert migrate(engine) == []
    assert count(engine, "lognotary_migrations") == len(load_migrations())
    names = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name IN ('other', 'away')"
    ((others,),) = read_rows(engine.query(names), (uint64,))
    columns = "SELECT countIf(name = 'Other') FROM system.columns WHERE database = currentDatabase()"
    ((other_columns,),) = read_rows(engine.query(columns), (uint64,))
    assert (others, other_columns) == (0, 0)
    engine.execute(f"INSERT INTO log_statements (LogId, Number) {ROW}")
    engine.execute(change)
