"""Last checkpoints of logs, to be remembered, so that a log is missed that is deleted later."""

from __future__ import annotations

from server.notary.findings import FindingKind
from server.self_verification.section_result import SectionResult
from server.verification.last_batches import last_batch_of
from server.verification.sections import VerificationContext
from storage.engine import Engine

__all__ = ["last_checkpoints"]

# About logs that do not extend what is remembered of them, which must not be forgotten then.
_REPLACED = (FindingKind.LOG_TRUNCATED.value, FindingKind.LOG_FORKED.value)


def last_checkpoints(engine: Engine, context: VerificationContext, outside: SectionResult) -> list[str]:
    """Return the last checkpoint, a signed note, of each log that has a valid batch and is not found to be replaced.

    Args:
        engine: the storage.
        context: context of the pass, in which the logs are.
        outside: result of verifying what lies outside all sections, in which remembered checkpoints are checked.

    Raises:
        StorageError: storage cannot be read.
    """
    replaced = {notice.origin for notice in outside.found.values() if notice.kind in _REPLACED}
    found = (last_batch_of(engine, context.keys, log.log_id) for log in context.logs if log.origin not in replaced)
    return [last.valid.checkpoint for last in found if last is not None and last.valid is not None]
