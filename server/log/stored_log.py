"""The states of logs in storage, and whether they are the logs that this writer wrote."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from server.errors.base import LognotaryError
from server.notary.batch import Batch, LogState, compute_batch_id
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.counted import entries_of
from server.notary.errors import VerificationError
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange
from server.notary.origin import LogName
from storage.batch_lookup import read_added_leaves, read_last_of_logs
from storage.engine import Engine
from storage.evidence import read_batches_of_leaves

__all__ = ["LogUnusableError", "check_known", "read_stored_logs"]


class LogUnusableError(LognotaryError):
    """The log in storage is not the log that this writer wrote; the message says what to do."""


def read_stored_logs(
    engine: Engine, logs: Mapping[LogName, Collection[VerifierKey]]
) -> dict[LogName, tuple[LogState, Batch | None]]:
    """Return the states of logs in storage, each with its last batch there.

    Args:
        engine: the storage.
        logs: the logs, each with the keys that may have signed its last batch.

    Raises:
        LogUnusableError: the last batch of a log does not verify.
        StorageError: storage cannot be read.
    """
    last = read_last_of_logs(engine, [name.log_id for name in logs])
    leaves = read_added_leaves(engine, last.values())
    states: dict[LogName, tuple[LogState, Batch | None]] = {}
    for name, keys in logs.items():
        batch = last.get(name.log_id)
        if batch is None:
            states[name] = LogState(name), None
            continue
        try:
            states[name] = _state_after(name, keys, batch, leaves.get(name.log_id, b"")), batch
        except VerificationError as error:
            raise LogUnusableError(
                f"the last batch of the log {name.origin} in storage does not verify ({error}). Run 'lognotary "
                "verify'; to continue without it, start with another writer name (--writer)"
            ) from error
    return states


def check_known(engine: Engine, state: LogState, known: Checkpoint) -> None:
    """Check that a log in storage has a checkpoint that its writer remembers.

    Args:
        engine: the storage.
        state: state of the log in storage.
        known: the checkpoint.

    Raises:
        LogUnusableError: storage has lost records, or has another history.
        StorageError: storage cannot be read.
    """
    if known.size == 0:
        return
    if known.size > state.range.size:
        raise LogUnusableError(
            f"storage has lost records: the log {known.origin} had {entries_of(known.size)} when this server last "
            f"wrote, but has {state.range.size} now. Restore the storage, or start a new log under another name "
            "(--writer)"
        )
    if (known.size, known.root) == (state.range.size, state.range.root()):
        return
    batches = read_batches_of_leaves(engine, state.name.log_id, [known.size - 1])
    if not any(batch.tree_size == known.size and batch.root_hash == known.root for batch in batches):
        raise LogUnusableError(
            f"storage has another history: the log {known.origin} is not the one whose checkpoint of {known.size} "
            "entries this server signed. Is another server writing under the same name? Give each a --writer of its own"
        )


def _state_after(name: LogName, keys: Collection[VerifierKey], last: Batch, leaves: bytes) -> LogState:
    checkpoint, note = open_checkpoint(last.checkpoint)
    note.verify(keys)
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != (name.origin, last.tree_size, last.root_hash):
        raise VerificationError("the checkpoint does not belong to this batch")
    if compute_batch_id(last) != last.batch_id:
        raise VerificationError("the batch was altered")
    before = CompactRange.from_bytes(last.first_leaf, last.frontier)
    after, _ = before.extend(leaves)
    if after.size != last.tree_size or after.root() != last.root_hash:
        raise VerificationError("its hashes in log_tiles are incomplete or were altered")
    return LogState(name, last.sequence, after)
