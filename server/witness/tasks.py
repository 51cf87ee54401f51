"""Periodic tasks for one log: obtaining a cosignature from a witness, or a timestamp.

The steps of a task are blocking calls that run off the event loop. Calls to a service may take long and change
no state here, so they can be abandoned at any time; calls to the log read and write its storage.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from server.notary.checkpoint import Checkpoint
from server.notary.note import SignedNote
from server.witness.calls import Calls
from server.witness.client import WitnessClient, WitnessSize
from server.witness.errors import AnswerError, OtherHistoryError, UnavailableError
from server.witness.timestamps import TimestampClient

__all__ = ["ConfirmableLog", "ConfirmationTask", "CosignatureTask", "TimestampTask"]

_ATTEMPTS = 3  # the witness's size unknown, then known; once more if another asked it in between


class ConfirmableLog(Protocol):
    """A log whose checkpoints are confirmed by external services.

    Its methods block, and are called by one thread at a time. They raise ``LogUnavailableError`` if the call
    should be retried later.
    """

    @property
    def origin(self) -> str:
        """The log's name."""

    def latest(self) -> SignedNote | None:
        """Return the last committed checkpoint, without extension lines; None if there is none."""

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the consistency proof between two sizes (RFC 6962, section 2.1.2), 0 < old < new."""

    def keep_cosignatures(self, text: str, lines: str) -> None:
        """Store signature lines of witnesses, verified, over a checkpoint's text."""

    def keep_timestamp(self, text: str, der: bytes) -> None:
        """Store an RFC 3161 response, verified, over a checkpoint's text."""


class ConfirmationTask(Protocol):
    """A task to run for a log whenever it has grown."""

    @property
    def kind(self) -> str:
        """Kind of the confirmation: "witness" or "timestamp"."""

    @property
    def service(self) -> str:
        """Name of the service."""

    @property
    def origin(self) -> str:
        """Origin of the log."""

    @property
    def interval(self) -> float:
        """Seconds until the task is due again."""

    async def run(self, calls: Calls) -> int | None:
        """Run the task if the log has grown since the last run.

        Returns:
            The size that is now confirmed; None if there was nothing to do.

        Raises:
            WitnessError: the task failed and should be retried.
        """


class CosignatureTask:
    """Obtains cosignatures of a log's checkpoints from one witness."""

    kind = "witness"

    def __init__(self, client: WitnessClient, log: ConfirmableLog, interval: float) -> None:
        """Create the task; its first run finds out what the witness has cosigned before.

        Args:
            client: client of the witness.
            log: the log.
            interval: seconds between checks whether the log has grown.
        """
        self.service = client.name
        self.origin = log.origin
        self.interval = interval
        self._client = client
        self._log = log
        self._witness_size = 0  # as far as is known
        self._kept = ""

    async def run(self, calls: Calls) -> int | None:
        """Send the latest checkpoint, unless it is cosigned already, and store the cosignature.

        Raises:
            OtherHistoryError: the witness knows a history that is inconsistent with this log.
            WitnessError: the task failed and should be retried.
        """
        for _ in range(_ATTEMPTS):
            note = await _grown(self._log, calls, self._kept)
            if note is None:
                return None
            old, new = self._witness_size, Checkpoint.parse(note.text).size
            if old > new:
                self._witness_size = 0
                raise OtherHistoryError(
                    f"witness {self.service} has cosigned {old} entries, and the log has {new}: storage has lost what "
                    "was committed, or another server signs with the log's key"
                )
            proof = await calls.log(partial(self._log.consistency, old, new)) if 0 < old < new else []
            answer = await calls.service(partial(self._client.add_checkpoint, note, old, proof))
            if not isinstance(answer, WitnessSize):
                self._witness_size = new
                await calls.log(partial(self._log.keep_cosignatures, note.text, answer.signature.line()))
                self._kept = note.text
                return new
            if answer.size == old:
                raise AnswerError(f"witness {self.service} says that its size is {old}, but refuses a proof from there")
            self._witness_size = answer.size
        raise UnavailableError(f"witness {self.service} reports a different size each time")


class TimestampTask:
    """Obtains timestamps of a log's checkpoints."""

    kind = "timestamp"

    def __init__(self, client: TimestampClient, log: ConfirmableLog, interval: float) -> None:
        """Create the task.

        Args:
            client: client of the timestamp authority.
            log: the log.
            interval: seconds between timestamps.
        """
        self.service = client.name
        self.origin = log.origin
        self.interval = interval
        self._client = client
        self._log = log
        self._kept = ""

    async def run(self, calls: Calls) -> int | None:
        """Obtain a timestamp of the latest checkpoint, unless it has one already, and store it.

        Raises:
            WitnessError: the task failed and should be retried.
        """
        note = await _grown(self._log, calls, self._kept)
        if note is None:
            return None
        stamp = await calls.service(partial(self._client.stamp, note.text))
        await calls.log(partial(self._log.keep_timestamp, note.text, stamp.der))
        self._kept = note.text
        return Checkpoint.parse(note.text).size


async def _grown(log: ConfirmableLog, calls: Calls, kept: str) -> SignedNote | None:
    """Return the log's latest checkpoint; None if it has no entries, or no more than ``kept``."""
    note = await calls.log(log.latest)
    if note is None or note.text == kept or Checkpoint.parse(note.text).size == 0:
        return None
    return note
