"""The streams that a process writes: logs of the signed streams, and writers of the others.

The set of signed streams may change from start to start. Batches from before a change are in a separate journal, and
are stored first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from server.data_dir.directory import DataDirectory
from server.keys.keyring import Keyring
from server.log.journal import Journal
from server.log.journal_keys import NO_KEYS, JournalKeys
from server.log.stream_writer import StreamWriter
from server.log.unsigned_writer import UnsignedWriter
from server.notary.origin import Stream
from server.settings.settings import Settings
from server.writer.owned_logs import open_logs
from server.writer.signed_stream import SignedStream
from storage.engine import Engine

__all__ = ["OpenStreams", "open_streams"]


@dataclass(frozen=True, slots=True)
class OpenStreams:
    """The streams that a process writes.

    Attributes:
        logs: the logs of each signed stream.
        former_logs: the logs of streams that are no longer signed; nothing is appended to them.
        unsigned: the writer of each stream that is not signed.
        formerly_unsigned: writers of streams that are now signed, with journals that may still have batches.
    """

    logs: Mapping[Stream, SignedStream]
    former_logs: Mapping[Stream, SignedStream]
    unsigned: Mapping[Stream, UnsignedWriter]
    formerly_unsigned: Mapping[Stream, UnsignedWriter]

    @property
    def writers(self) -> dict[Stream, StreamWriter | UnsignedWriter]:
        """The current writer of each stream."""
        return {**{stream: logs.stream for stream, logs in self.logs.items()}, **self.unsigned}

    @property
    def all_logs(self) -> dict[Stream, SignedStream]:
        """All logs, including the logs of streams that are no longer signed."""
        return {**self.logs, **self.former_logs}

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants that have a log of records that were sent; one that only others asked about has none of these."""
        return frozenset(log.name.tenant for logs in self.all_logs.values() for log in logs if not log.name.access)

    def __iter__(self) -> Iterator[SignedStream | UnsignedWriter]:
        """Iterate over all streams with journals."""
        for some in (self.logs, self.former_logs, self.unsigned, self.formerly_unsigned):
            yield from some.values()


def open_streams(
    settings: Settings,
    writer: str,
    data: DataDirectory,
    keys: Keyring,
    engine: Engine,
    give_up: threading.Event,
    clock: Callable[[], float],
    journal_keys: JournalKeys = NO_KEYS,
) -> OpenStreams:
    """Resume the streams of a writer. Args and errors: ``open_logs``."""
    logs = open_logs(settings, writer, data, keys, engine, give_up, clock, journal_keys)
    writers = {}
    for stream in Stream:
        directory = data.journal(f"{stream.value}-unsigned")
        if stream not in settings.signed_streams or directory.exists():
            journal = Journal(directory, settings.journal_bytes, keys=journal_keys)
            writers[stream] = UnsignedWriter(engine, stream, journal, give_up)
    signed = settings.signed_streams
    return OpenStreams(
        {stream: log for stream, log in logs.items() if stream in signed},
        {stream: log for stream, log in logs.items() if stream not in signed},
        {stream: one for stream, one in writers.items() if stream not in signed},
        {stream: one for stream, one in writers.items() if stream in signed},
    )
