"""Ingestion on a real ClickHouse that is away for hours by the clock of the process."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.clickhouse_http import ClickHouseServer
from harness.otlp_load import log_record, request_of
from harness.waiting import wait_for
from server.codec.choose import build_codec
from server.data_dir.directory import DataDirectory
from server.errors.ingest import BatchOutcomeUnknownError, UnprovedRecordError
from server.keys.keyring import Keyring
from server.keys.store import KeyStore
from server.notary.batch import Batch, compute_batch_id
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName, Stream
from server.notary.statement import StatementKind
from server.pipeline.clock import Clock
from server.process.lifecycle import Signals
from server.process.pools import Pool, open_pools
from server.process.storage_probe import StorageProbe
from server.process.storage_wait import StorageWait
from server.settings.settings import load_settings
from server.verification.expiry import Expired
from server.verification.scope import Scope, Summary
from server.verification.verification import verify
from server.writer.ingestion import Ingestion
from server.writer.owned_logs import open_logs, state_changes
from storage.clickhouse import connect
from storage.commit import insert_batches
from storage.engine import Engine
from storage.evidence import last_batch, read_batches_of_leaves
from storage.migrate import migrate
from storage.retention import set_retention
from storage.retention_policy import Policy
from storage.rowbinary import read_rows, text
from storage.statements import read_statements
from storage.url import parse_storage_url
from storage.writers import WriterName
from tests.codec.producers.signing import login, producer, shared, signed
from tests.codec.producers.signing import request_of as signed_request
from tests.faults.proxy import Proxy
from tests.faults.trouble import Trouble, Way

POOL = Pool("test", 4)
NAME = LogName("shop", Stream.OPERATIONAL, "vm")
HOUR = 3600 * 10**9
FLAGS = {"deployment": "shop", "heartbeat": "0.05", "retention_operational": "1d"}


@pytest.fixture
def proxy(clickhouse_server: ClickHouseServer) -> Iterator[Proxy]:
    with Proxy(clickhouse_server.url) as running:
        yield running


def opened(server: str, port: int | None, database: str) -> Engine:
    parts = urlsplit(server)
    netloc = f"{parts.netloc.rpartition(':')[0]}:{port or parts.port}"
    return connect(parse_storage_url(urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))))


@pytest.fixture
def engine(clickhouse_server: ClickHouseServer, database: str) -> Iterator[Engine]:
    """The storage, which a test reaches whether or not the process does."""
    with closing(opened(clickhouse_server.url, None, database)) as direct:
        migrate(direct)
        yield direct


class Process:
    """A process that ingests; ``offset`` is by how much its clock is wrong, in nanoseconds."""

    def __init__(
        self, directory: Path, engine: Engine, ack: str = "journal", config: Path | None = None, **flags: str
    ) -> None:
        self.offset = 0
        self.engine = engine
        self.settings = load_settings({"data_dir": str(directory), **FLAGS, "ack": ack, "config": config, **flags}, {})
        self.keys = Keyring(KeyStore(directory / "keys"))
        self.clock = Clock(lambda: time.time_ns() + self.offset)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            waiting = StorageWait(self.settings.storage)
            self.ingestion = Ingestion(self.settings, stack.enter_context(open_pools()), waiting, self.clock)
            data = stack.enter_context(DataDirectory(Path(self.settings.data_dir)))
            name = WriterName("shop", "vm", data.place)
            writing = self.ingestion.writing(
                name, data, self.keys, self.engine, StorageProbe(self.engine), signals := Signals()
            )
            self.writing = await stack.enter_async_context(writing)
            await POOL.run(lambda: state_changes(self.settings, self.writing.streams.all_logs))
            taking = self.ingestion.taking_requests(self.writing, self.engine, signals.stop)
            await stack.enter_async_context(taking)
            yield
            await self.ingestion.finish(self.writing)

    async def send(self, *records: LogRecord) -> None:
        """Send records; they are acknowledged."""
        await self.send_bytes(request_of(records).SerializeToString())

    async def send_bytes(self, request: bytes) -> None:
        with self.ingestion.pipeline.admit("a client", len(request)) as ticket:
            await self.ingestion.pipeline.submit(request, ticket)

    def end_while_storing(self, request: bytes, proxy: Proxy, trouble: Trouble) -> None:
        """Sign the records of a request and end while storage, which has trouble, gives no answer.

        The batch stays in the journal, and the sender gets no OK.
        """
        give_up = threading.Event()
        parts = build_codec(self.settings.codec, self.settings.audit_rules).encode(request, time.time_ns())
        with DataDirectory(Path(self.settings.data_dir)) as data, ThreadPoolExecutor(1) as thread:
            logs = open_logs(self.settings, "vm", data, self.keys, self.engine, give_up)
            state_changes(self.settings, logs)
            number = proxy.begin(trouble)
            hits = proxy.hits[trouble.way]
            digest = hashlib.sha256(request).digest()
            commit = thread.submit(logs[Stream.OPERATIONAL].writer.commit, parts, [digest])
            wait_for(lambda: proxy.hits[trouble.way] > hits + 1)  # the insert, and the question what became of it
            give_up.set()
            with pytest.raises(BatchOutcomeUnknownError):
                commit.result()
            proxy.end(number)
            for log in logs.values():
                log.close()

    @property
    def waiting(self) -> int:
        """Number of batches that are not in storage."""
        return len(self.writing.streams.all_logs[Stream.OPERATIONAL].writer.stream.journal)


def bodies_stored(engine: Engine) -> list[str]:
    rows = read_rows(engine.query("SELECT Body FROM otel_logs ORDER BY LeafIndex"), (text,))
    return [body for (body,) in rows]


async def test_a_retry_of_a_request_whose_batch_an_earlier_process_left_in_the_journal_is_stored_once(
    clickhouse_server: ClickHouseServer,
    proxy: Proxy,
    database: str,
    engine: Engine,
    tmp_path: Path,
) -> None:
    request = request_of([log_record("once")]).SerializeToString()
    with closing(opened(clickhouse_server.url, urlsplit(proxy.url).port, database)) as through:
        process = Process(tmp_path, through, ack="commit")
        trouble = Trouble(Way.CUT_ANSWER)
        await POOL.run(lambda: process.end_while_storing(request, proxy, trouble))
        assert last_batch(engine, NAME.log_id) is None
        async with process.running():
            await process.send_bytes(request)
            assert bodies_stored(engine) == ["once"]
        # A sender that got OK sends another request, even if it is equal; this outlives a restart.
        async with process.running():
            await process.send_bytes(request)
        assert bodies_stored(engine) == ["once", "once"]
        assert look(engine, process.keys) == []


async def test_such_a_retry_is_stored_once_also_if_the_next_process_acknowledges_from_the_journal(
    clickhouse_server: ClickHouseServer, proxy: Proxy, database: str, engine: Engine, tmp_path: Path
) -> None:
    request = request_of([log_record("once")]).SerializeToString()
    with closing(opened(clickhouse_server.url, urlsplit(proxy.url).port, database)) as through:
        before = Process(tmp_path, through, ack="commit")
        await POOL.run(lambda: before.end_while_storing(request, proxy, Trouble(Way.CUT_ANSWER)))
        after = Process(tmp_path, through, ack="journal")
        async with after.running():
            await after.send_bytes(request)
            await until(lambda: bodies_stored(engine) == ["once"])
        async with after.running():
            await after.send_bytes(request)
        assert bodies_stored(engine) == ["once", "once"]
        assert look(engine, after.keys) == []


async def test_signatures_of_producers_are_checked_and_required(engine: Engine, tmp_path: Path) -> None:
    one = producer()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "one.pem").write_text(one.pem)
    required = {"producer_signatures": "require", "producer_keys": str(tmp_path / "keys")}
    process = Process(tmp_path / "data", engine, "commit", None, **required)
    request = signed_request(signed(login(), "ES256", one.key), resource=shared("ES256", one.full))
    async with process.running():
        await process.send_bytes(request)
        with pytest.raises(UnprovedRecordError, match="its signature is failed"):
            await process.send_bytes(request.replace(b"logged in", b"logged on"))
        (tmp_path / "keys" / "one.pem").unlink()
        await POOL.run(process.ingestion.reload_rules)
        with pytest.raises(UnprovedRecordError, match="no trusted CA issued the certificate"):
            await process.send_bytes(request)
        assert b'lognotary_producer_signatures_total{result="verified"} 1.0' in process.ingestion.metrics.expose()
    ((details,),) = read_rows(engine.query("SELECT OtlpDetails FROM audit_logs"), (text,))
    assert f'"producer":{{"result":"verified","key":"{one.fingerprint}"' in details


def size_stated(engine: Engine) -> list[int]:
    return [row.tree_size for row in read_statements(engine, NAME.log_id, StatementKind.HEARTBEAT)]


async def until(condition: Callable[[], object]) -> None:
    await POOL.run(lambda: wait_for(condition))


def look(engine: Engine, keys: Keyring) -> list[Finding | Expired]:
    steps = list(verify(engine, keys.trusted("shop"), Scope()))
    assert isinstance(steps[-1], Summary)
    return [step for step in steps if isinstance(step, Finding | Expired)]


async def test_records_that_were_acknowledged_while_clickhouse_was_away_for_hours_expire_and_are_not_missing(
    clickhouse_server: ClickHouseServer, proxy: Proxy, database: str, engine: Engine, tmp_path: Path
) -> None:
    port = urlsplit(proxy.url).port
    with closing(opened(clickhouse_server.url, port, database)) as through:
        process = Process(tmp_path, through)
        process.offset = -30 * HOUR
        async with process.running():
            await process.send(log_record("before"))
            await until(lambda: process.waiting == 0)
            away = proxy.begin(Trouble(Way.REFUSE))
            for number in range(3):
                await process.send(log_record(f"while it was away, {number}"))
            assert process.waiting == 3
            process.offset += 10 * HOUR
            # Back, but for the table of records: heartbeats are stored before what waits.
            engine.execute("RENAME TABLE otel_logs TO elsewhere")
            stated = len(size_stated(engine))
            proxy.end(away)
            await until(lambda: len(size_stated(engine)) > stated + 1)
            assert size_stated(engine)[-1] == 1
            assert process.waiting == 3
            await process.send(log_record("after"))
            engine.execute("RENAME TABLE elsewhere TO otel_logs")
            await until(lambda: process.waiting == 0)
        batches = read_batches_of_leaves(engine, NAME.log_id, range(5))
        last = last_batch(engine, NAME.log_id)
        assert last is not None
        assert look(engine, process.keys) == []
        # ClickHouse drops what is older than a day: all but the last record.
        set_retention(engine, {Stream.OPERATIONAL: Policy(1)})
        engine.execute("OPTIMIZE TABLE otel_logs FINAL")
        await until(lambda: engine.query("SELECT count() FROM otel_logs") == (1).to_bytes(8, "little"))
        gone = look(engine, process.keys)
        assert [step for step in gone if isinstance(step, Finding)] == []
        assert sum(step.records for step in gone if isinstance(step, Expired)) == 4
        assert last.first_leaf == 4
        assert len(batches) == 5
        # Whoever can write to the database cannot make the last one look like these.
        older = _received_earlier(last, 100 * HOUR)
        for statement in (
            f"ALTER TABLE otel_logs DELETE WHERE LeafIndex = {last.first_leaf}",
            f"ALTER TABLE log_batches DELETE WHERE BatchId = toUUID('{last.batch_id}')",
            f"ALTER TABLE log_tiles UPDATE BatchId = toUUID('{older.batch_id}') "
            f"WHERE BatchId = toUUID('{last.batch_id}')",
        ):
            engine.execute(f"{statement} SETTINGS mutations_sync = 2")
        insert_batches(engine, [older])
        found = [step for step in look(engine, process.keys) if isinstance(step, Finding)]
        assert [(step.kind, step.batch_id) for step in found] == [(FindingKind.RECORD_MISSING, older.batch_id)]


def _received_earlier(batch: Batch, by: int) -> Batch:
    earlier = replace(batch, ingested_at=batch.ingested_at - by)
    return replace(earlier, batch_id=compute_batch_id(earlier))


async def test_the_first_request_is_classified_by_the_rules_that_the_settings_file_has_by_then(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    process = Process(tmp_path, engine, ack="commit", config=file)
    file.write_text('[[audit.rules]]\nname = "later"\nmatch = { body = "an event" }\n')
    async with process.running():
        await process.send(log_record("an event"))
    stored = read_rows(engine.query("SELECT AuditRule FROM audit_logs"), (text,))
    assert [rule for (rule,) in stored] == ["later"]
