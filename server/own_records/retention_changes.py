"""Records of changes of retention, which a server notices at its start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from server.own_records.administration import PolicyChange
from server.own_records.sender import NotRecordedError
from server.process.pools import Pool
from server.retry.trouble import Trouble
from storage.engine import Engine
from storage.errors import StorageError
from storage.policies import DISCLOSURES, note_policy, read_recorded_policies
from storage.retention_policy import Policy

__all__ = ["keep_recording", "record_retention"]

_logger = logging.getLogger(__name__)

_AGAIN = 5.0  # seconds
_RETENTION = "the retention that is in force"


def record_retention(
    engine: Engine, policies: Mapping[str, Policy], record: Callable[[PolicyChange], object], writer: str
) -> None:
    """Record each change since the last record, and note that it is recorded. The first retention is no change.

    Args:
        engine: the storage.
        policies: how long the records of a stream, or disclosed values, are kept from now on, by name.
        record: records a change in the audit log, or raises NotRecordedError.
        writer: name of the writer whose settings have the policies.

    Raises:
        NotRecordedError: a change is in force, but may not be recorded.
        StorageError: storage cannot be read, or takes no note.
    """
    recorded = read_recorded_policies(engine)
    for name, policy in policies.items():
        before = recorded.get(name)
        if before is not None and before.text() == policy.text():
            continue
        if before is not None:
            change = _change(name, before, policy, writer)
            record(change)
            _logger.info("%s", change.what)
        note_policy(engine, name, policy)


async def keep_recording(
    pool: Pool, record: Callable[[], object], what: str = "the retention that is in force"
) -> None:
    """Record changes of retention, or something else, again and again until that succeeds.

    Args:
        pool: pool in whose threads they are recorded.
        record: records them, and raises as ``record_retention``.
        what: name of what is recorded, in the singular.
    """
    trouble = Trouble(_logger, f"{what} is not recorded yet", f"{what} is recorded")
    while True:
        try:
            await pool.run(record)
        except (NotRecordedError, StorageError) as error:
            trouble.goes_on(str(error))
            await asyncio.sleep(_AGAIN)
        else:
            trouble.ends()
            return


def _change(name: str, before: Policy, after: Policy, writer: str) -> PolicyChange:
    target_type, what = ("table", "disclosed values") if name == DISCLOSURES else ("stream", f"the stream {name}")
    return PolicyChange(
        "retention.change",
        name,
        target_type,
        "",
        "",
        f"retention of {what} changed from {before} to {after}",
        details={
            "lognotary.retention.before": before.text(),
            "lognotary.retention.after": after.text(),
            "lognotary.writer": writer,
        },
    )
