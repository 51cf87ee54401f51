"""The verifier in ``docs/examples/verifier``, which was written from the page alone, finds what was changed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from harness.clickhouse_http import ClickHouseServer
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from server.log.journal import Journal
from server.notary.batch import compute_batch_id
from server.notary.checkpoint import open_checkpoint, sign_checkpoint
from server.notary.findings import FindingKind
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.notary.statement import StatementKind
from storage.clickhouse import connect
from storage.commit import insert_batches
from storage.migrate import migrate
from storage.url import parse_storage_url
from tests.docs.outsider import VERIFIER, Outsider, run_verifier
from tests.tamper.stated import FIRST_OF_NEW_KEY, LAST, write_stated
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, TABLES, Tables, batch_row, statement_row


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


def test_a_setting_that_clickhouse_does_not_know_is_left_out(outsider: Outsider, tmp_path: Path) -> None:
    verifier = tmp_path / "verifier"
    shutil.copytree(VERIFIER, verifier)
    with (verifier / "settings.tsv").open("a", encoding="utf-8") as settings:
        settings.write("of_another_version\t1\nof_another_version_too\t0\n")
    run = outsider.verify(verifier=verifier)
    assert (run.returncode, run.stdout, run.stderr) == (0, "0 findings, 16 batches\n", "")


def test_what_a_real_server_writes_is_accepted_also_while_records_come_in(
    clickhouse_server: ClickHouseServer, tmp_path: Path
) -> None:
    ended = threading.Event()

    def keep_sending() -> None:
        while not ended.is_set():
            send(server.otlp_grpc, log_record("audit", audit_actor_id="a", audit_action="b"), log_record("operational"))

    with clickhouse_server.fresh_database() as database:
        url = urlunsplit(urlsplit(clickhouse_server.url)._replace(path=f"/{database}"))
        with (
            LognotaryServer(url, tmp_path / "data", batch_age=0.02, ml_dsa="true") as server,
            ThreadPoolExecutor(1) as sender,
        ):
            records = (
                log_record(f"record {number}", audit_actor_id="alice", audit_action="b") for number in range(300)
            )
            send(server.otlp_grpc, *records)
            sending = sender.submit(keep_sending)
            try:
                runs = [run_verifier(url, server.public_key) for _ in range(3)]
            finally:
                ended.set()
            sending.result()
            assert [(run.returncode, run.stderr) for run in runs] == [(0, "")] * 3, runs
            first = "SELECT Kind, TreeSize FROM log_statements WHERE Number = 1"
            assert clickhouse_server.query(first, database=database).splitlines() == ["keys\t0"] * len(Stream)
            change = "ALTER TABLE audit_logs UPDATE Body = '\x1b[2J' WHERE LeafIndex = 255"
            clickhouse_server.query(change, database=database, settings={"mutations_sync": 2})
            run = run_verifier(url, server.public_key)
        assert run.returncode == 1
        assert run.stdout.startswith("RECORD_CHANGED: record 255 of batch ")


def test_a_store_in_which_a_column_may_be_null_is_not_read(outsider: Outsider) -> None:
    outsider.store.tamper("ALTER TABLE otel_logs MODIFY COLUMN EventName Nullable(String)")
    assert set(outsider.kinds()) == {"TABLE_ALTERED"}


def test_a_table_that_has_become_a_view_is_not_read(outsider: Outsider) -> None:
    outsider.store.touch("log_tiles")
    outsider.store.engine.execute("RENAME TABLE log_tiles TO hidden_tiles")
    outsider.store.engine.execute("CREATE VIEW log_tiles AS SELECT * FROM hidden_tiles")
    try:
        assert "TABLE_ALTERED" in outsider.kinds()
    finally:
        outsider.store.engine.execute("DROP TABLE log_tiles")
        outsider.store.engine.execute("RENAME TABLE hidden_tiles TO log_tiles")


def test_a_batch_that_was_dated_back_under_a_new_id_does_not_make_its_records_expire(outsider: Outsider) -> None:
    store, batch = outsider.store, outsider.store.batches[OPERATIONAL][-1]
    forged = replace(batch, ingested_at=0)
    forged = replace(forged, batch_id=compute_batch_id(forged))
    store.tamper(
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
        f"ALTER TABLE log_tiles UPDATE BatchId = '{forged.batch_id}' WHERE BatchId = '{batch.batch_id}'",
        f"ALTER TABLE otel_logs UPDATE BatchId = '{forged.batch_id}' WHERE BatchId = '{batch.batch_id}'",
    )
    insert_batches(store.engine, [forged])
    assert outsider.kinds() == ["BATCH_ALTERED"]

    store.tamper(f"ALTER TABLE otel_logs DELETE WHERE BatchId = '{forged.batch_id}'")
    assert set(outsider.kinds()) == {"RECORD_MISSING"}


def test_a_batch_that_was_given_another_version_under_a_new_id_has_other_records_than_the_signed_ones(
    outsider: Outsider,
) -> None:
    store, batch = outsider.store, outsider.store.batches[OPERATIONAL][-1]
    forged = replace(batch, canonical_version=1)
    forged = replace(forged, batch_id=compute_batch_id(forged))
    store.tamper(
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}",
        f"ALTER TABLE log_tiles UPDATE BatchId = '{forged.batch_id}' WHERE BatchId = '{batch.batch_id}'",
        f"ALTER TABLE otel_logs UPDATE BatchId = '{forged.batch_id}' WHERE BatchId = '{batch.batch_id}'",
    )
    insert_batches(store.engine, [forged])
    assert outsider.kinds() == ["RECORD_CHANGED"] * batch.record_count
    assert [finding.kind for finding in store.findings()] == [FindingKind.BATCH_ALTERED]


def test_without_statements_nothing_has_expired(outsider: Outsider) -> None:
    store, batch = outsider.store, outsider.store.batches[OPERATIONAL][0]
    store.tamper(
        "TRUNCATE TABLE log_statements",
        f"ALTER TABLE otel_logs DELETE WHERE BatchId = '{batch.batch_id}'",
    )
    assert {"STATEMENT_MISSING", "RECORD_MISSING"} <= set(outsider.kinds())


def test_a_log_that_somebody_else_writes_is_foreign(outsider: Outsider) -> None:
    outsider.store.touch("otel_logs", "log_batches", "log_tiles")
    outsider.store.write(OPERATIONAL, 2, ingested_at=NEXT_DAY + 100 * SECOND, signer=Signer.generate())
    assert set(outsider.kinds()) == {"BATCH_FOREIGN_SIGNED", "RECORDS_UNSIGNED", "TILE_ALTERED"}


def test_a_key_that_was_replaced_signs_nothing_more(outsider: Outsider) -> None:
    outsider.store.touch("otel_logs", "log_batches", "log_tiles")
    outsider.store.write(OPERATIONAL, 2, ingested_at=NEXT_DAY + 100 * SECOND, signer=outsider.store.signers[0])
    assert "BATCH_FOREIGN_SIGNED" in outsider.kinds()


def test_an_end_that_was_cut_off_is_named_by_what_was_kept(outsider: Outsider) -> None:
    store, last = outsider.store, outsider.store.batches[AUDIT][-1]
    statement = store.statement(AUDIT, LAST)
    for note in (last.checkpoint, statement.note):
        assert outsider.verify("--checkpoint", outsider.keep(note)).returncode == 0
    store.tamper(
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(last)}",
        f"ALTER TABLE log_tiles DELETE WHERE BatchId = '{last.batch_id}'",
        f"ALTER TABLE audit_logs DELETE WHERE BatchId = '{last.batch_id}'",
        f"ALTER TABLE log_statements DELETE WHERE {statement_row(AUDIT, LAST)}",
    )
    assert outsider.verify().returncode == 0
    assert outsider.kinds("--checkpoint", outsider.keep(last.checkpoint)) == ["LOG_TRUNCATED"]
    assert outsider.kinds("--checkpoint", outsider.keep(statement.note)) == ["STATEMENT_MISSING"]


def test_an_empty_store_is_no_success(outsider: Outsider) -> None:
    outsider.store.tamper(*(f"TRUNCATE TABLE {table}" for table in TABLES))
    assert outsider.verify().returncode == 1


def test_a_row_of_a_batch_is_judged_by_the_keys_of_its_size(outsider: Outsider) -> None:
    """At exactly the size of a change, the keys before it sign, or those after it; a verifier accepts both."""
    old, new = outsider.store.signers
    batch = outsider.store.batches[OPERATIONAL][FIRST_OF_NEW_KEY - 1]
    [change] = [row for row in outsider.store.statements[OPERATIONAL] if row.kind == StatementKind.KEYS.value]
    assert change.tree_size == batch.tree_size
    checkpoint, _ = open_checkpoint(batch.checkpoint)
    for signer in (old, new):
        outsider.store.touch("log_batches")
        signed = replace(batch, checkpoint=str(sign_checkpoint(checkpoint, signer)))
        outsider.store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}")
        insert_batches(outsider.store.engine, [signed], renewed=1 + (signer is new))
        assert outsider.verify().stdout == "0 findings, 16 batches\n"
        assert outsider.store.findings() == []
