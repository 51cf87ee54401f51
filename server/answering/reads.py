"""The connections to storage that answers read with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from server.intake.process import Process, Reached
from server.process.storage_wait import retry_until_available
from server.query.side_by_side import MOST_READS
from storage.clickhouse import connect
from storage.engine import Engine
from storage.interrupt import Interrupt
from storage.measured import MeasuredEngine, MeasureStatement
from storage.watched import WatchedEngine

__all__ = ["reading_storage"]

_OTHER_READS = 4  # connections for evidence, beside those for queries


@contextlib.asynccontextmanager
async def reading_storage(process: Process, storage: Reached, measure: MeasureStatement) -> AsyncIterator[Engine]:
    """Wait until storage can be read; yields an engine whose statements are measured, and are interrupted at the end.

    Args:
        process: the context of the process.
        storage: the storage that was reached to write to.
        measure: function that receives the duration of each statement.

    Raises:
        StoppedError: the process has to stop before storage can be read.
        StorageConfigError: the storage can never be used like this.
    """
    settings, ending = process.settings, Interrupt()
    clients = _OTHER_READS + MOST_READS * settings.query_concurrency
    connecting = partial(connect, settings.storage, clients=clients, interrupt=ending)
    housekeeping, stop = process.pools.housekeeping, process.signals.stop
    reads = await retry_until_available(housekeeping, connecting, stop, process.waiting, may_be_left=True)
    with contextlib.closing(reads):
        measured = MeasuredEngine(reads, measure)
        try:
            yield measured if measured.info.exclusive else WatchedEngine(measured, storage.probe)
        finally:
            ending.set()  # calls that still run do not keep the process from ending
