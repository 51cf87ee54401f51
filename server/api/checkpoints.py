"""Lookup of logs and their checkpoints, which are verified before they are used."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.api.errors import AlteredError, InvalidArgumentError, NotFoundError
from server.notary.batch import Batch
from server.notary.chain import check_batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import MalformedError
from server.notary.findings import Finding
from server.notary.origin import LogName
from server.notary.trust import TrustedKeys
from server.verification.last_batches import last_batch_of
from storage.checkpoints import nearest_sizes, read_batches_of_size
from storage.engine import Engine

__all__ = ["checkpoint_note", "find_checkpoint", "parse_log", "stored_checkpoint", "verifier_keys"]

_LOG_ID = re.compile(r"[0-9a-f]{16}")


def parse_log(log: str) -> str:
    """Return the ID of a log, given its origin or its ID.

    Raises:
        InvalidArgumentError: the text is neither an origin nor a log ID.
    """
    if _LOG_ID.fullmatch(log):
        return log
    try:
        return LogName.parse(log).log_id
    except MalformedError as error:
        raise InvalidArgumentError(
            f"{log[:200]!r} names no log: give its origin, such as shop/audit/node-1, or its ID, 16 hexadecimal digits"
        ) from error


def find_checkpoint(engine: Engine, keys: TrustedKeys, log: str, tree_size: int) -> Batch:
    """Return the batch whose checkpoint has ``tree_size`` entries; 0 for the last valid batch.

    Args:
        engine: the storage.
        keys: trusted public keys.
        log: the log's origin or its ID; errors name the log by the one that was given.
        tree_size: number of entries.

    Raises:
        InvalidArgumentError: the text is neither an origin nor a log ID.
        NotFoundError: the log does not exist, or none of its batches ends at this size.
        AlteredError: the batch is not what was signed, or is not signed by a known key.
        StorageError: storage cannot be read.
    """
    log_id = parse_log(log)
    if tree_size == 0:
        last = last_batch_of(engine, keys, log_id)
        if last is None:
            raise NotFoundError(f"there is no log {log}; list the logs with 'lognotary checkpoint --list'")
        if last.valid is None:
            raise _altered([problem for _, problem in last.others])
        return last.valid
    batch = stored_checkpoint(engine, keys, log_id, tree_size)
    if batch is None:
        sizes = nearest_sizes(engine, log_id, tree_size)
        if not sizes:
            raise NotFoundError(f"there is no log {log}; list the logs with 'lognotary checkpoint --list'")
        raise NotFoundError(
            f"there is no checkpoint after {tree_size} entries, because no batch ends there; the nearest "
            + (f"is after {sizes[0]}" if len(sizes) == 1 else f"are after {sizes[0]} and after {sizes[1]}")
        )
    return batch


def stored_checkpoint(engine: Engine, keys: TrustedKeys, log_id: str, tree_size: int) -> Batch | None:
    """Return the batch that ends at a size of a log, None if there is none. Raises as ``find_checkpoint``."""
    batches = read_batches_of_size(engine, log_id, tree_size)
    return _checked(batches, keys) if batches else None


def _checked(batches: Sequence[Batch], keys: TrustedKeys) -> Batch:
    problems = []
    for batch in batches:
        problem = check_batch(batch, keys)
        if problem is None:
            return batch
        problems.append(problem)
    raise _altered(problems)


def _altered(problems: Sequence[Finding]) -> AlteredError:
    others = f"; {len(problems) - 1} other rows of this size are not valid either" if len(problems) > 1 else ""
    return AlteredError(problems[0].message + others)


def checkpoint_note(batch: Batch, cosignatures: Sequence[str] = ()) -> str:
    """Return a batch's checkpoint as a signed note.

    Args:
        batch: the batch.
        cosignatures: signature lines of witnesses over the same checkpoint, each with its newline.
    """
    return batch.checkpoint + "".join(cosignatures)


def verifier_keys(batch: Batch, keys: TrustedKeys) -> list[str]:
    """Return the keys that signed a batch's checkpoint, which must be verified already, as C2SP verifier keys."""
    return [str(key) for key in keys.check(*open_checkpoint(batch.checkpoint))]
