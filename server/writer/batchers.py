"""The batchers of the streams that a process writes."""

from __future__ import annotations

from collections.abc import Mapping

from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits
from server.process.metrics import Metrics
from server.settings.settings import Settings
from server.settings.values import Acknowledge
from server.writer.open_streams import OpenStreams
from server.writer.retry_ledger_file import RetryLedgerFile

__all__ = ["build_batchers"]


def build_batchers(
    settings: Settings,
    streams: OpenStreams,
    metrics: Metrics,
    files: Mapping[Stream, RetryLedgerFile],
) -> dict[Stream, Batcher]:
    """Return the batcher of each stream.

    Args:
        settings: the settings.
        streams: the streams.
        metrics: metrics that count the batches.
        files: file of the retry ledger of each stream.
    """
    limits = BatchLimits(settings.batch_rows, settings.batch_bytes, settings.batch_age)
    in_journal = settings.ack is Acknowledge.JOURNAL

    def batcher(stream: Stream) -> Batcher:
        log = streams.logs.get(stream)
        taker = log or streams.unsigned[stream]
        writer = streams.writers[stream]
        return Batcher(
            limits,
            taker.append if in_journal else taker.commit,
            metrics.batch_of(stream),
            files[stream].note,
            settle=writer.store_waiting,
            cause=lambda: writer.trouble,
        )

    return {stream: batcher(stream) for stream in streams.writers}
