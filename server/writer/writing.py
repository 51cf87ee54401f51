"""The open streams of a process, while it writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.audit_ids.gates import AuditGates
from server.keys.keyring import Keyring
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.process.storage_probe import StorageProbe
from server.writer.open_streams import OpenStreams
from server.writer.owned_logs import reload_keys, signed_by

__all__ = ["Writing"]


@dataclass(frozen=True, slots=True)
class Writing:
    """The open streams of a process.

    Attributes:
        streams: the streams.
        batchers: gather the batches of each.
        probe: looks whether storage answers.
        waits_for_storage: whether OK comes after storage has answered.
        audit: gates of audit records that get one row for each id.
    """

    streams: OpenStreams
    batchers: Mapping[Stream, Batcher]
    probe: StorageProbe
    waits_for_storage: bool
    audit: AuditGates

    def not_ready(self) -> str:
        """Return why records cannot be kept, empty if they can; does not block."""
        if self.waits_for_storage and (trouble := self.probe.not_ready()):
            return trouble
        for stream, writer in self.streams.writers.items():
            trouble = writer.trouble if self.waits_for_storage else writer.journal_trouble
            if trouble := trouble or self.batchers[stream].trouble:
                return f"the {stream.value} {'log' if stream in self.streams.logs else 'stream'}: {trouble}"
        return ""

    def reload_keys(self, keys: Keyring) -> None:
        """Sign with the keys that the store has now, as soon as that is possible."""
        reload_keys(self.streams.logs.values(), keys)

    def signed_by(self, keys: Keyring) -> dict[str, str]:
        """Return the fingerprints of the keys that sign logs, as storage has it; see ``owned_logs.signed_by``."""
        return signed_by(self.streams.logs.values(), keys)
