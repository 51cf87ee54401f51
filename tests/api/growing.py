"""Logs of which only the batches and the tree are stored, and storage that is tampered with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from server.notary.batch import Batch, LogState, compute_batch_id, notarize
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys
from storage.commit import insert_batches, insert_tiles
from storage.engine import Engine
from tests.api.store import START
from tests.notary.trees import leaves

__all__ = ["NAME", "GrowingLog", "delete", "insert_copy", "update"]

NAME = LogName("shop", Stream.OPERATIONAL, "node-1")


class GrowingLog:
    """A log whose leaf n is ``tests.notary.trees.leaf(n)``; its records are not stored."""

    def __init__(self, engine: Engine, signer: Signer | None = None, name: LogName = NAME) -> None:
        self.engine = engine
        self.signer = signer or Signer.generate()
        self.state = LogState(name)
        self.keys = TrustedKeys(named=self.signer.verifier_keys(name.origin))

    def grow(self, *counts: int, commit: bool = True) -> list[Batch]:
        """Append batches of so many entries; uncommitted ones leave their hashes, and the log where it was."""
        return [self.append(leaves(self.state.range.size, self.state.range.size + n), commit=commit) for n in counts]

    def append(self, leaf_hashes: bytes, *, commit: bool = True) -> Batch:
        """Append one batch of any leaves."""
        step = notarize(
            self.state, leaf_hashes, self.signer, min_timestamp=START, max_timestamp=START, ingested_at=START
        )
        insert_tiles(self.engine, [step.batch], [step.fragments])
        if commit:
            insert_batches(self.engine, [step.batch])
            self.state = step.state
        return step.batch


def insert_copy(engine: Engine, batch: Batch, **changes: Any) -> Batch:
    """Insert a changed copy of a batch, with its ID computed again, as anybody with the right to insert rows can."""
    changed = replace(batch, **changes)
    changed = replace(changed, batch_id=compute_batch_id(changed))
    insert_batches(engine, [changed])
    return changed


def update(engine: Engine, table: str, change: str, where: str) -> None:
    """Change rows behind the server's back."""
    engine.execute(f"ALTER TABLE {table} UPDATE {change} WHERE {where} SETTINGS mutations_sync = 2")


def delete(engine: Engine, table: str, where: str) -> None:
    """Delete rows behind the server's back."""
    engine.execute(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 2")
