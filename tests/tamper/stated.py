"""A small store whose logs have statements of every kind, and a change of keys in the middle."""

from __future__ import annotations

from dataclasses import replace

from server.log.committed_log import CommittedLog
from server.log.statement_writer import StatementWriter
from server.notary.batch import Batch, LogState, compute_batch_id
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.cosignature import timed_message
from server.notary.keys import KeyType, VerifierKey
from server.notary.merkle import EMPTY_ROOT
from server.notary.note import NoteSignature
from server.notary.origin import LogName
from server.notary.signers import Ed25519Key, Signer
from server.notary.statement import Statement, StatementKind, StatementRow, open_statement
from storage.evidence import last_batch
from storage.statements import last_statement, read_statements
from tests.log.writers import statement_writer
from tests.tamper.store import AUDIT, NEXT_DAY, OPERATIONAL, SECOND, START, TABLES, Store, Tables

__all__ = [
    "FIRST_OF_NEW_KEY",
    "KEYS",
    "LAST",
    "TIMESTAMPED",
    "WITNESSED",
    "Stated",
    "cosign",
    "received_earlier",
    "write_stated",
]

# The numbers of statements.
WITNESSED = (3, 8)
TIMESTAMPED = 4
KEYS = 5
LAST = 9
FIRST_OF_NEW_KEY = 4  # place of the first batch that the second key signs
_SIZES = {OPERATIONAL: (2, 260, 5, 1, 9, 4, 30, 3), AUDIT: (3, 1, 80, 5, 2, 2, 8, 4)}
_TWO_THOUSAND_YEARS = "63072000000"  # seconds; long enough for tests that delete records


class AsStored(CommittedLog):
    """A log whose checkpoint is read from its last batch in storage."""

    def __init__(self, name: LogName, store: Stated) -> None:
        super().__init__(LogState(name))
        self._store = store

    @property
    def checkpoint(self) -> Checkpoint:
        return self._store.checkpoint(self.name)


class Stated(Store):
    """A store whose logs have statements."""

    def statement_writer(self, name: LogName, at: int, signer: Signer | None = None) -> StatementWriter:
        """Return what appends statements to a log's.

        Args:
            name: the log.
            at: when they are signed, in nanoseconds since the epoch.
            signer: their key, else the last one.
        """
        stored = last_statement(self.engine, name.log_id)
        last = open_statement(stored.note)[0] if stored else None
        return statement_writer(
            self.engine,
            self.tables.journal,
            AsStored(name, self),
            signer or self.signers[-1],
            last=last,
            clock=lambda: at / SECOND,
        )

    def state(self, name: LogName, kind: StatementKind, *words: str, at: int) -> Statement:
        """Append a statement to a log's, signed at a time in nanoseconds since the epoch."""
        self.touch("log_statements")
        return self.statement_writer(name, at).state(kind, *words)

    def checkpoint(self, name: LogName) -> Checkpoint:
        """Return where a log stands."""
        last = last_batch(self.engine, name.log_id)
        return open_checkpoint(last.checkpoint)[0] if last else Checkpoint(name.origin, 0, EMPTY_ROOT)

    def statement(self, name: LogName, number: int) -> StatementRow:
        """Return a statement as it was written."""
        return self.statements[name][number - 1]


def write_stated(tables: Tables) -> Stated:
    """Write the store: two logs over two days, whose keys change between batch 4 and batch 5."""
    for table in TABLES:
        tables.engine.execute(f"TRUNCATE TABLE {table}")
    store = Stated(tables, (Signer.generate(), Signer.generate()), "stated")
    for name in _SIZES:
        _write_log(store, name)
        store.statements[name] = list(read_statements(store.engine, name.log_id))
    tables.keep(store.prefix)
    return store


def _write_log(store: Stated, name: LogName) -> None:
    old, new = store.signers
    batches: list[Batch] = []
    store.batches[name] = batches

    def grow(count: int, signer: Signer) -> None:
        for size in _SIZES[name][len(batches) : len(batches) + count]:
            at = (NEXT_DAY if len(batches) >= FIRST_OF_NEW_KEY else START) + len(batches) * SECOND
            batches.append(store.write(name, size, ingested_at=at, signer=signer))

    def statements(signer: Signer) -> StatementWriter:
        return store.statement_writer(name, batches[-1].ingested_at if batches else START, signer)

    def witness(writer: StatementWriter, number: int) -> None:
        checkpoint, _ = open_checkpoint(batches[number].checkpoint)
        writer.state_of(checkpoint, StatementKind.WITNESSED, cosign(checkpoint, START // SECOND))

    statements(old).state(StatementKind.RETENTION, "forever")
    grow(2, old)
    statements(old).state(StatementKind.HEARTBEAT)
    witness(statements(old), 0)
    grow(2, old)
    timestamped, _ = open_checkpoint(batches[2].checkpoint)
    statements(old).state_of(timestamped, StatementKind.TIMESTAMPED, b"\x30\x03\x02\x01\xff")  # any DER
    statements(old).change_keys(old, new)
    grow(2, new)
    statements(new).state(StatementKind.HEARTBEAT)
    statements(new).state(StatementKind.RETENTION, _TWO_THOUSAND_YEARS)
    witness(statements(new), 5)
    grow(1, new)
    statements(new).state(StatementKind.HEARTBEAT)
    grow(1, new)


def cosign(checkpoint: Checkpoint, time: int) -> bytes:
    """Return the signature line of a new witness over a checkpoint (C2SP tlog-cosignature), at a time in seconds."""
    key = Ed25519Key.generate()
    public = VerifierKey("witness.example/w1", key.public_key, KeyType.ED25519_COSIGNATURE)
    signature = time.to_bytes(8, "big") + key.sign(timed_message(checkpoint.text(), time))
    public.verify(checkpoint.text(), signature)
    return NoteSignature(public.name, public.key_id, signature).line().encode()


def received_earlier(batch: Batch, by: int) -> Batch:
    """Return a batch that says it was received some nanoseconds earlier, made consistent again."""
    earlier = replace(batch, ingested_at=batch.ingested_at - by)
    return replace(earlier, batch_id=compute_batch_id(earlier))
