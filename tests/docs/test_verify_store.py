"""The verifier in ``docs/examples/verifier``, which was written from the page alone, agrees with ``lognotary verify``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from server.log.journal import Journal
from server.notary.batch import compute_batch_id
from server.notary.signers import Signer
from server.notary.statement import StatementKind
from storage.clickhouse import connect
from storage.commit import insert_batch
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.tamper.stated import LAST, Stated, write_stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, Tables, batch_row, row, statement_row

VERIFIER = Path(__file__).parents[2] / "docs" / "examples" / "verifier"


@dataclass(frozen=True)
class Outsider:
    """Somebody with a store, one of its keys, and the verifier."""

    store: Stated
    url: str
    directory: Path

    def verify(self, *options: str, key: int = 0, of: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the verifier with the first or the second key."""
        file = self.directory / f"key-{key}.pem"
        file.write_bytes(self.store.signers[key].public_pem())
        return run_verifier(self.url, of or file, *options)

    def kinds(self, *options: str) -> list[str]:
        """Return the kinds of what the verifier finds."""
        run = self.verify(*options)
        assert run.returncode == 1, run.stdout + run.stderr
        return [line.partition(":")[0] for line in run.stdout.splitlines()[:-1]]

    def keep(self, note: str) -> str:
        """Keep a checkpoint or statement in a file; return its path."""
        file = self.directory / "kept"
        file.write_text(note, encoding="utf-8")
        return str(file)


