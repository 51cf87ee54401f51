"""Embedded storage with empty tables, and one process that ingests audit records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.audit_ids.audit_process import AuditProcess


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with closing(connect(parse_storage_url(f"chdb://{tmp_path_factory.mktemp('ids') / 'chdb'}"))) as engine:
        migrate(engine)
        yield engine


@pytest.fixture
def engine(opened: Engine) -> Engine:
    for table in ("audit_logs", "otel_logs", "log_batches", "log_tiles", "log_statements", "log_writers"):
        opened.execute(f"TRUNCATE TABLE {table} SYNC")
    opened.execute("TRUNCATE TABLE audit_record_ids SYNC")
    return opened


@pytest.fixture
def process(engine: Engine, tmp_path: Path) -> AuditProcess:
    return AuditProcess(tmp_path, engine)
