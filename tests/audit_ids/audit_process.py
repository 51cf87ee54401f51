"""A process that receives audit records, on a real engine, with faults of the storage on demand."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.provenance import Provenance
from server.data_dir.directory import DataDirectory
from server.keys.keyring import Keyring
from server.keys.store import KeyStore
from server.notary.origin import Stream
from server.pipeline.audit_ingest import AuditReceipt
from server.process.lifecycle import Signals
from server.process.pools import Pool, open_pools
from server.process.storage_probe import StorageProbe
from server.process.storage_wait import StorageWait
from server.settings.settings import load_settings
from server.writer.ingestion import Ingestion
from server.writer.owned_logs import state_changes
from storage.engine import Engine, EngineWrapper
from storage.rowbinary import read_rows, text, uint64
from storage.writers import WriterName
from tests.audit_ids.audit_records import bytes_of

__all__ = ["AuditProcess", "FailingEngine", "stored"]

_POOL = Pool("test", 2)


class FailingEngine(EngineWrapper):
    """An engine whose inserts into a table meet errors, before or after they take effect.

    Attributes:
        before, after: called with the table of each insert; what they raise is raised.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        self.before(table)
        super().insert(table, columns, block, token)
        self.after(table)


class AuditProcess:
    """A process of one writer; each ``running`` block is one life of it."""

    def __init__(self, directory: Path, engine: Engine, writer: str = "vm", **flags: str) -> None:
        settings = {"deployment": "shop", "batch_age": "0.005", "data_dir": str(directory / writer), **flags}
        self.settings = load_settings(settings, {})
        self.engine = FailingEngine(engine)
        self.writer = writer
        self.keys = Keyring(KeyStore(directory / writer / "keys"))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the block ends."""
        async with contextlib.AsyncExitStack() as stack:
            pools = stack.enter_context(open_pools())
            self.ingestion = Ingestion(self.settings, pools, StorageWait(self.settings.storage))
            data = stack.enter_context(DataDirectory(Path(self.settings.data_dir)))
            name, signals = WriterName("shop", self.writer, data.place), Signals()
            probe = StorageProbe(self.engine)
            writing = self.ingestion.writing(name, data, self.keys, self.engine, probe, signals)
            self.writing = await stack.enter_async_context(writing)
            await _POOL.run(lambda: state_changes(self.settings, self.writing.streams.all_logs))
            await stack.enter_async_context(self.ingestion.taking_requests(self.writing, self.engine, signals.stop))
            yield
            await self.ingestion.finish(self.writing)

    async def send(
        self,
        *records: LogRecord,
        every: bool = True,
        tenant: str = "",
        streams: frozenset[Stream] | None = None,
    ) -> Sequence[AuditReceipt]:
        """Send records as a receiver does, and return their receipts."""
        return await self.send_bytes(bytes_of(*records), every=every, tenant=tenant, streams=streams)

    async def send_bytes(
        self, request: bytes, *, every: bool = True, tenant: str = "", streams: frozenset[Stream] | None = None
    ) -> Sequence[AuditReceipt]:
        """Send a serialized request."""
        with self.ingestion.pipeline.admit("a client", len(request)) as ticket:
            return await self.ingestion.submit_audit(
                request, ticket, every=every, provenance=Provenance(tenant), streams=streams
            )

    async def send_logs(self, *records: LogRecord) -> None:
        """Send records as a receiver does that does not check them."""
        request = bytes_of(*records)
        with self.ingestion.pipeline.admit("a client", len(request)) as ticket:
            await self.ingestion.pipeline.submit(request, ticket)


def stored(engine: Engine) -> list[tuple[str, int]]:
    """Return the ids and leaves of the stored audit records of all logs."""
    rows = engine.query("SELECT AuditRecordId, LeafIndex FROM audit_logs ORDER BY LogId, LeafIndex")
    return list(read_rows(rows, (text, uint64)))
