"""Batches that an earlier process left in journals: stored in the background, or before new requests are accepted."""

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
from server.writer.retry_ledger_file import RetryLedgerFile
from server.writer.signed_stream import SignedStream
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
    """Store the batches in journals, and restore the retry ledgers from the requests of an earlier process.

    Args:
        streams: the streams.
        batchers: batcher of each stream.
        files: file of the retry ledger of each stream.
        pool: where blocking work is done.
        give_up: event that ends all retries.
        stack: stack that ends the threads that store new entries of journals.
        behind: True to store journals in the background (``--ack journal``).

    Raises:
        StoppedError: ``give_up`` was set before all batches were stored.
        JournalDamagedError: a journal cannot be read.
        DataDirectoryError: a file of a retry ledger cannot be read.
    """
    # Batches from before a change of --signed-streams are stored before new ones.
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


async def _store_log(
    log: SignedStream | None, batcher: Batcher, file: RetryLedgerFile, pool: Pool, *, wait: bool
) -> None:
    # The senders of these requests did not get OK. Batches acknowledged from the journal name no requests.
    waiting = log.stream.inherited_requests if log else []
    batcher.restore(await pool.run(lambda: file.open(waiting)))
    if log is not None and wait:  # otherwise the journal counts as storage
        await _store_now(log.stream, pool)
    await pool.run(file.waiting_stored)
    batcher.restore(NotedRequest(request, 0.0) for request in waiting)


async def _store_now(writer: StreamWriter | UnsignedWriter, pool: Pool) -> None:
    try:
        await pool.run(writer.store_waiting)
    except RefusedError as error:  # the retries were given up
        raise StoppedError from error
