"""A log that tests write to and reopen."""

from __future__ import annotations

from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.engine import Engine
from tests.codec.building import rows

from .writers import log_writer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
KEY = SIGNER.verifier_key(NAME.origin)


def write(
    engine: Engine, journal: Journal, state: LogState, *batches: list[str], signer: Signer = SIGNER
) -> list[Batch]:
    writer = log_writer(engine, journal, state, signer)
    return [writer.commit([rows(state.name.stream, *bodies)]) for bodies in batches]


def checkpoint(batch: Batch) -> Checkpoint:
    return Checkpoint(batch.origin, batch.tree_size, batch.root_hash)
