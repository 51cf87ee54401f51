"""Batches that an earlier process left in journals: they are stored behind those who send, or before they may."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping

from server.errors.ingest import RefusedError
from server.log.stream_writer import StreamWriter
from server.log.unsigned_writer import UnsignedWriter
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.retry_ledger import NotedRequest
from server.process.pools import Pool
from server.process.storage_wait import StoppedError
from server.writer.open_streams import OpenStreams
from server.writer.owned_log import OwnedLog
from server.writer.retry_ledger_file import RetryLedgerFile
from server.writer.storing import storing

__all__ = ["store_journals"]


async def store_journals(
    streams: OpenStreams,
    batchers: Mapping[Stream, Batcher],
    files: Mapping[Stream, RetryLedgerFile],
    pool: Pool,
    give_up: threading.Event,
    stack: contextlib.AsyncExitStack,
    *,
    behind: bool,
) -> None:
    """Store what is in journals, and have retries of requests that an earlier process stored recognised.

    Args:
        streams: the streams.
        batchers: batcher of each stream.
        files: file of the retry ledger of each stream.
        pool: where blocking work is done.
        give_up: once set, nothing is repeated any more.
        stack: ends the threads that store what comes into journals.
        behind: journals are stored behind those who send (``--ack journal``).

    Raises:
        StoppedError: ``give_up`` was set before.
        JournalDamagedError: a journal cannot be read.
        DataDirectoryError: a file of a retry ledger cannot be read.
    """
    # What came before a stream was signed, or when it still was, is stored before anything new.
    for former in streams.formerly_unsigned.values():
        await _store_now(former, pool)
    for stream, batcher in batchers.items():
        log = streams.all_logs.get(stream)
        wait = not behind or stream in streams.former_logs
        await _store_log(log, batcher, files[stream], pool, wait=wait)
    for writer in streams.writers.values():
        if behind:
            await stack.enter_async_context(storing(pool, writer, give_up))
        else:
            await _store_now(writer, pool)


async def _store_log(log: OwnedLog | None, batcher: Batcher, file: RetryLedgerFile, pool: Pool, *, wait: bool) -> None:
    # The senders of these requests were not told OK. Batches that were acknowledged from the journal name none.
    waiting = log.writer.stream.inherited_requests if log else []
    batcher.restore(await pool.run(lambda: file.open(waiting)))
    if log is not None and wait:  # else they are as good as stored: the journal is what counts
        await _store_now(log.writer.stream, pool)
    await pool.run(file.waiting_stored)
    batcher.restore(NotedRequest(request, 0.0) for request in waiting)


async def _store_now(writer: StreamWriter | UnsignedWriter, pool: Pool) -> None:
    try:
        await pool.run(writer.store_waiting)
    except RefusedError as error:  # it was given up
        raise StoppedError from error
