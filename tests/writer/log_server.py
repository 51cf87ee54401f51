"""A server's work on its logs: start, write, change keys, and what it has stated and signed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from server.data_dir.directory import DataDirectory
from server.keys.keyring import Keyring, tenant_stores
from server.keys.store import KeyStore
from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.statement import KeyChange, StatementKind, open_statement, read_key_change
from server.notary.trust import TrustedKeys
from server.settings.settings import load_settings
from server.verification.scope import Scope
from server.verification.verification import verify
from server.writer.owned_logs import open_logs, state_changes
from server.writer.signed_stream import SignedStream
from storage.engine import Engine
from storage.statements import read_statements
from tests.codec.building import rows

__all__ = ["AUDIT", "DAY", "NAMES", "Logs", "Server", "signers"]

NAMES = {stream: LogName("shop", stream, "vm") for stream in Stream}
AUDIT = NAMES[Stream.AUDIT]
DAY = 86_400  # seconds
Logs = Mapping[Stream, SignedStream]


class Server:
    """A server's work on its logs, again and again on one data directory and one storage."""

    def __init__(self, engine: Engine, directory: Path, writer: str = "vm") -> None:
        self.engine = engine
        self.directory = directory
        self.names = {stream: LogName("shop", stream, writer) for stream in Stream}
        self._writer = writer
        self.written = 0

    def store(self, *, ml_dsa: bool = False) -> KeyStore:
        return KeyStore(self.directory / "keys", ml_dsa=ml_dsa)

    def keyring(self, own: Collection[str] = (), store: KeyStore | None = None) -> Keyring:
        return Keyring(store or self.store(), tenant_stores(self.directory / "keys", own, KeyStore), own)

    @contextlib.contextmanager
    def running(self, store: KeyStore | None = None, own: Collection[str] = (), **flags: str) -> Iterator[Logs]:
        """Write the logs; tenants ``own`` have keys of their own."""
        with DataDirectory(self.directory) as data:
            keys = self.keyring(own, store)
            give_up = threading.Event()
            settings = load_settings({"data_dir": str(self.directory), "deployment": "shop", **flags}, {})
            logs = open_logs(settings, self._writer, data, keys, self.engine, give_up)
            try:
                state_changes(settings, logs)
                yield logs
            finally:
                for log in logs.values():
                    log.close()

    def start(self, store: KeyStore | None = None, **settings: str) -> None:
        with self.running(store, **settings):
            pass

    def write(self, logs: Logs) -> dict[Stream, Batch]:
        """Write a record to each log."""
        self.written += 1
        now = time.time_ns()
        return {
            stream: log.writer.commit([rows(stream, f"{self.written}", ingested_at=now)])
            for stream, log in logs.items()
        }

    def settle(self, logs: Logs) -> None:
        """Make what changes of keys can be made."""
        for log in logs.values():
            log.writer.stream.settle_keys()

    def stated(self, name: LogName = AUDIT) -> list[str]:
        """Return the kinds, and first words of retention, of all statements of a log."""
        read = [open_statement(row.note)[0] for row in read_statements(self.engine, name.log_id)]
        return [" ".join((said.kind.value, *said.words[:1] * (said.kind is StatementKind.RETENTION))) for said in read]

    def changes(self, name: LogName = AUDIT) -> list[KeyChange]:
        stored = read_statements(self.engine, name.log_id, StatementKind.KEYS)
        return [read_key_change(*open_statement(row.note)) for row in stored]

    def findings(self, *public_keys: bytes) -> list[FindingKind]:
        """Verify everything with one public key, or with all that the server has."""
        keys = TrustedKeys(unnamed=public_keys) if public_keys else self.keyring().trusted("shop")
        return [step.kind for step in verify(self.engine, keys, Scope()) if isinstance(step, Finding)]


def signers(batch: Batch, *known: VerifierKey) -> list[VerifierKey]:
    return open_checkpoint(batch.checkpoint)[1].verify(known)