def run_verifier(url: str, key: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(VERIFIER / "verify_store.py"), url, "--public-key", str(key), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def written(clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outsider]:
    directory = tmp_path_factory.mktemp("outsider")
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with closing(connect(parse_storage_url(url))) as engine, closing(Journal(directory / "j", 1 << 20)) as journal:
            migrate(engine)
            yield Outsider(write_stated(Tables(engine, journal)), url, directory)


@pytest.fixture
def outsider(written: Outsider) -> Iterator[Outsider]:
    written.store.restore()
    try:
        yield written
    finally:
        written.store.restore()


@pytest.mark.parametrize("key", [0, 1])
def test_an_untouched_store_is_what_was_signed_by_either_of_its_keys(outsider: Outsider, key: int) -> None:
    run = outsider.verify(key=key)
    assert (run.returncode, run.stdout, run.stderr) == (0, "0 findings, 16 batches\n", "")


def test_a_real_server_writes_what_it_accepts(
    clickhouse_server: ClickHouseServer, tmp_path: Path
) -> None:
    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with LognotaryServer(url, tmp_path / "data", batch_age=0.02, ml_dsa="true") as server:
            for first, end in ((0, 254), (254, 300)):
                records = [log_record(f"record {number}", audit_actor_id="alice", audit_action="auth.login") for number in range(first, end)]
                send(server.otlp_grpc, *records, log_record("not audit"))
            run = run_verifier(url, server.public_key)
            assert (run.returncode, run.stderr) == (0, ""), run.stdout
            statements = clickhouse_server.query("SELECT LogId, min(Number), argMin(TreeSize, Number) FROM log_statements GROUP BY LogId", database=database)
            assert [line.split("\t")[1:] for line in statements.splitlines()] == [["1", "0"]] * 2
            clickhouse_server.query("ALTER TABLE audit_logs UPDATE Body = '\x1b[2J' WHERE LeafIndex = 255", database=database, settings={"mutations_sync": 2})
            run = run_verifier(url, server.public_key)
        assert run.returncode == 1
        assert run.stdout.startswith("RECORD_CHANGED: record 255 of batch ")


O = OPERATIONAL.log_id
TAMPERING = {
    "a record's content": ("ALTER TABLE otel_logs UPDATE Body = 'x' WHERE {record}", {"RECORD_CHANGED"}),
    "a record's time of receipt": (
        "ALTER TABLE audit_logs UPDATE ActorId = 'bob' WHERE LeafIndex = 9", {"RECORD_CHANGED"}),
    "a record's leaf": ("ALTER TABLE otel_logs UPDATE LeafIndex = 900 WHERE {record}", {"RECORD_MISSING", "RECORDS_UNSIGNED"}),
    "a record's batch": ("ALTER TABLE otel_logs UPDATE BatchId = generateUUIDv4() WHERE {record}", {"RECORD_MISSING", "RECORDS_UNSIGNED"}),
    "a record's log": ("ALTER TABLE otel_logs UPDATE LogId = 'x' WHERE {record}", {"RECORD_MISSING", "RECORDS_UNSIGNED"}),
    "a record deleted": ("ALTER TABLE otel_logs DELETE WHERE {record}", {"RECORD_MISSING"}),
    "a record deleted lightly": ("DELETE FROM otel_logs WHERE {record}", {"RECORD_MISSING"}),
    "all records of a batch": ("ALTER TABLE otel_logs DELETE WHERE {batch_records}", {"RECORD_MISSING"}),
    "a copy": ("INSERT INTO otel_logs SELECT * FROM otel_logs WHERE {record}", {"RECORD_DUPLICATED"}),
    "a row of no log": ("INSERT INTO otel_logs (Timestamp, Body) VALUES (now(), 'x')", {"RECORDS_UNSIGNED"}),
    "a record in the other table": ("INSERT INTO audit_logs (Timestamp, Body, LogId, BatchId, LeafIndex) SELECT Timestamp, Body, LogId, BatchId, LeafIndex FROM otel_logs WHERE {record}", {"RECORDS_UNSIGNED"}),
    "a batch deleted": ("ALTER TABLE log_batches DELETE WHERE {batch}", {"BATCH_MISSING", "RECORDS_UNSIGNED", "TILE_ALTERED", "LOG_FORKED"}),
    "a batch twice": ("INSERT INTO log_batches SELECT * FROM log_batches WHERE {batch}", {"BATCH_DUPLICATED"}),
    "a batch's time": ("ALTER TABLE log_batches UPDATE MinTimestamp = MinTimestamp - 1 WHERE {batch}", {"BATCH_ALTERED", "BATCH_MISSING", "RECORDS_UNSIGNED", "TILE_ALTERED", "LOG_FORKED"}),
    "a batch of a log that is none": ("INSERT INTO log_batches SELECT * REPLACE ('nonsense' AS Origin, lower(left(hex(SHA256('nonsense')), 16)) AS LogId) FROM (SELECT * FROM log_batches WHERE {batch})", {"BATCH_ALTERED"}),
    "hashes changed": ("ALTER TABLE log_tiles UPDATE Hashes = reverse(Hashes) WHERE Level = 0 AND TileIndex = 0 AND Offset = 0 AND LogId = '{log}'", {"TILE_ALTERED"}),
    "hashes on a higher level deleted": ("ALTER TABLE log_tiles DELETE WHERE Level = 1", {"TILE_ALTERED"}),
    "hashes twice": ("INSERT INTO log_tiles SELECT * FROM log_tiles WHERE Level = 1", {"TILE_ALTERED"}),
    "hashes of no log": ("INSERT INTO log_tiles (LogId) VALUES ('x')", {"TILE_ALTERED"}),
    "a statement's column": ("ALTER TABLE log_statements UPDATE SignedAt = SignedAt - 1 WHERE {statement}", {"STATEMENT_ALTERED"}),
    "a statement deleted": ("ALTER TABLE log_statements DELETE WHERE {statement}", {"STATEMENT_MISSING"}),
    "every statement deleted": ("TRUNCATE TABLE log_statements", {"STATEMENT_MISSING", "BATCH_FOREIGN_SIGNED", "RECORDS_UNSIGNED", "TILE_ALTERED"}),
    "a statement twice": ("INSERT INTO log_statements SELECT * FROM log_statements WHERE {statement}", {"STATEMENT_DUPLICATED"}),
    "a column made nullable": ("ALTER TABLE otel_logs MODIFY COLUMN `__otel_materialized_k8s.pod.name` Nullable(String)", {"DEFINITION_CHANGED"}),
}
"""What is done -> SQL, and the kinds of findings that it gives."""


@pytest.mark.parametrize("what", TAMPERING)
def test_it_names(outsider: Outsider, what: str) -> None:
    sql, expected = TAMPERING[what]
    batch = outsider.store.batches[OPERATIONAL][2]
    names = {
        "log": OPERATIONAL.log_id,
        "record": row(OPERATIONAL, 100),
        "batch": batch_row(batch),
        "batch_records": f"BatchId = '{batch.batch_id}'",
        "statement": statement_row(OPERATIONAL, 3),
    }
    outsider.store.tamper(sql.format(**names))

    assert set(outsider.kinds()) == expected
