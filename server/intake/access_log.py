"""The access log of a process, from its start until the process accepts no more records."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType

from server.access_log.access_log import AccessLog
from server.access_log.calls import RecordedCalls
from server.access_log.opening import open_access_log
from server.intake.process import Process
from server.own_records.sender import OwnRecords
from server.process.background import background

__all__ = ["end_access_log", "running_access_log"]

_FLUSH = 2.0  # seconds that the last events may take


@contextlib.contextmanager
def running_access_log(process: Process, records: OwnRecords) -> Iterator[AccessLog]:
    """Run the access log of a process, which stops if that fails; unless it is off, denied senders are recorded.

    Args:
        process: the context of the process.
        records: sends the server's own records.

    Raises:
        TaskFailedError: records cannot be sent any more, for a reason that nobody foresaw.
    """
    setting = process.settings.access_log
    with (
        open_access_log(records, required=setting == "required").running() as log,
        background("access log", log.supervise(), process.signals.stop),
    ):
        if setting != "off":
            process.denied_senders.log = log
        yield log


async def end_access_log(
    process: Process,
    log: AccessLog | None,
    refusing: asyncio.Event,
    recorded: Mapping[str, RecordedCalls] = MappingProxyType({}),
) -> None:
    """Wait until the process has to stop, and send the last events while records are still accepted.

    Args:
        process: the context of the process.
        log: the access log, None if it is off.
        refusing: event, which is set at the end: records may be refused from then on.
        recorded: recorded calls of each protocol; those that still run are recorded as they are.
    """
    await process.signals.stop.wait()
    try:
        for calls in recorded.values():
            calls.stop()
        if log is not None:
            await process.pools.files.run(partial(log.flush, _FLUSH))
    finally:
        refusing.set()
