"""Logs that a verifier requires: storage from which a whole log was deleted shows nothing of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from server.notary.findings import Finding, FindingKind
from server.notary.trust import TrustedKeys
from server.verification.homes import log_id_of
from server.verification.last_batches import last_batch_of
from server.verification.log_check import LogCheck
from storage.engine import Engine

__all__ = ["missing_logs"]


def missing_logs(
    engine: Engine,
    keys: TrustedKeys,
    required: Sequence[str],
    logs: Mapping[str, LogCheck],
    reported: Collection[str] = (),
) -> Iterator[Finding]:
    """Yield a finding for each required log that storage has no signed entry of.

    Args:
        engine: the storage.
        keys: trusted public keys.
        required: origins or IDs of the logs that must be there.
        logs: verified logs, by origin.
        reported: origins of logs that another finding reports as missing or truncated.

    Raises:
        StorageError: storage cannot be read.
    """
    by_id = {log_id_of(origin): origin for origin in logs}
    for name in dict.fromkeys(required):
        log_id = log_id_of(name) or name
        origin = by_id.get(log_id, name if log_id != name else "")
        if origin in reported or log_id in map(log_id_of, reported):
            continue
        log = logs.get(origin)
        if log is None or not (log.tip or _has_signed_batch(engine, keys, log)):
            yield Finding(
                FindingKind.LOG_MISSING,
                f"the log {origin or log_id} has to be there, but storage has no signed entry of it",
                log_id=log_id,
                origin=origin,
            )


def _has_signed_batch(engine: Engine, keys: TrustedKeys, log: LogCheck) -> bool:
    """Return whether a log of which no batch was verified has one, outside the range that is verified."""
    last = last_batch_of(engine, keys, log.name.log_id)
    return last is not None and last.valid is not None
